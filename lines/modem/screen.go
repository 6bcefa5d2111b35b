package modem

import (
	"context"
	"time"
)

// screening is the state of the check whether the ringing call may be answered.
type screening int

const (
	unasked screening = iota
	asking
	granted
	refused
)

// wanted reports whether the ringing call may be answered: on a line with Config.CallCheck only after the host allowed
// it. It asks once a call, in its own goroutine, since ringing goes on and the line must handle other events meanwhile;
// the verdict wakes Run.
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
			return // the caller has given up; what rings now, if anything, is another call
		}
		d.screened, d.unring = verdict, nil
		signal(d.wake)
	})
	return false
}

// callerLocked notes the number that rings. Another number than the one that was asked about is another call. It may
// come before the first ring, between rings, and after the answer.
func (d *Driver) callerLocked(from string) {
	if from != d.caller {
		d.unscreenLocked()
	}
	d.caller, d.callerAt = from, time.Now()
}

// unscreenLocked forgets the check and its verdict.
func (d *Driver) unscreenLocked() {
	d.screened = unasked
	if d.unring != nil {
		d.unring()
		d.unring = nil
	}
}

// revokeScreening drops an unused permission: the next ring may be another caller.
func (d *Driver) revokeScreening() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screened == granted {
		d.screened = refused
	}
}
