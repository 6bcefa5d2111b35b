package exchange

import (
	"errors"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFaults(t *testing.T) {
	tests := []struct {
		name  string
		fault Fault
		types string
		wait  time.Duration
		want  string
		state ModemState
	}{
		{"hung", Fault{Hung: true}, "AT\r", time.Hour, "", OnHook},
		{"never OK", Fault{NeverOK: true}, "ATE0\rATS8?\rAT*\r", time.Hour, "ATE0\r\r\n002\r\n\r\nERROR\r\n", OnHook},
		{"garbage", Fault{Garbage: true}, "AT\r", 0, "\xe4\xf1\xa8\r\nOK\r\n", OnHook},
		{"no dialtone", Fault{NoDialtone: true}, "ATE0DT5552\r", 2 * time.Second, "ATE0DT5552\r\r\nNO DIALTONE\r\n",
			OnHook},
		{"no dialtone, not noticed at X3", Fault{NoDialtone: true}, "ATE0X3S7=5DT5552\r", 9 * time.Second,
			"ATE0X3S7=5DT5552\r\r\nNO CARRIER\r\n", OnHook},
		{"no dialtone, W waits for it", Fault{NoDialtone: true}, "ATE0X3DW5552\r", 9 * time.Second,
			"ATE0X3DW5552\r\r\nNO DIALTONE\r\n", OnHook},
		{"blacklisted", Fault{Blacklisted: true}, "ATE0DT5552\r", 0, "ATE0DT5552\r\r\nBLACKLISTED\r\n", OnHook},
		{"delayed", Fault{Delayed: true}, "ATE0V0DT5552\r", 0, "ATE0V0DT5552\r24\r", OnHook},
		{"rejects dial", Fault{RejectsDial: true}, "ATE0DT5552\r", 0, "ATE0DT5552\r\r\nERROR\r\n", OnHook},
		{"mute", Fault{Mute: true}, "ATE0H1\r", 0, "", OffHook},
		{"stale", Fault{Stale: true}, "ATE0\rATS99999\rAT\r", 0, "ATE0\r\r\nOK\r\n\r\nERROR\r\n", OnHook},
		{"false connect", Fault{FalseConnect: true}, "ATE0DT1\r", time.Second, "ATE0DT1\r\r\nCONNECT\r\n", Connected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{}, ModemConfig{})
				w.alice.SetFault(tt.fault)
				w.types("alice", tt.types)
				pass(tt.wait)
				w.want("alice", tt.want)
				if got := w.alice.State(); got != tt.state {
					t.Errorf("alice is %s, want %s", got, tt.state)
				}
				if n := w.bob.Rings(); n != 0 {
					t.Errorf("bob's telephone rang %d times", n)
				}
				w.alice.HangUp()
				w.got("alice")
				w.alice.SetFault(Fault{})
				w.types("alice", "ATE0V1\r")
				if got := w.got("alice"); !strings.HasSuffix(got, "\r\nOK\r\n") {
					t.Errorf("got %q after the fault was removed", got)
				}
			})
		})
	}
}

func TestDelayedOK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{})
		w.types("alice", "ATE0\r")
		w.got("alice")
		w.alice.SetFault(Fault{DelayOK: 3 * time.Second})
		w.types("alice", "AT\r")
		w.types("alice", "ATI0\r") // its answer waits for the first OK
		pass(3*time.Second - 1)
		w.want("alice", "")
		pass(1)
		w.want("alice", "\r\nOK\r\n\r\n560\r\n")
		pass(3 * time.Second)
		w.want("alice", "\r\nOK\r\n")
	})
}

func TestSplitConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1E0", ConnectText: "CONNECT 9600"})
		w.bob.SetFault(Fault{SplitConnect: time.Second})
		w.types("alice", "ATE0DT5552\r")
		w.types("alice", "Welcome")
		w.want("bob", "\r\nRING\r\n\r\nC")
		for _, s := range []string{"ONN", "ECT", " 96"} {
			pass(time.Second)
			w.want("bob", s)
		}
		pass(time.Second)
		w.want("bob", "00\r")
		pass(time.Second)
		w.want("bob", "\nWelcome")
		w.types("alice", "!")
		w.want("bob", "!")
	})
}

func TestConnectText(t *testing.T) {
	for _, tt := range []struct{ cfg, init, want string }{
		{"", "", "\r\nCONNECT\r\n"},
		{"CONNECT 9600", "", "\r\nCONNECT 9600\r\n"},
		{"CONNECT 9600", "X0", "\r\nCONNECT\r\n"},
		{"CONNECT 9600", "V0", "12\r"},
		{"CONNECT 115200/V34/LAPM", "", "\r\nCONNECT 115200/V34/LAPM\r\n"},
		{"", "V0", "1\r"},
		{"CONNECT 9600", "Q1", ""},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1"})
			d := w.x.AddModem(ModemConfig{ConnectText: tt.cfg, Profile: "E0" + tt.init}).DTE()
			d.Write([]byte("ATDT5552\r"))
			pass(3 * time.Second)
			if got := drainDTE(d); got != tt.want {
				t.Errorf("%q, AT%s: got %q, want %q", tt.cfg, tt.init, got, tt.want)
			}
		})
	}
}

