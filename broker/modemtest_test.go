package broker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

func allTests(*broker.ModemTests) {}

// testRows are the dials of tests in the journal.
func (w *town) testRows() []journal.Call {
	w.t.Helper()
	rows, damaged, err := w.journal.Calls(context.Background(), journal.All,
		journal.CallFilter{Service: journal.ModemTest})
	if err != nil || len(damaged) > 0 {
		w.t.Fatal(err, damaged)
	}
	return rows
}

// testDials are the dial commands that the lines' modems have received.
func (w *town) testDials() (all []exchange.Dial) {
	for _, d := range w.x.Dials() {
		if strings.HasPrefix(d.Modem, "tty") {
			all = append(all, d)
		}
	}
	return all
}

// audited are the rows of the audit of a kind.
func (w *town) audited(kind string) (all []string) {
	w.t.Helper()
	rows, _, err := w.journal.AuditTail(context.Background(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Kind == kind {
			all = append(all, r.Who+": "+r.Text)
		}
	}
	return all
}

func (w *town) test(o broker.TestOrder) (broker.ModemTest, error) {
	return w.broker.TestModem(context.Background(), o)
}

// A good pair of lines, with and without modem signals: it passes, is counted, and both lines are idle again.
func TestModemTest(t *testing.T) {
	for _, noSignals := range []bool{false, true} {
		t.Run(fmt.Sprintf("without signals %v", noSignals), func(t *testing.T) {
			inTown(t, townOptions{tests: allTests, noSignals: noSignals,
				line: exchange.ModemConfig{ConnectText: "CONNECT 33600"}}, func(w *town) {
				got, err := w.test(broker.TestOrder{TTY: 65, By: "uid 7"})
				if err != nil || got.Result != broker.TestPassed || got.With != 66 || got.Number != directNumber(66) {
					t.Fatalf("%+v, %v", got, err)
				}
				if got.Connect != "CONNECT 33600" || got.Answered != "CONNECT "+
					"33600" || got.Octets < 1024 || got.Dial <= 0 ||
					got.Down <= 0 || got.Ended.Before(got.Started) {
					t.Errorf("measured: %+v", got)
				}
				w.idle(time.Minute)
				if d := w.testDials(); len(d) != 1 || d[0].Modem != "tty65" || d[0].Number != directNumber(66) {
					t.Errorf("dials: %+v", d)
				}
				rows := w.testRows()
				if len(rows) != 1 || rows[0].TTY != 65 || rows[0].Called != directNumber(66) || rows[0].End.IsZero() ||
					rows[0].Cause != "passed" {
					t.Errorf("journal: %+v", rows)
				}
				if last, ok := w.broker.LastTest(66); !ok || last.ID != got.ID {
					t.Errorf("the last test of tty 66: %+v", last)
				}
				want := "uid 7: tty 65 with tty 66 at " + directNumber(66) + ": passed"
				if a := w.audited("modem tested"); len(a) != 1 || a[0] != want {
					t.Errorf("audit: %q", a)
				}
				w.halt()
				w.start()
				w.idle(time.Minute)
				if last, ok := w.broker.LastTest(65); !ok || last.ID != got.ID || last.Result != broker.TestPassed {
					t.Errorf("after a restart: %+v", last)
				}
			})
		})
	}
}

// What the configuration does not allow is not dialed.
func TestModemTestDenied(t *testing.T) {
	limited := func(m *broker.ModemTests) {
		delete(m.Lines, 67)
		m.Lines[68] = broker.TestLine{} // has no number
	}
	inTown(t, townOptions{lines: 4, tests: limited}, func(w *town) {
		for _, tt := range []struct {
			order broker.TestOrder
			want  string
		}{
			{broker.TestOrder{TTY: 67}, "tty 67 is not one of modem_test.lines"},
			{broker.TestOrder{TTY: 65, With: 67}, "tty 67 is not one of modem_test.lines"},
			{broker.TestOrder{TTY: 65, With: 65}, "tty 65 cannot call itself"},
			{broker.TestOrder{TTY: 65, With: 68}, "tty 68 has no number of its own (lines[].number)"},
			{broker.TestOrder{TTY: 65, With: 66, Number: "84001"}, "84001 is neither the number of tty 66"},
			{broker.TestOrder{TTY: 65, With: 66, Number: directNumber(65)}, "is neither the number of tty 66"},
			{broker.TestOrder{TTY: 65, With: 66, Number: "84001;+++ATH"}, "--number: "},
			{broker.TestOrder{TTY: 65, With: 66, Number: "911"}, "911 is neither"},
		} {
			if got, err := w.test(tt.order); !errors.Is(err, broker.ErrTestDenied) || !strings.Contains(err.Error(),
				tt.want) {
				t.Errorf("%+v: %+v, %v\nmust say %s", tt.order, got, err, tt.want)
			}
		}
		if d := w.testDials(); len(d) != 0 || len(w.testRows()) != 0 {
			t.Errorf("dials: %+v", d)
		}
	})
}

// Without the permission nothing is tested, not even a line with a number.
func TestModemTestWithoutPermission(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		if _, err := w.test(broker.TestOrder{TTY: 65, With: 66}); !errors.Is(err, broker.ErrTestDenied) {
			t.Error(err)
		}
	})
}

