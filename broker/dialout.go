package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// DialOut is a call that a person asks for: at the emulated AT prompt of a line, or with `ringback call`.
type DialOut struct {
	// The user or site that AAA authenticated for the service aaa.Outbound, what it granted, and the server.
	Identity aaa.Identity
	Auth     aaa.Authorization
	Server   string
	// Number is the number as typed, in the notation of callers; "": the first one that AAA fixed.
	Number string

	// Lease is the line that dials. The caller keeps it and releases it after the call. nil: a line is leased for the
	// call, and returned at its end.
	Lease  *lines.Lease
	TTY    int           // without Lease: this line; 0: any line of Rotary
	Rotary int           // without Lease and TTY: this rotary; lines.NoRotary: any line
	TTYs   []int         // without Lease: only these lines; none: all
	Role   lines.Role    // without Lease: the place in the queue; "": lines.ForUser
	Wait   time.Duration // without Lease: for a line; 0: 30 s

	By   string // the person, for the audit; "": the user
	From string // where the person is, for the audit; ""
}

// DialOutError says why a dial-out has no call.
type DialOutError struct {
	// Outcome is that of the dial, as in lines.Dialed: "busy", "no answer" …; "": nothing was dialed.
	Outcome string
	Err     error
	Hint    string // how to correct it; may be ""
	// Transcript is that of the dial script, secrets masked.
	Transcript string
}

func (e *DialOutError) Error() string {
	if e.Hint != "" {
		return fmt.Sprintf("%v (%s)", e.Err, e.Hint)
	}
	return e.Err.Error()
}

func (e *DialOutError) Unwrap() error { return e.Err }

// Code is the result code by which a modem would report the failure: BUSY, NO ANSWER, NO DIALTONE, NO CARRIER, or ERROR
// if nothing was dialed.
func (e *DialOutError) Code() lines.ResultCode {
	switch e.Outcome {
	case "", journal.HeldBack:
		return lines.Error
	case "busy":
		return lines.Busy
	case "no answer":
		return lines.NoAnswer
	case "no dialtone":
		return lines.NoDialtone
	}
	return lines.NoCarrier
}

// DialOut places a call for a person, if AAA and the policy permit it, and blocks until it is up and its session is
// recorded. The dial is counted in the journal, with what it reserves of the ceilings, before its first octet, and is
// never repeated. A failure is a *DialOutError. The call ends with OutCall.Hangup, with ctx, with its carrier, at the
// end of its session time, by an operator, in a lockdown or with the process; however it ends, it is hung up, proven on
// hook and recorded, and a line that was leased for it is returned.
func (b *Broker) DialOut(ctx context.Context, o DialOut) (*OutCall, error) {
	type result struct {
		call *OutCall
		err  error
	}
	answer := make(chan result, 1)
	if b.draining.Load() || !b.ordered.start(func(base context.Context) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		defer context.AfterFunc(base, func() { cancel(context.Cause(base)) })()
		if err := b.dialOut(ctx, cancel, o, func(c *OutCall) { answer <- result{call: c} }); err != nil {
			answer <- result{err: err}
		}
	}) {
		return nil, &DialOutError{Err: errShutdown}
	}
	r := <-answer
	return r.call, r.err
}

// outDial is the dial of a dial-out.
type outDial struct {
	countedDial
	id      string // of its row, its call and its session
	of      DialOut
	by      string
	scripts []string // patterns that select the script that dials
	script  string   // its name
	system  []string // patterns that select the script that logs on to the called system
	limits  policies.Limits
	row     journal.Call
}

