package broker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/triggers"
)

// triggered is what the Broker knows of requests without a call that is answered.
type triggered struct {
	mu     sync.Mutex
	signed map[string]time.Time   // by user: of the newest text that was used
	floor  time.Time              // no older text counts: which ones were used is not known
	made   map[string][]time.Time // by user: the requests of the last hour that were carried out, or tried
	counts map[TriggerCount]uint64
	told   []time.Time // of the rejections that were reported in the last minute
	untold int         // since the last one that was reported
}

// TriggerCount is what a counter of triggers is about.
type TriggerCount struct {
	Kind   triggers.Kind
	Result triggers.Result
}

// maxTold is how many rejections are reported in a minute: anyone can send short messages, and the log must not be full
// of them.
const maxTold = 10

// loadTriggered reads which texts were used. If a row cannot be read, no text from before this start counts.
func (b *Broker) loadTriggered(ctx context.Context) {
	rows, damaged, err := b.opt.Journal.Triggered(ctx)
	t := &b.triggered
	t.mu.Lock()
	defer t.mu.Unlock()
	t.signed = map[string]time.Time{}
	for _, row := range rows {
		t.signed[row.User] = row.Signed
	}
	if err != nil || len(damaged) > 0 {
		t.floor = time.Now()
		b.Happened(events.Alarm{Text: fmt.Sprintf("the last signed texts of users are damaged, so texts from "+
			"before this start are not accepted: %v %v", damaged, err)})
	}
}

// use claims a text for its user, and returns false if it, or a newer one, was used. undo releases the claim.
func (t *triggered) use(user string, signed time.Time) (undo func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, used := t.signed[user]
	if used && !signed.After(was) || signed.Before(t.floor) {
		return nil, false
	}
	if t.signed == nil {
		t.signed = map[string]time.Time{}
	}
	t.signed[user] = signed
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.signed[user] == signed {
			t.signed[user] = was
		}
	}, true
}

// allows counts a request of a user, and returns false if there were too many in the last hour.
func (t *triggered) allows(user string, most int, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	made := recent(t.made[user], now, time.Hour)
	if t.made == nil {
		t.made = map[string][]time.Time{}
	}
	t.made[user] = made
	if most > 0 && len(made) >= most {
		return false
	}
	t.made[user] = append(made, now)
	return true
}

// recent removes the times that are older than d.
func recent(all []time.Time, now time.Time, d time.Duration) []time.Time {
	n := 0
	for n < len(all) && now.Sub(all[n]) >= d {
		n++
	}
	return all[n:]
}

// count counts a result, and reports whether it is to be told, and how many were not told before it.
func (t *triggered) count(c TriggerCount, now time.Time) (tell bool, untold int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[TriggerCount]uint64{}
	}
	t.counts[c]++
	t.told = recent(t.told, now, time.Minute)
	if c.Result != triggers.Accepted && len(t.told) >= maxTold {
		t.untold++
		return false, 0
	}
	if c.Result != triggers.Accepted {
		t.told = append(t.told, now)
		untold, t.untold = t.untold, 0
	}
	return true, untold
}

func (t *triggered) all() map[TriggerCount]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}

// notTriggered counts and reports a trigger that does nothing. Its sender never learns of it.
func (b *Broker) notTriggered(e events.TriggerRejected, kind triggers.Kind, result triggers.Result) {
	tell, untold := b.triggered.count(TriggerCount{kind, result}, time.Now())
	if e.Trigger, e.Result, e.Untold = string(kind), string(result), untold; tell {
		b.Happened(e)
	}
}

