package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
)

const (
	drainTime     = 5 * time.Second // the longest that the last words to a caller may take to cross the line
	lastWordsTime = 2 * time.Second // … and to be handed over, where the session is ended from outside: he may be taking nothing
)

// Why a session's context ended, beside an End and what the operator did.
var (
	errCarrier        = errors.New("carrier lost")
	errSessionTimeout = errors.New("session timeout")
)

// ErrLoginTimeout is the cause with which Decide's ctx ends when the login takes longer than Config.LoginTimeout.
var ErrLoginTimeout = errors.New("login not finished in time")

// Run serves one connected call from the first prompt to the end of the session and blocks until then; its last words have been
// drained when it returns. It does not hang up. It ends early when the carrier is lost or ctx ends (an operator cleared the
// line, or see End). A panic inside, the Broker's methods included, ends this session only and is told in the Outcome.
func Run(ctx context.Context, call *lines.Call, cfg Config, login Login, b Broker, leg Leg, sh Shower) Outcome {
	m := &meter{Data: call.Data}
	s := &session{
		cfg: cfg.withDefaults(), call: call, meter: m, term: console.NewTerminal(m),
		login: login, broker: b, leg: leg, shower: sh, started: time.Now(),
	}
	if s.leg.Number == 0 {
		s.leg.Number = 1
	}
	s.term.Parity = console.UnknownParity
	s.term.OnParity = func(p console.Parity) { s.debugf("terminal: 7 bits, %v", p) }
	ctx, stop := watchCarrier(ctx, call.Done())
	defer stop()
	e := s.guarded(ctx, s.serve)
	if s.open != nil && s.open.admitted {
		e.kind, e.callbackID = SessionEnded, s.leg.CallbackID
	}
	if e.cause != aaa.CauseLostCarrier {
		s.drain(ctx)
	}
	s.close(ctx, e)
	return s.outcome(e)
}

// session is one run on one call; the call's goroutine owns it.
type session struct {
	cfg    Config
	call   *lines.Call
	meter  *meter
	term   *console.Terminal
	login  Login
	broker Broker
	leg    Leg
	shower Shower

	started  time.Time
	grants   int     // sessions begun on this call
	open     *opened // the session that has begun and not ended; nil none
	proven   aaa.Identity
	tries    int       // logins that failed
	blanks   int       // prompts left empty
	guessed  Guess     // the last login begun
	secrets  []string  // what was typed without echo, to be masked in what others say
	nobodies []string  // names typed that are nobody's, likewise: one may be a password
	counted  [2]uint64 // octets of the sessions before the open one, in and out
	lastFail string    // the operator's reason of the last failed login

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

// ending is how a session ended.
type ending struct {
	kind       OutcomeKind
	cause      aaa.Cause
	reason     string
	callbackID string
	stack      string
}

// watchCarrier returns a ctx that also ends when the carrier is lost. stop ends the watch and waits for it.
func watchCarrier(parent context.Context, lost <-chan struct{}) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		select {
		case <-lost:
			cancel(errCarrier)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil); <-finished }
}

// guarded runs f and makes an ending of its panic.
func (s *session) guarded(ctx context.Context, f func(context.Context) ending) (e ending) {
	defer func() {
		if p := recover(); p != nil {
			stack := string(debug.Stack()) // has addresses, no values
			if r, ok := p.(relayed); ok {
				p, stack = r.value, r.stack
			}
			e = ending{cause: aaa.CauseNASError, reason: "panic: " + s.scrub(fmt.Sprint(p)), stack: stack}
		}
	}()
	return f(ctx)
}

// serve greets the caller, has him prove who he is, and goes on as the Broker decides.
func (s *session) serve(ctx context.Context) ending {
	s.say("\n")
	if banner := console.CleanText(s.cfg.Banner); banner != "" {
		s.say(banner + "\n\n")
	}
	limited, cancel := ctx, context.CancelFunc(func() {})
	if s.cfg.LoginTimeout > 0 {
		limited, cancel = context.WithTimeoutCause(ctx, s.cfg.LoginTimeout, ErrLoginTimeout)
	}
	defer cancel()
	if s.leg.Number == 2 && s.leg.NoVerify {
		res := aaa.Result{Kind: aaa.Granted, Identity: s.leg.Identity, Auth: s.leg.Auth, Server: s.leg.Server}
		s.guessed = Guess{Call: s.call, Leg: s.leg.Number, User: s.leg.Identity.User}
		if why := s.unservable(res.Auth); why != "" {
			s.fail(textUnservable, GuessRefused, "granted what cannot be honoured: "+why)
			return ending{cause: aaa.CauseNASRequest, reason: "refused: " + s.lastFail}
		}
		s.debugf("login: %v is not verified again", res.Identity)
		if e, over := s.granted(ctx, limited, res); over {
			return e
		}
		return ending{cause: aaa.CauseNASRequest, reason: "refused: " + s.lastFail}
	}
	return s.logins(ctx, limited)
}

// say writes to the caller. An error is left to the next read: a caller who is gone is noticed there.
func (s *session) say(text string) { _, _ = s.term.Write([]byte(text)) }

