package broker

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// causes has the causes of the policies for the outcomes of attempts: those of package dialer, and the broker's own.
var causes = map[string]policies.Cause{
	"busy": policies.Busy, "no answer": policies.NoAnswer, "no carrier": policies.NoCarrier,
	"no dialtone": policies.NoDialtone, "voice": policies.Voice, "fax": policies.Voice,
	"blacklisted": policies.Blacklisted, "delayed": policies.Delayed, "timed out": policies.Timeout,
	interrupted: policies.Interrupted, restarted: policies.Interrupted,
}

func causeOf(outcome string) policies.Cause {
	if c, ok := causes[outcome]; ok {
		return c
	}
	return policies.NoCause
}

// planned adds to an event what comes next in the plan, by the policy for the cause of an attempt that failed.
func (b *Broker) planned(w *work, e event) callback.Event {
	switch what := e.what.(type) {
	case callback.NoLine:
		if what.Final {
			what.Next = w.plan.After(w.state.Next())
		}
		return what
	case callback.DialEnded:
		next := w.state.Next()
		if what.Final {
			what.Next = w.plan.After(w.lastDial())
			next = what.Next
		}
		if !what.Connected && !what.HeldBack {
			b.bar(w, e.barred)
			if !what.Final {
				w.repeat(causeOf(what.Outcome))
			}
			what.Then = w.then(causeOf(what.Outcome), next)
		}
		wait := cmp.Or(what.Wait, w.waitBefore(next))
		if !what.HeldBack && w.plan[w.plan.Step(next)].Number == w.dialed { // its hold-off begins now
			wait = max(wait, b.config.Load().HoldOff)
		}
		what.Away = w.leaves(next) || e.barred > wait || b.farOff(w, next, wait)
		return what
	case callback.CallEnded:
		cause := policies.NoCarrier
		if e.cut {
			cause = policies.Interrupted
		}
		w.repeat(cause)
		what.Then = w.then(cause, w.state.Next())
		next := w.state.Next()
		what.Away = w.leaves(next) || b.farOff(w, next, cmp.Or(what.Wait, w.waitBefore(next)))
		return what
	case callback.Delay:
		what.Away = what.For > heldWait
		return what
	case callback.Restarted:
		if w.state.Phase == callback.Dialing || w.state.Phase == callback.Answered {
			w.repeat(policies.Interrupted)
			what.Then = w.then(policies.Interrupted, w.state.Next())
		}
		return what
	}
	return e.what
}

// repeat changes the plan if the policy dials the same number again after a cause. It changes neither the plan's length
// nor a step that was dialed.
func (w *work) repeat(c policies.Cause) {
	attempted := w.state.Phase == callback.Dialing || w.state.Phase == callback.Answered
	if r := w.attempts.After.Of(c); !attempted || !r.SameNumber || r.Never {
		return
	}
	plan, from := w.plan.Again(w.lastDial())
	var rates []tariff.Rate
	for _, i := range from {
		if i < len(w.rates) {
			rates = append(rates, w.rates[i])
		}
	}
	w.plan, w.rates = plan, rates
	w.savePlan()
}

// unrepeat restores the plan that there was before an event that is refused, or that is not on disk.
func (w *work) unrepeat(plan callback.Plan, rates []tariff.Rate) {
	if len(plan) > 0 && &plan[0] != &w.plan[0] {
		w.plan, w.rates = plan, rates
		w.savePlan()
	}
}

// then returns what the policy says after the running attempt, which a cause ends, before the next dial of the plan,
// and draws what chance adds to the wait.
func (w *work) then(c policies.Cause, next int) (t callback.Then) {
	r := w.attempts.After.Of(c)
	w.avoid = 0
	if r.OtherLine {
		w.avoid = w.state.TTY
	}
	if r == (policies.Retry{}) {
		return t
	}
	t.Stop, t.Wait = r.Never, r.Pause(w.state.Attempt, w.waitBefore(next))
	if r.Jitter > 0 {
		t.Wait += rand.N(r.Jitter + 1)
	}
	return t
}

// leaves reports whether a dial after the last one is not made from its line if another is in service.
func (w *work) leaves(next int) bool { return w.avoid != 0 || !w.plan.SameLines(w.lastDial(), next) }

// heldWait is the longest wait during which a callback keeps a line. During a longer one the line serves others, and is
// requested this long before the dial.
const heldWait = time.Minute

