package modem

import (
	"context"
	"time"
)

// screening is the state of the call check of the ringing call.
type screening int

const (
	unasked screening = iota
	asking
	granted
	refused
)

// wanted reports whether the ringing call may be answered. On a line with Config.CallCheck this needs the host's
// permission. It asks once per call, in a separate goroutine, because ringing continues and the line must handle
// other events meanwhile; the verdict wakes Run.
func (d *Driver) wanted(ctx context.Context) bool {
	if !d.o.Config.CallCheck {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screened != unasked || d.rings == 0 {
		return d.screened == granted
	}
	ctx, cancel := context.WithCancel(ctx)
	d.screened, d.unring = asking, cancel
	from, to := d.caller, d.called
	d.checks.Go(func() {
		defer cancel()
		verdict := refused
		if d.host.Screen(ctx, from, to) {
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
		d.unscreenLocked()
	}
	d.caller, d.callerAt = from, time.Now()
}

// unscreenLocked discards the call check and its verdict.
func (d *Driver) unscreenLocked() {
	d.screened = unasked
	if d.unring != nil {
		d.unring()
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
