package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

func TestServerThatAsksWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town(), cfg: settings{calls: session.Config{LoginTimeout: -1}}})
		p.types("token\r")
		p.types("xxxxx\r")
		p.waits(100 * time.Millisecond)
		for range maxPrompts {
			p.types("again\r")
		}
		if s := p.sees(); strings.Count(s, "And now?") != maxPrompts-1 ||
			!strings.HasSuffix(s, "% Authentication failed\n\n") {
			t.Errorf("the caller read %q", s)
		}
		p.hangsUp()
	})
}

// A caller whose modem accepts no output (flow control) cannot hold the line against the operator, or forever.
func TestCallerWhoTakesNothing(t *testing.T) {
	for _, cleared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p, b := stages()[9].enter(t, settings{})
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
			if d := time.Since(start); d > limit || out.Kind != session.SessionEnded {
				t.Errorf("cleared %v: after %v: %+v", cleared, d, out)
			}
			if len(b.sessions()) != 2 {
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
		kind  session.OutcomeKind
	}{
		{"Decide", func(b *fakeBroker) scene {
			b.decide = func(context.Context, session.Asked) session.Verdict {
				boom()
				return session.Verdict{Kind: session.Admit}
			}
			return scene{}
		}, session.NotAdmitted},
		{"Promise", func(b *fakeBroker) scene {
			b.verdicts = []session.Verdict{fixed}
			b.promise = func(context.Context, session.Choice) session.Verdict {
				boom()
				return session.Verdict{Kind: session.Promised}
			}
			return scene{}
		}, session.NotAdmitted},
		{"Report of the begin", func(b *fakeBroker) scene {
			b.onReport = func(r session.Report) {
				if r.Kind == session.Began {
					boom()
				}
			}
			return scene{}
		}, session.NotAdmitted},
		{"Login", func(b *fakeBroker) scene { return scene{login: panicLogin{boom}} }, session.NotAdmitted},
		{"Client", func(b *fakeBroker) scene {
			b.verdicts = []session.Verdict{{Kind: session.Admit}}
			sc := scene{}
			sc.cfg.exec.Client = func(string, string, bool) *client.Client { boom(); return nil }
			return sc
		}, session.SessionEnded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{}
				sc := tt.scene(b)
				sc.broker = b
				var debugged strings.Builder
				sc.cfg.calls.Debug = func(tty int, text string) { fmt.Fprintln(&debugged, tty, text) }
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
				if all := fmt.Sprintf("%+v %s %s", out, p.sees(), debugged.String()); strings.Contains(all, secret) ||
					strings.Contains(out.Reason, "\x1b") {
					t.Errorf("the secret is in %q", all)
				}
				if !strings.Contains(out.Reason, "bad thing with") {
					t.Errorf("reason %q", out.Reason)
				}
				if n := len(b.sessions()); n != 0 && n != 2 {
					t.Errorf("reports:\n%s", b.told())
				}
			})
		})
	}
}

func TestPanicInTheLastReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{fixed, {Kind: session.Promised, CallbackID: "cb1"}}}
		b.onReport = func(r session.Report) {
			if r.Kind == session.Ended {
				panic("journal")
			}
		}
		p := dialIn(t, scene{login: town(), broker: b})
		p.types("austin-01\r")
		p.types("xxxxx\r")
		if out := p.ends(); out.Kind != session.CallbackPromised || out.CallbackID != "cb1" {
			t.Errorf("outcome %+v", out)
		}
	})
}

type panicLogin struct{ boom func() }

func (l panicLogin) Command(context.Context, aaa.Question) aaa.Result { l.boom(); return aaa.Result{} }

func (l panicLogin) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	l.boom()
	return nil, aaa.Result{}
}

// Text for the operator has no secrets, whatever its source.
func TestSecretsAreNotTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told strings.Builder
		cfg := settings{calls: session.Config{Debug: func(tty int,
			text string) {
			fmt.Fprintf(&told, "tty %d: %s\n", tty, text)
		}}}
		b := &fakeBroker{decide: func(context.Context, session.Asked) session.Verdict {
			return session.Verdict{Reason: "policy of hunter22 says no"}
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
		p := dialIn(t, scene{login: town(), broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})
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

// FuzzSession checks, for any input and verdicts: Run ends with the carrier; each begin has its end; an EXEC or a
// promise requires the broker's verdict; no control character is echoed to the caller's terminal.
func FuzzSession(f *testing.F) {
	f.Add([]byte("plain\rxxxxx\rshow line\rexit\r"), []byte{byte(session.Admit)})
	f.Add([]byte("austin-02\rxxxxx\r1\r84001\r"),
		[]byte{byte(session.Offered), byte(session.BadChoice), byte(session.Promised)})
	f.Add([]byte("token\r\nxxxxx\r\n42\r\nsh?\x1b[A\t\xff\xc2\x9b\r"),
		[]byte{byte(session.Refuse), byte(session.Admit)})
	f.Add([]byte("\r\r\x03\x1a\x15plain\rxxxxx\rplain\rxxxxx\r"), []byte{77, byte(session.Offered)})
	f.Fuzz(func(t *testing.T, typed, kinds []byte) {
		synctest.Test(t, func(t *testing.T) { fuzzSession(t, typed, kinds) })
	})
}

func fuzzSession(t *testing.T, typed, kinds []byte) {
	b := &fakeBroker{}
	said := map[string][]session.VerdictKind{}
	say := func(method string) session.Verdict {
		n := len(b.asked) + len(b.chosen)
		if n > len(kinds) {
			return session.Verdict{}
		}
		k := session.VerdictKind(kinds[n-1])
		said[method] = append(said[method], k)
		return session.Verdict{Kind: k, Text: texts.Key(typed), Reason: string(typed), CallbackID: "cb1"}
	}
	b.decide = func(context.Context, session.Asked) session.Verdict { return say("Decide") }
	b.promise = func(context.Context, session.Choice) session.Verdict { return say("Promise") }
	sevenBits := false // the output began with eight bits and continued with seven
	cfg := settings{calls: session.Config{Debug: func(_ int,
		text string) {
		sevenBits = sevenBits || strings.HasPrefix(text, "terminal: 7 bits")
	}}}
	p := dialIn(t, scene{login: town(), broker: b, daemon: newDaemon(), cfg: cfg})
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
	if out.Kind == session.SessionEnded && !slices.Contains(said["Decide"], session.Admit) ||
		out.Kind == session.CallbackPromised && !slices.Contains(said["Promise"], session.Promised) {
		t.Fatalf("%+v", out)
	}
	for i, r := range b.sessions() {
		if i%2 == 0 && r.Kind != session.Began || i%2 == 1 && r.Kind != session.Ended {
			t.Fatalf("reports:\n%s", b.told())
		}
	}
	if len(b.sessions())%2 != 0 {
		t.Fatalf("reports:\n%s", b.told())
	}
	for _, r := range p.sees() {
		if sevenBits {
			break
		}
		if r < 0x20 && r != '\n' && r != '\b' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			t.Fatalf("%q reached the terminal", r)
		}
	}
}