// A lockdown forbids a test, and ends one in progress at any moment. The dial counts; nothing is blamed.
func TestModemTestLockdown(t *testing.T) {
	for _, after := range []time.Duration{0, time.Second, 5 * time.Second, 12 * time.Second, 16 * time.Second} {
		t.Run(after.String(), func(t *testing.T) {
			inTown(t, townOptions{tests: allTests}, func(w *town) {
				if after == 0 {
					if err := w.broker.Lockdown("storm", false, "uid 7"); err != nil {
						t.Fatal(err)
					}
					if _, err := w.test(broker.TestOrder{TTY: 65}); !errors.Is(err, broker.ErrTestBusy) ||
						!strings.Contains(err.Error(), "storm") {
						t.Error(err)
					}
					if len(w.testRows()) != 0 || len(w.testDials()) != 0 {
						t.Errorf("%+v", w.testDials())
					}
					return
				}
				done := make(chan broker.ModemTest, 1)
				go func() {
					got, err := w.test(broker.TestOrder{TTY: 65})
					if err != nil {
						t.Error(err)
					}
					done <- got
				}()
				w.pass(after)
				if err := w.broker.Lockdown("storm", false, "uid 7"); err != nil {
					t.Fatal(err)
				}
				got := <-done
				if got.Result != broker.TestInconclusive || !strings.Contains(got.Text,
					"lockdown") || got.Blamed != nil {
					t.Errorf("%+v", got)
				}
				w.idle(2 * time.Minute)
				if rows := w.testRows(); len(rows) != 1 || rows[0].End.IsZero() || len(w.testDials()) > 1 {
					t.Errorf("%+v, dials %+v", rows, w.testDials())
				}
			})
		})
	}
}

// A stranger calls the called line at any moment of a test: there is no session, no line is blamed, and the stranger is
// not taken for the partner, even if it sends what it has seen.
func TestModemTestStranger(t *testing.T) {
	connected := 0
	for after := time.Duration(0); after <= 4*time.Second; after += 250 * time.Millisecond {
		inTown(t, townOptions{tests: allTests}, func(w *town) {
			p := w.pc(w.home)
			done := make(chan broker.ModemTest, 1)
			go func() {
				got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
				if err != nil {
					t.Error(err)
				}
				done <- got
			}()
			<-time.After(after)
			p.typ("atdt" + directNumber(66))
			text := make(chan string, 1)
			go func() { // an echo
				p.dte.SetReadDeadline(time.Now().Add(3 * time.Minute))
				var all strings.Builder
				b := make([]byte, 100)
				for {
					n, err := p.dte.Read(b)
					all.Write(b[:n])
					if err != nil {
						break
					}
					if strings.Contains(all.String(), "CONNECT") && !strings.Contains(all.String(), "NO CARRIER") {
						p.dte.SetWriteDeadline(time.Now().Add(time.Second))
						p.dte.Write(b[:n])
					}
				}
				text <- all.String()
			}()
			got, seen := <-done, <-text
			in := strings.Contains(seen, "CONNECT")
			if in {
				connected++
			}
			if in == (got.Result == broker.TestPassed) || len(got.Blamed) > 0 || got.Result == broker.TestFailed {
				t.Errorf("after %v, stranger connected %v: %+v", after, in, got)
			}
			if strings.Contains(seen, "Username") {
				t.Errorf("after %v: the stranger has a session: %q", after, seen)
			}
			w.idle(3 * time.Minute)
			rows, _, err := w.journal.Calls(context.Background(), 10, journal.CallFilter{})
			if err != nil || len(rows) != 1 || rows[0].Service != journal.ModemTest {
				t.Errorf("after %v: calls: %+v, %v", after, rows, err)
			}
		})
	}
	if connected == 0 {
		t.Error("no stranger was faster than the test: the attack was not made")
	}
}

