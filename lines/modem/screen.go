package modem

import (
	"context"
	"time"

	"github.com/ringback/ringback/lines"
)

// screening is the state of the call check of the ringing call.
type screening int

const (
	unasked screening = iota
	asking
	granted
	refused
)

// screens reports whether the host is asked about ringing calls.
func (d *Driver) screens() bool { return d.o.Config.CallCheck || d.o.Config.MissedCalls }

// wanted reports whether the ringing call may be answered. On a line with Config.CallCheck or Config.MissedCalls this
// needs the host's permission. It asks once per call, in a separate goroutine, because ringing continues and the line
// must handle other events meanwhile; the verdict wakes Run.
func (d *Driver) wanted(ctx context.Context) bool {
	if !d.screens() {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screened != unasked || d.rings == 0 {
		return d.screened == granted
	}
	ctx, cancel := context.WithCancelCause(ctx)
	d.screened, d.unring = asking, cancel
	r := lines.RingingCall{Caller: d.caller, Called: d.called, Voice: d.voice}
	d.checks.Go(func() {
		defer cancel(nil)
		verdict := refused
		if d.host.Screen(ctx, r) {
			verdict = granted
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if ctx.Err() != nil {
			return // the caller has given up; a ring now belongs to another call
		}
		d.screened, d.unring = verdict, nil
		signal(d.wake)
	})
	return false
}

// callerLocked records the calling number. A number other than the one that was checked means another call. The
// number may arrive before the first ring, between rings, or after the answer.
func (d *Driver) callerLocked(from string) {
	if from != d.caller {
		d.unscreenLocked(nil)
	}
	d.caller, d.callerAt = from, time.Now()
}

// unscreenLocked discards the call check and its verdict. The cause says why the check ends before its verdict; nil:
// the caller has given up.
func (d *Driver) unscreenLocked(cause error) {
	d.screened = unasked
	if d.unring != nil {
		d.unring(cause)
		d.unring = nil
	}
}

// revokeScreening discards an unused permission: the next ring may be another caller.
func (d *Driver) revokeScreening() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screened == granted {
		d.screened = refused
	}
}
