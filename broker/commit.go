package broker

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// mutations returns the rows that make a step durable.
func (b *Broker) mutations(s step) []journal.Mutation {
	now, w := time.Now(), s.work
	rows := []journal.Mutation{journal.PutCallback{Callback: w.record(now)}}
	rows = append(rows, s.event.rows...)
	if s.event.promise != nil && w.reservation != nil {
		w.reservation.Time = now
		rows = append(rows, *w.reservation)
	}
	for _, e := range s.effects {
		if e, ok := e.(callback.Dial); ok {
			a := b.attempted(w, e.Attempt, e.Of, now)
			if e.Again {
				rows = append(rows, journal.ReopenAttempt{Attempt: a})
			} else {
				rows = append(rows, journal.PutAttempt{Attempt: a})
			}
			if w.remembers {
				last := b.last[w.identity()]
				last.Dialed = w.plan[a.Step].Number
				rows = append(rows, lastRow(w.identity(), last))
			}
		}
	}
	for _, e := range s.events {
		rows = append(rows, audit(now, e)...)
	}
	return rows
}

// happened returns the events of a step: those of its event and those that the machine ordered.
func happened(s step) []events.Event {
	w, all := s.work, s.event.report
	if s.before.Phase != callback.GivenUp && w.state.Phase == callback.GivenUp {
		all = append(all, events.GivenUp{Callback: w.row.ID, User: w.row.User, Reason: w.state.Cause})
	}
	for _, e := range s.effects {
		switch e := e.(type) {
		case callback.Audit:
			all = append(all, events.Remarked{Callback: w.row.ID, User: w.row.User, Text: e.Text})
		case callback.End:
			all = append(all, events.CallbackEnded{
				Callback: w.row.ID, User: w.row.User, Outcome: string(e.Outcome), Cause: e.Cause,
				Kind:       endKind(e.Outcome, s.event.what),
				Number:     w.lastStep().Number.String(),
				CalledLine: w.calledHere(), Line: w.dialedFrom, Attempts: w.state.Attempt, Budget: w.state.Max,
				Duration: time.Since(w.row.Created), TTY: w.state.TTY,
			})
		}
	}
	return all
}

// endKind says what ends a callback with an event; "" if it is completed.
func endKind(outcome callback.Phase, what callback.Event) events.EndKind {
	switch outcome {
	case callback.Completed:
		return ""
	case callback.Cancelled:
		return events.EndCancelled
	case callback.Expired:
		return events.EndLifetime
	}
	switch what.(type) {
	case callback.DialEnded:
		return events.EndDial
	case callback.DenialRechecked:
		return events.EndDenied
	case callback.NoLine:
		return events.EndNoLine
	case callback.NotAdmitted:
		return events.EndLogin
	case callback.CallEnded:
		return events.EndCall
	case callback.Restarted:
		return events.EndRestart
	}
	return events.EndTimeout // the only other events that fail a callback are timers
}

// commit makes the steps durable, all in one transaction. It returns one error per step.
func (b *Broker) commit(ctx context.Context, steps []step) []error {
	errs := make([]error, len(steps))
	var groups [][]journal.Mutation
	var which []int
	for i, s := range steps {
		if len(s.rows) > 0 {
			groups = append(groups, s.rows)
			which = append(which, i)
		}
	}
	if len(groups) == 0 {
		return errs
	}
	for i, err := range b.opt.Journal.CommitEach(context.WithoutCancel(ctx), groups...) {
		errs[which[i]] = err
	}
	return errs
}

// undo reverts a step that could not be recorded. A promise is refused; any other event is retried, because it has
// happened.
func (b *Broker) undo(ctx context.Context, s step, err error) {
	b.mu.Lock()
	s.work.state = s.before
	s.work.unrepeat(s.plan, s.rates)
	s.work.trace.undo()
	s.work.row.Ended, s.work.row.Outcome = time.Time{}, ""
	if s.event.promise != nil {
		delete(b.works, s.event.id)
	}
	b.mu.Unlock()
	if s.event.promise != nil {
		if errors.Is(err, journal.ErrPending) {
			err = errAlready
		}
		s.event.answer(err)
		return
	}
	b.logUndone(s.event.id, err)
	again := s.event
	if _, ok := again.what.(callback.Leased); ok && s.work.lease == again.lease {
		b.mu.Lock()
		s.work.lease, s.work.leaseNo = nil, 0
		b.mu.Unlock()
	}
	b.again(ctx, again)
}

// logUndone logs that a step could not be recorded: the first time, and then once per logEvery.
func (b *Broker) logUndone(id string, err error) {
	if time.Since(b.undone) < logEvery {
		b.quiet++
		return
	}
	b.log.Error("journal: a step could not be recorded; it is retried", zap.String("callback", id),
		zap.Int("others_not_logged", b.quiet), zap.Error(err))
	b.undone, b.quiet = time.Now(), 0
}

// tryAgain sends an event again after a pause.
func (b *Broker) tryAgain(ctx context.Context, e event) {
	b.running.Go(func() {
		if !pause(ctx, b.opt.Limits.Retry) || !b.send(ctx, e) {
			e.giveBack()
		}
	})
}