// Somebody who calls the called line before the dial of each test, so that it ends BUSY, and gives up before the call
// is answered, does not get the lines quarantined.
func TestModemTestStrangerGivesUp(t *testing.T) {
	inTown(t, townOptions{tests: allTests, callerID: true}, func(w *town) { // answered at the second ring
		p := w.pc(w.home)
		for i := range 3 {
			done := make(chan broker.ModemTest, 1)
			go func() {
				got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
				if err != nil {
					t.Error(err)
				}
				done <- got
			}()
			w.sees("tty 66 is leased", func() bool { s, _ := w.pool.Line(66); return s.State == lines.Leased })
			p.typ("atdt" + directNumber(66))
			w.sees("a dial that ended busy", func() bool {
				d := w.testDials()
				return len(d) == i+1 && d[i].Outcome == exchange.DialBusy && w.lines[1].Rings() == i+1
			})
			p.typ("") // gives up
			got := <-done
			if got.Result != broker.TestInconclusive || got.Blamed != nil || !strings.HasPrefix(got.Text,
				"somebody else called tty 66; dial: busy") {
				t.Errorf("test %d: %+v", i, got)
			}
			w.idle(5 * time.Minute) // not quarantined
		}
		if got, err := w.test(broker.TestOrder{TTY: 65, With: 66}); err != nil || got.Result != broker.TestPassed {
			t.Errorf("without the stranger: %+v, %v", got, err)
		}
	})
}

// The calling line reports CONNECT, and the called line has the call of somebody else, who called before the dial.
func TestModemTestStrangerElsewhere(t *testing.T) {
	inTown(t, townOptions{tests: allTests}, func(w *town) {
		w.lines[0].SetFault(exchange.Fault{FalseConnect: true})
		p := w.pc(w.home)
		done := make(chan broker.ModemTest, 1)
		go func() {
			got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		w.sees("tty 66 is leased", func() bool { s, _ := w.pool.Line(66); return s.State == lines.Leased })
		p.typ("atdt" + directNumber(66))
		p.see("CONNECT", time.Minute)
		if got := <-done; got.Result != broker.TestInconclusive || got.Blamed != nil ||
			!strings.HasPrefix(got.Text, "somebody else called tty 66; ") {
			t.Errorf("%+v", got)
		}
		p.see("NO CARRIER", time.Minute)
	})
}

// A called line that is busy without a ring, and one that rings for the test and does not answer, fail.
func TestModemTestNoStranger(t *testing.T) {
	for name, tt := range map[string]struct {
		defect func(w *town)
		want   string
	}{
		"busy": {func(w *town) { w.x.Reserve(directNumber(66), exchange.Busy) }, "dial: busy"},
		"not answered": {func(w *town) { w.lines[1].SetFault(exchange.Fault{LosesATA: 99}) },
			"tty 66 was not called or did not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{tests: allTests}, func(w *town) {
				tt.defect(w)
				for range 3 {
					got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
					if err != nil || got.Result != broker.TestFailed || !contains(got.Blamed, 66) ||
						!strings.Contains(got.Text, tt.want) {
						t.Fatalf("%+v, %v", got, err)
					}
					w.pass(20 * time.Minute)
				}
				if s, _ := w.pool.Line(66); s.State != lines.Quarantined {
					t.Errorf("tty 66 after three failed tests: %+v", s)
				}
			})
		})
	}
}

// sees waits for what ok reports.
func (w *town) sees(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatal("not seen: " + what)
		}
	}
}

