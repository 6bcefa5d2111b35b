package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

const reasonUnknownCall = "the call is not known to the broker"

// Decide implements session.Broker.
func (b *Broker) Decide(ctx context.Context, a session.Asked) session.Verdict {
	c := b.call(a.Call.ID)
	if c == nil {
		return session.Verdict{Text: texts.RefusedAccess, Reason: reasonUnknownCall}
	}
	if c.leg == 2 {
		return b.decideLegTwo(ctx, c, a)
	}
	if id := b.dropOffer(c); id != "" {
		return session.Verdict{Text: texts.RefusedAccess, Reason: "callback " + id + " was promised on this call"}
	}
	d, _ := b.evaluate(c, a, choice{})
	b.decided(a, d)
	if d.CallbackIgnored {
		b.publish(events.CallbackIgnored{Call: c.ID, Line: c.TTY, User: a.Identity.User, Group: d.Group})
	}
	v := b.verdict(ctx, c, a, d)
	v.Locale = b.config.Load().locale(d.Group, c.TTY)
	if a.Service == aaa.EXEC && !d.Secure {
		v.Notice = b.lastCallback(a.Identity)
	}
	return v
}

// verdict acts on the decision about a caller on leg one.
func (b *Broker) verdict(ctx context.Context, c *call, a session.Asked, d policies.Decision) session.Verdict {
	if why := b.lockedOut(d); why != "" {
		return session.Verdict{Text: texts.RefusedCallback, Reason: why}
	}
	if c.network() && a.Service == aaa.Outbound {
		return b.attached(ctx, c, a, d)
	}
	switch d.Outcome {
	case policies.Admit:
		return b.recorded(ctx, c, a, d, on(within(b.admit(ctx, c, a, d.Reason), d.Limits), d))
	case policies.AskNumber, policies.CallBack:
		return on(within(b.makeOffer(c, a, d), d.Limits), d)
	default:
		return session.Verdict{Text: d.Text, Reason: d.Reason}
	}
}

// Secure implements session.Broker.
func (b *Broker) Secure(a session.Asked) bool {
	c := b.call(a.Call.ID)
	if c == nil {
		return false // Decide refuses every caller
	}
	d, _ := b.evaluate(c, a, choice{})
	return d.Secure
}

// within gives a verdict the time limits of policies.
func within(v session.Verdict, all ...policies.Limits) session.Verdict {
	for _, l := range all {
		a := aaa.Authorization{SessionTimeout: v.SessionTime, IdleTimeout: v.IdleTime}
		a = a.Limited(l.SessionTime, l.IdleTime)
		v.SessionTime, v.IdleTime = a.SessionTimeout, a.IdleTimeout
	}
	return v
}

// on gives a verdict the terms of a decision.
func on(v session.Verdict, d policies.Decision) session.Verdict {
	v.Terms = session.Terms{Privilege: d.EXEC.Privilege, Commands: d.EXEC.Commands, Hosts: d.EXEC.Hosts,
		Pool: d.PPP.Pool, Filter: d.PPP.Filter}
	return v
}

// choice is the number or the place that a caller gave; the zero value if they were not asked.
type choice struct {
	number *string
	place  string
}

// evaluate evaluates the policies for the caller of a call.
func (b *Broker) evaluate(c *call, a session.Asked, ch choice) (policies.Decision, policies.Trace) {
	q := aaa.Request{Service: a.Service, Leg: c.leg, CallID: c.ID, TTY: c.TTY, Caller: c.Caller, Called: c.Called}
	other := c.leg == 2 && a.Service != c.promisedTo.Service
	if c.leg == 2 { // the caller called on leg one
		q.TTY, q.Caller, q.Called = c.promisedTo.TTY, c.promisedTo.Caller, c.promisedTo.Called
	}
	r := b.ask(q, aaa.Result{Identity: a.Identity, Auth: a.Auth, PPPAuth: a.PPPAuth})
	r.FromCaller, r.Place, r.Trigger = ch.number, ch.place, string(c.trigger)
	if other {
		r.CalledBack = c.called
	}
	d, t := b.config.Load().Policies.Evaluate(r)
	b.mu.Lock()
	c.group = d.Group
	b.mu.Unlock()
	return d, t
}