// A modem with a false hang-up keeps the far end connected, and its carrier shows it.
func TestFalseHangUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1E0"})
		w.types("alice", "ATDT5552\r")
		w.got("bob")
		w.bob.SetFault(Fault{FalseHangUp: true})
		w.dte["bob"].SetDTR(false)
		w.dte["bob"].SetDTR(true)
		w.want("bob", "")
		pass(time.Second)
		w.types("bob", "+++")
		pass(time.Second)
		w.types("bob", "ATH\rATZ\r")
		w.want("bob", "\r\nOK\r\n\r\nOK\r\n\r\nOK\r\n")
		if w.bob.State() != Escaped || !w.bob.Signals().Has(DCD) || w.alice.State() != Connected {
			t.Errorf("bob is %s, alice %s", w.bob.State(), w.alice.State())
		}
		w.bob.SetFault(Fault{})
		w.types("bob", "ATH\r")
		if w.bob.State() != OnHook {
			t.Errorf("bob is %s", w.bob.State())
		}
	})
}

func TestStuckCarrier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1"})
		w.alice.SetFault(Fault{DCDStuckOn: true})
		w.bob.SetFault(Fault{DCDStuckOff: true})
		if !w.dte["alice"].Signals().Has(DCD) {
			t.Error("not stuck on")
		}
		w.types("alice", "ATDT5552\r")
		if w.bob.State() != Connected || w.dte["bob"].Signals().Has(DCD) {
			t.Error("not stuck off")
		}
		w.alice.SetFault(Fault{})
		w.types("bob", "+++")
		w.dte["bob"].Close()
		pass(time.Second)
		if w.dte["alice"].Signals().Has(DCD) {
			t.Error("still stuck on")
		}
	})
}

// A write to a modem whose CTS is off waits for it, or for its deadline, and signals show it.
func TestCTSStuckOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{})
		d := w.dte["alice"]
		w.types("alice", "ATE0\r")
		w.got("alice")
		w.alice.SetFault(Fault{CTSStuckOff: true, DSRLost: true})
		if d.Signals()&(CTS|DSR) != 0 {
			t.Errorf("signals %v", d.Signals())
		}
		d.SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := d.Write([]byte("AT\r")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d octets: %v", n, err)
		}
		d.SetWriteDeadline(time.Time{})
		time.AfterFunc(time.Minute, func() { w.alice.SetFault(Fault{}) })
		began := time.Now()
		if _, err := d.Write([]byte("AT\r")); err != nil || time.Since(began) != time.Minute {
			t.Errorf("wrote after %v: %v", time.Since(began), err)
		}
		w.want("alice", "\r\nOK\r\n")
	})
}

// With the wrong speed the result codes are clear, and the data is other octets in both directions.
func TestWrongSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1E0"})
		w.types("alice", "ATE0\r")
		w.got("alice")
		w.alice.SetFault(Fault{WrongSpeed: true})
		w.types("alice", "ATDT5552\r")
		pass(3 * time.Second)
		w.want("alice", "\r\nCONNECT\r\n")
		w.got("bob")
		w.types("alice", "to bob")
		w.types("bob", "to alice")
		if a, b := w.got("alice"), w.got("bob"); len(a) != 8 || len(b) != 6 || a == "to alice" || b == "to bob" {
			t.Errorf("alice %q, bob %q", a, b)
		}
	})
}

func TestRinging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=2E0"})
		d := w.x.AddModem(ModemConfig{Dialect: Dialect{HearsRinging: true}, Profile: "E0"}).DTE()
		d.Write([]byte("ATDT5552\r"))
		pass(10 * time.Second)
		if got := drainDTE(d); got != "\r\nRINGING\r\n\r\nRINGING\r\n\r\nCONNECT\r\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1E0"})
		w.types("alice", "ATE0DT5552\r")
		w.got("alice")
		w.bob.SetFault(Fault{Vanished: true})
		w.want("alice", "\r\nNO CARRIER\r\n")
		if w.got("bob"); w.dte["bob"].Signals() != 0 {
			t.Error("signals from a modem that vanished")
		}
		if _, err := w.dte["bob"].Read(make([]byte, 1)); err == nil {
			t.Error("the port is open")
		}
		if d := w.bob.DTE(); d.Signals() != 0 {
			t.Error("a DTE was accepted")
		}
		w.types("alice", "ATS7=20DT5552\r") // its line still rings
		pass(20 * time.Second)
		w.want("alice", "\r\nNO ANSWER\r\n")
		w.bob.SetFault(Fault{})
		w.dte["bob"] = w.bob.DTE()
		w.types("bob", "AT\r")
		w.want("bob", "\r\nOK\r\n")
		w.types("alice", "ATDT5552\r")
		pass(time.Second)
		w.want("bob", "\r\nRING\r\n\r\nCONNECT\r\n")
	})
}

func TestLineTooLong(t *testing.T) {
	for _, tt := range []struct {
		max, length int
		want        string
	}{
		{0, 255, "\r\nOK\r\n"}, {0, 256, "\r\nERROR\r\n"}, {40, 40, "\r\nOK\r\n"}, {40, 41, "\r\nERROR\r\n"},
		{0, 1 << 20, "\r\nERROR\r\n"},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{}, ModemConfig{})
			d := w.x.AddModem(ModemConfig{MaxLine: tt.max, Profile: "E0"}).DTE()
			d.Write([]byte("AT " + strings.Repeat("M", tt.length) + "\r"))
			if got := drainDTE(d); got != tt.want {
				t.Errorf("%d characters, limit %d: %q", tt.length, tt.max, got)
			}
			d.Write([]byte("AT\r"))
			if got := drainDTE(d); got != "\r\nOK\r\n" {
				t.Errorf("then %q", got)
			}
		})
	}
}
