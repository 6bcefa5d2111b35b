package exec

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// stage brings a caller to a place in the dialogue.
type stage struct {
	name     string
	verdicts []session.Verdict
	login    session.Login
	keys     []string // each followed by 100 ms for AAA
	granted  bool     // a session has begun
}

func stages() []stage {
	slow := slowLogin{}
	return []stage{
		{name: "username"},
		{name: "half a name", keys: []string{"aust"}},
		{name: "password", keys: []string{"plain\r"}},
		{name: "half a password", keys: []string{"plain\r", "xx"}},
		{name: "while AAA thinks", login: slow, keys: []string{"plain\r", "xxxxx\r"}},
		{name: "pause after a failure", keys: []string{"plain\r", "wrong\r"}},
		{name: "challenge", keys: []string{"token\r", "xxxxx\r"}},
		{name: "dialstring", verdicts: []session.Verdict{toType}, keys: []string{"austin-02\r", "xxxxx\r"},
			granted: true},
		{name: "second dialstring", verdicts: []session.Verdict{toType, {Kind: session.BadChoice}},
			keys: []string{"austin-02\r", "xxxxx\r", "1\r"}, granted: true},
		{name: "EXEC", verdicts: []session.Verdict{{Kind: session.Admit}}, keys: []string{"plain\r", "xxxxx\r"},
			granted: true},
		{name: "half a command", verdicts: []session.Verdict{{Kind: session.Admit}},
			keys: []string{"plain\r", "xxxxx\r", "sho"}, granted: true},
	}
}

// slowLogin answers after an hour, or when ctx ends.
type slowLogin struct{}

func (slowLogin) Start(ctx context.Context, _ aaa.Request) (aaa.Conversation, aaa.Result) {
	pause(ctx, time.Hour)
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: "plain"},
		Reason: "too late"}
}

func (slowLogin) Command(context.Context, aaa.Question) aaa.Result { return aaa.Result{} }

func (st stage) enter(t *testing.T, cfg settings) (*person, *fakeBroker) {
	t.Helper()
	b := &fakeBroker{verdicts: st.verdicts}
	sc := scene{login: town(), broker: b, cfg: cfg}
	if st.login != nil {
		sc.login = st.login
	}
	p := dialIn(t, sc)
	for _, k := range st.keys {
		p.types(k)
		p.waits(100 * time.Millisecond)
	}
	if p.isOver() {
		t.Fatalf("the session is over too early: %q %+v", p.sees(), p.out)
	}
	return p, b
}

// checkReports checks that each session that began has ended, once.
func checkReports(t *testing.T, b *fakeBroker, granted bool, cause aaa.Cause) {
	t.Helper()
	want := 0
	if granted {
		want = 2
	}
	if len(b.reports) != want {
		t.Fatalf("reports:\n%s", b.told())
	}
	if granted && (b.reports[0].Kind != session.Began || b.reports[1].Kind != session.Ended ||
		b.reports[1].Cause != cause) {
		t.Errorf("reports:\n%s", b.told())
	}
}

func TestHangUpEverywhere(t *testing.T) {
	for _, st := range stages() {
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := st.enter(t, settings{})
				start := time.Now()
				out := p.hangsUp()
				if d := time.Since(start); d != 0 {
					t.Errorf("the session continued for %v", d)
				}
				if out.Cause != aaa.CauseLostCarrier || out.Kind == session.CallbackPromised {
					t.Errorf("outcome %+v", out)
				}
				checkReports(t, b, st.granted, aaa.CauseLostCarrier)
			})
		})
	}
}

func TestClearLineEverywhere(t *testing.T) {
	ends := []struct {
		why   error
		cause aaa.Cause
		text  string
	}{
		{errCleared, aaa.CauseAdminReset, "% Line cleared"},
		{session.End{Cause: aaa.CauseNASReboot, Text: "% Going down\x1b["}, aaa.CauseNASReboot, "% Going down["},
	}
	for _, st := range stages() {
		for _, end := range ends {
			t.Run(fmt.Sprintf("%s/%v", st.name, end.cause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, b := st.enter(t, settings{})
					start := time.Now()
					p.cancel(end.why)
					out := p.ends()
					if d := time.Since(start); d != 0 || out.Cause != end.cause {
						t.Errorf("after %v: %+v", d, out)
					}
					if s := p.sees(); !strings.HasSuffix(s, "\n"+end.text+"\n") {
						t.Errorf("the caller read %q", s)
					}
					if p.data.drained != 1 {
						t.Errorf("drained %d times", p.data.drained)
					}
					checkReports(t, b, st.granted, end.cause)
				})
			})
		}
	}
}