// ask returns the policy request for the caller of a call, which may have ended, and what AAA granted.
func (b *Broker) ask(q aaa.Request, granted aaa.Result) policies.Request {
	now := time.Now()
	b.mu.Lock()
	used, latest := b.used(granted.Identity, q.CallID), b.clock.see(now)
	b.mu.Unlock()
	r := policies.Ask(q, granted, b.lineOf(q.TTY), now, used)
	r.Latest, r.Windows = latest, b.access.inForce()
	return r
}

// used returns what an identity uses, without this call. The Broker's mutex is held.
func (b *Broker) used(id aaa.Identity, call string) (u policies.Used) {
	for _, other := range b.calls {
		if other.ID != call && other.admitted == id {
			u.Sessions++
		}
	}
	return u
}

func (b *Broker) decided(a session.Asked, d policies.Decision) {
	b.publish(events.Decided{
		Call: a.Call.ID, Line: a.Call.TTY, User: a.Identity.User, Outcome: string(d.Outcome), Reason: d.Reason,
		Group: d.Group,
	})
}

// lineOf returns what the policies know about a line.
func (b *Broker) lineOf(tty int) policies.Line {
	l := policies.Line{Trusted: b.trusted(tty)}
	if c, ok := b.opt.Pool.Config(tty); ok && c.Rotary != lines.NoRotary {
		l.Rotary = &c.Rotary
	}
	return l
}

// trusted reports whether no caller on a line can pose as its modem.
func (b *Broker) trusted(tty int) bool {
	c, ok := b.opt.Pool.Config(tty)
	return !ok || c.Trusted() // an unknown line has no caller either
}

// admit admits a caller if their Port-Limit allows another session, the session is on disk and accounting can begin.
func (b *Broker) admit(ctx context.Context, c *call, a session.Asked, reason string) session.Verdict {
	if why := b.lock.denySessions(); why != "" {
		return session.Verdict{Text: texts.RefusedAccess, Reason: why}
	}
	if err := b.sessionRecorded(ctx, c, a.Session); err != nil {
		return session.Verdict{Text: texts.RefusedService, Reason: err.Error()}
	}
	if err := b.occupy(c, a); err != nil {
		return session.Verdict{Text: texts.RefusedAccess, Reason: err.Error()}
	}
	if !b.startAcknowledged(ctx, c, a.Session) {
		b.vacate(c)
		return session.Verdict{Text: texts.RefusedAccess, Reason: "accounting start not acknowledged"}
	}
	return session.Verdict{Kind: session.Admit, Reason: reason, CallbackID: c.callbackID}
}

// recorded begins the recording of a session that is admitted, if the decision wants one. A user whose session cannot
// be recorded is rejected: those who read the recordings rely on them.
func (b *Broker) recorded(ctx context.Context, c *call, a session.Asked, d policies.Decision,
	v session.Verdict) session.Verdict {
	if v.Kind != session.Admit || !d.Record {
		return v
	}
	err := errors.New("this daemon has no recordings")
	if b.opt.Record != nil {
		v.Recorder, err = b.opt.Record(ctx, Recorded{Session: c.sessionID(a.Session), Call: c.ID,
			User: a.Identity.User, TTY: c.TTY, Leg: c.leg, Callback: c.callbackID, Group: d.Group,
			Charset: b.config.Load().locale(d.Group, c.TTY).Charset})
	}
	if err == nil {
		return v
	}
	b.vacate(c)
	b.Happened(events.RecordingRefused{Call: c.ID, Line: c.TTY, User: a.Identity.User, Reason: err.Error()})
	return session.Verdict{Text: texts.RefusedService, Reason: err.Error()}
}

// occupy counts the caller's session among those of their identity. It returns an error if they already have as many as
// AAA allows (Port-Limit).
func (b *Broker) occupy(c *call, a session.Asked) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := policies.PortLimit(a.Identity, a.Auth, b.used(a.Identity, c.ID)); err != nil {
		return err
	}
	if why := b.noAccess(c.group); why != "" { // with the mutex: the end of a window finds the session
		return errors.New(why)
	}
	c.admitted = a.Identity
	if c.welcomed != nil {
		c.welcomed()
	}
	return nil
}

