package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

const chatDials = `ABORT ERROR ABORT BUSY ABORT "NO CARRIER" "" AT OK "ATDT \T" TIMEOUT 45 CONNECT \c`

// dialing is a town whose operators may dial, with the scripts of its tests.
func dialing(o townOptions) townOptions {
	o.chatPolicy = "default"
	o.scripts = map[string]string{"opdial": chatDials, "setup": `ABORT ERROR "" ATS7=33 OK \c`}
	return o
}

// chat orders a dial of number from tty.
func (w *town) chat(tty int, number string) (lines.Chatted, error) {
	return w.broker.StartChat(context.Background(),
		lines.Chat{Pattern: "^opdial$", TTY: tty, Number: number, By: "uid 7"})
}

func (w *town) chatRows() []journal.Call {
	w.t.Helper()
	rows, damaged, err := w.journal.Calls(context.Background(), journal.All,
		journal.CallFilter{Service: journal.StartChat})
	if err != nil || len(damaged) > 0 {
		w.t.Fatal(err, damaged)
	}
	return rows
}

// An operator dials: the call is counted, connects and is hung up at the end of the script, with modem signals and
// without. A busy number fails, and counts too.
func TestStartChatDials(t *testing.T) {
	for _, noSignals := range []bool{false, true} {
		t.Run(fmt.Sprintf("without signals %v", noSignals), func(t *testing.T) {
			o := dialing(townOptions{noSignals: noSignals, ceilings: []journal.Limit{{Period: journal.Day,
				Amount: journal.Amount{Calls: 2}}}})
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				got, err := w.chat(65, "84-001")
				if err != nil || got.Script != "opdial" || got.Number != "84001" || got.Outcome != "connected" ||
					!strings.HasPrefix(got.Connect, "CONNECT") || !strings.Contains(got.Transcript, "sent ATDT 84001") {
					t.Fatalf("%+v, %v", got, err)
				}
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
				got, err = w.chat(66, "84010")
				if err == nil || got.Outcome != "busy" || got.Number != "84010" || got.Connect != "" {
					t.Errorf("busy: %+v, %v", got, err)
				}
				w.idle(time.Minute)
				if _, err := w.chat(65, "84001"); !errors.Is(err, journal.ErrCeiling) {
					t.Errorf("beyond the ceiling: %v", err)
				}
				w.idle(time.Minute)
				if d := w.dialed(); len(d) != 2 || d[0].Number != "84001" || d[0].Modem != "tty65" ||
					d[1].Number != "84010" {
					t.Errorf("dials: %+v", d)
				}
				rows := w.chatRows() // newest first
				if len(rows) != 2 || rows[1].Called != "84001" || rows[1].TTY != 65 || rows[1].Cause != "connected" ||
					rows[1].End.IsZero() || rows[0].Cause != "busy" {
					t.Errorf("journal: %+v", rows)
				}
				a := w.site()
				if u := a.Windows[1].Used; u.Calls != 2 || u.Failures != 1 || u.Time <= 0 || u.Time > 2*time.Minute ||
					a.Open != 0 || a.Reserved != (journal.Amount{}) {
					t.Errorf("the site's account: %+v", a)
				}
				want := []string{"uid 7: tty 65: opdial dials 84001", "uid 7: tty 66: opdial dials 84010"}
				if all := w.audited("start-chat"); strings.Join(all, "; ") != strings.Join(want, "; ") {
					t.Errorf("audit: %q", all)
				}
				if all := w.audited("start-chat dialed"); len(all) != 2 ||
					all[0] != "uid 7: tty 65: opdial: 84001: connected" {
					t.Errorf("audit: %q", all)
				}
				if all := w.audited("start-chat rejected"); len(all) != 1 || !strings.Contains(all[0], "ceiling") {
					t.Errorf("audit: %q", all)
				}
			})
		})
	}
}