// Message handles a short message; it is a lines.PoolOptions.Message. It blocks until a callback is on disk, or until
// it is known that none follows; then it returns true. False: the message is handled after the next start, because this
// Broker ends.
func (b *Broker) Message(ctx context.Context, m lines.Message) bool {
	if b.draining.Load() || !b.recovered.Load() {
		return false
	}
	rules := b.config.Load().Triggers
	no := events.TriggerRejected{Line: m.TTY, Caller: m.From}
	if m.Err != nil {
		no.Reason = m.Err.Error()
		b.notTriggered(no, triggers.SMS, triggers.Unreadable)
		return true
	}
	from := m.From
	if m.Named {
		from = ""
	}
	s, key, result, why := rules.Check(b.plainNumber(from), m.Text, time.Now())
	if no.Reason = why; result != triggers.Accepted {
		if result == triggers.Clock {
			no.User = s.User
		}
		b.notTriggered(no, triggers.SMS, result)
		return true
	}
	no.User = s.User
	undo, fresh := b.triggered.use(s.User, s.At)
	if !fresh {
		no.Reason = "this text, or a newer one of the user, was used before"
		b.notTriggered(no, triggers.SMS, triggers.Replay)
		return true
	}
	err := b.opt.Journal.Commit(context.WithoutCancel(ctx), journal.PutTriggered{Triggered: journal.Triggered{
		User: s.User, Signed: s.At}})
	if err != nil {
		undo()
		no.Reason = fmt.Sprintf("the text cannot be recorded: %v", err)
		b.notTriggered(no, triggers.SMS, triggers.Rejected)
		return true
	}
	b.request(ctx, triggers.SMS, no, UserOrder{User: s.User, Number: s.Number, TTY: m.TTY, Service: key.Service})
	return true
}

// request has the user of a trigger called back, if AAA, the policies and the ceilings allow it.
func (b *Broker) request(ctx context.Context, kind triggers.Kind, no events.TriggerRejected, o UserOrder) {
	if most := b.config.Load().Triggers.PerHour; !b.triggered.allows(o.User, most, time.Now()) {
		no.Reason = fmt.Sprintf("the user has requested %d callbacks in the last hour (triggers.per_hour)", most)
		b.notTriggered(no, kind, triggers.Limited)
		return
	}
	o.trigger, o.By = kind, string(kind)
	id, number, err := b.callUser(ctx, o)
	if err != nil {
		no.Reason = err.Error()
		b.notTriggered(no, kind, triggers.Rejected)
		return
	}
	b.triggered.count(TriggerCount{kind, triggers.Accepted}, time.Now())
	b.Happened(events.TriggerAccepted{Callback: id, Line: o.TTY, Trigger: string(kind), User: o.User, Caller: no.Caller,
		Number: number})
}

// missedCall reports whether a ringing call is from a number whose user is called back after it, so that it is left
// ringing. It blocks until the ringing has ended; then the user is called back.
func (b *Broker) missedCall(ctx context.Context, r lines.RingingCall) bool {
	c, _ := b.opt.Pool.Config(r.TTY)
	if !c.MissedCalls || !c.Trusted() {
		return false
	}
	call := b.config.Load().Triggers.Of(b.plainNumber(r.Caller))
	if call == nil {
		return false
	}
	no := events.TriggerRejected{Line: r.TTY, Caller: r.Caller, User: call.User}
	rings := time.NewTimer(b.opt.Limits.Ringing)
	defer rings.Stop()
	select {
	case <-ctx.Done():
	case <-rings.C:
		no.Reason = fmt.Sprintf("the call still rings after %v", b.opt.Limits.Ringing)
		b.notTriggered(no, triggers.MissedCall, triggers.Rejected)
		return true
	}
	if errors.Is(context.Cause(ctx), lines.ErrDown) {
		no.Reason = "the line went down: it is unknown whether the caller has given up"
		b.notTriggered(no, triggers.MissedCall, triggers.Rejected)
		return true
	}
	o := UserOrder{User: call.User, TTY: r.TTY, Service: call.Service}
	b.turns.Go(func() { b.request(context.WithoutCancel(ctx), triggers.MissedCall, no, o) })
	return true
}

// plainNumber is a number of the network as the rules have them: in canonical digits, if the number plan can read it.
func (b *Broker) plainNumber(s string) string {
	return triggers.Canonical(b.config.Load().Policies.Site().Plan, s)
}