// Type-ahead during the pause does not bypass it.
func TestTypingAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town(), broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})
		go p.far.Write([]byte("plain\rone\rplain\rtwo\rplain\rthree\rplain\rxxxxx\r"))
		out := p.ends()
		if want := 4300 * time.Millisecond; p.took != want || out.Tries != 3 || out.Kind != session.NotAdmitted {
			t.Errorf("after %v: %+v", p.took, out)
		}
	})
}

func TestUnknownUserAndBadPasswordAreAnsweredAlike(t *testing.T) {
	answer := func(t *testing.T, user, password string) (screen string, took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			p := dialIn(t, scene{login: town()})
			for range 3 {
				p.types(user + "\r")
				p.types(password + "\r")
				p.waits(2100 * time.Millisecond)
			}
			p.ends()
			screen, took = strings.ReplaceAll(p.sees(), user, "USER"), p.took
		})
		return screen, took
	}
	s1, d1 := answer(t, "nobody", "xxxxx")
	s2, d2 := answer(t, "plain", "wrong")
	if s1 != s2 || d1 != d2 {
		t.Errorf("unknown user: %q in %v\nbad password: %q in %v", s1, d1, s2, d2)
	}
}

func TestFloodWithoutCR(t *testing.T) {
	for _, st := range stages() {
		flood := bytes.Repeat([]byte("x"), 1<<14)
		if st.name == "username" || st.name == "password" {
			flood = bytes.Repeat([]byte("x"), 1<<18) // each octet is a read, so less for the others
		}
		if strings.Contains(st.name, "AAA") || strings.Contains(st.name, "pause") {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := st.enter(t, settings{})
				p.sees()
				if n, err := p.far.Write(flood); n != len(flood) || err != nil {
					t.Fatalf("%d octets were accepted: %v", n, err)
				}
				synctest.Wait()
				if n := len(p.sees()); n > 300 {
					t.Errorf("%d octets were answered by %d", len(flood), n)
				}
				p.types("\r")
				p.waits(0)
				if s := p.sees(); !strings.Contains(s, "too long") {
					t.Errorf("then Enter: %q", s)
				}
				if out := p.hangsUp(); out.OctetsIn < uint64(len(flood)) || out.Kind == session.CallbackPromised {
					t.Errorf("outcome %+v", out)
				}
			})
		})
	}
}

func TestOctetsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{{}, {Kind: session.Admit}}}
		p := dialIn(t, scene{login: town(), broker: b})
		in := 0
		for _, k := range []string{"plain\r", "xxxxx\r", "plain\r", "xxxxx\r", "help\r", "exit\r"} {
			p.types(k)
			p.waits(3 * time.Second)
			in += len(k)
		}
		out := p.ends()
		p.mu.Lock()
		seen := p.screen.Len()
		p.mu.Unlock()
		if out.OctetsIn != uint64(in) || out.OctetsOut != uint64(seen) {
			t.Errorf("counted %d in, %d out; were %d and %d", out.OctetsIn, out.OctetsOut, in, seen)
		}
		reports := b.sessions()
		if n := len(reports); n != 4 {
			t.Fatalf("%d reports", n)
		}
		first, second := reports[1], reports[3]
		if first.OctetsIn != 12 || first.OctetsIn+second.OctetsIn != out.OctetsIn || first.OctetsOut+
			second.OctetsOut != out.OctetsOut {
			t.Errorf("reports: %d+%d in, %d+%d out; outcome %d, %d", first.OctetsIn, second.OctetsIn, first.OctetsOut,
				second.OctetsOut, out.OctetsIn, out.OctetsOut)
		}
	})
}

func TestWhatTheBrokerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{{}, toType, {Kind: session.BadChoice},
			{Kind: session.Promised, CallbackID: "cb7"}}}
		b.onReport = func(r session.Report) {
			if r.Kind == session.Began && len(b.asked) >= 2 {
				t.Error("the begin was reported after Decide")
			}
		}
		p := dialIn(t, scene{login: town(), broker: b, caller: "+15551234"})
		for _, k := range []string{"austin-02\r", "xxxxx\r", "austin-02\r", "xxxxx\r", " 1\r", "84001\r"} {
			p.types(k)
			p.waits(2100 * time.Millisecond)
		}
		p.ends()
		var got []string
		for _, a := range b.asked {
			got = append(got, fmt.Sprintf("%s %d %s session %d", a.Call.ID, a.Call.TTY, a.Identity, a.Session))
		}
		for _, c := range b.chosen {
			got = append(got, fmt.Sprintf("%s %s %q decline %v delay %v", c.Call.ID, c.Offer, c.Number, c.Decline,
				c.Delay))
		}
		want := []string{
			`c1 65 austin-02 by radius session 1`,
			`c1 65 austin-02 by radius session 2`,
			`c1 o2 " 1" decline false delay 0s`,
			`c1 o2 "84001" decline false delay 0s`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("asked:\n%s", strings.Join(got, "\n"))
		}
	})
}