// What is not permitted is not dialed, and nothing is counted.
func TestStartChatDialDenied(t *testing.T) {
	o := dialing(townOptions{policy: func(p *policies.Policy) { p.Numbers.Allow = []string{"84*", "911", "1*"} }})
	inTown(t, o, func(w *town) {
		for _, tt := range []struct {
			pattern, number string
			tty             int
			want            string
		}{
			{"^opdial$", "84901", 65, `deny "849*" is the longest match`},
			{"^opdial$", "85001", 65, "must match a pattern of numbers.allow"},
			{"^opdial$", "911", 65, "emergency number"},
			{"^opdial$", "84001;+++ATH", 65, `';'`},
			{"^opdial$", "84001\rATDT15550100", 65, `'\r' at position 6`},
			{"^opdial$", " ", 65, "empty"},
			{"^opdial$", "84001", 7, "there is no line 7"},
			{"^setup$", "84001", 65, `has no \T`},
			{"nosuch", "84001", 65, "no matching chat script found"},
			{"", "84001", 65, "no chat script was named"},
		} {
			_, err := w.broker.StartChat(context.Background(), lines.Chat{Pattern: tt.pattern, TTY: tt.tty,
				Number: tt.number, By: "uid 7"})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%q with %s: %v, want %q", tt.number, tt.pattern, err, tt.want)
			}
		}
		if len(w.dialed()) != 0 || len(w.chatRows()) != 0 || len(w.audited("start-chat")) != 0 {
			t.Errorf("dials: %+v, rows %+v", w.dialed(), w.chatRows())
		}
	})
	o = dialing(townOptions{})
	o.chatPolicy = ""
	inTown(t, o, func(w *town) {
		if _, err := w.chat(65, "84001"); err == nil || !strings.Contains(err.Error(), "start_chat: {policy: GROUP}") {
			t.Errorf("without a policy: %v", err)
		}
	})
	o.chatPolicy = "nobody"
	inTown(t, o, func(w *town) {
		if _, err := w.chat(65, "84001"); err == nil || !strings.Contains(err.Error(), "has no policy") {
			t.Errorf("with a group that has no policy: %v", err)
		}
	})
}

// A lockdown forbids the dial, and ends one in progress; the dial counts.
func TestStartChatDialLockdown(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 4 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			inTown(t, dialing(townOptions{}), func(w *town) { // nobody answers at 84001
				done := make(chan error, 1)
				start := func() {
					_, err := w.chat(65, "84001")
					done <- err
				}
				if after > 0 {
					go start()
					w.pass(after)
				}
				if err := w.broker.Lockdown("storm", false, "uid 7"); err != nil {
					t.Fatal(err)
				}
				if after == 0 {
					go start()
				}
				if err := <-done; err == nil || !strings.Contains(err.Error(), "lockdown") {
					t.Error(err)
				}
				w.idle(2 * time.Minute)
				want := min(int(after/time.Second), 1)
				if rows := w.chatRows(); len(rows) != want || len(w.dialed()) > want ||
					want > 0 && rows[0].End.IsZero() {
					t.Errorf("%+v, dials %+v", rows, w.dialed())
				}
			})
		})
	}
}

