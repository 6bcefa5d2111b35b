package broker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// TestStartChat: an operator's script talks to the modem of a line that nothing uses, and the audit has it. A line in
// use is left alone, and nothing is dialed, however the script tries to.
func TestStartChat(t *testing.T) {
	for name, noSignals := range map[string]bool{"signals": false, "no signals": true} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{
				noSignals: noSignals,
				scripts: map[string]string{"setup": `ABORT ERROR "" ATS7=33 OK \c`, "wrong": `ABORT ERROR "" ATS999=1 OK`,
					"dials": `"" "ATDT \T" CONNECT`, "hidden": `"" AT\c "" DT84001 OK`, "hook": `"" ATH1 OK`,
					"deaf": `TIMEOUT 3600 NEVER`},
			}, func(w *town) {
				run := func(pattern string, tty int) (lines.Chatted, string) {
					t.Helper()
					out, err := w.broker.StartChat(context.Background(),
						lines.Chat{Pattern: pattern, TTY: tty, By: "uid 7"})
					if err != nil {
						return out, err.Error()
					}
					return out, ""
				}
				out, why := run("^setup", 66)
				if why != "" || out.Script != "setup" || !strings.Contains(out.Transcript, "sent ATS7=33") {
					t.Errorf("%q, %+v", why, out)
				}
				if n := w.lines[1].Register(7); n != 33 {
					t.Errorf("S7 is %d", n)
				}
				w.idle(time.Minute)
				for _, tt := range []struct {
					pattern string
					tty     int
					why     string
				}{
					{"wrong", 66, "start-chat on tty66: chat script wrong: the modem said ERROR while waiting"},
					{"dials", 66, `has \T, so it would dial`},
					{"hidden", 66, "a dial command is not allowed"},
					{"deaf", 66, "the script did not end within 1m0s"},
					{"hook", 66, ""},
					{"nosuch", 66, `no matching chat script found for "nosuch"`},
					{"", 66, "no chat script was named"},
					{"(", 66, "is not a regular expression"},
					{"setup", 7, "there is no line 7"},
				} {
					if _, why := run(tt.pattern, tt.tty); !strings.Contains(why, tt.why) || tt.why == "" && why != "" {
						t.Errorf("%s on %d: %q, want %q", tt.pattern, tt.tty, why, tt.why)
					}
					w.idle(time.Minute)
				}
				p := w.pc(w.home)
				p.login("paia-04")
				p.see(">", time.Minute)
				if _, why := run("setup", 65); why != "line 65 is already in use: in call" {
					t.Errorf("during a call: %q", why)
				}
				p.typ("exit")
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
				if d := w.dialed(); len(d) > 0 {
					t.Errorf("dialed %+v", d)
				}
				audit, _, err := w.journal.AuditTail(context.Background(), 100)
				found := 0
				for _, row := range audit {
					if row.Kind == "start-chat" && row.Who == "uid 7" && strings.HasPrefix(row.Text, "tty 66: ") {
						found++
					}
				}
				if err != nil || found != 6 {
					t.Errorf("%d rows of the audit, %v: %+v", found, err, audit)
				}
			})
		})
	}
}

// TestStartChatAndCalls: a line on which an operator's script runs neither answers nor is leased, and a shutdown ends
// the script.
func TestStartChatAndCalls(t *testing.T) {
	inTown(t, townOptions{lines: 1, scripts: map[string]string{"slow": `TIMEOUT 30 "" AT\d\d\d\d OK`,
		"deaf": `TIMEOUT 3600 NEVER`}}, func(w *town) {
		done := make(chan error, 1)
		start := func(pattern string) {
			go func() {
				_, err := w.broker.StartChat(context.Background(), lines.Chat{Pattern: pattern, TTY: 65, By: "uid 7"})
				done <- err
			}()
			for s, _ := w.pool.Line(65); s.Owner != "start-chat by uid 7"; s, _ = w.pool.Line(65) {
				w.pass(10 * time.Millisecond)
			}
		}
		start("slow")
		p := w.pc(w.home)
		p.login("paia-04") // answered when the script has ended
		if err := <-done; err != nil && !strings.Contains(err.Error(), "the line rings") {
			t.Error(err)
		}
		p.see(">", time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		start("deaf")
		w.halt()
		if err := <-done; err == nil {
			t.Error("the script outlived the shutdown")
		}
		w.start()
		w.idle(time.Minute)
	})
}

// TestStartChatOnOwnLine: in the EXEC at privilege level 15, the script talks to the caller, and the session goes on.
func TestStartChatOnOwnLine(t *testing.T) {
	inTown(t, townOptions{
		scripts: map[string]string{"ask": `TIMEOUT 20 "" "\r\nTerminal?\c" vt \c`, "setup": `"" ATS7=33 OK \c`},
		user:    func(a *aaa.Authorization) { a.PrivLevel = 15 },
	}, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("#", time.Minute)
		p.typ("start-chat ^ask$")
		p.see("Terminal?", time.Minute)
		_, _ = p.dte.Write([]byte("OK CONNECT vt"))
		p.see("Chat script ask finished, status = Success", time.Minute)
		p.see("#", time.Minute)
		p.typ("start-chat setup 66")
		p.see("chat script setup succeeded on line 66", time.Minute)
		p.see("#", time.Minute)
		if n := w.lines[1].Register(7); n != 33 {
			t.Errorf("S7 is %d", n)
		}
		p.typ("start-chat ask")
		p.see("Terminal?", time.Minute)
		p.see("% start-chat on tty65: chat script ask: no vt within 20s", time.Minute)
		p.see("#", time.Minute)
		p.typ("start-chat setup 66 84001")
		p.see("% start-chat dials no number here: no policy permits it", time.Minute)
		p.see("#", time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if d := w.dialed(); len(d) > 0 {
			t.Errorf("dialed %+v", d)
		}
	})
}
