package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// rang notes that a call rings until the caller calls quiet: meanwhile its number is not dialed.
func (b *Broker) rang(r lines.RingingCall) (quiet func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rings[r.TTY] = r.Caller
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.rings, r.TTY)
	}
}

// onRing decides about a ringing call that AAA allows to be answered. It returns false if the call is to be answered.
// Otherwise a callback is promised, which the Verdict has, or its Reason says why not.
func (b *Broker) onRing(ctx context.Context, r lines.RingingCall, res aaa.Result) (session.Verdict, bool) {
	// There is no call yet. This one has what a promise needs of it, and no session.
	c := &call{Call: &lines.Call{ID: newID(), TTY: r.TTY, Caller: r.Caller, Called: r.Called}, leg: 1}
	c.multiSessionID, c.forcedWait = "m-"+c.ID, b.config.Load().Lines[r.TTY].ForcedWait
	a := session.Asked{Call: c.Call, Service: ringService(res.Auth), Identity: res.Identity, Server: res.Server,
		Auth: res.Auth, PPPAuth: policies.AnyPPPAuth, Session: 1}
	q := b.ask(aaa.Request{Service: a.Service, Leg: 1, CallID: c.ID, TTY: r.TTY, Caller: r.Caller, Called: r.Called},
		aaa.Result{Identity: a.Identity, Auth: a.Auth, PPPAuth: a.PPPAuth})
	q.Ringing = true
	d, t := b.config.Load().Policies.Evaluate(q)
	if !d.OnRing || d.Outcome == policies.Admit {
		return session.Verdict{}, false
	}
	b.decided(a, d)
	if d.Outcome != policies.CallBack {
		return session.Verdict{Reason: d.Reason}, true
	}
	if ctx.Err() != nil {
		return session.Verdict{Reason: "the ringing ended before AAA's answer"}, true
	}
	if why := b.unpromisable(c, a, d); why != "" {
		return session.Verdict{Reason: why}, true
	}
	w := b.newPromise(c, a, d, t)
	w.leg1, w.leg1Stop, w.ringing = nil, "", true
	w.row.ForcedWait = max(c.forcedWait, a.Auth.CallbackDelay, d.Dial.Wait)
	// Not ctx: the disk may be slower than the caller, and what it has must be known.
	v := b.promise(context.WithoutCancel(ctx), c, w, d, "the user is called back instead ("+d.Reason+")")
	if a.Auth.NoVerify && v.Kind == session.Promised {
		v.Reason += "; no_verify is ignored: nobody has authenticated"
	}
	return v, true
}

// ringService is the service that AAA's answer about a call is for.
func ringService(a aaa.Authorization) aaa.Service {
	switch a.ServiceType {
	case 2, 4: // Framed, Callback Framed (RFC 2865 §5.6)
		return aaa.PPP
	}
	return aaa.EXEC
}

// untilQuiet waits for the end of the ringing, which is the end of ctx, and tells the callback of it; "" is none. If
// the call rings longer than Limits.Ringing, the callback is cancelled: its number, too, may be in use as long.
func (b *Broker) untilQuiet(ctx context.Context, id string) {
	rings := time.NewTimer(b.opt.Limits.Ringing)
	defer rings.Stop()
	select {
	case <-ctx.Done():
	case <-rings.C:
		b.tooLong(id)
		return
	}
	if id == "" {
		return
	}
	quiet := time.Now()
	err := b.tell(context.Background(), event{id: id, what: callback.HungUp{}, text: "the ringing has ended",
		also: func(w *work) { w.hungUp, w.ringing = quiet, false }})
	if err != nil && !errors.Is(err, errStale) && !errors.Is(err, errShutdown) {
		b.publish(events.HangUpUntaken{Callback: id, Err: err})
	}
}

func (b *Broker) tooLong(id string) {
	if id == "" {
		return
	}
	why := fmt.Sprintf("the call still rings after %v", b.opt.Limits.Ringing)
	err := b.tell(context.Background(), event{id: id, what: callback.Cancel{By: "ringback"}, text: why})
	b.publish(events.Withdrawn{Callback: id, Reason: why, Err: err})
}
