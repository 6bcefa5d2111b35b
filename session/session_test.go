package session

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
)

// stage brings a caller to a place in the dialogue.
type stage struct {
	name     string
	verdicts []Verdict
	login    Login
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
		{name: "dialstring", verdicts: []Verdict{{Kind: AskNumber}}, keys: []string{"austin-02\r", "xxxxx\r"}, granted: true},
		{name: "second dialstring", verdicts: []Verdict{{Kind: AskNumber}, {Kind: BadNumber}}, keys: []string{"austin-02\r", "xxxxx\r", "1\r"}, granted: true},
		{name: "EXEC", verdicts: []Verdict{{Kind: Admit}}, keys: []string{"plain\r", "xxxxx\r"}, granted: true},
		{name: "half a command", verdicts: []Verdict{{Kind: Admit}}, keys: []string{"plain\r", "xxxxx\r", "sho"}, granted: true},
	}
}

// slowLogin answers after an hour, or when ctx ends.
type slowLogin struct{}

func (slowLogin) Start(ctx context.Context, _ aaa.Request) (aaa.Conversation, aaa.Result) {
	pause(ctx, time.Hour)
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: "plain"}, Reason: "too late"}
}

func (st stage) enter(t *testing.T, cfg Config) (*person, *fakeBroker) {
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

// checkReports holds: each session that began has ended, once.
func checkReports(t *testing.T, b *fakeBroker, granted bool, cause aaa.Cause) {
	t.Helper()
	want := 0
	if granted {
		want = 2
	}
	if len(b.reports) != want {
		t.Fatalf("reports:\n%s", b.told())
	}
	if granted && (b.reports[0].Kind != Began || b.reports[1].Kind != Ended || b.reports[1].Cause != cause) {
		t.Errorf("reports:\n%s", b.told())
	}
}

func TestHangUpEverywhere(t *testing.T) {
	for _, st := range stages() {
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := st.enter(t, Config{})
				start := time.Now()
				out := p.hangsUp()
				if d := time.Since(start); d != 0 {
					t.Errorf("the session went on for %v", d)
				}
				if out.Cause != aaa.CauseLostCarrier || out.Kind == CallbackPromised {
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
		{End{Cause: aaa.CauseNASReboot, Text: "% Going down\x1b["}, aaa.CauseNASReboot, "% Going down["},
	}
	for _, st := range stages() {
		for _, end := range ends {
			t.Run(fmt.Sprintf("%s/%v", st.name, end.cause), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, b := st.enter(t, Config{})
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

func TestLoginTimeout(t *testing.T) {
	for _, st := range stages() {
		if strings.Contains(st.name, "EXEC") || strings.Contains(st.name, "command") || strings.Contains(st.name, "pause") {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := st.enter(t, Config{})
				out := p.ends()
				if p.took != time.Minute || out.Cause != aaa.CauseIdleTimeout {
					t.Errorf("after %v: %+v", p.took, out)
				}
				if s := p.sees(); !strings.HasSuffix(s, "\n% Login timed out\n") {
					t.Errorf("the caller read %q", s)
				}
				checkReports(t, b, st.granted, aaa.CauseIdleTimeout)
			})
		})
	}
}

func TestLoginTimeoutOfACallerWhoDrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town()})
		for range 59 {
			p.types("x\b")
			p.waits(time.Second)
		}
		if out := p.ends(); p.took != time.Minute || out.Cause != aaa.CauseIdleTimeout {
			t.Errorf("after %v: %+v", p.took, out)
		}
	})
}

