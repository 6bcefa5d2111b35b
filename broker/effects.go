package broker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tty"
)

// carryOut carries out an effect of the machine. The loop calls it and it never blocks; longer work runs in a goroutine
// that ends with an event.
func (b *Broker) carryOut(ctx context.Context, w *work, e callback.Effect) {
	switch e := e.(type) {
	case callback.Tell: // done by the reply to the event
	case callback.Audit, callback.End: // events of the step, reported after the commit
	case callback.HangUpCaller:
		if w.leg1 != nil {
			w.leg1.cancel(errHangUp)
		}
	case callback.Acquire:
		b.acquire(ctx, w)
	case callback.StopAcquire:
		w.withdrawOffer()
		if w.waiting != nil {
			w.waiting.Cancel()
			w.waiting = nil
		}
	case callback.OffHook:
		b.offHook(ctx, w, e)
	case callback.ArmTimer:
		b.arm(ctx, w, e)
	case callback.StopTimer:
		if t := w.timers[e.Kind]; t != nil {
			t.Stop()
			delete(w.timers, e.Kind)
		}
	case callback.Recheck:
		b.startRecheck(ctx, w, e)
	case callback.Dial:
		b.dial(ctx, w, e)
	case callback.StartSession:
		b.startLegTwo(ctx, w, e)
	case callback.HangUp:
		if w.dial != nil && w.dial.attempt == e.Attempt {
			w.dial.cancel(errHangUp)
		}
	case callback.ReleaseLease:
		b.release(w, e)
	default:
		panic(fmt.Sprintf("broker: no way to carry out %T", e))
	}
}

func (b *Broker) acquire(ctx context.Context, w *work) {
	id := w.row.ID
	if lease := w.claimed.Swap(nil); lease != nil {
		b.later(ctx, event{id: id, what: callback.Leased{}, lease: lease})
		return
	}
	if w.ending.Load() > 0 {
		b.later(ctx, event{id: id, what: callback.NoLine{Cause: w.state.Cause, Resting: true}})
		return
	}
	if b.rest(w) > 0 {
		b.later(ctx, event{id: id, what: callback.NoLine{Cause: cmp.Or(w.state.Cause, "its dial is far"),
			Resting: true}})
		return
	}
	want := b.want(w)
	b.publish(b.requested(w, want))
	waiting, err := b.opt.Pool.Request(want)
	others := b.fleetRotary(w.nextStep()) != fleet.NoRotary && w.row.Shared // their lines may serve it
	b.offerSoon(ctx, w)
	if err != nil && others {
		b.awaitLine(ctx, w, want)
		return
	}
	if err != nil {
		b.later(ctx, event{id: id, what: callback.NoLine{Cause: err.Error(), Final: true}})
		return
	}
	w.waiting = waiting
	b.running.Go(func() {
		select {
		case lease, ok := <-waiting.Lease():
			if err := waiting.Err(); !ok && errors.Is(err, lines.ErrClosed) {
				return
			} else if !ok { // a reload removed the lines that could serve it
				b.send(ctx, event{id: id, what: callback.NoLine{Cause: err.Error(), Final: !others}})
				return
			}
			if !b.send(ctx, event{id: id, what: callback.Leased{}, lease: lease}) {
				lease.Release()
			}
		case <-ctx.Done():
			waiting.Cancel()
		}
	})
}

// later sends an event from inside the loop, which must not wait for itself.
func (b *Broker) later(ctx context.Context, e event) {
	b.running.Go(func() { b.send(ctx, e) })
}

// offHook runs the off-hook script, and watches the line until the dial. A failed script does no harm if the modem
// still answers.
func (b *Broker) offHook(ctx context.Context, w *work, e callback.OffHook) {
	id, lease := w.row.ID, w.lease
	w.withdrawOffer()
	cfg := b.config.Load()
	watch, stop := context.WithCancel(ctx)
	w.stopWatch = stop
	b.running.Go(func() {
		defer stop()
		if err := lease.Lost(watch); err != nil {
			b.send(ctx, event{id: id, what: callback.LineLost{Lease: e.Lease, Cause: err.Error()}})
		}
	})
	b.running.Go(func() {
		_, err := cfg.Dialer.Command(ctx, lease, fmt.Sprintf("take tty%d off hook", lease.TTY()),
			cfg.Lines[lease.TTY()].OffHookScript)
		if err == nil {
			b.send(ctx, event{id: id, what: callback.OffHookEnded{Lease: e.Lease}})
			return
		}
		if dead := lease.Probe(ctx); dead != nil {
			b.send(ctx, event{id: id, what: callback.LineLost{Lease: e.Lease,
				Cause: fmt.Sprintf("%v; then: %v", err, dead)}})
			return
		}
		b.send(ctx, event{id: id, what: callback.OffHookEnded{Lease: e.Lease, Err: err.Error()}})
	})
}

