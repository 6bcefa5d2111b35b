package broker

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// waits has the timers whose beginning is reported.
var waits = map[callback.TimerKind]string{callback.Wait: events.FirstWait, callback.RetryWait: events.RetryWait,
	callback.LineRetry: events.LineWait}

// nextAttempt returns the number of the next attempt.
func (w *work) nextAttempt() int {
	if w.state.Held {
		return w.state.Attempt
	}
	return w.state.Attempt + 1
}

// leasedTTY returns the leased line; 0: none.
func (w *work) leasedTTY() int {
	if w.lease == nil {
		return 0
	}
	return w.lease.TTY()
}

// requested describes a request for a line.
func (b *Broker) requested(w *work, want lines.Want) events.LineRequested {
	s := w.nextStep()
	from := fmt.Sprintf("the rotary of tty %d", want.Called)
	switch {
	case len(want.TTYs) > 0:
		from = "tty " + strings.Trim(strings.ReplaceAll(fmt.Sprint(want.TTYs), " ", ", "), "[]")
	case want.Rotary != lines.NoRotary:
		from = fmt.Sprintf("rotary %d", want.Rotary)
	}
	return events.LineRequested{Callback: w.row.ID, User: w.row.User, From: from, Avoid: want.Avoid,
		NoVerify: want.NoVerify, Number: s.Number.String(), Trunk: s.Trunk, Attempt: w.nextAttempt(),
		Budget: w.state.Max}
}

// selected reports what a committed step means for the selection of a line.
func (b *Broker) selected(s step) {
	w := s.work
	switch e := s.event.what.(type) {
	case callback.Leased:
		if w.leaseNo != e.Lease {
			return // too late
		}
		next := w.nextStep()
		b.publish(events.LineChosen{Callback: w.row.ID, User: w.row.User, Line: w.leasedTTY(),
			Number: next.Number.String(), Trunk: next.Trunk, Script: joined(b.scripts(w, next)),
			Attempt: w.nextAttempt(), Budget: w.state.Max})
	case callback.NoLine:
		if e.Resting {
			return // arm reports the wait
		}
		b.publish(events.NoLine{Callback: w.row.ID, User: w.row.User, Cause: e.Cause})
	case callback.LineLost:
		b.publish(events.NoLine{Callback: w.row.ID, User: w.row.User, Line: s.before.TTY, Cause: e.Cause})
	}
}