// A modem that reports CONNECT without a call fails its test, and is quarantined after as many as configured. Only an
// operator ends that, and a restart does not.
func TestModemTestLies(t *testing.T) {
	inTown(t, townOptions{tests: func(m *broker.ModemTests) { m.QuarantineAfter = 2 }, lines: 3}, func(w *town) {
		w.lines[0].SetFault(exchange.Fault{FalseConnect: true})
		for i := range 2 {
			got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
			if err != nil || got.Result != broker.TestFailed || len(got.Blamed) != 1 || got.Blamed[0] != 65 ||
				!strings.Contains(got.Text, "tty 65 reported CONNECT, and tty 66 had no call") {
				t.Fatalf("test %d: %+v, %v", i, got, err)
			}
			w.pass(2 * time.Minute)
		}
		if s, _ := w.pool.Line(65); s.State != lines.Quarantined || !strings.Contains(s.Reason,
			"failed 2 modem tests in a row") || !strings.Contains(s.Reason, "`ringback line restore 65`") {
			t.Errorf("tty 65: %+v", s)
		}
		if s, _ := w.pool.Line(66); s.State != lines.Idle {
			t.Errorf("tty 66: %+v", s)
		}
		if _, err := w.test(broker.TestOrder{TTY: 65}); !errors.Is(err, broker.ErrTestBusy) {
			t.Errorf("a test of a quarantined line: %v", err)
		}
		if a := w.audited("line quarantined"); len(a) != 1 {
			t.Errorf("audit: %q", a)
		}
		w.halt()
		w.start()
		w.pass(time.Minute)
		if s, _ := w.pool.Line(65); s.State != lines.Quarantined {
			t.Errorf("after a restart: %+v", s)
		}
		w.lines[0].SetFault(exchange.Fault{})
		if err := w.broker.RestoreLine(65, "uid 7"); err != nil {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		if got, err := w.test(broker.TestOrder{TTY: 65}); err != nil || got.Result != broker.TestPassed {
			t.Errorf("restored: %+v, %v", got, err)
		}
	})
}

// Defects that a test must find, and the line that it blames.
func TestModemTestFaults(t *testing.T) {
	for name, tt := range map[string]struct {
		line   int // with the fault
		fault  exchange.Fault
		during bool // it begins during the call
		blames int
		want   string
	}{
		"no dial tone":    {65, exchange.Fault{NoDialtone: true}, false, 65, "dial: no dialtone"},
		"rejects dials":   {65, exchange.Fault{RejectsDial: true}, false, 65, "dial: modem error"},
		"loses ATA":       {66, exchange.Fault{LosesATA: 99}, false, 66, "tty 66"},
		"wrong speed":     {66, exchange.Fault{WrongSpeed: true}, false, 66, "identification: "},
		"DCD stays off":   {66, exchange.Fault{DCDStuckOff: true}, false, 66, "escape: the call ended"},
		"blacklists":      {65, exchange.Fault{Blacklisted: true}, false, 65, "dial: blacklisted"},
		"cannot hang up":  {65, exchange.Fault{FalseHangUp: true}, false, 65, "hang-up: "},
		"forces DCD (&C)": {66, exchange.Fault{DCDStuckOn: true}, true, 66, "hang-up: "},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{tests: allTests}, func(w *town) {
				fault := func() { w.lines[tt.line-65].SetFault(tt.fault) }
				if tt.during {
					defer time.AfterFunc(12*time.Second, fault).Stop()
				} else {
					fault()
				}
				got, err := w.test(broker.TestOrder{TTY: 65, With: 66})
				if err != nil || got.Result != broker.TestFailed || !strings.Contains(got.Text, tt.want) {
					t.Fatalf("%+v, %v\nmust say %s", got, err, tt.want)
				}
				if !contains(got.Blamed, tt.blames) {
					t.Errorf("blamed: %v, must have %d: %s", got.Blamed, tt.blames, got.Text)
				}
				w.lines[tt.line-65].SetFault(exchange.Fault{})
				w.lines[tt.line-65].HangUp()
				w.idle(20 * time.Minute)
				if n := w.pool.Outstanding(); n != 0 {
					t.Errorf("%d leases are not returned", n)
				}
			})
		})
	}
}