// interruptedBy makes an ending of an error of the terminal, and tells the caller why where he may still hear it.
func (s *session) interruptedBy(ctx context.Context, err error) ending {
	over := ctx.Err() != nil // looked at once: ctx may end any moment, and a lost carrier is no cleared line
	if over {
		err = context.Cause(ctx)
	}
	s.term.WriteTimeout = lastWordsTime
	var end End
	e := ending{cause: aaa.CauseAdminReset, reason: "line cleared"}
	text := "% Line cleared"
	switch {
	case errors.As(err, &end):
		e.cause, e.reason, text = end.Cause, end.Error(), console.Clean(end.Text)
	case errors.Is(err, ErrLoginTimeout):
		e.cause, e.reason, text = aaa.CauseIdleTimeout, err.Error(), "% Login timed out"
	case errors.Is(err, errSessionTimeout):
		e.cause, e.reason, text = aaa.CauseSessionTimeout, err.Error(), "% Session timeout"
	case errors.Is(err, console.ErrIdle):
		e.cause, e.reason, text = aaa.CauseIdleTimeout, err.Error(), "% Idle timeout"
	case errors.Is(err, os.ErrDeadlineExceeded): // he takes nothing: telling him why would only block again
		e.cause, e.reason, text = aaa.CauseIdleTimeout, err.Error(), ""
	case !over || errors.Is(err, errCarrier): // the stream ended by itself
		e.cause, e.reason, text = aaa.CauseLostCarrier, errCarrier.Error(), ""
	}
	if text != "" {
		s.say("\n" + text + "\n")
	}
	return e
}

// drain waits until the last words have crossed the line. It goes on when ctx has ended: the words say why.
func (s *session) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	_ = s.meter.Drain(ctx) // the carrier may be lost meanwhile: nothing left to do
}

// begin tells the Broker that AAA granted.
func (s *session) begin(ctx context.Context, res aaa.Result) {
	s.grants++
	s.proven = res.Identity
	r := Report{
		Kind: Began, Time: time.Now(), Call: s.call, Identity: res.Identity, Auth: res.Auth, Service: aaa.EXEC,
		Server: res.Server, Leg: s.leg.Number, Session: s.grants, CallbackID: s.leg.CallbackID,
	}
	s.open = &opened{report: r, since: time.Now(), stop: func() {}}
	s.tell(ctx, r)
	s.open.stop = s.interims(ctx, s.open)
}

// close tells the Broker that the session is over, if one has begun. A panic of Report is noted in nothing but the debug output:
// the session's own end stands.
func (s *session) close(ctx context.Context, e ending) {
	if s.open == nil {
		return
	}
	o := s.open
	s.open = nil
	r := o.report
	r.Kind, r.Time, r.Duration = Ended, time.Now(), time.Since(o.since)
	o.stop()
	r.Admitted, r.Cause, r.Reason = o.admitted, e.cause, e.reason
	if e.callbackID != "" {
		r.CallbackID = e.callbackID
	}
	r.OctetsIn, r.OctetsOut = s.octets()
	s.counted = [2]uint64{s.counted[0] + r.OctetsIn, s.counted[1] + r.OctetsOut}
	failed := s.guarded(ctx, func(ctx context.Context) ending { s.tell(context.WithoutCancel(ctx), r); return ending{} })
	if failed.stack != "" {
		s.debugf("report of the end: %s", failed.reason)
	}
}

func (s *session) outcome(e ending) Outcome {
	return Outcome{
		Kind: e.kind, Cause: e.cause, Reason: e.reason, Identity: s.proven, CallbackID: e.callbackID, Tries: s.tries, LastFail: s.lastFail,
		OctetsIn: s.meter.in.Load(), OctetsOut: s.meter.out.Load(), Duration: time.Since(s.started), Stack: e.stack,
	}
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// debugf tells what happens, for an operator who watches.
func (s *session) debugf(format string, args ...any) {
	if s.cfg.Debug != nil {
		s.cfg.Debug(s.call.TTY, console.Clean(fmt.Sprintf(format, args...)))
	}
}

// scrub makes one harmless line of what others said (a panic, a reason), without the secrets that were typed on this call.
func (s *session) scrub(text string) string {
	s.masking.Lock()
	for _, secret := range slices.Concat(s.secrets, s.nobodies) {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	s.masking.Unlock()
	text = console.Clean(text)
	if r := []rune(text); len(r) > maxReason {
		text = string(r[:maxReason]) + "…"
	}
	return text
}

// maxReason is the longest reason kept, in characters.
const maxReason = 500

// keepSecret remembers what was typed without echo. Shorter ones would mask letters everywhere and so tell what they are.
func (s *session) keepSecret(secret string) {
	if len(secret) < minSecret {
		return
	}
	s.masking.Lock()
	defer s.masking.Unlock()
	s.secrets = append(s.secrets, secret)
}

// minSecret is the length of the shortest secret that is masked.
const minSecret = 3

// nobody remembers a name that is nobody's, or that it is somebody's after all.
func (s *session) nobody(name string, is bool) {
	s.masking.Lock()
	defer s.masking.Unlock()
	s.nobodies = slices.DeleteFunc(s.nobodies, func(n string) bool { return n == name })
	if is && len(name) >= minSecret {
		s.nobodies = append(s.nobodies, name)
	}
}