func (b *Broker) arm(ctx context.Context, w *work, e callback.ArmTimer) {
	if old := w.timers[e.Kind]; old != nil {
		old.Stop()
	}
	d := b.duration(w, e)
	fired := event{id: w.row.ID, what: callback.TimerFired{Kind: e.Kind, Gen: e.Gen}}
	w.timers[e.Kind] = time.AfterFunc(max(d, 0), func() { b.send(ctx, fired) })
	if kind, ok := waits[e.Kind]; ok {
		now := b.beginsToWait(w, e.Kind, d)
		now.began, now.full = time.Now(), e.Full
		b.mu.Lock()
		w.wait = now
		b.mu.Unlock()
		b.publish(events.Waiting{Callback: w.row.ID, User: w.row.User, Line: w.leasedTTY(), Kind: kind, Wait: d,
			Attempt: w.nextAttempt(), Budget: w.state.Max})
	}
}

// duration returns how long a timer runs from now. The waits are measured on the monotonic clock and never end early
// (law 8).
func (b *Broker) duration(w *work, e callback.ArmTimer) time.Duration {
	l := b.opt.Limits
	switch e.Kind {
	case callback.Lifetime:
		return time.Until(w.expires)
	case callback.HangUpDeadline:
		if w.ringing {
			return l.Ringing + l.HangUp // onRing cancels it before
		}
		return l.HangUp
	case callback.LineRetry:
		return max(l.LineRetry, b.rest(w))
	case callback.Wait:
		return max(since(w.hungUp, e.Full, w.forcedWait()), w.pause(), w.putOff(), b.untilDialed(w), b.heldOff(w))
	case callback.RetryWait:
		return max(since(w.dialEnded, e.Full, w.forcedWait()), w.pause(), w.putOff(), b.untilDialed(w), b.heldOff(w))
	case callback.OffHookDeadline:
		return l.OffHook
	case callback.DialDeadline:
		return l.Dial
	case callback.LoginDeadline:
		return l.Login
	case callback.Grace:
		return l.Grace
	}
	panic(fmt.Sprintf("broker: no duration for timer %q", e.Kind))
}

// lifetime is the time from a promise to its expiry.
func (b *Broker) lifetime() time.Duration {
	if life := b.config.Load().Lifetime; life > 0 {
		return life
	}
	return time.Hour
}

// expiry returns when a callback promised at the time created expires. It is at most one lifetime from now, even if the
// wall clock was set back.
func (b *Broker) expiry(created time.Time) time.Time {
	life := b.lifetime()
	return time.Now().Add(min(time.Until(created.Add(life)), life))
}

// putOff returns the rest of the delay of the dial.
func (w *work) putOff() time.Duration {
	if w.notBefore.IsZero() {
		return 0
	}
	return time.Until(w.notBefore)
}

// forcedWait returns the longer forced wait of two lines: the called line, as it was at the promise, and the line that
// dials.
func (w *work) forcedWait() time.Duration {
	if w.lease == nil {
		return w.row.ForcedWait
	}
	return max(w.row.ForcedWait, w.lineWait)
}

// since returns the rest of d, counted from t, or all of it if full is set or t is zero.
func since(t time.Time, full bool, d time.Duration) time.Duration {
	if full || t.IsZero() {
		return d
	}
	return time.Until(t.Add(d))
}

// tooLate returns why a dial that was allowed must not begin; "" if it may.
func (b *Broker) tooLate(w *work) string {
	if w.overdue() {
		return "its lifetime ended before the dial"
	}
	return b.noAccess(w.trace.Group)
}