// dialOut makes a dial-out and blocks until its call is over. answer is called once if there is a call; otherwise the
// error says why there is none.
func (b *Broker) dialOut(ctx context.Context, cancel context.CancelCauseFunc, o DialOut, answer func(*OutCall)) error {
	by := cmp.Or(o.By, o.Identity.User)
	rejected := func(tty int, err error) error { return b.rejectOut(o, tty, err) }
	cfg := b.config.Load()
	lease, returned, err := b.leaseOut(ctx, cfg, o)
	if err != nil {
		return rejected(o.TTY, err)
	}
	defer returned() // a second time does nothing
	d, err := b.planOut(cfg, o, lease.TTY())
	if err != nil {
		return rejected(lease.TTY(), err)
	}
	d.cancel, d.by = cancel, by
	if err := b.takeLeased(&d.orderedDial); err != nil {
		return rejected(lease.TTY(), err)
	}
	defer b.ordered.remove(&d.orderedDial)
	d.row.Start = time.Now().Round(0)
	began := events.DialOutStarted{Call: d.id, Line: lease.TTY(), User: o.Identity.User, Number: d.number.String(),
		Script: d.script, By: by, From: o.From}
	if err := b.recordDial(ctx, &d.countedDial, d.row, began); err != nil {
		return rejected(lease.TTY(), err)
	}
	return b.placeOut(ctx, cfg, d, lease, returned, answer)
}

// rejectOut reports a dial-out that is not made, and returns why.
func (b *Broker) rejectOut(o DialOut, tty int, why error) *DialOutError {
	b.Happened(events.DialOutRejected{Line: tty, User: o.Identity.User, Number: o.Number,
		By: cmp.Or(o.By, o.Identity.User), From: o.From, Reason: why})
	var out *DialOutError
	if errors.As(why, &out) {
		return out
	}
	return &DialOutError{Err: why}
}

// placeOut dials, and serves the call until it is over.
func (b *Broker) placeOut(ctx context.Context, cfg *Config, d *outDial, lease *lines.Lease, returned func(),
	answer func(*OutCall)) error {
	began := time.Now()
	a := b.dialOnce(ctx, cfg, d, lease)
	d.held = a.HeldBack
	if a.Call == nil {
		returned() // at once: the disk must not keep the line
		if !a.HeldBack && !a.Unanswered {
			d.used = time.Since(began)
		}
		d.row.End, d.row.Cause = time.Now().Round(0), a.Outcome
		b.settleDial(&d.countedDial, d.row, true, d.ended(a.Outcome, a.Detail, 0), journal.PutCall{Call: d.row})
		return &DialOutError{Outcome: a.Outcome, Err: errors.New(a.Detail), Transcript: a.Transcript}
	}
	return b.serveOut(ctx, cfg, d, a, began, returned, answer)
}

// dialOnce runs the script that dials, unless there is a lockdown.
func (b *Broker) dialOnce(ctx context.Context, cfg *Config, d *outDial, lease *lines.Lease) lines.Dialed {
	limit := b.opt.Limits.Dial
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the script did not end within %v", limit))
	defer cancel()
	if locked := b.ordered.admit(&d.orderedDial, &b.lock); locked != "" { // a later lockdown finds the dial
		return lines.Dialed{Outcome: journal.HeldBack, Detail: locked, HeldBack: true}
	}
	return cfg.Dialer.Dial(ctx, lease, d.scripts[0], d.dials, d.scripts[1:]...)
}

func (d *outDial) ended(outcome, detail string, lasted time.Duration) events.DialOutEnded {
	return events.DialOutEnded{Call: d.id, Line: d.row.TTY, User: d.of.Identity.User, Number: d.number.String(),
		Outcome: outcome, Detail: detail, Duration: lasted, By: d.by}
}

// leaseOut returns the line that dials, and what returns it: nothing if it is the caller's.
func (b *Broker) leaseOut(ctx context.Context, cfg *Config, o DialOut) (*lines.Lease, func(), error) {
	if why := b.drainedBy(); why != "" {
		return nil, nil, errors.New(why)
	}
	if locked := b.lock.deny(); locked != "" {
		return nil, nil, errors.New(locked)
	}
	if o.Lease != nil {
		return o.Lease, func() {}, nil
	}
	ttys, err := b.mayDialOut(cfg, o)
	if err != nil {
		return nil, nil, err
	}
	wait := cmp.Or(o.Wait, orderLeases)
	waiting, stop := context.WithTimeoutCause(ctx, wait, fmt.Errorf("no line was free within %v", wait))
	defer stop()
	lease, err := b.opt.Pool.Acquire(waiting, lines.Want{Owner: "dial-out of " + o.Identity.User, Role: cmp.Or(o.Role,
		lines.ForUser), TTYs: ttys, Tiers: []int{len(ttys)}, Rotary: lines.NoRotary})
	if err != nil {
		return nil, nil, err
	}
	returned := false
	return lease, func() {
		if !returned {
			returned = true
			lease.Release()
		}
	}, nil
}

