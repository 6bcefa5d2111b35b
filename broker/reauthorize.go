package broker

import (
	"context"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// How often AAA is asked before a dial while it is silent, and the pause between two requests. Then the callback fails:
// otherwise anyone able to silence AAA could keep a revoked callback alive.
const (
	reauthorizeTries = 3
	reauthorizePause = 10 * time.Second
)

// check is the state of a Recheck.
type check struct {
	decision policies.Decision // the decision of the promise
	plan     callback.Plan
	dial     int // the dial of the plan that is checked
	asked    aaa.Request
	granted  aaa.Result // at the time of the promise
	login    Login      // nil: AAA is not asked
}

// recheck looks for denials right before the dial (never for anything that would widen the decision). An empty reason
// means that there is none so far; check then says what AAA must still be asked. If the number is denied, next is the
// first dial of the plan that is not; 0 if there is none.
func (b *Broker) recheck(w *work) (c check, reason string, next int) {
	var err error
	if c.decision, err = w.decision(); err != nil {
		return c, "the recorded decision cannot be read: " + err.Error(), 0
	}
	c.plan, c.dial = w.plan, w.state.Next()
	c.asked, c.granted = w.question(), w.grantedThen()
	if w.lease != nil {
		if why := b.config.Load().unserved(c.asked.Service, w.lease.TTY()); why != "" {
			return c, fmt.Sprintf("tty %d %s", w.lease.TTY(), why), 0
		}
	}
	if why := b.noScript(w); why != "" {
		return c, why, 0
	}
	now := b.evaluateAgain(c, c.granted, false)
	if now.Outcome != policies.CallBack {
		return c, now.Reason, b.otherNumber(c, c.granted, false)
	}
	if now.Reauthorize {
		c.login = w.login(b)
	}
	return c, "", 0
}

// otherNumber returns the first dial of the plan after the checked one whose number may still be dialed; 0 if there is
// none.
func (b *Broker) otherNumber(c check, granted aaa.Result, renewed bool) int {
	seen := map[numbers.Number]bool{c.decision.Number: false}
	return c.plan.Allowed(c.dial, func(n numbers.Number) bool {
		allowed, known := seen[n]
		if !known {
			c.decision.Number = n
			allowed = b.evaluateAgain(c, granted, renewed).Outcome == policies.CallBack
			seen[n] = allowed
		}
		return allowed
	})
}

// evaluateAgain evaluates the current policies for a promised callback. renewed reports whether AAA granted these
// rights just now, rather than at the time of the promise.
func (b *Broker) evaluateAgain(c check, granted aaa.Result, renewed bool) policies.Decision {
	r := b.ask(c.asked, granted)
	r.Promised, r.Renewed = &c.decision, renewed
	now, _ := b.config.Load().Policies.Evaluate(r)
	return now
}

// grantedThen is what AAA granted to the caller.
func (w *work) grantedThen() aaa.Result {
	return aaa.Result{Identity: w.identity(), Auth: w.auth.Auth, PPPAuth: w.auth.pppAuth()}
}

// question returns the AAA request about the user of a callback.
func (w *work) question() aaa.Request {
	return aaa.Request{
		Service: aaa.Service(w.row.Service), User: w.row.User, Entry: w.row.Entry, Grantor: w.auth.Auth.Grantor, Leg: 2,
		CallID: w.row.CallID, TTY: w.listsOf(), Caller: w.row.Caller,
		Called: w.auth.Called,
	}
}

// startRecheck looks for denials. Meanwhile it waits a short time for leg one's accounting Stop to be acknowledged,
// because servers that count sessions would reject leg two. During a shutdown no dial begins: the callback stays
// unchanged for the next start. During a lockdown it waits on its line until the lockdown or its lifetime ends.
func (b *Broker) startRecheck(ctx context.Context, w *work, e callback.Recheck) {
	id, stop := w.row.ID, w.leg1Stop
	c, reason, next := b.recheck(w)
	if w.stopCheck != nil {
		w.stopCheck()
	}
	ctx, w.stopCheck = context.WithCancel(ctx)
	record := b.attempting(w, e.Gen)
	b.running.Go(func() {
		if locked, over := b.untilLifted(ctx); locked {
			if over {
				b.send(ctx, event{id: id, what: callback.DenialRechecked{Gen: e.Gen}, afresh: true})
			}
			return
		}
		b.spool.Await(ctx, stop, b.opt.Limits.Accounting)
		narrow := func(*work) {}
		if reason == "" && c.login != nil {
			narrow, reason, next = b.reauthorized(ctx, id, c)
		}
		if b.draining.Load() {
			return
		}
		if reason == "" && record != nil {
			if instead := record(ctx); instead != nil {
				b.send(ctx, *instead)
				return
			}
		}
		b.send(ctx, event{id: id, what: callback.DenialRechecked{Gen: e.Gen, Reason: reason, Next: next},
			text: reason, also: narrow})
	})
}

// reauthorized asks AAA what the user may have now. It returns how that narrows the callback, or why the number must
// not be dialed, and the next dial as recheck does.
func (b *Broker) reauthorized(ctx context.Context, id string, c check) (narrow func(*work), denied string, next int) {
	res := b.askAgain(ctx, id, c)
	if res.Kind != aaa.Granted {
		return nil, fmt.Sprintf("authorization before the dial: %v: %s", res.Kind, res.Reason), 0
	}
	granted := aaa.Result{Identity: c.granted.Identity, Auth: res.Auth, PPPAuth: c.granted.PPPAuth}
	now := b.evaluateAgain(c, granted, true)
	if now.Outcome != policies.CallBack {
		return nil, "authorization before the dial: " + now.Reason, b.otherNumber(c, granted, true)
	}
	return func(w *work) { w.row.NoVerify = w.row.NoVerify && now.NoVerify }, "", 0
}

// askAgain asks until AAA answers, at most reauthorizeTries times.
func (b *Broker) askAgain(ctx context.Context, id string, c check) (res aaa.Result) {
	for try := range reauthorizeTries {
		if try > 0 && !pause(ctx, reauthorizePause) {
			break
		}
		if res = b.reauthorize(ctx, c.login, c.asked, c.granted.Identity, c.granted.Auth); res.Kind != aaa.Silent ||
			ctx.Err() != nil {
			break
		}
		b.publish(events.AuthorizationSilent{Callback: id, User: c.granted.Identity.User, Try: try + 1,
			Reason: res.Reason})
	}
	return res
}

// reauthorize asks once, for at most Limits.Reauthorize. A panic in a method counts as silence.
func (b *Broker) reauthorize(ctx context.Context, l Login, r aaa.Request, id aaa.Identity,
	granted aaa.Authorization) (res aaa.Result) {
	ctx, cancel := context.WithTimeout(ctx, b.opt.Limits.Reauthorize)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			res = aaa.Result{Reason: fmt.Sprintf("authorization panicked: %v", p)}
		}
	}()
	return l.Reauthorize(ctx, r, id, granted)
}

// legTwo runs leg two's session. A session without verification is authorized again first and gets what AAA grants now.
func (b *Broker) legTwo(ctx context.Context, c *call, cfg *Config, l Login, leg session.Leg,
	asked aaa.Request) session.Outcome {
	if leg.NoVerify {
		asked.TTY, asked.Connect, asked.CallID = c.TTY, c.Connect, c.ID
		res := b.reauthorize(ctx, l, asked, leg.Identity, leg.Auth)
		if res.Kind != aaa.Granted {
			return session.Outcome{
				Kind: session.NotAdmitted, Cause: aaa.CauseNASRequest, Identity: leg.Identity,
				CallbackID: leg.CallbackID,
				Reason:     fmt.Sprintf("authorization for leg two: %v: %s", res.Kind, res.Reason),
			}
		}
		leg.Auth, leg.NoVerify = res.Auth, res.Auth.NoVerify
		if res.Server != "" {
			leg.Server = res.Server
		}
	}
	return session.Run(ctx, c.Call, c.config(b, cfg), l, b, leg)
}
