package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// What callers are told.
const (
	textNotAvailable = "Callback not available"
	textPending      = "Callback already pending"
	textRefused      = "Access denied"
	textNotRecorded  = "Service not available"
)

// Decide implements session.Broker. A promise is on disk when it returns Promised.
func (b *Broker) Decide(ctx context.Context, a session.Asked) session.Verdict {
	c := b.call(a.Call.ID)
	if c == nil {
		return session.Verdict{Text: textRefused, Reason: "the call is not known to the broker"}
	}
	if c.leg == 2 {
		return b.decideLegTwo(ctx, c, a)
	}
	cfg := b.config.Load()
	d, t := cfg.Policies.Evaluate(b.request(cfg, a))
	b.log.Info("decided", zap.String("call", a.Call.ID), zap.Int("line", a.Call.TTY), zap.String("user", a.Identity.User),
		zap.String("outcome", string(d.Outcome)), zap.String("reason", d.Reason), zap.String("group", d.Group))
	b.opt.Debug(a.Call.TTY, fmt.Sprintf("user %s: %s (%s)", a.Identity.User, d.Outcome, d.Reason))
	switch d.Outcome {
	case policies.Admit:
		return b.admit(ctx, c, a, d.Reason)
	case policies.AskNumber:
		return session.Verdict{Kind: session.AskNumber, Reason: d.Reason}
	case policies.InvalidNumber:
		return session.Verdict{Kind: session.BadNumber, Text: d.Text, Reason: d.Reason}
	case policies.CallBack:
		return b.promise(ctx, c, a, d, t)
	default:
		return session.Verdict{Text: d.Text, Reason: d.Reason}
	}
}

func (b *Broker) request(cfg *Config, a session.Asked) policies.Request {
	return policies.Request{
		Identity: a.Identity, Auth: a.Auth, Service: a.Service, FromCaller: a.FromCaller, Caller: a.Call.Caller, Leg: a.Leg,
		Enabled: cfg.Exec, Places: cfg.Places, Plan: cfg.Plan, CallerUntrusted: !b.trusted(a.Call.TTY),
	}
}

// trusted reports whether no caller of a line can pose as its modem.
func (b *Broker) trusted(tty int) bool {
	c, ok := b.opt.Pool.Config(tty)
	return !ok || c.Trusted() // a line that is not there has no caller either
}

// admit lets a caller have their session, where they have not as many as they may, it is on disk and accounting can begin.
func (b *Broker) admit(ctx context.Context, c *call, a session.Asked, reason string) session.Verdict {
	if err := b.sessionRecorded(ctx, c, a.Session); err != nil {
		return session.Verdict{Text: textNotRecorded, Reason: err.Error()}
	}
	if err := b.occupy(c, a); err != nil {
		return session.Verdict{Text: textRefused, Reason: err.Error()}
	}
	if !b.startAcknowledged(ctx, c, a.Session) {
		b.vacate(c)
		return session.Verdict{Text: textRefused, Reason: "accounting start not acknowledged"}
	}
	return session.Verdict{Kind: session.Admit, Reason: reason, CallbackID: c.callbackID}
}

// occupy counts the caller's session among those of his identity; an error where they are as many as AAA grants at once (Port-Limit).
func (b *Broker) occupy(c *call, a session.Asked) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.portLimit(c, a); err != nil {
		return err
	}
	c.admitted = a.Identity
	return nil
}

// portLimit: the Broker's mutex is held.
func (b *Broker) portLimit(c *call, a session.Asked) error {
	n := 0
	for _, other := range b.calls {
		if other != c && other.admitted == a.Identity {
			n++
		}
	}
	if a.Auth.PortLimit > 0 && n >= a.Auth.PortLimit {
		return fmt.Errorf("user %s has %d sessions, and AAA grants %d at once (Port-Limit)", a.Identity.User, n, a.Auth.PortLimit)
	}
	return nil
}

func (b *Broker) vacate(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.admitted = aaa.Identity{}
}