func contains(all []int, n int) bool {
	for _, v := range all {
		if v == n {
			return true
		}
	}
	return false
}

// fails is a journal that refuses the start or the end of a test.
type fails struct {
	journal.Store
	start, end *bool
}

func (f fails) Commit(ctx context.Context, tx ...journal.Mutation) error {
	for _, m := range tx {
		c, ok := m.(journal.PutCall)
		switch {
		case !ok || c.Call.Service != journal.ModemTest:
		case c.Call.End.IsZero() && *f.start, !c.Call.End.IsZero() && *f.end:
			return errors.New("no space left on device")
		}
	}
	return f.Store.Commit(ctx, tx...)
}

// A dial that cannot be counted is not made. If the process ends before the result is recorded, the dial counts and is
// not repeated.
func TestModemTestCrash(t *testing.T) {
	start, end := true, true
	inTown(t, townOptions{tests: func(m *broker.ModemTests) { m.MaxPerDay = 1 },
		store: func(s journal.Store) journal.Store { return fails{s, &start, &end} }}, func(w *town) {
		if _, err := w.test(broker.TestOrder{TTY: 65}); !errors.Is(err, broker.ErrTestNotRecorded) {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		if len(w.testDials()) != 0 {
			t.Fatalf("dialed without a record: %+v", w.testDials())
		}
		start = false
		if got, err := w.test(broker.TestOrder{TTY: 65}); err != nil || got.Result != broker.TestPassed {
			t.Fatalf("%+v, %v", got, err)
		}
		w.halt() // for the journal, the process ended in the middle of the call
		w.start()
		w.idle(time.Minute)
		w.pass(10 * time.Minute)
		if n := len(w.testDials()); n != 1 {
			t.Errorf("%d dials after the restart", n)
		}
		if last, ok := w.broker.LastTest(66); !ok || last.Result != broker.TestInterrupted {
			t.Errorf("%+v", last)
		}
		if rows := w.testRows(); len(rows) != 1 || rows[0].End.IsZero() {
			t.Errorf("%+v", rows)
		}
		if a := w.audited("modem tested"); len(a) != 2 || !strings.Contains(a[1], "interrupted") {
			t.Errorf("audit: %q", a)
		}
		_, err := w.test(broker.TestOrder{TTY: 65})
		if !errors.Is(err, broker.ErrTestBusy) || !strings.Contains(err.Error(), "max_per_day") {
			t.Errorf("beyond the dials of the day: %v", err)
		}
		w.pass(24 * time.Hour)
		end = false
		if got, err := w.test(broker.TestOrder{TTY: 65}); err != nil || got.Result != broker.TestPassed {
			t.Errorf("the next day: %+v, %v", got, err)
		}
	})
}

// Two tests never use one line or one number at the same time, and callback.hold_off applies to the number.
func TestModemTestOneDial(t *testing.T) {
	inTown(t, townOptions{lines: 4, tests: allTests, holdOff: 10 * time.Minute}, func(w *town) {
		first := make(chan error, 1)
		go func() {
			_, err := w.test(broker.TestOrder{TTY: 65, With: 66})
			first <- err
		}()
		w.pass(2 * time.Second)
		for _, o := range []broker.TestOrder{{TTY: 67, With: 66}, {TTY: 66, With: 67}, {TTY: 67, With: 65}, {TTY: 65,
			With: 68}} {
			if _, err := w.test(o); !errors.Is(err, broker.ErrTestBusy) {
				t.Errorf("%+v during the test of 65 with 66: %v", o, err)
			}
		}
		if got, err := w.test(broker.TestOrder{TTY: 67, With: 68}); err != nil || got.Result != broker.TestPassed {
			t.Errorf("other lines: %+v, %v", got, err)
		}
		if err := <-first; err != nil {
			t.Error(err)
		}
		w.idle(time.Minute)
		if _, err := w.test(broker.TestOrder{TTY: 67, With: 66}); !errors.Is(err, broker.ErrTestBusy) ||
			!strings.Contains(err.Error(), "hold_off") {
			t.Errorf("within the hold-off: %v", err)
		}
		w.halt()
		w.start()
		w.idle(time.Minute)
		if _, err := w.test(broker.TestOrder{TTY: 67, With: 66}); !errors.Is(err, broker.ErrTestBusy) ||
			!strings.Contains(err.Error(), "hold_off") {
			t.Errorf("within the hold-off, after a restart: %v", err)
		}
		w.pass(11 * time.Minute)
		if _, err := w.test(broker.TestOrder{TTY: 67, With: 66}); err != nil {
			t.Errorf("after the hold-off: %v", err)
		}
	})
}

// A callback is not served by lines that are being tested, and gets one afterwards.
func TestModemTestDuringCallback(t *testing.T) {
	inTown(t, townOptions{lines: 3, tests: allTests, forcedWait: time.Second}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		done := make(chan broker.ModemTest, 1)
		go func() {
			got, err := w.test(broker.TestOrder{TTY: 66, With: 67})
			if err != nil {
				t.Error(err)
			}
			done <- got
		}()
		w.pass(time.Second)
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		if got := <-done; got.Result != broker.TestPassed {
			t.Errorf("%+v", got)
		}
		p.see("maui-nas-04>", 3*time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" {
			t.Errorf("%+v", v)
		}
	})
}

