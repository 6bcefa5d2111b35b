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
)

// drainTime is the longest that the last words to a caller may take to cross the line.
const drainTime = 5 * time.Second

// Run serves one connected call from its first octet to the end of the session and blocks until then; its last words
// have been drained when it returns. It does not hang up. It ends early when the carrier is lost or ctx ends (an
// operator cleared the line, or see End). A panic inside, the Broker's methods included, ends this session only and is
// told in the Outcome.
func Run(ctx context.Context, call *lines.Call, cfg Config, login Login, b Broker, leg Leg, sh Shower) Outcome {
	s := &Session{
		cfg: cfg.withDefaults(), call: call, line: &Line{meter: meter{Data: call.Data}}, leg: leg, login: login,
		broker: b,
		shower: sh, started: time.Now(),
	}
	if s.leg.Number == 0 {
		s.leg.Number = 1
	}
	ctx, stop := watchCarrier(ctx, call.Done())
	defer stop()
	s.ctx = ctx
	e := s.guarded(ctx, s.serve)
	kind, callbackID := s.became()
	if kind == CallbackPromised && e.stack == "" { // whatever ended the call then
		e.Cause = aaa.CauseCallback
	}
	if e.Cause != aaa.CauseLostCarrier {
		s.drain(ctx)
	}
	s.close(ctx, e.Ending, callbackID)
	return Outcome{
		Kind: kind, Cause: e.Cause, Reason: e.Reason, Stack: e.stack, Identity: s.proven, CallbackID: callbackID,
		Tries: s.tries, LastFail: s.lastFail, Duration: time.Since(s.started),
		OctetsIn: s.line.meter.in.Load(), OctetsOut: s.line.meter.out.Load(),
	}
}

// Session is the life of one call, for the front end that serves it. One goroutine at a time uses it: that of Serve, or
// one that Serve waits for. Line, Debugf, Scrub and KeepSecret may be used from any.
type Session struct {
	cfg    Config
	call   *lines.Call
	line   *Line
	login  Login
	broker Broker
	leg    Leg
	shower Shower

	ctx      context.Context // ends with the call
	frontEnd FrontEnd
	started  time.Time
	grants   int     // sessions begun on this call
	open     *opened // the session that has begun and not ended; nil none
	proven   aaa.Identity
	verdict  VerdictKind // the Broker's last about the open session
	promised string      // the callback that was promised; "" none
	tries    int         // logins that failed
	guessed  Guess       // the last login begun
	secrets  []string    // what was typed without echo, to be masked in what others say
	nobodies []string    // names typed that are nobody's, likewise: one may be a password
	counted  [2]uint64   // octets of the sessions before the open one, in and out
	lastFail string      // the operator's reason of the last failed login

	telling sync.Mutex // held while the Broker is given a report
	masking sync.Mutex // guards secrets
}

// opened is a session that the Broker was told of.
type opened struct {
	report   Report // as Began had it
	since    time.Time
	admitted bool
	stop     func() // ends the interim reports and waits for it
}

// ended is an Ending, with the stack of a panic that brought it.
type ended struct {
	Ending
	stack string
}

// watchCarrier returns a ctx that also ends when the carrier is lost. stop ends the watch and waits for it.
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

// guarded runs f and makes an ending of its panic.
func (s *Session) guarded(ctx context.Context, f func(context.Context) Ending) (e ended) {
	defer func() {
		if p := recover(); p != nil {
			stack := string(debug.Stack()) // has addresses, no values
			if r, ok := p.(relayed); ok {
				p, stack = r.value, r.stack
			}
			e = ended{Ending{aaa.CauseNASError, "panic: " + s.Scrub(fmt.Sprint(p))}, stack}
		}
	}()
	return ended{Ending: f(ctx)}
}

// relayed is a panic of another goroutine than the call's.
type relayed struct {
	value any
	stack string
}

func (r relayed) Error() string { return "panic" }

// Relay runs f and makes an error of its panic, for goroutines that a front end starts: what happens on one call must
// not end the process. Repanic with it in the goroutine of Serve ends the session.
func Relay(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = relayed{p, string(debug.Stack())}
		}
	}()
	return f()
}

// Repanic panics where err is what Relay made of a panic.
func Repanic(err error) {
	if r, ok := err.(relayed); ok {
		panic(r)
	}
}

// serve has one front end serve the call, or a second one where the caller's octets are its own.
func (s *Session) serve(ctx context.Context) Ending {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if s.cfg.LoginTimeout > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, s.cfg.LoginTimeout, ErrLoginTimeout)
	}
	defer cancel()
	first, e := s.first(limited)
	if first == nil {
		return e
	}
	s.frontEnd = first
	e = first.Serve(limited, s)
	next := s.line.taken()
	if next == nil {
		return e
	}
	s.close(limited, Ending{aaa.CauseUserRequest, s.changes(next)}, "")
	s.frontEnd = next
	return next.Serve(limited, s)
}

// first is the front end that begins; nil where the call ends without one.
func (s *Session) first(ctx context.Context) (FrontEnd, Ending) {
	none := Ending{aaa.CauseNASError, "no front end serves the call"}
	if s.cfg.FrontEnds == nil {
		return nil, none
	}
	if s.leg.Number == 2 {
		if f := s.cfg.FrontEnds.Serving(s.leg.Service); f != nil {
			return f, Ending{}
		}
		return nil, Ending{aaa.CauseNASError, fmt.Sprintf("no front end serves %s", s.leg.Service)}
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

// await reads until the caller's octets have chosen a front end. What belongs to none is dropped.
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

// changes tells an operator which front end the caller's octets have chosen, and returns that as a reason.
func (s *Session) changes(to FrontEnd) (reason string) {
	reason = fmt.Sprintf("the caller's octets are those of service %s", to.Service())
	s.Debugf("session: %s", reason)
	return reason
}

// drain waits until the last words have crossed the line. It goes on when ctx has ended: the words say why.
func (s *Session) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	_ = s.line.Drain(ctx) // the carrier may be lost meanwhile: nothing left to do
}

// became says what became of the call, and by which callback.
func (s *Session) became() (kind OutcomeKind, callbackID string) {
	switch {
	case s.promised != "":
		return CallbackPromised, s.promised
	case s.open != nil && s.open.admitted:
		return SessionEnded, s.leg.CallbackID
	}
	return NotAdmitted, ""
}
