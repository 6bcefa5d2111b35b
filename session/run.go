package session

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/texts"
)

// drainTime is the maximum time to transmit the last output to the caller.
const drainTime = 5 * time.Second

// Run serves one connected call from the first octet to the end of the session and blocks until then; the last output
// has been transmitted when it returns. It does not hang up. It ends early if the carrier is lost or ctx ends (the line
// was cleared, or see End). A panic, also in the Broker's methods, ends only this session and is reported in the
// Outcome.
func Run(ctx context.Context, call *lines.Call, cfg Config, login Login, b Broker, leg Leg) Outcome {
	s := &Session{
		cfg: cfg.withDefaults(), call: call, line: &Line{meter: meter{Data: call.Data}}, leg: leg, login: login,
		broker: b, started: time.Now(),
	}
	s.locale = leg.Locale
	if s.leg.Number == 0 {
		s.leg.Number = 1
	}
	if s.cfg.Metered != nil {
		s.cfg.Metered(call, s.line.meter.octets)
	}
	ctx, stop := watchCarrier(ctx, call.Done())
	defer stop()
	s.ctx = ctx
	e := s.guarded(ctx, s.serve)
	kind, callbackID := s.became()
	if kind == CallbackPromised && e.stack == "" { // whatever ended the call afterwards
		e.Cause = aaa.CauseCallback
	}
	if e.Cause != aaa.CauseLostCarrier {
		s.drain(ctx)
	}
	s.close(ctx, e.Ending, callbackID)
	s.noting.Wait()
	in, out := s.line.meter.octets()
	return Outcome{
		Kind: kind, Cause: e.Cause, Reason: e.Reason, Stack: e.stack, Identity: s.proven, CallbackID: callbackID,
		Tries: s.tries, LastFail: s.lastFail, Duration: time.Since(s.started),
		OctetsIn: in, OctetsOut: out,
	}
}

// Session is one call, as its front end sees it. It is used by one goroutine at a time: that of Serve, or one that
// Serve waits for. Line, Debugf, Scrub and KeepSecret are safe for concurrent use.
type Session struct {
	cfg    Config
	call   *lines.Call
	line   *Line
	login  Login
	broker Broker
	leg    Leg

	ctx      context.Context // ends with the call
	frontEnd FrontEnd
	started  time.Time
	grants   int     // number of sessions begun on this call
	open     *opened // the current session; nil for none
	proven   aaa.Identity
	served   bool         // a session was admitted on this call
	verdict  VerdictKind  // the Broker's last verdict on the open session
	terms    Terms        // of the open session
	recorder Recorder     // of the open session; nil: none. Guarded by masking
	locale   texts.Locale // of the caller
	promised string       // the promised callback; "" for none
	secured  bool         // a user of this call must not learn what was decided
	tries    int          // number of failed logins
	guessed  Guess        // the latest login
	secrets  []string     // input typed without echo, masked by Scrub
	nobodies []string     // unknown names typed, also masked: one may be a password
	next     FrontEnd     // takes the call over when Serve returns; nil: none
	same     string       // the user who must log in again after HandOver; "": any
	counted  Carried      // by earlier sessions
	carries  func() Carried
	lastFail string // why the last login failed, for the operator

	noting  sync.WaitGroup // reports to the Guard that the caller does not wait for
	telling sync.Mutex     // held while a report is sent to the Broker
	masking sync.Mutex     // guards secrets and recorder
}

// opened is a session whose begin was reported to the Broker.
type opened struct {
	narrowing sync.Mutex // guards report, which verdicts narrow while interim reports may be sent
	report    Report     // as reported by Began, with what the verdicts leave of its Auth

	since    time.Time
	admitted bool
	stop     func() // stops the interim reports and waits for the last
}

// ended is an Ending, with the stack of the panic that caused it, if any.
type ended struct {
	Ending
	stack string
}

// watchCarrier returns a ctx that also ends when the carrier is lost. stop stops watching and waits for the goroutine.
func watchCarrier(parent context.Context, lost <-chan struct{}) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-lost:
			cancel(ErrCarrier)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-finished }
}

// guarded runs f and converts a panic to an ended.
func (s *Session) guarded(ctx context.Context, f func(context.Context) Ending) (e ended) {
	defer func() {
		if p := recover(); p != nil {
			stack := string(debug.Stack()) // it has addresses but no values, so no secrets
			if r, ok := p.(relayed); ok {
				p, stack = r.value, r.stack
			}
			e = ended{Ending{aaa.CauseNASError, "panic: " + s.Scrub(fmt.Sprint(p))}, stack}
		}
	}()
	return ended{Ending: f(ctx)}
}

