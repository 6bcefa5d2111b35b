package session

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipe is the data of a line over a net.Pipe.
type pipe struct {
	net.Conn
	done chan struct{}
}

func (pipe) Drain(context.Context) error    { return nil }
func (p pipe) Done() <-chan struct{}        { return p.done }
func (p pipe) Hangup(context.Context) error { return p.Close() }

// text is a front end that reads octet by octet and logs no user in.
type text struct {
	end error // error of the last read

	mu  sync.Mutex
	got strings.Builder
}

// read returns the input so far.
func (f *text) read() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.got.String()
}

func (*text) Service() aaa.Service                { return aaa.EXEC }
func (*text) Unservable(aaa.Authorization) string { return "" }
func (f *text) Serve(ctx context.Context, s *Session) Ending {
	defer context.AfterFunc(ctx, func() { s.Line().SetReadDeadline(time.Unix(1, 0)) })()
	fmt.Fprint(s.Line(), "Username: ")
	var b [1]byte
	for {
		n, err := s.Line().Read(b[:])
		f.mu.Lock()
		f.got.Write(b[:n])
		f.mu.Unlock()
		if err != nil {
			f.end = err
			return Interrupted(ctx, err)
		}
	}
}

// frames is a front end of another service. A frame is "~\xff", text, "\n": first user and password, then the choice if
// a callback is offered, then data of the session.
type frames struct {
	got      []string
	verdicts []VerdictKind
	greedy   bool // it acts without the Broker's verdict
	unable   string
}

func (*frames) Service() aaa.Service                  { return "frames" }
func (f *frames) Unservable(aaa.Authorization) string { return f.unable }
func (f *frames) Serve(ctx context.Context, s *Session) Ending {
	r := bufio.NewReader(s.Line())
	frame := func() string {
		line, err := r.ReadString('\n')
		if err != nil {
			return ""
		}
		f.got = append(f.got, line)
		return strings.TrimSuffix(strings.TrimPrefix(line, "~\xff"), "\n")
	}
	res, ok := s.Unverified()
	if !ok {
		user, password, _ := strings.Cut(frame(), " ")
		s.Trying(user)
		s.KeepSecret(password)
		res, _ = s.AskLogin(ctx, func(ctx context.Context) (aaa.Result, error) {
			_, res := s.AAA().Start(ctx, s.Request(user, aaa.Secret(password)))
			return res, nil
		})
	}
	v, failure := s.Settle(ctx, res)
	f.verdicts = append(f.verdicts, v.Kind)
	if v.Kind == Offered || f.greedy && v.Kind == Refuse && s.Leg().Number == 2 {
		v = s.Promise(ctx, Choice{Offer: v.Offer.ID, Number: frame(), Delay: 12 * time.Second})
		f.verdicts = append(f.verdicts, v.Kind)
	}
	switch {
	case v.Kind == Admit || f.greedy:
		_, release := s.Admit()
		defer release()
		fmt.Fprint(s.Line(), "welcome\n")
		for frame() != "" {
		}
		return Interrupted(ctx, ErrCarrier)
	case v.Kind == Promised:
		fmt.Fprint(s.Line(), "ack\n")
		return Ending{aaa.CauseUserRequest, "acknowledged"}
	}
	fmt.Fprintf(s.Line(), "no %d\n", failure)
	s.Refused(ctx)
	return Ending{aaa.CauseNASRequest, s.LastFailure()}
}

// both selects one of two front ends by the caller's octets.
type both struct {
	first  FrontEnd // begins at once; nil waits
	typed  FrontEnd // for typed input, if first is nil
	frames FrontEnd
	looks  int
}

func (b *both) Choose(*lines.Call) (FrontEnd, Look) { return b.first, b.look }
func (b *both) Serving(s aaa.Service, _ int) FrontEnd {
	for _, f := range []FrontEnd{b.first, b.typed, b.frames} {
		if f != nil && f.Service() == s {
			return f
		}
	}
	return nil
}

func (b *both) look(held []byte) (pass int, to FrontEnd) {
	b.looks++
	for {
		i := bytes.IndexByte(held[pass:], '~')
		switch {
		case i < 0 && b.first == nil && bytes.ContainsRune(held, '\r'):
			return 0, b.typed
		case i < 0:
			return len(held), nil
		}
		pass += i
		switch {
		case len(held) == pass+1:
			return pass, nil
		case held[pass+1] == 0xff:
			return pass, b.frames
		}
		pass++
	}
}

// ledger is a Broker with given verdicts that records its calls.
type ledger struct {
	says    []VerdictKind
	asked   []Asked
	chosen  []Choice
	reports []Report
	secure  bool
}

func (l *ledger) Secure(Asked) bool { return l.secure }

