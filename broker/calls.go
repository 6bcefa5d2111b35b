package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/triggers"
	"github.com/ringback/ringback/tty"
)

// errHangUp is the cause of a call's context when the machine or an operator ends the call.
var errHangUp = errors.New("hung up by ringback")

// call is a live call and the session on it.
type call struct {
	*lines.Call
	leg        int
	cancel     context.CancelCauseFunc
	forcedWait time.Duration

	accounting     accounting
	multiSessionID string
	reports        int // interims and commands reported

	callbackID string // leg two
	attempt    int
	identity   aaa.Identity
	promisedTo aaa.Request     // leg two: the request of leg one, for the service to which the callback was promised
	called     numbers.Number  // leg two: the number dialed
	limits     policies.Limits // leg two: those of the promise
	trigger    triggers.Kind   // of a call that stands for a request without one: what it was; "": an operator
	cost       *int64          // leg two: once it is over, what it has cost; nil: unknown

	// Guarded by the Broker's mutex.
	dnis     string // leg one: the number that the caller dialed, in digits; "": unknown, or the call is rejected
	profile  string // leg one: the group whose profile limits the calls to that number; "" none
	overflow bool   // leg one: beyond the profile's base
	offer    *offer // leg one: the callback offered to the caller and not answered yet; nil if none
	promised string // leg one: the promised callback
	user     string // for views
	billed   string // the name that accounting uses
	service  aaa.Service
	session  string    // Acct-Session-Id of the open session; "" none
	began    time.Time // start of that session
	// records that the journal refused; they are written with the next report, or when the call is closed
	owed     []aaa.Record
	turn     chan struct{}           // closed when all writes ordered for the call have run; nil if there were none
	recorded string                  // Acct-Session-Id of the session whose start is on disk; "" none
	last     journal.Call            // the row as last recorded, or as it should have been
	admitted aaa.Identity            // the user whose session runs on this call; zero if none
	done     bool                    // leg two: the callback is completed
	octets   func() (in, out uint64) // from and to the caller so far; nil: no session has begun
	group    string                  // whose policy decided last

	welcomed func() // on a vty: called when a user is admitted
}

// sessionID is the Acct-Session-Id of the n-th session on the call.
func (c *call) sessionID(n int) string {
	if n <= 1 {
		return c.ID
	}
	return fmt.Sprintf("%s-%d", c.ID, n)
}

// stopID is the ID of a session's accounting Stop.
func (c *call) stopID(n int) string { return c.sessionID(n) + "-stop" }

// callbackOf returns the callback of a call that is up; "" on leg one.
func (b *Broker) callbackOf(id string) string {
	if c := b.call(id); c != nil {
		return c.callbackID
	}
	return ""
}

func (b *Broker) call(id string) *call {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.calls[id]
}

// Accept serves an incoming call, which is leg one of a possible callback. It is a lines.Accept: it blocks until the
// call is over and the loop has been told, so that a callback on the same line is queued before the line can be
// answered again. If the disk hangs, it blocks for Limits.Report at most.
func (b *Broker) Accept(ctx context.Context, lc *lines.Call) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg := b.config.Load()
	c := &call{Call: lc, leg: 1, cancel: cancel, multiSessionID: "m-" + lc.ID, accounting: cfg.accounting(lc.TTY)}
	c.forcedWait = cfg.Lines[lc.TTY].ForcedWait
	b.begin(c)
	defer b.end(c)
	out := session.Outcome{Cause: aaa.CauseServiceUnavailable}
	if out.Reason = b.join(c); out.Reason == "" {
		out = b.converse(ctx, c, cfg, "activation", cfg.Lines[lc.TTY].ActivationScript)
	}
	if out.Reason == "" {
		out = session.Run(ctx, lc, c.config(b, cfg), cfg.login(lc.TTY), b,
			session.Leg{Number: 1, Locale: cfg.Lines[lc.TTY].Locale})
	}
	b.callEnded(c, out)
	err := b.hangUpCall(c)
	b.closeCall(c, out)
	promised := b.dropOffer(c)
	if promised == "" {
		return
	}
	var what callback.Event = callback.HungUp{}
	if err != nil {
		what = callback.HangUpUnproven{Cause: err.Error()}
	}
	down := time.Now()
	told := make(chan error, 1)
	go func() { // ends with the loop at the latest
		// Not ctx: the promise is valid no matter how the call ended.
		wait, stop := context.WithTimeout(context.Background(), b.opt.Limits.HangUp)
		defer stop()
		err := b.tell(wait, event{id: promised, what: what, also: func(w *work) { w.hungUp, w.leg1 = down, nil }})
		if err != nil && !errors.Is(err, errStale) {
			b.publish(events.HangUpUntaken{Callback: promised, Err: err})
		}
		told <- err
	}()
	// A disk that hangs or fails must not keep the line from being answered: the loop handles the hang-up when the disk
	// works again.
	b.patiently(told)
}

