package broker

import (
	"cmp"
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
	"github.com/ringback/ringback/triggers"
)

// ErrNotOrdered means that a callback that an operator has ordered was not promised.
var ErrNotOrdered = errors.New("no callback")

// UserOrder is an operator's order to call a user back who has not called.
type UserOrder struct {
	User    string
	Number  string // "": the number that AAA or the policy fixes
	TTY     int    // the line that counts as called: its lists are asked, its rotary dials; 0: the first that has lists
	Service aaa.Service
	At      time.Time // not before; zero: now
	By      string    // the operator

	trigger triggers.Kind // "": the operator
}

// CallUser promises a callback to a user, and returns its ID when it is on disk. AAA says without a password what the
// user may have, and the policies decide as about a caller on the line, whose own number is unknown. Leg two always
// logs in: nobody has authenticated. Errors: ErrNotOrdered, then nothing is dialed.
func (b *Broker) CallUser(ctx context.Context, o UserOrder) (id string, err error) {
	id, number, err := b.callUser(ctx, o)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrNotOrdered, err)
		b.Happened(events.CallbackNotOrdered{User: b.ShownName(o.User), Number: o.Number, By: o.By, Reason: err})
		return "", err
	}
	b.Happened(events.CallbackOrdered{Callback: id, User: o.User, Number: number, By: o.By})
	return id, nil
}

func (b *Broker) callUser(ctx context.Context, o UserOrder) (id, number string, err error) {
	if err := aaa.CheckUser(o.User); err != nil {
		return "", "", err
	}
	cfg := b.config.Load()
	tty, err := b.asCalled(cfg, o)
	if err != nil {
		return "", "", err
	}
	delay := time.Until(o.At)
	if life := b.lifetime(); !o.At.IsZero() && delay >= life {
		return "", "", fmt.Errorf("it would expire before %s (callback.lifetime: %v)", o.At.Format(time.DateTime), life)
	}
	// There is no call. This one has what a promise needs of it, and no session.
	c := &call{Call: &lines.Call{ID: newID(), TTY: tty}, leg: 1, trigger: o.trigger}
	c.multiSessionID, c.forcedWait = "m-"+c.ID, cfg.Lines[tty].ForcedWait
	q := aaa.Request{Service: o.Service, User: o.User, Leg: 1, CallID: c.ID, TTY: tty}
	res := b.vouched(ctx, cfg.login(tty), q)
	if res.Kind != aaa.Granted {
		return "", "", errors.New(cmp.Or(res.Reason, "AAA gave no answer"))
	}
	a := session.Asked{Call: c.Call, Service: o.Service, Identity: res.Identity, Server: res.Server, Auth: res.Auth,
		PPPAuth: policies.AnyPPPAuth, Session: 1}
	a.Auth.NoVerify = false // nobody has authenticated
	d, t, err := b.decideOrder(c, a, o.Number)
	if err != nil {
		return "", "", err
	}
	if why := b.unpromisable(c, a, d); why != "" {
		return "", "", errors.New(why)
	}
	if ctx.Err() != nil {
		return "", "", context.Cause(ctx)
	}
	w := b.newPromise(c, a, d, t)
	w.leg1, w.leg1Stop, w.ringing = nil, "", true // until HungUp, which follows
	w.row.NoVerify = false
	w.row.ForcedWait = max(c.forcedWait, a.Auth.CallbackDelay, d.Dial.Wait)
	if !o.At.IsZero() && delay > 0 { // recorded with the promise
		w.notBefore = time.Now().Add(delay)
		w.state.NotBefore, w.state.Delay = w.notBefore.UnixNano(), delay
	}
	v := b.promise(context.WithoutCancel(ctx), c, w, d, "ordered by "+o.By)
	if v.Kind != session.Promised {
		return "", "", errors.New(v.Reason)
	}
	now := time.Now()
	err = b.tell(context.Background(), event{id: w.row.ID, what: callback.HungUp{}, text: "ordered by " + o.By,
		also: func(w *work) { w.hungUp, w.ringing = now, false }})
	if err != nil && !errors.Is(err, errStale) && !errors.Is(err, errShutdown) {
		b.publish(events.HangUpUntaken{Callback: w.row.ID, Err: err})
	}
	return w.row.ID, d.Number.String(), nil
}

// asCalled returns the line that counts as called.
func (b *Broker) asCalled(cfg *Config, o UserOrder) (int, error) {
	if o.TTY != 0 {
		if _, ok := b.opt.Pool.Config(o.TTY); !ok {
			return 0, lines.NoLine(o.TTY)
		}
		return o.TTY, nil
	}
	for s := range b.opt.Pool.Each() {
		if cfg.Lines[s.TTY].Login != nil && cfg.unserved(o.Service, s.TTY) == "" {
			return s.TTY, nil
		}
	}
	return 0, fmt.Errorf("no line serves %s", o.Service)
}

// vouched asks AAA, for at most Limits.Reauthorize. A panic in a method counts as silence.
func (b *Broker) vouched(ctx context.Context, l Login, q aaa.Request) (res aaa.Result) {
	ctx, cancel := context.WithTimeout(ctx, b.opt.Limits.Reauthorize)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			res = aaa.Result{Reason: fmt.Sprintf("authorization panicked: %v", p)}
		}
	}()
	return l.Vouch(ctx, q)
}

// decideOrder asks the policies, as they are asked about a caller who gives the number when they may choose one.
func (b *Broker) decideOrder(c *call, a session.Asked, number string) (policies.Decision, policies.Trace, error) {
	d, t := b.evaluate(c, a, choice{})
	if d.Outcome == policies.AskNumber && number != "" {
		d, t = b.evaluate(c, a, choice{number: &number})
		number = ""
	}
	b.decided(a, d)
	switch {
	case d.Outcome == policies.AskNumber:
		return d, t, errors.New("AAA leaves the number to the caller, and none was given (--number)")
	case d.Outcome == policies.Admit:
		return d, t, fmt.Errorf("the policy of group %s does not call this user back: %s", d.Group, d.Reason)
	case d.Outcome != policies.CallBack:
		if d.Hint != "" {
			return d, t, fmt.Errorf("%s (%s)", d.Reason, d.Hint)
		}
		return d, t, errors.New(d.Reason)
	case number != "" && number != d.Number.String():
		return d, t, fmt.Errorf("the number is fixed: %s", d.Number)
	}
	return d, t, nil
}