func (l *ledger) next() Verdict {
	if len(l.says) == 0 {
		return Verdict{}
	}
	k := l.says[0]
	l.says = l.says[1:]
	return Verdict{Kind: k, Offer: Offer{ID: "o1"}, CallbackID: "cb1", Reason: "as configured"}
}
func (l *ledger) Decide(_ context.Context, a Asked) Verdict {
	l.asked = append(l.asked, a)
	return l.next()
}
func (l *ledger) Promise(_ context.Context, c Choice) Verdict {
	l.chosen = append(l.chosen, c)
	return l.next()
}
func (l *ledger) Report(_ context.Context, r Report) { l.reports = append(l.reports, r) }

// told returns the reports in short form.
func (l *ledger) told() string {
	var all []string
	for _, r := range l.reports {
		all = append(all, fmt.Sprintf("%d %s %s %s cause %d admitted %v %q", r.Kind, r.Service, r.Identity.User,
			r.Call.ID, r.Cause, r.Admitted, r.CallbackID))
	}
	return strings.Join(all, "; ")
}

// login grants users kim and lee on any service.
type login struct{ requests []aaa.Request }

func (l *login) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	l.requests = append(l.requests, r)
	if r.User != "kim" && r.User != "lee" || r.Password != "secret" {
		return nil, aaa.Result{Kind: aaa.Refused, Reason: "no such user"}
	}
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: r.User}, Server: "primary"}
}
func (*login) Command(context.Context, aaa.Question) aaa.Result { return aaa.Result{} }

// ringer is the caller of one call, in a synctest bubble.
type ringer struct {
	far    net.Conn
	line   pipe
	login  login
	ledger *ledger
	over   chan struct{}
	out    Outcome

	mu     sync.Mutex
	screen bytes.Buffer
	seen   sync.WaitGroup
}

func rings(t *testing.T, c Chooser, leg Leg, says ...VerdictKind) *ringer {
	near, far := net.Pipe()
	r := &ringer{far: far, line: pipe{near, make(chan struct{})}, ledger: &ledger{says: says},
		over: make(chan struct{})}
	call := &lines.Call{Data: r.line, ID: "c1", TTY: 65, Start: time.Now()}
	r.seen.Go(func() {
		buf := make([]byte, 256)
		for {
			n, err := far.Read(buf)
			r.mu.Lock()
			r.screen.Write(buf[:n])
			r.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
	ctx := t.Context()
	go func() {
		defer close(r.over)
		r.out = Run(ctx, call, Config{FrontEnds: c}, &r.login, r.ledger, leg)
	}()
	synctest.Wait()
	return r
}

func (r *ringer) sends(octets string) {
	r.far.SetWriteDeadline(time.Now().Add(time.Second))
	r.far.Write([]byte(octets))
	synctest.Wait()
}

func (r *ringer) sees() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.screen.String()
	r.screen.Reset()
	return s
}

func (r *ringer) hangsUp() Outcome {
	close(r.line.done)
	r.line.Close()
	<-r.over
	r.far.Close()
	r.seen.Wait()
	return r.out
}

const hello = "~\xffkim secret\n"

// The first octets select the front end, which receives all of them: in one piece, octet by octet, after others, before
// and during the login.
func TestFirstOctetsChoose(t *testing.T) {
	for name, tt := range map[string]struct {
		during bool // the first front end begins at once
		sends  []string
		typed  string // input of the text front end
		screen string
	}{
		"before the login":                 {false, []string{hello}, "", "welcome\n"},
		"before, octet by octet":           {false, strings.Split(hello, ""), "", "welcome\n"},
		"before, behind noise":             {false, []string{"\x00~x", "x" + hello}, "", "welcome\n"},
		"before, typed":                    {false, []string{"k\r"}, "k\r", "Username: "},
		"during the login":                 {true, []string{hello}, "", "Username: welcome\n"},
		"during, octet by octet":           {true, strings.Split(hello, ""), "", "Username: welcome\n"},
		"during, in the middle of a name":  {true, []string{"ki", "m" + hello}, "kim", "Username: welcome\n"},
		"during, behind one that is typed": {true, []string{"k~im", hello}, "k~im", "Username: welcome\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				typed, fr := &text{}, &frames{}
				c := &both{typed: typed, frames: fr}
				if tt.during {
					c.first, c.typed = typed, nil
				}
				r := rings(t, c, Leg{}, Admit)
				for _, octets := range tt.sends {
					r.sends(octets)
				}
				looks := c.looks
				r.sends("~\xffmore\n")
				screen := r.sees()
				out := r.hangsUp()
				if tt.screen == "Username: " { // a front end is selected: what looks like a frame is now typed input
					tt.typed += "~\xffmore\n"
				}
				if typed.read() != tt.typed || screen != tt.screen {
					t.Errorf("typed %q, screen %q", typed.read(), screen)
				}
				if tt.screen == "Username: " {
					return
				}
				if !slices.Equal(fr.got, []string{hello, "~\xffmore\n"}) || c.looks != looks {
					t.Errorf("frames %q, %d looks after the choice", fr.got, c.looks-looks)
				}
				if len(r.login.requests) != 1 || r.login.requests[0].Service != "frames" ||
					r.ledger.asked[0].Service != "frames" {
					t.Errorf("AAA %+v, the broker %+v", r.login.requests, r.ledger.asked)
				}
				want := `1 frames kim c1 cause 0 admitted false ""; 2 frames kim c1 cause 2 admitted true ""`
				if got := r.ledger.told(); got != want {
					t.Errorf("reports: %s", got)
				}
				if sent := len(strings.Join(tt.sends, "")) + len("~\xffmore\n"); out.Kind != SessionEnded ||
					out.OctetsIn != uint64(sent) {
					t.Errorf("%+v, sent %d", out, sent)
				}
			})
		})
	}
}