// A number is dialed by one at a time: operators and callbacks, and hold_off applies to both.
func TestStartChatDialOneAtATime(t *testing.T) {
	inTown(t, dialing(townOptions{lines: 3, holdOff: 10 * time.Minute, forcedWait: time.Second}), func(w *town) {
		done := make(chan error, 1)
		go func() {
			_, err := w.chat(65, "84001") // nobody answers
			done <- err
		}()
		w.pass(3 * time.Second)
		if _, err := w.chat(66, "84001"); err == nil || !strings.Contains(err.Error(), "is in progress") {
			t.Errorf("the number is being dialed: %v", err)
		}
		if _, err := w.chat(65, "84010"); err == nil || !strings.Contains(err.Error(), "tty 65 is ") {
			t.Errorf("the line is in use: %v", err)
		}
		if err := <-done; err == nil {
			t.Error("connected")
		}
		ended := time.Now()
		w.idle(time.Minute)
		if _, err := w.chat(66, "84001"); err == nil || !strings.Contains(err.Error(), "hold_off") {
			t.Errorf("within the hold-off: %v", err)
		}
		w.halt()
		w.start()
		w.idle(time.Minute)
		if _, err := w.chat(66, "84001"); err == nil || !strings.Contains(err.Error(), "hold_off") {
			t.Errorf("within the hold-off, after a restart: %v", err)
		}
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("maui-nas-04>", 15*time.Minute)
		if wait := time.Since(ended); wait < 10*time.Minute {
			t.Errorf("called back %v after the operator's dial", wait)
		}
		if _, err := w.chat(67, "84001"); err == nil || !strings.Contains(err.Error(), "callback ") {
			t.Errorf("during a call of a callback: %v", err)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if n := len(w.dialed()); n != 2 {
			t.Errorf("%d dials", n)
		}
	})
}

// failsChat is a journal that refuses the start or the end of a dial of start-chat.
type failsChat struct {
	journal.Store
	start, end *bool
}

func (f failsChat) Commit(ctx context.Context, tx ...journal.Mutation) error {
	for _, m := range tx {
		if c, ok := m.(journal.PutCall); ok && c.Call.Service == journal.StartChat &&
			(c.Call.End.IsZero() && *f.start || !c.Call.End.IsZero() && *f.end) {
			return errors.New("no space left on device")
		}
	}
	return f.Store.Commit(ctx, tx...)
}

// A dial that cannot be counted is not made. If the process ends before the end is recorded, the dial counts with all
// that it could use, and is not repeated.
func TestStartChatDialCrash(t *testing.T) {
	start, end := true, true
	o := dialing(townOptions{ceilings: []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 1}}},
		store: func(s journal.Store) journal.Store { return failsChat{s, &start, &end} }})
	inTown(t, o, func(w *town) {
		if _, err := w.chat(65, "84010"); err == nil || !strings.Contains(err.Error(), "cannot be recorded") {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		if len(w.dialed()) != 0 || w.site().Open != 0 {
			t.Fatalf("dialed without a record: %+v", w.dialed())
		}
		start = false
		if got, err := w.chat(65, "84010"); err == nil || got.Outcome != "busy" {
			t.Fatalf("%+v, %v", got, err)
		}
		if a := w.site(); a.Open != 1 || a.Reserved.Calls != 1 {
			t.Errorf("the reservation must stay: %+v", a)
		}
		w.halt() // for the journal, the process ended in the middle of the dial
		w.start()
		w.idle(time.Minute)
		w.pass(10 * time.Minute)
		if n := len(w.dialed()); n != 1 {
			t.Errorf("%d dials after the restart", n)
		}
		if rows := w.chatRows(); len(rows) != 1 || rows[0].End.IsZero() || !strings.Contains(rows[0].Cause, "crash") {
			t.Errorf("%+v", rows)
		}
		if a := w.site(); a.Open != 0 || a.Windows[1].Used != (journal.Amount{Calls: 1, Failures: 1,
			Time: policies.CallOverhead}) {
			t.Errorf("all that was reserved must count: %+v", a)
		}
		if _, err := w.chat(65, "84010"); !errors.Is(err, journal.ErrCeiling) {
			t.Errorf("beyond the ceiling: %v", err)
		}
	})
}

// The shutdown of ringback, and an operator who goes away, end the dial; it counts and the line is on hook.
func TestStartChatDialEnded(t *testing.T) {
	for _, shutdown := range []bool{true, false} {
		inTown(t, dialing(townOptions{}), func(w *town) {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := w.broker.StartChat(ctx, lines.Chat{Pattern: "^opdial$", TTY: 65, Number: "84001",
					By: "uid 7"})
				done <- err
			}()
			w.pass(4 * time.Second)
			if shutdown {
				w.halt()
			} else {
				cancel()
			}
			if err := <-done; err == nil {
				t.Error("the dial has connected")
			}
			if shutdown {
				w.start()
			}
			w.idle(time.Minute)
			if rows := w.chatRows(); len(rows) != 1 || rows[0].End.IsZero() || len(w.dialed()) != 1 {
				t.Errorf("shutdown %v: %+v", shutdown, rows)
			}
		})
	}
}

// In the EXEC, the third argument dials, and the ceilings of a user count for the operator.
func TestStartChatDialFromEXEC(t *testing.T) {
	o := dialing(townOptions{lines: 3, user: func(a *aaa.Authorization) { a.PrivLevel = 15 },
		policy: func(p *policies.Policy) { p.Limits.User.Day.Calls = 1 }})
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("#", time.Minute)
		p.typ("start-chat ^opdial$ 66 84010")
		p.see("% start-chat: dial 84010 on tty66: the modem said BUSY", 2*time.Minute)
		p.see("#", time.Minute)
		p.typ("start-chat ^opdial$ 66 84010")
		p.see("% ceiling reached", 2*time.Minute)
		p.see("#", time.Minute)
		p.typ("start-chat ^opdial$ 65 84010")
		p.see("% tty 65 is ", 2*time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if d := w.dialed(); len(d) != 1 || d[0].Modem != "tty66" {
			t.Errorf("dials: %+v", d)
		}
		if used := w.account("user", "paia-04").Windows[1].Used.Calls; used != 1 {
			t.Errorf("the account of the user has %d calls", used)
		}
		if all := w.audited("start-chat"); len(all) != 1 || all[0] != "paia-04 on tty 65: tty 66: opdial dials 84010" {
			t.Errorf("audit: %q", all)
		}
	})
}