// farOff reports whether a callback gives its line back before it waits for its next dial.
func (b *Broker) farOff(w *work, next int, wait time.Duration) bool {
	return max(wait, w.putOff(), b.dialedAt.wait(w.plan[w.plan.Step(next)].Number, b.config.Load().HoldOff)) > heldWait
}

// rest returns how long no line is requested yet, because the dial must wait for longer than a line is kept.
func (b *Broker) rest(w *work) time.Duration {
	return max(w.pause(), w.putOff(), b.heldOff(w), b.untilBarred(w)) - heldWait
}

// pause returns the rest of the wait that needs no line: from the hang-up of leg one, or from the last attempt. After a
// restart it is counted from there again.
func (w *work) pause() time.Duration {
	if !w.state.Tried() {
		return since(later(w.hungUp, w.begun), false, w.row.ForcedWait+w.randomWait)
	}
	if w.hurried == w.state.Next() {
		return 0
	}
	return since(later(w.dialEnded, w.begun), false, w.usualWait())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// untilBarred returns how long none of the modems that could be used will dial the next number; 0 if one would.
func (b *Broker) untilBarred(w *work) (shortest time.Duration) {
	want, number := b.want(w), w.nextStep().Number
	unfit := want.Unfit
	want.Avoid, want.Unfit = nil, func(tty int) string {
		if why := unfit(tty); why != "" {
			return why
		}
		if d := time.Until(b.bars[barred{tty, number}]); d > 0 {
			if shortest == 0 || d < shortest {
				shortest = d
			}
			return "its modem does not dial the number yet"
		}
		return ""
	}
	if b.opt.Pool.CanServe(want) == nil {
		return 0
	}
	return shortest
}

// usualWait returns the minimum between the end of an attempt and the next.
func (w *work) usualWait() time.Duration {
	if w.state.Pause > 0 {
		return w.state.Pause
	}
	return w.waitBefore(w.state.Next())
}

// waitBefore returns the wait of the plan before a dial. A number that was dialed last has the wait of the policy,
// whatever the plan had between; so has any number after a restart.
func (w *work) waitBefore(dial int) time.Duration {
	s := w.plan[w.plan.Step(dial)]
	if w.dialed == s.Number || w.dialed.IsZero() {
		return max(s.Wait, w.attempts.RetryWait)
	}
	return s.Wait
}

// longestBar is the longest time for which a modem's refusal to dial a number is believed.
const longestBar = 24 * time.Hour

// barred is a number that the modem of a line will not dial for a while.
type barred struct {
	TTY    int            `json:"tty"`
	Number numbers.Number `json:"number"`
}

// barredFor is what the modem said. It is stored with the callback, and begins again after a restart.
type barredFor struct {
	barred
	For time.Duration `json:"for"`
}

// bar records that the modem of the leased line will not dial the last number again for d. Only the loop calls it.
func (b *Broker) bar(w *work, d time.Duration) {
	maps.DeleteFunc(b.bars, func(_ barred, until time.Time) bool { return !until.After(time.Now()) })
	if d <= 0 {
		return
	}
	what := barred{w.state.TTY, w.lastStep().Number}
	w.barred = slices.DeleteFunc(w.barred, func(x barredFor) bool { return x.barred == what })
	w.barred = append(w.barred, barredFor{what, min(d, longestBar)})
	w.savePlan()
	b.keepBars(w)
}

// keepBars begins the times for which modems will not dial numbers of a callback.
func (b *Broker) keepBars(w *work) {
	for _, x := range w.barred {
		if until := time.Now().Add(x.For); until.After(b.bars[x.barred]) {
			b.bars[x.barred] = until
		}
	}
}

// untilDialed returns how long the modem of the leased line will not dial the next number.
func (b *Broker) untilDialed(w *work) time.Duration {
	if w.lease == nil {
		return 0
	}
	return time.Until(b.bars[barred{w.lease.TTY(), w.nextStep().Number}])
}

// avoided returns the lines that are used for the next dial only if no other is in service.
func (b *Broker) avoided(w *work) (ttys []int) {
	if w.avoid != 0 {
		ttys = append(ttys, w.avoid)
	}
	number := w.nextStep().Number
	for k, until := range b.bars {
		if k.Number == number && time.Now().Before(until) {
			ttys = append(ttys, k.TTY)
		}
	}
	return ttys
}