// An octet that may begin another front end's input reaches the current one within half a second, also after other
// input.
func TestHeldBackOctetIsTyped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := &text{}
		r := rings(t, &both{first: typed, frames: &frames{}}, Leg{})
		start := time.Now()
		r.sends("a~")
		if s := typed.read(); s != "a" {
			t.Errorf("read at once: %q", s)
		}
		<-time.After(holdTime)
		synctest.Wait()
		if s := typed.read(); s != "a~" || time.Since(start) > time.Second {
			t.Errorf("read %q after %v", s, time.Since(start))
		}
		r.sends("~")
		<-time.After(holdTime / 2)
		r.sends("~")
		<-time.After(holdTime/2 + time.Millisecond)
		synctest.Wait()
		r.sends("\xff") // the first of the three is typed input, the rest begins a frame
		r.sends("kim secret\n")
		r.hangsUp()
		if s := typed.read(); s != "a~~" || !errors.Is(typed.end, ErrTaken) {
			t.Errorf("read %q, then %v", s, typed.end)
		}
	})
}

// Octets held back when the carrier is lost go to the current front end.
func TestHeldBackAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := &text{}
		r := rings(t, &both{first: typed, frames: &frames{}}, Leg{})
		r.sends("a~")
		r.far.Close()
		synctest.Wait()
		r.hangsUp()
		if s := typed.read(); s != "a~" {
			t.Errorf("read %q", s)
		}
	})
}

// A Look that never decides holds back at most maxHeld octets.
func TestHeldBackWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		typed := &text{}
		r := rings(t, hoarder{typed}, Leg{})
		r.sends(strings.Repeat("x", maxHeld))
		if n := len(typed.read()); n != 0 {
			t.Errorf("%d octets read", n)
		}
		r.sends("y")
		if n := len(typed.read()); n != maxHeld+1 {
			t.Errorf("%d octets read", n)
		}
		r.hangsUp()
	})
}

type hoarder struct{ first FrontEnd }

func (h hoarder) Choose(*lines.Call) (FrontEnd, Look) {
	return h.first, func([]byte) (int, FrontEnd) { return 0, nil }
}
func (hoarder) Serving(aaa.Service, int) FrontEnd { return nil }

// The login timeout applies to a caller who sends nothing, or nothing that selects a front end.
func TestSilentChoice(t *testing.T) {
	for _, noise := range []string{"", "\x00\x00~"} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			r := rings(t, &both{typed: &text{}, frames: &frames{}}, Leg{})
			if noise != "" {
				r.sends(noise)
			}
			<-r.over
			if out := r.hangsUp(); time.Since(start) != time.Minute || out.Kind != NotAdmitted ||
				out.Cause != aaa.CauseIdleTimeout || out.Reason != ErrLoginTimeout.Error() {
				t.Errorf("after %v: %+v", time.Since(start), out)
			}
		})
	}
}