// promise records the callback and answers only when it is on disk (law 1).
func (b *Broker) promise(ctx context.Context, c *call, a session.Asked, d policies.Decision, t policies.Trace) session.Verdict {
	if b.draining.Load() {
		return session.Verdict{Text: textNotAvailable, Reason: "ringback is shutting down"}
	}
	if err := b.sessionRecorded(ctx, c, a.Session); err != nil {
		return session.Verdict{Text: textNotAvailable, Reason: err.Error()}
	}
	b.mu.Lock()
	err := b.portLimit(c, a) // leg two would be refused: his telephone is not rung for that
	b.mu.Unlock()
	if err != nil {
		return session.Verdict{Text: textNotAvailable, Reason: err.Error()}
	}
	want := wanted(d.Lines, d.Rotary, c.TTY, "")
	if err := b.opt.Pool.CanServe(want); err != nil {
		b.log.Warn("no callback is promised", zap.String("call", c.ID), zap.String("user", a.Identity.User), zap.Error(err))
		return session.Verdict{Text: textNotAvailable, Reason: err.Error()}
	}
	if !b.startAcknowledged(ctx, c, a.Session) { // leg two would not be let in either: nobody is rung for that
		return session.Verdict{Text: textNotAvailable, Reason: "accounting start not acknowledged"}
	}
	w := b.newPromise(c, a, d, t)
	err = b.tellInTime(ctx, event{
		id: w.row.ID, promise: w, what: callback.Promise{ID: w.row.ID, Max: d.Attempts.Max},
		text: fmt.Sprintf("user %s called on tty %d, dialstring %s", a.Identity.User, c.TTY, d.Number),
	}, func() { b.untold(w.row.ID) })
	switch {
	case err == nil:
		c.promised = w.row.ID
		b.opt.Debug(c.TTY, fmt.Sprintf("Callback process initiated, user: %s dialstring %s", a.Identity.User, d.Number))
		return session.Verdict{Kind: session.Promised, CallbackID: w.row.ID, Reason: d.Reason}
	case errors.Is(err, errAlready):
		b.log.Info("no callback is promised: one is pending", zap.String("call", c.ID), zap.String("user", a.Identity.User))
		return session.Verdict{Text: textPending, Reason: "a callback of this user is pending; it stays as it is"}
	default:
		b.log.Error("the promise could not be recorded", zap.String("call", c.ID), zap.String("user", a.Identity.User), zap.Error(err))
		return session.Verdict{Text: textNotAvailable, Reason: "the promise could not be recorded: " + err.Error()}
	}
}

// untold takes back a callback that came to be on disk after the caller's time to log in was over: they were not told of it.
func (b *Broker) untold(id string) {
	const why = "the caller's time to log in was over before the callback was on disk"
	err := b.tell(context.Background(), event{id: id, what: callback.Cancel{By: "ringback"}, text: why})
	b.log.Warn("callback taken back", zap.String("callback", id), zap.String("reason", why), zap.Error(err))
}

func (b *Broker) newPromise(c *call, a session.Asked, d policies.Decision, t policies.Trace) *work {
	now := time.Now()
	g := grant{Server: a.Server, Auth: a.Auth}
	w := newWork(journal.Callback{
		ID: newID(), User: a.Identity.User, Entry: a.Identity.Entry, Service: string(a.Service), Caller: c.Caller,
		Number: d.Number.String(), NoVerify: d.NoVerify, CallID: c.ID, CalledTTY: c.TTY, Lines: d.Lines, Rotary: d.Rotary,
		ForcedWait: max(c.forcedWait, a.Auth.CallbackDelay), RetryWait: d.Attempts.RetryWait, Max: d.Attempts.Max,
		Decision: mustJSON(d), PolicyDigest: d.Digest, Authorization: g.encode(), MultiSessionID: c.multiSessionID, Created: now,
	}, trace{Decision: t, Group: d.Group}, g)
	w.number, w.leg1, w.expires = d.Number, c, b.expiry(now)
	w.leg1Stop = c.stopID(a.Session)
	return w
}

// wanted is where a callback may be dialled from.
func wanted(explicit []int, rotary *int, called int, owner string) lines.Want {
	w := lines.Want{Owner: owner, TTYs: explicit, Rotary: lines.NoRotary, Called: called}
	if rotary != nil {
		w.Rotary = *rotary
	}
	return w
}

// decideLegTwo admits the caller of leg two once the callback's end is on disk. Nothing here ever causes a callback (law 6).
func (b *Broker) decideLegTwo(ctx context.Context, c *call, a session.Asked) session.Verdict {
	if a.Identity != c.identity {
		return session.Verdict{Text: textRefused, Reason: fmt.Sprintf("leg two wants %s, this is %s", c.identity, a.Identity)}
	}
	cfg := b.config.Load()
	a.Leg = 2
	if d, _ := cfg.Policies.Evaluate(b.request(cfg, a)); d.Outcome != policies.Admit {
		return session.Verdict{Text: textRefused, Reason: d.Reason}
	}
	v := b.admit(ctx, c, a, "called back")
	if v.Kind != session.Admit {
		return v
	}
	err := b.tellInTime(ctx, event{id: c.callbackID, what: callback.Admitted{Attempt: c.attempt}, text: "user " + a.Identity.User}, func() {
		b.log.Warn("callback recorded as completed, though the time to log in was over before", zap.String("callback", c.callbackID))
	})
	if err != nil {
		b.vacate(c)
		return session.Verdict{Text: textRefused, Reason: "the admission could not be recorded: " + err.Error()}
	}
	return v
}