// config is what the call's sessions run with.
func (c *call) config(b *Broker, cfg *Config) session.Config {
	s := cfg.Session
	s.Guard, s.Joined = b.guard, b.joined
	s.Metered = func(_ *lines.Call, octets func() (in, out uint64)) {
		b.mu.Lock()
		defer b.mu.Unlock()
		c.octets = octets
	}
	s.Interim = c.accounting.interim()
	return s
}

// nobody replaces the method lists of a line that has none.
type nobody int

func (n nobody) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, n.silent()
}

func (n nobody) Command(context.Context, aaa.Question) aaa.Result { return n.silent() }

func (n nobody) Reauthorize(context.Context, aaa.Request, aaa.Identity, aaa.Authorization) aaa.Result {
	return n.silent()
}

func (n nobody) Vouch(context.Context, aaa.Request) aaa.Result { return n.silent() }

func (n nobody) silent() aaa.Result {
	return aaa.Result{Kind: aaa.Silent, Reason: fmt.Sprintf("tty %d has no method lists (lines[].login, aaa.lists)",
		int(n))}
}

func (b *Broker) begin(c *call) {
	b.mu.Lock()
	b.calls[c.ID] = c
	c.last = c.row()
	b.mu.Unlock()
	b.publish(events.CallBegan{
		Call: c.ID, Line: c.TTY, Direction: string(c.Direction), Caller: c.Caller, Connect: c.Connect,
		Callback: c.callbackID,
	})
	if c.network() { // its row begins with its first session: connections without a login do not fill the journal
		return
	}
	// Do not wait: nothing is promised or owed yet, and a hanging disk must not delay the prompt.
	row := journal.PutCall{Call: c.row()}
	b.inTurn(c, func() {
		if err := b.opt.Journal.Commit(context.Background(), row); err != nil {
			b.log.Error("journal: a call is not on disk; it is recorded with its session",
				zap.String("call", c.ID), zap.Error(err))
		}
	})
}

func (c *call) row() journal.Call {
	return journal.Call{
		ID: c.ID, TTY: c.TTY, Direction: string(c.Direction), Caller: c.Caller,
		Called: cmp.Or(c.Called, c.called.String()), Connect: c.Connect, Leg: c.leg,
		CallbackID: c.callbackID, MultiSessionID: c.multiSessionID, Start: c.Start,
	}
}

func (b *Broker) end(c *call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.calls, c.ID)
}

// closeCall records the call's end together with the owed records. If the disk refuses them, they stay in memory and
// are retried; if the process ends first, the row of a recorded session is still open, and the next start creates its
// Stop. It returns when the end is on disk or in memory, or after Limits.Report if the disk hangs: the line can then be
// answered again.
func (b *Broker) closeCall(c *call, out session.Outcome) {
	if c.network() && out.Identity == (aaa.Identity{}) {
		return
	}
	written := make(chan error, 1)
	b.inTurn(c, func() {
		b.writeEnd(c, out)
		written <- nil
	})
	b.patiently(written)
}

func (b *Broker) writeEnd(c *call, out session.Outcome) {
	b.mu.Lock()
	owed, row, recorded := c.owed, c.last, c.recorded != ""
	if c.leg == 1 {
		row.CallbackID = c.promised
	}
	b.mu.Unlock()
	row.SessionID, row.Data = "", ""
	row.End, row.Cause, row.TerminateCause, row.OctetsIn, row.OctetsOut = time.Now(), out.Reason, int(out.Cause),
		out.OctetsIn, out.OctetsOut
	end := []journal.Mutation{journal.PutCall{Call: row, Cost: c.cost}}
	if recorded {
		end = append(end, journal.UseReserve{})
	}
	if err := b.spool.Put(context.Background(), owed, end...); err != nil {
		b.log.Error("journal: a call's end is not on disk; it is kept in memory and retried",
			zap.String("call", c.ID), zap.Int("records", len(owed)), zap.Error(err))
		b.spool.Owe(spool.End{Records: owed, Row: end, Session: recorded})
	}
}

func (b *Broker) callEnded(c *call, out session.Outcome) {
	e := events.CallEnded{
		Call: c.ID, Callback: c.callbackID, Line: c.TTY, Leg: c.leg,
		Outcome: out.Kind.String(), User: out.Identity.User, Reason: out.Reason,
		Duration: out.Duration, OctetsIn: out.OctetsIn, OctetsOut: out.OctetsOut, Stack: out.Stack,
	}
	if out.Tries > 0 {
		e.FailedLogins, e.LastFailure = out.Tries, out.LastFail
	}
	b.publish(e)
}