func (b *Broker) dial(ctx context.Context, w *work, e callback.Dial) {
	if text := b.tooLate(w); text != "" { // recording the attempt took too long
		b.later(ctx, event{id: w.row.ID, what: callback.DialEnded{Attempt: e.Attempt, Lease: e.Lease, Outcome: text,
			Final: true}, rows: []journal.Mutation{
			journal.EndAttempt{CallbackID: w.row.ID, N: e.Attempt, Ended: time.Now(), Outcome: text},
		}, also: func(w *work) { w.spend(e.Attempt, spent{Step: w.plan.Step(e.Of)}) }})
		b.publish(events.AttemptEnded{Callback: w.row.ID, User: w.row.User, Line: w.leasedTTY(), Attempt: e.Attempt,
			Outcome: text})
		return
	}
	dialCtx, cancel := context.WithCancelCause(ctx)
	began := time.Now()
	b.mu.Lock()
	w.dial = &dial{attempt: e.Attempt, cancel: cancel, began: began}
	number, user := w.plan[w.plan.Step(e.Of)].Number, w.identity()
	if w.remembers {
		b.last[user] = policies.Last{Dialed: number, Connected: b.last[user].Connected}
	}
	taken, inUse := b.inUse(w, number)
	locked := b.lock.deny() // with the mutex: a later lockdown finds the dial
	b.mu.Unlock()
	if locked != "" {
		cancel(errLockdown)
		ended := callback.DialEnded{Attempt: e.Attempt, Lease: e.Lease, Outcome: interrupted, HeldBack: true}
		b.later(ctx, event{id: w.row.ID, what: ended, text: locked, rows: []journal.Mutation{
			journal.EndAttempt{CallbackID: w.row.ID, N: e.Attempt, Ended: time.Now(), Outcome: journal.HeldBack,
				Detail: locked},
		}, also: func(w *work) { w.spend(e.Attempt, spent{Step: w.plan.Step(e.Of)}) }})
		b.publish(events.AttemptEnded{Callback: w.row.ID, User: w.row.User, Line: w.leasedTTY(), Attempt: e.Attempt,
			Outcome: journal.HeldBack, Detail: locked})
		return
	}
	w.unwatch() // from now on the dialer reports a lost line
	w.dialedFrom, w.dialed = w.lease.TTY(), number
	id, leg1, lease, step := w.row.ID, w.row.CallID, w.lease, w.plan.Step(e.Of)
	line, fenced := b.lookingAt(w, lease, e.Attempt)
	unrung := b.unrung(w, e.Attempt)
	s := w.plan[step]
	scripts := b.scripts(w, s)
	cfg := b.config.Load()
	what, err := cfg.dialstring(s)
	b.publish(events.Dialing{
		Callback: id, User: user.User, Line: lease.TTY(), Number: s.Number.String(), Trunk: s.Trunk,
		Digits: what.String(), Script: joined(scripts), Attempt: e.Attempt, Budget: w.state.Max, HeldBack: e.Again,
		Waited: max(time.Since(w.row.Created), 0), Late: w.late(began),
	})
	b.running.Go(func() {
		defer cancel(nil) // leg two's session has its own context
		a, calling := b.calling(s.Number, leg1)
		switch {
		case unrung != "":
			a = lines.Dialed{Outcome: unrung, Unanswered: true}
		case inUse:
			a = taken
		case calling:
		case err != nil:
			a = lines.Dialed{Outcome: "refused", Detail: err.Error(), Final: true, Unanswered: true}
		default:
			a = cfg.Dialer.Dial(dialCtx, line, "", what, scripts...)
		}
		use := spent{Step: step, Time: time.Since(began)}
		if a.HeldBack || a.Unanswered {
			use.Time = 0
		}
		outcome, cause := a.Outcome, a.Outcome
		switch {
		case a.Call == nil && !a.HeldBack && cutShort(dialCtx):
			outcome = interruptedBy(dialCtx)
			cause = outcome
		case a.HeldBack:
			outcome, cause = journal.HeldBack, a.Outcome+", the dial command was held back"
		}
		ended := callback.DialEnded{
			Attempt: e.Attempt, Lease: e.Lease, Connected: a.Call != nil, Outcome: cause, Final: a.Final,
			HeldBack: a.HeldBack,
			Unproven: a.Unproven,
		}
		rows := []journal.Mutation{journal.EndAttempt{
			CallbackID: id, N: e.Attempt, Ended: time.Now(), Outcome: outcome, Detail: a.Detail,
			Transcript: a.Transcript,
		}}
		remembers := w.remembers && a.Call != nil
		if remembers {
			rows = append(rows, lastRow(user, policies.Last{Dialed: number, Connected: number}))
		}
		b.publish(events.AttemptEnded{Callback: id, User: user.User, Line: lease.TTY(), Attempt: e.Attempt,
			Outcome: outcome, Detail: a.Detail})
		sent := b.send(ctx, event{id: id, what: ended, rows: rows, text: strings.TrimSpace(outcome + " " + a.Detail),
			barred: a.Barred, also: func(w *work) {
				if !a.HeldBack { // otherwise there was no dial from which the next must keep its distance
					w.dialEnded = time.Now()
					b.dialedAt.forget(b.config.Load().HoldOff)
					b.dialedAt.note(s.Number, w.dialEnded)
				}
				if w.dial != nil && w.dial.attempt == e.Attempt {
					w.dial.call = a.Call
				}
				if remembers {
					b.last[user] = policies.Last{Dialed: number, Connected: number}
				}
				if a.Call == nil { // otherwise the end of the call is reported
					w.spend(e.Attempt, use)
				}
			}})
		if !sent {
			b.abandon(a, rows)
		}
		if fenced() {
			b.fenced(ctx, id)
		}
	})
}

