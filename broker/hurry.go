package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
)

// ErrNoRetry means that a callback does not wait for another attempt.
var ErrNoRetry = errors.New("not tried again")

// RetryCallback ends the retry wait of a callback: its next attempt begins as soon as what else it must wait for allows
// it: the forced wait, hold-off, a time that a modem has named, a CoA-Request, a line. The attempts are those of its
// budget, and everything is checked again before the dial. Errors: ErrNoRetry, ErrNoCallback.
func (b *Broker) RetryCallback(ctx context.Context, id, by string) error {
	err := b.tell(ctx, event{id: id, hurry: true})
	if errors.Is(err, errStale) {
		return fmt.Errorf("callback %s is %w: it has ended", id, ErrNoRetry)
	}
	if err == nil {
		b.Happened(events.RetryOrdered{Callback: id, By: by})
	}
	return err
}

// hurry ends the retry wait of a callback. Only the loop calls it.
func (b *Broker) hurry(w *work) error {
	no := func(why string) error { return fmt.Errorf("callback %s is %w: %s", w.row.ID, ErrNoRetry, why) }
	kind, s := w.state.Timer, w.state
	switch {
	case w.overdue():
		return no("its lifetime has ended")
	case s.Phase == callback.Dialing || s.Phase == callback.Answered:
		return no("an attempt is in progress")
	case s.Phase != callback.Waiting && s.Phase != callback.Leasing:
		return no("it does not wait for an attempt")
	case !s.Tried():
		return no("it waits for its first attempt, and that wait is never shortened")
	case s.Phase == callback.Leasing && s.Asked:
		return no("it waits for a line (`ringback show queue`)")
	case w.hurried == s.Next(), kind != callback.RetryWait && kind != callback.LineRetry, w.pause() <= 0:
		return no("it does not wait for the retry wait")
	}
	w.hurried = s.Next()
	d := b.rest(w)
	if kind == callback.RetryWait {
		from := w.dialEnded
		if w.wait.full {
			from = w.wait.began
		}
		d = max(since(from, false, w.forcedWait()), w.putOff(), b.untilDialed(w), b.heldOff(w))
	}
	fired := event{id: w.row.ID, what: callback.TimerFired{Kind: kind, Gen: s.TimerGen}}
	if !w.timers[kind].Stop() {
		return nil // it has fired
	}
	w.timers[kind] = time.AfterFunc(max(d, 0), func() {
		select {
		case b.events <- fired:
		case <-b.over:
		}
	})
	now := b.beginsToWait(w, kind, d)
	now.began, now.full = w.wait.began, w.wait.full
	b.mu.Lock()
	defer b.mu.Unlock()
	w.wait = now
	return nil
}