// mayDialOut returns the lines on which the dial-out is permitted, or why it is on none.
func (b *Broker) mayDialOut(cfg *Config, o DialOut) (ttys []int, why error) {
	for s := range b.opt.Pool.Each() {
		switch {
		case o.TTY != 0 && s.TTY != o.TTY, o.TTY == 0 && o.Rotary != lines.NoRotary && s.Rotary != o.Rotary:
			continue
		case len(o.TTYs) > 0 && !slices.Contains(o.TTYs, s.TTY):
			if o.TTY != 0 {
				why = &DialOutError{Err: fmt.Errorf("tty %d may not dial %s", s.TTY, o.Identity.User),
					Hint: "lines of the site in the configuration"}
			}
			continue
		}
		if _, err := b.planOut(cfg, o, s.TTY); err != nil {
			why = cmp.Or(why, err)
			continue
		}
		ttys = append(ttys, s.TTY)
	}
	switch {
	case len(ttys) > 0:
		return ttys, nil
	case why != nil:
		return nil, why
	case o.TTY != 0:
		return nil, lines.NoLine(o.TTY)
	}
	return nil, fmt.Errorf("rotary %d has no lines (see lines in the configuration)", o.Rotary)
}

// planOut asks the policy about the number, and finds what is dialed on a line, with which scripts, and what it can
// use.
func (b *Broker) planOut(cfg *Config, o DialOut, tty int) (*outDial, error) {
	r := b.ask(aaa.Request{Service: aaa.Outbound, User: o.Identity.User, TTY: tty},
		aaa.Result{Kind: aaa.Granted, Identity: o.Identity, Auth: o.Auth})
	if o.Number != "" {
		r.FromCaller = &o.Number
	}
	allowed, _ := cfg.Policies.Evaluate(r)
	switch allowed.Outcome {
	case policies.DialOut:
	case policies.AskNumber:
		return nil, &DialOutError{Err: errors.New("no number was given, and AAA fixes none")}
	default:
		return nil, &DialOutError{Err: errors.New(allowed.Reason), Hint: allowed.Hint}
	}
	d := &outDial{id: outID + newID(), of: o, limits: allowed.Limits}
	d.what = "dial-out " + d.id + " of " + o.Identity.User
	most := allowed.Limits.SessionTime + b.opt.Limits.overhead()
	if err := d.prepare(cfg, allowed, o.Identity.User, b.home(), tty, most); err != nil {
		return nil, err
	}
	l, granted := cfg.Lines[tty], o.Auth.DialOut
	own := cmp.Or(l.DialerScript, l.CallbackScript)
	if own == "" && granted.ModemScript == "" {
		own = "^exec-callback$"
	}
	d.scripts = patterns(own, granted.ModemScript)
	var err error
	if d.script, err = cfg.Dialer.CheckDial(d.dials, d.scripts...); err != nil {
		return nil, err
	}
	d.system = patterns(granted.SystemScript)
	if err := cfg.Dialer.Check(d.system...); err != nil {
		return nil, err
	}
	d.row = journal.Call{ID: d.id, TTY: tty, Direction: string(lines.Outgoing), Called: d.number.String(),
		User: o.Identity.User, Entry: o.Identity.Entry, Service: journal.DialOut, MultiSessionID: "m-" + d.id}
	return d, nil
}

// takeLeased registers a dial by order on lines that it has already, as takeOrder does.
func (b *Broker) takeLeased(d *orderedDial) error {
	if err := b.ordered.add(d); err != nil {
		return err
	}
	// Only now: a callback that dials from here on finds the registration.
	if why := b.undialable(d.number); why != "" {
		b.ordered.remove(d)
		return errors.New(why)
	}
	return nil
}