// relayed is a panic in a goroutine other than the call's.
type relayed struct {
	value any
	stack string
}

func (r relayed) Error() string { return "panic" }

// Relay runs f and returns a panic as an error, for goroutines started by a front end: a panic on one call must not end
// the process. Pass the error to Repanic in the goroutine of Serve to end the session.
func Relay(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = relayed{p, string(debug.Stack())}
		}
	}()
	return f()
}

// Repanic panics if err is a panic returned by Relay.
func Repanic(err error) {
	if r, ok := err.(relayed); ok {
		panic(r)
	}
}

// serve serves the call with one front end, and then with a second one if the caller's octets select it, or if the
// first one hands the call over.
func (s *Session) serve(ctx context.Context) Ending {
	limited, cancel := s.limited(ctx)
	defer cancel()
	first, e := s.first(limited)
	if first == nil {
		return e
	}
	s.frontEnd = first
	e = first.Serve(limited, s)
	if to := s.line.taken(); to != nil {
		s.change(limited, to, s.changes(to))
		return to.Serve(limited, s)
	}
	if s.next == nil {
		return e
	}
	s.change(ctx, s.next, fmt.Sprintf("the user changes to service %s", s.next.Service()))
	s.same, s.leg.NoVerify, s.leg.Auth = s.proven.User, false, aaa.Authorization{} // which was for the other service
	again, release := s.limited(ctx)
	defer release()
	return s.frontEnd.Serve(again, s)
}

// change ends the session, if one has begun, before another front end takes the call over.
func (s *Session) change(ctx context.Context, to FrontEnd, reason string) {
	s.close(ctx, Ending{aaa.CauseUserRequest, reason}, "")
	s.carries = nil
	s.counted = s.carriedAll()
	s.frontEnd = to
}

// limited returns a ctx that is limited by the login timeout.
func (s *Session) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.cfg.LoginTimeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, s.cfg.LoginTimeout, ErrLoginTimeout)
}

// first returns the front end that begins; nil if the call ends without one.
func (s *Session) first(ctx context.Context) (FrontEnd, Ending) {
	none := Ending{aaa.CauseNASError, "no front end for this call"}
	if s.cfg.FrontEnds == nil {
		return nil, none
	}
	if s.leg.Number == 2 {
		if f := s.cfg.FrontEnds.Serving(s.leg.Service, s.call.TTY); f != nil {
			return f, Ending{}
		}
		return nil, Ending{aaa.CauseNASError, fmt.Sprintf("no front end for service %s on tty %d", s.leg.Service,
			s.call.TTY)}
	}
	f, look := s.cfg.FrontEnds.Choose(s.call)
	s.line.look = look
	if f != nil {
		return f, Ending{}
	}
	if look == nil {
		return nil, none
	}
	return s.await(ctx)
}

// await reads until the caller's octets have selected a front end, and drops octets that select none.
func (s *Session) await(ctx context.Context) (FrontEnd, Ending) {
	past := time.Unix(1, 0)
	defer context.AfterFunc(ctx, func() { _ = s.line.SetReadDeadline(past) })()
	var buf [32]byte
	for {
		_, err := s.line.Read(buf[:])
		switch {
		case errors.Is(err, ErrTaken):
			f := s.line.taken()
			s.changes(f)
			return f, Ending{}
		case err != nil:
			return nil, Interrupted(ctx, err)
		}
	}
}

// changes writes the front end selected by the caller's octets to the debug output, and returns the same text as a
// reason.
func (s *Session) changes(to FrontEnd) (reason string) {
	reason = fmt.Sprintf("the caller's data selects service %s", to.Service())
	s.Debugf("session: %s", reason)
	return reason
}

// drain waits until the last output has been transmitted, also after ctx has ended: the output may say why.
func (s *Session) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	_ = s.line.Drain(ctx) // if the carrier is lost meanwhile, there is nothing to do
}

// became returns the outcome of the call, and its callback.
func (s *Session) became() (kind OutcomeKind, callbackID string) {
	switch {
	case s.promised != "":
		return CallbackPromised, s.promised
	case s.served:
		return SessionEnded, s.leg.CallbackID
	}
	return NotAdmitted, ""
}