// startLegTwo runs the session on an answered callback.
func (b *Broker) startLegTwo(ctx context.Context, w *work, e callback.StartSession) {
	if w.dial == nil || w.dial.call == nil {
		b.later(ctx, event{id: w.row.ID, what: callback.CallEnded{Attempt: e.Attempt, Cause: "the call was lost"}})
		return
	}
	lc := w.dial.call
	callCtx, cancel := context.WithCancelCause(ctx)
	b.mu.Lock()
	w.dial.cancel = cancel
	locked := b.lock.deny() // with the mutex: a later lockdown finds the call
	b.mu.Unlock()
	if locked != "" {
		cancel(lockdownEnd)
	}
	cfg := b.config.Load()
	c := &call{
		Call: lc, leg: 2, cancel: cancel, multiSessionID: w.row.MultiSessionID, callbackID: w.row.ID,
		attempt: e.Attempt, identity: w.identity(), promisedTo: w.question(), called: w.lastStep().Number,
		accounting: cfg.accounting(w.listsOf()), limits: w.limits,
	}
	leg := session.Leg{Number: 2, CallbackID: w.row.ID, Service: aaa.Service(w.row.Service), Identity: w.identity(),
		NoVerify: w.row.NoVerify, Auth: w.auth.Auth, Server: w.auth.Server,
		Locale: cfg.locale(w.trace.Group, lc.TTY)}
	b.publish(events.Connected{Callback: w.row.ID, Call: lc.ID, Line: lc.TTY, User: w.row.User})
	login, asked := w.login(b), c.promisedTo
	began, step, system := w.dial.began, w.plan.Step(w.lastDial()), b.systemScripts(w, w.lastStep())
	rate, priced := cfg.prices(w.lastStep()).Find(w.lastStep().Number)
	b.running.Go(func() {
		defer cancel(nil)
		b.begin(c)
		defer b.end(c)
		defer w.hangUpInTime(c, b.opt.Limits)()
		out := b.converse(callCtx, c, cfg, "system", system...)
		if out.Reason == "" {
			out = b.legTwo(callCtx, c, cfg, login, leg, asked)
		}
		b.callEnded(c, out)
		cut := cutShort(callCtx) // nothing was wrong with the login
		if out.Kind != session.SessionEnded && out.Cause != aaa.CauseLostCarrier && !cut {
			b.send(ctx, event{id: c.callbackID, what: callback.NotAdmitted{Attempt: e.Attempt, Cause: out.Reason},
				text: out.Reason})
		}
		err := b.hangUpCall(c)
		lasted := time.Since(began)
		c.cost = costOf(rate, priced, lasted)
		b.closeCall(c, out)
		b.send(ctx, event{id: c.callbackID, what: callback.CallEnded{Attempt: e.Attempt, Cause: out.Reason,
			Unproven: err != nil}, cut: cut, text: out.Reason, also: func(w *work) {
			w.dialEnded = time.Now()
			w.spend(e.Attempt, spent{Step: step, Time: lasted})
		}})
	})
}

// login returns the method lists of the called line, which authenticated leg one.
func (w *work) login(b *Broker) Login { return b.config.Load().login(w.listsOf()) }

// ClearLine ends the call on a line, as IOS `clear line` does. It returns an error if the line does not exist. by names
// the operator in the audit.
func (b *Broker) ClearLine(ctx context.Context, line int, by string) error {
	if vty, ok := tty.IsVTY(line); ok {
		return b.clearVTY(vty, by)
	}
	if _, ok := b.opt.Pool.Config(line); !ok {
		return lines.NoLine(line)
	}
	b.Happened(events.LineCleared{Line: line, By: by})
	if b.hangUpOn(line) {
		return nil // the session writes its final text; then its call is hung up
	}
	return b.opt.Pool.Clear(line)
}

// hangUpOn ends the session on a line, and reports whether there is one.
func (b *Broker) hangUpOn(line int) (talking bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		if c.TTY == line {
			talking = true
			c.cancel(errHangUp)
		}
	}
	return talking
}

// CancelCallback cancels a pending callback, of any node of a fleet. by names the operator in the audit.
func (b *Broker) CancelCallback(ctx context.Context, id, by string) error {
	err := b.cancel(ctx, id, by)
	if errors.Is(err, errStale) {
		return fmt.Errorf("callback %s is not pending: there is nothing to cancel", id)
	}
	return err
}