// dialstring returns what is dialed for the number of a step through its trunk.
func (c *Config) dialstring(s callback.PlanStep) (numbers.Dialstring, error) {
	site := c.Policies.Site()
	return site.Trunks.Dialstring(site.Plan, s.Number, s.Trunk)
}

// calling returns the outcome of a dial that is not made, because the number is calling now: it is busy, and what calls
// may be another ringback that calls back this one. The call of leg one does not count.
func (b *Broker) calling(n numbers.Number, leg1 string) (lines.Dialed, bool) {
	plan := b.config.Load().Policies.Site().Plan
	b.mu.Lock()
	defer b.mu.Unlock()
	busy := func(caller string, tty int) (lines.Dialed, bool) {
		if number, err := plan.Canonical(caller, numbers.OriginCallerID); caller == "" || err != nil || number != n {
			return lines.Dialed{}, false
		}
		return lines.Dialed{Outcome: "busy", HeldBack: true, Detail: fmt.Sprintf("%s is calling on tty %d", n, tty)},
			true
	}
	for _, c := range b.calls {
		if _, network := tty.IsVTY(c.TTY); c.leg != 1 || c.ID == leg1 || network {
			continue
		}
		if d, calling := busy(c.Caller, c.TTY); calling {
			return d, true
		}
	}
	for tty, caller := range b.rings {
		if d, calling := busy(caller, tty); calling {
			return d, true
		}
	}
	return lines.Dialed{}, false
}

// abandon ends an attempt whose event the loop did not receive, at the end of a shutdown.
func (b *Broker) abandon(a lines.Dialed, rows []journal.Mutation) {
	if a.Call != nil {
		b.hangUp(a.Call)
	}
	if err := b.opt.Journal.Commit(context.Background(), rows...); err != nil {
		b.log.Error("journal: record an attempt's end", zap.Error(err))
	}
}

func (b *Broker) release(w *work, e callback.ReleaseLease) {
	if w.leaseNo != e.Lease || w.lease == nil {
		return // a late lease, which was returned when it came
	}
	lease := w.lease
	if w.stopCheck != nil {
		w.stopCheck() // its result no longer matters: the callback has left the wait
		w.stopCheck = nil
	}
	w.unwatch()
	b.mu.Lock()
	w.lease, w.leaseNo, w.dial = nil, 0, nil
	b.mu.Unlock()
	lease.Release()
}

func unmarshal(s string, into any) error { return json.Unmarshal([]byte(s), into) }

// hangUp ends a call with its own timeout, so that neither a shutdown nor an operator leaves a line off hook.
func (b *Broker) hangUp(c *lines.Call) error {
	ctx, cancel := context.WithTimeout(context.Background(), b.opt.Limits.Grace)
	defer cancel()
	return c.Hangup(ctx)
}

// hangUpCall is hangUp for a call that has begun.
func (b *Broker) hangUpCall(c *call) error {
	err := b.hangUp(c.Call)
	b.publish(events.HungUp{Call: c.ID, Callback: c.callbackID, Line: c.TTY, Err: err})
	return err
}