func TestExecTimeouts(t *testing.T) {
	tests := []struct {
		name    string
		auth    aaa.Authorization
		cfg     Config
		alive   bool // a key each minute
		after   time.Duration
		cause   aaa.Cause
		lastRow string
	}{
		{name: "idle by default", after: 10 * time.Minute, cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "idle of the configuration", cfg: Config{IdleTimeout: time.Minute}, after: time.Minute, cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "idle of AAA", auth: aaa.Authorization{IdleTimeout: 90 * time.Second}, after: 90 * time.Second, cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "session", auth: aaa.Authorization{SessionTimeout: 5 * time.Minute}, after: 5 * time.Minute, cause: aaa.CauseSessionTimeout, lastRow: "% Session timeout"},
		{name: "session of a busy caller", auth: aaa.Authorization{SessionTimeout: time.Hour}, alive: true, after: time.Hour, cause: aaa.CauseSessionTimeout, lastRow: "% Session timeout"},
		{name: "session without idle", auth: aaa.Authorization{SessionTimeout: 48 * time.Hour}, cfg: Config{IdleTimeout: -1}, after: 48 * time.Hour, cause: aaa.CauseSessionTimeout, lastRow: "% Session timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{verdicts: []Verdict{{Kind: Admit}}}
				p := dialIn(t, scene{login: fakeLogin{"u": {password: "p", auth: tt.auth}}, broker: b, cfg: tt.cfg})
				p.types("u\rp\r")
				p.waits(100 * time.Millisecond)
				for tt.alive && !p.isOver() {
					p.types("x")
					p.waits(time.Minute)
				}
				out := p.ends()
				if d := p.took - 100*time.Millisecond; d != tt.after || out.Cause != tt.cause || out.Kind != SessionEnded {
					t.Errorf("after %v: %+v", d, out)
				}
				if s := p.sees(); !strings.HasSuffix(s, "\n"+tt.lastRow+"\n") {
					t.Errorf("the caller read %q", s)
				}
				if r := b.reports[1]; r.Duration != tt.after || !r.Admitted || r.Cause != tt.cause {
					t.Errorf("report %+v", r)
				}
			})
		})
	}
}

func TestTwoSecondsAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town()})
		for try := range 2 {
			p.sees()
			p.types("plain\r")
			p.types("wrong\r")
			p.waits(100 * time.Millisecond)
			if s := p.sees(); s != "plain\nPassword: \n% Login invalid\n\n" {
				t.Fatalf("try %d: %q", try, s)
			}
			p.waits(2*time.Second - time.Nanosecond)
			if s := p.sees(); s != "" {
				t.Fatalf("the prompt came too early: %q", s)
			}
			p.waits(time.Nanosecond)
			if s := p.sees(); s != "Username: " {
				t.Fatalf("after 2 s: %q", s)
			}
		}
		p.types("plain\r")
		p.types("wrong\r")
		p.waits(100 * time.Millisecond)
		if !p.isOver() {
			t.Error("the third failure did not end the call at once")
		}
		if out := p.ends(); out.Tries != 3 || out.Kind != NotAdmitted {
			t.Errorf("outcome %+v", out)
		}
	})
}

// What is typed ahead during the pause is no way around it.
func TestTypingAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town(), broker: &fakeBroker{verdicts: []Verdict{{Kind: Admit}}}})
		go p.far.Write([]byte("plain\rone\rplain\rtwo\rplain\rthree\rplain\rxxxxx\r"))
		out := p.ends()
		if want := 4300 * time.Millisecond; p.took != want || out.Tries != 3 || out.Kind != NotAdmitted {
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
	flood := bytes.Repeat([]byte("x"), 1<<20)
	for _, st := range stages() {
		if strings.Contains(st.name, "AAA") || strings.Contains(st.name, "pause") {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := st.enter(t, Config{})
				p.sees()
				if n, err := p.far.Write(flood); n != len(flood) || err != nil {
					t.Fatalf("%d octets were taken: %v", n, err)
				}
				synctest.Wait()
				if n := len(p.sees()); n > 300 {
					t.Errorf("1 MiB was answered by %d octets", n)
				}
				p.types("\r")
				p.waits(0)
				if s := p.sees(); !strings.Contains(s, "too long") {
					t.Errorf("then Enter: %q", s)
				}
				if out := p.hangsUp(); out.OctetsIn < 1<<20 || out.Kind == CallbackPromised {
					t.Errorf("outcome %+v", out)
				}
			})
		})
	}
}

func TestOctetsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []Verdict{{}, {Kind: Admit}}}
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
		if n := len(b.reports); n != 4 {
			t.Fatalf("%d reports", n)
		}
		first, second := b.reports[1], b.reports[3]
		if first.OctetsIn != 12 || first.OctetsIn+second.OctetsIn != out.OctetsIn || first.OctetsOut+second.OctetsOut != out.OctetsOut {
			t.Errorf("reports: %d+%d in, %d+%d out; outcome %d, %d", first.OctetsIn, second.OctetsIn, first.OctetsOut, second.OctetsOut, out.OctetsIn, out.OctetsOut)
		}
	})
}

func TestWhatTheBrokerIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []Verdict{{}, {Kind: AskNumber}, {Kind: BadNumber}, {Kind: Promised, CallbackID: "cb7"}}}
		b.onReport = func(r Report) {
			if r.Kind == Began && len(b.asked) >= 2 {
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
			typed := "nil"
			if a.FromCaller != nil {
				typed = fmt.Sprintf("%q", *a.FromCaller)
			}
			got = append(got, fmt.Sprintf("%s %d %s leg %d session %d from caller %s", a.Call.ID, a.Call.TTY, a.Identity, a.Leg, a.Session, typed))
		}
		want := []string{
			`c1 65 austin-02 by radius leg 1 session 1 from caller nil`,
			`c1 65 austin-02 by radius leg 1 session 2 from caller nil`,
			`c1 65 austin-02 by radius leg 1 session 2 from caller " 1"`,
			`c1 65 austin-02 by radius leg 1 session 2 from caller "84001"`,
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("asked:\n%s", strings.Join(got, "\n"))
		}
	})
}

func TestWhatAAAIsAsked(t *testing.T) {
	for _, leg := range []Leg{{}, {Number: 2, Identity: aaa.Identity{Entry: "local", User: "plain"}}} {
		synctest.Test(t, func(t *testing.T) {
			l := &recordingLogin{}
			p := dialIn(t, scene{login: l, leg: leg, caller: "5551234"})
			p.types(" plain \r")
			p.types("p w\r")
			p.hangsUp()
			r := l.got
			want := aaa.Request{Service: aaa.EXEC, User: "plain", Password: "p w", Entry: leg.Identity.Entry, CallID: "c1", TTY: 65,
				Caller: "5551234", Called: "55555", Connect: "CONNECT 33600/V34"}
			if r != want {
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

// The entry that answers leg two must be the one of leg one, and so must the canonical name, not what was typed.
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
			b := &fakeBroker{verdicts: []Verdict{{Kind: Admit}}}
			l := fakeLogin{"austin": {password: "p", name: "austin@example.net"}}
			p := dialIn(t, scene{login: l, broker: b, leg: Leg{Number: 2, Identity: tt.want}})
			p.types("austin\r")
			p.types("p\r")
			p.waits(100 * time.Millisecond)
			out := p.hangsUp()
			if admitted := out.Kind == SessionEnded; admitted != tt.admitted || len(b.asked) > 0 != tt.admitted || len(b.reports) > 0 != tt.admitted {
				t.Errorf("wanted %v: %+v, asked %d times\n%s", tt.want, out, len(b.asked), b.told())
			}
			if !tt.admitted && !strings.Contains(p.sees(), "% Login invalid") {
				t.Error("the caller was not told that the login is invalid")
			}
		})
	}
}

// The wrong entry answers although another was asked: a Login that does not keep its word opens no door.
func TestLegTwoOfAnotherEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []Verdict{{Kind: Admit}}}
		p := dialIn(t, scene{login: wrongEntry{}, broker: b, leg: Leg{Number: 2, Identity: aaa.Identity{Entry: "radius", User: "plain"}}})
		p.types("plain\rx\r")
		if out := p.hangsUp(); out.Kind != NotAdmitted || len(b.asked) != 0 {
			t.Errorf("outcome %+v", out)
		}
	})
}

type wrongEntry struct{}

func (wrongEntry) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "local", User: r.User}}
}

// A promise stands when the caller hangs up while it is made: it is told as promised.
func TestHangUpWhileThePromiseIsMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{decide: func(ctx context.Context, _ Asked) Verdict {
			<-ctx.Done()
			return Verdict{Kind: Promised, CallbackID: "cb1"}
		}}
		p := dialIn(t, scene{login: town(), broker: b})
		p.types("austin-01\r")
		p.types("xxxxx\r")
		p.waits(100 * time.Millisecond)
		out := p.hangsUp()
		if out.Kind != CallbackPromised || out.CallbackID != "cb1" || out.Cause != aaa.CauseCallback {
			t.Errorf("outcome %+v", out)
		}
		checkReports(t, b, true, aaa.CauseCallback)
	})
}

func TestServerThatAsksWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town(), cfg: Config{LoginTimeout: -1}})
		p.types("token\r")
		p.types("xxxxx\r")
		p.waits(100 * time.Millisecond)
		for range maxPrompts {
			p.types("again\r")
		}
		if s := p.sees(); strings.Count(s, "And now?") != maxPrompts-1 || !strings.HasSuffix(s, textSilent+"\n\n") {
			t.Errorf("the caller read %q", s)
		}
		p.hangsUp()
	})
}

// A caller whose modem takes nothing (flow control) cannot hold the line against the operator, nor for ever.
func TestCallerWhoTakesNothing(t *testing.T) {
	for _, cleared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, b := stages()[9].enter(t, Config{})
			p.far.SetReadDeadline(time.Unix(1, 0)) // the watcher leaves
			p.taken.Wait()
			go p.far.Write([]byte("help\r"))
			synctest.Wait()
			start := time.Now()
			limit := time.Minute
			if cleared {
				p.cancel(errCleared)
				limit = 3 * time.Second
			}
			out := p.ends()
			if d := time.Since(start); d > limit || out.Kind != SessionEnded {
				t.Errorf("cleared %v: after %v: %+v", cleared, d, out)
			}
			if len(b.reports) != 2 {
				t.Errorf("reports:\n%s", b.told())
			}
		})
	}
}

func TestPanics(t *testing.T) {
	const secret = "correct horse"
	boom := func() { panic(fmt.Errorf("bad thing with %q and %v\x1b[2J", secret, aaa.Secret(secret))) }
	tests := []struct {
		name  string
		scene func(b *fakeBroker) scene
		kind  OutcomeKind
	}{
		{"Decide", func(b *fakeBroker) scene {
			b.decide = func(context.Context, Asked) Verdict { boom(); return Verdict{Kind: Admit} }
			return scene{}
		}, NotAdmitted},
		{"Report of the begin", func(b *fakeBroker) scene {
			b.onReport = func(r Report) {
				if r.Kind == Began {
					boom()
				}
			}
			return scene{}
		}, NotAdmitted},
		{"Login", func(b *fakeBroker) scene { return scene{login: panicLogin{boom}} }, NotAdmitted},
		{"Shower", func(b *fakeBroker) scene {
			b.verdicts = []Verdict{{Kind: Admit}}
			return scene{shower: panicShower{boom: boom}}
		}, SessionEnded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{}
				sc := tt.scene(b)
				sc.broker = b
				var debugged strings.Builder
				sc.cfg.Debug = func(tty int, text string) { fmt.Fprintln(&debugged, tty, text) }
				if sc.login == nil {
					sc.login = fakeLogin{"u": {password: secret}}
				}
				p := dialIn(t, sc)
				p.types("u\r")
				p.types(secret + "\r")
				p.waits(100 * time.Millisecond)
				if !p.isOver() {
					p.types("show users\r")
				}
				out := p.ends()
				if out.Kind != tt.kind || out.Cause != aaa.CauseNASError || out.Stack == "" {
					t.Errorf("outcome %+v", out)
				}
				if all := fmt.Sprintf("%+v %s %s", out, p.sees(), debugged.String()); strings.Contains(all, secret) || strings.Contains(out.Reason, "\x1b") {
					t.Errorf("the secret is in %q", all)
				}
				if !strings.Contains(out.Reason, "bad thing with") {
					t.Errorf("reason %q", out.Reason)
				}
				if n := len(b.reports); n != 0 && n != 2 {
					t.Errorf("reports:\n%s", b.told())
				}
			})
		})
	}
}

func TestPanicInTheLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []Verdict{{Kind: Promised, CallbackID: "cb1"}}}
		b.onReport = func(r Report) {
			if r.Kind == Ended {
				panic("journal")
			}
		}
		p := dialIn(t, scene{login: town(), broker: b})
		p.types("austin-01\r")
		p.types("xxxxx\r")
		if out := p.ends(); out.Kind != CallbackPromised || out.CallbackID != "cb1" {
			t.Errorf("outcome %+v", out)
		}
	})
}

type panicLogin struct{ boom func() }