func (b *Broker) vacate(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.admitted = aaa.Identity{}
}

func (b *Broker) newPromise(c *call, a session.Asked, d policies.Decision, t policies.Trace) *work {
	now := time.Now()
	g := grant{Server: a.Server, Auth: a.Auth, Called: c.Called, PPPAuth: a.PPPAuth}
	w := newWork(journal.Callback{
		ID: newID(), User: a.Identity.User, Entry: a.Identity.Entry, Service: string(a.Service), Caller: c.Caller,
		CallID: c.ID, CalledTTY: c.TTY, NoVerify: d.NoVerify,
		Decision: mustJSON(decided{Decision: d}), PolicyDigest: d.Digest, Authorization: g.encode(),
		MultiSessionID: c.multiSessionID, Created: now,
	}, trace{Decision: t, Group: d.Group}, g)
	if most := b.config.Load().RandomWait; most > 0 {
		w.randomWait = rand.N(most + 1)
	}
	w.follow(b.planOf(d, a.Identity, a.Service, c.TTY))
	w.remembers, w.rejectInUse = remembersNumbers(d), d.Dial.RejectInUse
	w.leg1, w.limits, w.attempts, w.expires = c, d.Limits, d.Attempts, b.expiry(now)
	w.leg1Stop = c.stopID(a.Session)
	return w
}

// wanted returns the lines from which a step of a callback may be dialed: those that serve its service and lead to its
// trunk.
func (b *Broker) wanted(s aaa.Service, step callback.PlanStep, called int) lines.Want {
	w := lines.Want{TTYs: step.Lines, Tiers: step.Tiers, Rotary: lines.NoRotary, Called: called}
	w.Unfit = func(tty int) string {
		c := b.config.Load()
		if why := c.unserved(s, tty); why != "" {
			return why
		}
		return c.Policies.Site().Trunks.Unfit(step.Trunk, tty)
	}
	if step.Rotary != nil {
		w.Rotary = *step.Rotary
	}
	return w
}

// decideLegTwo admits the caller of leg two once the callback's end is recorded on disk. Leg two never causes a
// callback (law 6). The user may log in again on the call, after a renegotiation of PPP or for another service: the
// callback has then ended.
func (b *Broker) decideLegTwo(ctx context.Context, c *call, a session.Asked) session.Verdict {
	if a.Identity != c.identity {
		return session.Verdict{Text: texts.RefusedAccess,
			Reason: fmt.Sprintf("leg two requires %s, got %s", c.identity, a.Identity)}
	}
	if why := b.lock.deny(); why != "" && !b.isDone(c) {
		return session.Verdict{Text: texts.RefusedAccess, Reason: why}
	}
	d, _ := b.evaluate(c, a, choice{})
	if d.Outcome != policies.Admit {
		return session.Verdict{Text: texts.RefusedAccess, Reason: d.Reason}
	}
	v := b.recorded(ctx, c, a, d, on(within(b.admit(ctx, c, a, "called back"), d.Limits, c.limits), d))
	if v.Kind != session.Admit || b.isDone(c) {
		return v
	}
	err := b.completes(ctx, c)
	if err != nil {
		b.vacate(c)
		if v.Recorder != nil {
			v.Recorder.Close("not admitted")
		}
		return session.Verdict{Text: texts.RefusedAccess, Reason: "the admission could not be recorded: " + err.Error()}
	}
	err = b.tellInTime(ctx, event{id: c.callbackID, what: callback.Admitted{Attempt: c.attempt},
		text: "user " + a.Identity.User}, func() {
		b.publish(events.CompletedLate{Callback: c.callbackID})
	})
	if err != nil {
		b.vacate(c)
		if v.Recorder != nil {
			v.Recorder.Close("not admitted")
		}
		return session.Verdict{Text: texts.RefusedAccess, Reason: "the admission could not be recorded: " + err.Error()}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c.done = true
	return v
}

// isDone reports whether the callback of leg two is completed.
func (b *Broker) isDone(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.done
}