// The shutdown of ringback ends a test; both lines are on hook, and the result is on disk.
func TestModemTestShutdown(t *testing.T) {
	for _, after := range []time.Duration{time.Second, 12 * time.Second, 15 * time.Second} {
		inTown(t, townOptions{tests: allTests}, func(w *town) {
			done := make(chan broker.ModemTest, 1)
			go func() {
				got, err := w.test(broker.TestOrder{TTY: 65})
				if err != nil {
					t.Error(err)
				}
				done <- got
			}()
			w.pass(after)
			w.halt()
			if got := <-done; got.Result == broker.TestFailed || got.Result == broker.TestInterrupted {
				t.Errorf("after %v: %+v", after, got)
			}
			w.start()
			w.idle(time.Minute)
			if rows := w.testRows(); len(rows) != 1 || rows[0].End.IsZero() {
				t.Errorf("after %v: %+v", after, rows)
			}
			if _, err := w.test(broker.TestOrder{TTY: 65}); err != nil {
				t.Errorf("after %v and a restart: %v", after, err)
			}
		})
	}
}

func TestTestSchedule(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	const hour = time.Hour
	for _, tt := range []struct {
		s         broker.TestSchedule
		now, next string
	}{
		{broker.TestSchedule{Every: 24 * hour, At: 3 * hour, Zone: paris}, "2026-11-29T02:00:00Z",
			"2026-11-30T03:00:00+01:00"},
		{broker.TestSchedule{Every: 24 * hour, At: 3 * hour, Zone: paris}, "2026-11-29T01:59:59Z",
			"2026-11-29T03:00:00+01:00"},
		{broker.TestSchedule{Every: 6 * hour, At: 3*hour + 30*time.Minute, Zone: time.UTC}, "2026-11-29T16:00:00Z",
			"2026-11-29T21:30:00Z"},
		{broker.TestSchedule{Every: 6 * hour, At: 21 * hour, Zone: time.UTC}, "2026-11-29T22:00:00Z",
			"2026-11-30T03:00:00Z"},
		// 2026-12-03 is the 20790th day since 1970, a multiple of 7: a Thursday, as 1970-01-01
		{broker.TestSchedule{Every: 168 * hour, At: 3 * hour, Zone: time.UTC}, "2026-11-29T16:00:00Z",
			"2026-12-03T03:00:00Z"},
		{broker.TestSchedule{Every: 168 * hour, At: 3 * hour, Zone: time.UTC}, "2026-12-03T03:00:00Z",
			"2026-12-10T03:00:00Z"},
		// 02:30 does not exist on 2026-03-29 in Paris
		{broker.TestSchedule{Every: 24 * hour, At: 2*hour + 30*time.Minute, Zone: paris}, "2026-03-29T00:00:00Z",
			"2026-03-29T03:30:00+02:00"},
	} {
		if got := tt.s.Next(at(tt.now)); !got.Equal(at(tt.next)) {
			t.Errorf("%+v after %s: %s, want %s", tt.s, tt.now, got, tt.next)
		}
	}
	// 02:30 is there twice on 2026-10-25: one of them
	twice := broker.TestSchedule{Every: 24 * hour, At: 2*hour + 30*time.Minute, Zone: paris}
	one := twice.Next(at("2026-10-24T12:00:00Z"))
	if !one.Equal(at("2026-10-25T02:30:00+02:00")) && !one.Equal(at("2026-10-25T02:30:00+01:00")) ||
		!twice.Next(one).Equal(at("2026-10-26T02:30:00+01:00")) {
		t.Errorf("when clocks are set back: %s, then %s", one, twice.Next(one))
	}
	if got := (broker.TestSchedule{}).Next(time.Now()); !got.IsZero() {
		t.Errorf("no schedule: %s", got)
	}
}