func (l panicLogin) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	l.boom()
	return nil, aaa.Result{}
}

type panicShower struct {
	fakeShower
	boom func()
}

func (s panicShower) Users() []UserLine { s.boom(); return nil }

// No secret is in what an operator reads, whoever says it.
func TestSecretsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told strings.Builder
		cfg := Config{Debug: func(tty int, text string) { fmt.Fprintf(&told, "tty %d: %s\n", tty, text) }}
		b := &fakeBroker{decide: func(context.Context, Asked) Verdict {
			return Verdict{Reason: "policy of hunter22 says no"}
		}}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "hunter22"}}, broker: b, cfg: cfg})
		p.types("u\r")
		p.types("hunter21\r") // fakeLogin's reason repeats it
		p.waits(2100 * time.Millisecond)
		p.types("u\r")
		p.types("hunter22\r")
		p.waits(2100 * time.Millisecond)
		out := p.hangsUp()
		fmt.Fprintf(&told, "%+v\n%+v\n%s", out, b.reports[1].Reason, p.sees())
		if strings.Contains(told.String(), "hunter") {
			t.Errorf("told:\n%s", told.String())
		}
		if !strings.Contains(told.String(), "try 1 of 3 failed: primary: reject [secret]") {
			t.Errorf("told:\n%s", told.String())
		}
	})
}

func TestNothingToShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town(), broker: &fakeBroker{verdicts: []Verdict{{Kind: Admit}}}})
		p.types("plain\r")
		p.types("xxxxx\r")
		p.waits(100 * time.Millisecond)
		p.sees()
		p.types("show line\r")
		if s := p.sees(); !strings.Contains(s, "% not available here") {
			t.Errorf("show line: %q", s)
		}
		p.hangsUp()
	})
}

// FuzzSession holds, whatever the caller sends and the broker says: Run ends when the carrier does; each begin has its end; nobody
// gets an EXEC or a promise but by the broker's word; no control character comes back to the caller's terminal.
func FuzzSession(f *testing.F) {
	f.Add([]byte("plain\rxxxxx\rshow line\rexit\r"), []byte{byte(Admit)})
	f.Add([]byte("austin-02\rxxxxx\r1\r84001\r"), []byte{byte(AskNumber), byte(BadNumber), byte(Promised)})
	f.Add([]byte("token\r\nxxxxx\r\n42\r\nsh?\x1b[A\t\xff\xc2\x9b\r"), []byte{byte(Refuse), byte(Admit)})
	f.Add([]byte("\r\r\x03\x1a\x15plain\rxxxxx\rplain\rxxxxx\r"), []byte{77, byte(OfferCBCP)})
	f.Fuzz(func(t *testing.T, typed, kinds []byte) {
		synctest.Test(t, func(t *testing.T) { fuzzSession(t, typed, kinds) })
	})
}

func fuzzSession(t *testing.T, typed, kinds []byte) {
	b := &fakeBroker{}
	said := map[VerdictKind]bool{}
	b.decide = func(context.Context, Asked) Verdict {
		if len(b.asked) > len(kinds) {
			return Verdict{}
		}
		k := VerdictKind(kinds[len(b.asked)-1])
		said[k] = true
		return Verdict{Kind: k, Text: string(typed), Reason: string(typed), CallbackID: "cb1"}
	}
	p := dialIn(t, scene{login: town(), broker: b, shower: fakeShower{time.Now()}})
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		p.far.Write(typed)
	}()
	p.waits(30 * time.Second)
	out := p.hangsUp()
	<-sent
	if out.Stack != "" {
		t.Fatalf("%s\n%s", out.Reason, out.Stack)
	}
	if out.Kind == SessionEnded && !said[Admit] || out.Kind == CallbackPromised && !said[Promised] {
		t.Fatalf("%+v", out)
	}
	for i, r := range b.reports {
		if i%2 == 0 && r.Kind != Began || i%2 == 1 && r.Kind != Ended {
			t.Fatalf("reports:\n%s", b.told())
		}
	}
	if len(b.reports)%2 != 0 {
		t.Fatalf("reports:\n%s", b.told())
	}
	for _, r := range p.sees() {
		if r < 0x20 && r != '\n' && r != '\b' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			t.Fatalf("%q reached the terminal", r)
		}
	}
}