// Law 5: leg two is served by the front end of leg one's service, whatever the caller sends; without one, it is not
// served.
func TestLegTwoFrontEnd(t *testing.T) {
	kim := aaa.Identity{Entry: "radius", User: "kim"}
	synctest.Test(t, func(t *testing.T) {
		typed, fr := &text{}, &frames{}
		r := rings(t, &both{first: typed, frames: fr},
			Leg{Number: 2, CallbackID: "cb1", Service: "frames", Identity: kim}, Admit)
		r.sends(hello)
		if s := r.sees(); s != "welcome\n" || len(typed.read()) != 0 {
			t.Errorf("%q, typed %q", s, typed.read())
		}
		if out := r.hangsUp(); out.Kind != SessionEnded || out.CallbackID != "cb1" {
			t.Errorf("%+v", out)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		typed := &text{}
		r := rings(t, &both{first: typed, frames: &frames{}}, Leg{Number: 2, Service: aaa.EXEC, Identity: kim})
		r.sends(hello)
		r.hangsUp()
		if typed.read() != hello {
			t.Errorf("typed %q", typed.read())
		}
	})
	for name, c := range map[string]Chooser{"another service": Only{&text{}}, "nothing is configured": nil} {
		synctest.Test(t, func(t *testing.T) {
			r := rings(t, c, Leg{Number: 2, Service: "frames", Identity: kim, NoVerify: true}, Admit)
			<-r.over
			if out := r.hangsUp(); out.Kind != NotAdmitted || !strings.Contains(out.Reason, "no front end for") ||
				len(r.ledger.reports) != 0 {
				t.Errorf("%s: %+v", name, out)
			}
		})
	}
}

// A callback with another front end: the choice is passed on with its delay, and the cause is the callback, whatever
// ended the call.
func TestFrontEndPromise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fr := &frames{}
		r := rings(t, Only{fr}, Leg{}, Offered, Promised)
		r.sends(hello)
		r.sends("~\xff84001\n")
		if s := r.sees(); s != "ack\n" {
			t.Errorf("%q", s)
		}
		out := r.hangsUp()
		if out.Kind != CallbackPromised || out.CallbackID != "cb1" || out.Cause != aaa.CauseCallback {
			t.Errorf("%+v", out)
		}
		if c := r.ledger.chosen; len(c) != 1 || c[0].Offer != "o1" || c[0].Number != "84001" ||
			c[0].Delay != 12*time.Second || c[0].Call.ID != "c1" {
			t.Errorf("chosen %+v", c)
		}
		if got := r.ledger.told(); !strings.HasSuffix(got, `2 frames kim c1 cause 16 admitted false "cb1"`) {
			t.Errorf("reports: %s", got)
		}
	})
}

// Laws 4 to 6: a front end that acts without the Broker's verdict, or without an AAA grant, ends its call and admits no
// user.
func TestGreedyFrontEnd(t *testing.T) {
	kim := aaa.Identity{Entry: "radius", User: "kim"}
	for name, tt := range map[string]struct {
		leg   Leg
		says  []VerdictKind
		hello string
	}{
		"refused":                      {Leg{}, []VerdictKind{Refuse}, hello},
		"unknown":                      {Leg{}, []VerdictKind{99}, hello},
		"promised before it was asked": {Leg{}, []VerdictKind{Promised}, hello},
		"offered, then a bad choice":   {Leg{}, []VerdictKind{Offered, BadChoice}, hello},
		"admitted instead of promised": {Leg{}, []VerdictKind{Offered, Admit}, hello},
		"a wrong password":             {Leg{}, []VerdictKind{Admit}, "~\xffkim guess\n"},
		"another's callback": {Leg{Number: 2, Service: "frames",
			Identity: aaa.Identity{Entry: "radius", User: "lee"}}, []VerdictKind{Admit}, hello},
		"a callback on leg two": {Leg{Number: 2, Service: "frames", Identity: kim},
			[]VerdictKind{Offered, Promised}, hello},
		"one that is not verified": {Leg{Number: 2, Service: "frames", Identity: kim, NoVerify: true},
			[]VerdictKind{Refuse}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := rings(t, Only{&frames{greedy: true}}, tt.leg, tt.says...)
				r.sends(tt.hello)
				r.sends("~\xff84001\n")
				<-r.over
				if s := r.sees(); strings.Contains(s, "welcome") {
					t.Errorf("%q", s)
				}
				out := r.hangsUp()
				if out.Kind != NotAdmitted || out.Cause != aaa.CauseNASError || out.Stack == "" {
					t.Errorf("%+v", out)
				}
				if n := len(r.ledger.reports); n%2 != 0 || n > 0 && r.ledger.reports[n-1].Admitted {
					t.Errorf("reports: %s", r.ledger.told())
				}
			})
		})
	}
}

// With an authorization that the front end does not support, the login fails and the Broker is not asked.
func TestUnservableGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rings(t, Only{&frames{unable: "no such filter"}}, Leg{}, Admit)
		r.sends(hello)
		if s := r.sees(); s != fmt.Sprintf("no %d\n", Unservable) {
			t.Errorf("%q", s)
		}
		if out := r.hangsUp(); out.Kind != NotAdmitted ||
			out.LastFail != "unsupported authorization: no such filter" || len(r.ledger.asked) != 0 {
			t.Errorf("%+v", out)
		}
	})
}