// The schedule tests each line once a day with changing partners, skips lines in use and a lockdown, and keeps to the
// number of tests at once.
func TestModemTestsOnSchedule(t *testing.T) {
	daily := func(m *broker.ModemTests) {
		m.Schedule = broker.TestSchedule{Every: 24 * time.Hour, At: 3 * time.Hour, Zone: time.UTC, AtOnce: 2}
	}
	inTown(t, townOptions{lines: 4, tests: daily}, func(w *town) {
		until := func(clock time.Duration) { // of the first day that has it
			now := time.Now().UTC()
			at := now.Truncate(24 * time.Hour).Add(clock)
			if !at.After(now) {
				at = at.Add(24 * time.Hour)
			}
			w.pass(at.Sub(now))
		}
		until(2*time.Hour + 59*time.Minute)
		if n := len(w.testDials()); n != 0 {
			t.Fatalf("%d dials before the time", n)
		}
		most := make(chan int, 1)
		go func() {
			n := 0
			for range 1200 {
				leased := 0
				for _, s := range w.pool.Lines() {
					if strings.HasPrefix(s.Owner, "modem test") {
						leased++
					}
				}
				n = max(n, leased)
				<-time.After(time.Second)
			}
			most <- n
		}()
		until(4 * time.Hour)
		if n := <-most; n != 4 { // two tests
			t.Errorf("%d lines leased at once", n)
		}
		pairs, delays := map[string]bool{}, map[time.Duration]bool{}
		day := func() {
			rows := w.testRows()
			first := rows[0].Start
			for _, r := range rows {
				if r.Start.Before(first) && r.Start.YearDay() == rows[0].Start.YearDay() {
					first = r.Start
				}
				pairs[fmt.Sprint(r.TTY, " ", r.Called)] = true
				if r.Cause != "passed" {
					t.Errorf("%+v", r)
				}
			}
			delay := first.UTC().Sub(first.UTC().Truncate(24*time.Hour)) - 3*time.Hour
			if delays[delay] = true; delay < 0 || delay > 11*time.Minute {
				t.Errorf("the first test is %v after its time", delay)
			}
		}
		day()
		if n := len(w.testRows()); n != 4 {
			t.Fatalf("%d tests on the first day", n)
		}
		until(2*time.Hour + 58*time.Minute) // of the second day
		used, err := w.pool.Acquire(context.Background(), lines.Want{Owner: "another", TTYs: []int{65},
			Rotary: lines.NoRotary})
		if err != nil {
			t.Fatal(err)
		}
		until(4 * time.Hour)
		day()
		if n := len(w.testRows()); n != 4+2 {
			t.Errorf("%d tests after the second day: those of tty 65, which is in use, must be skipped", n)
		}
		used.Release()
		until(2 * time.Hour)
		if err := w.broker.Lockdown("storm", false, "uid 7"); err != nil {
			t.Fatal(err)
		}
		until(4 * time.Hour)
		if n := len(w.testRows()); n != 6 {
			t.Errorf("%d tests: made during a lockdown", n)
		}
		if err := w.broker.LiftLockdown("over", "uid 7"); err != nil {
			t.Fatal(err)
		}
		until(2 * time.Hour)
		until(4 * time.Hour)
		day()
		if len(pairs) != 4+2 { // of the first and of the second day; with three others, the fourth is like the first
			t.Errorf("the partners do not change: %v", pairs)
		}
		if len(delays) != 3 {
			t.Errorf("the time of the tests does not change: %v", delays)
		}
	})
}