func TestWhatAAAIsAsked(t *testing.T) {
	for _, leg := range []session.Leg{{}, {Number: 2, Identity: aaa.Identity{Entry: "local", User: "plain"}}} {
		synctest.Test(t, func(t *testing.T) {
			l := &recordingLogin{}
			p := dialIn(t, scene{login: l, leg: leg, caller: "5551234"})
			p.types("plain\r")
			p.types("p w\r")
			p.hangsUp()
			r := l.got
			want := aaa.Request{Service: aaa.EXEC, User: "plain", Password: "p w", Entry: leg.Identity.Entry,
				Leg: max(leg.Number, 1), CallID: "c1", TTY: 65,
				Caller: "5551234", Called: "55555", Connect: "CONNECT 33600/V34"}
			if !reflect.DeepEqual(r, want) {
				t.Errorf("leg %d: %+v", leg.Number, r)
			}
		})
	}
}

type recordingLogin struct{ got aaa.Request }

func (l *recordingLogin) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	l.got = r
	return nil, aaa.Result{}
}

func (*recordingLogin) Command(context.Context, aaa.Question) aaa.Result { return aaa.Result{} }

// Leg two must be authenticated by the entry of leg one with the same canonical name, which may differ from the typed
// one.
func TestLegTwoWantsTheSameIdentity(t *testing.T) {
	tests := []struct {
		want     aaa.Identity
		admitted bool
	}{
		{aaa.Identity{Entry: "radius", User: "austin@example.net"}, true},
		{aaa.Identity{Entry: "radius", User: "austin"}, false},
		{aaa.Identity{Entry: "radius", User: "Austin@example.net"}, false},
		{aaa.Identity{}, false},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
			l := fakeLogin{"austin": {password: "p", name: "austin@example.net"}}
			p := dialIn(t, scene{login: l, broker: b, leg: session.Leg{Number: 2, Identity: tt.want}})
			p.types("austin\r")
			p.types("p\r")
			p.waits(100 * time.Millisecond)
			out := p.hangsUp()
			if admitted := out.Kind == session.SessionEnded; admitted != tt.admitted ||
				len(b.asked) > 0 != tt.admitted || len(b.reports) > 0 != tt.admitted {
				t.Errorf("wanted %v: %+v, asked %d times\n%s", tt.want, out, len(b.asked), b.told())
			}
			if !tt.admitted && !strings.Contains(p.sees(), "% Login invalid") {
				t.Error("the caller was not told that the login is invalid")
			}
		})
	}
}

// A Login that returns the identity of another entry than the requested one does not admit the user.
func TestLegTwoOfAnotherEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
		p := dialIn(t, scene{login: wrongEntry{}, broker: b,
			leg: session.Leg{Number: 2, Identity: aaa.Identity{Entry: "radius", User: "plain"}}})
		p.types("plain\rx\r")
		if out := p.hangsUp(); out.Kind != session.NotAdmitted || len(b.asked) != 0 {
			t.Errorf("outcome %+v", out)
		}
	})
}

type wrongEntry struct{}

func (wrongEntry) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "local", User: r.User}}
}

func (wrongEntry) Command(context.Context, aaa.Question) aaa.Result { return aaa.Result{} }

// A callback promised while the caller hangs up remains valid and is reported as promised.
func TestHangUpWhileThePromiseIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{fixed},
			promise: func(ctx context.Context, _ session.Choice) session.Verdict {
				<-ctx.Done()
				return session.Verdict{Kind: session.Promised, CallbackID: "cb1"}
			}}
		p := dialIn(t, scene{login: town(), broker: b})
		p.types("austin-01\r")
		p.types("xxxxx\r")
		p.waits(100 * time.Millisecond)
		out := p.hangsUp()
		if out.Kind != session.CallbackPromised || out.CallbackID != "cb1" || out.Cause != aaa.CauseCallback {
			t.Errorf("outcome %+v", out)
		}
		checkReports(t, b, true, aaa.CauseCallback)
	})
}
