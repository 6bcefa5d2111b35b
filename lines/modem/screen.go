package modem

import (
	"context"
	"time"
)

// screening is what became of the question whether the call that rings may be answered.
type screening int

const (
	unasked screening = iota
	asking
	granted
	refused
)

// wanted reports whether the call that rings may be answered: on a line with Config.CallCheck only after the host has said so. It asks once a call, in a
// goroutine of its own, since the telephone rings on meanwhile, and a line must not be deaf to what else happens; the verdict wakes Run.
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

// callerLocked notes the number that rings. Another number than the one that was asked about is another call. It may come before the first ring, between rings, and after the answer.
func (d *Driver) callerLocked(from string) {
	if from != d.caller {
		d.unscreenLocked()
	}
	d.caller, d.callerAt = from, time.Now()
}

// unscreenLocked forgets the question and its answer.
func (d *Driver) unscreenLocked() {
	d.screened = unasked
	if d.unring != nil {
		d.unring()
		d.unring = nil
	}
}

// waste makes a permission that could not be used worthless: the next to ring may be somebody else.
func (d *Driver) waste() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.screened == granted {
		d.screened = refused
	}
}
