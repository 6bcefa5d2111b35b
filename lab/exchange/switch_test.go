package exchange

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// recorder records events; its method is an OnEvent.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) of(kinds ...Kind) []Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Event
	for _, e := range r.events {
		if slices.Contains(kinds, e.Kind) {
			out = append(out, e)
		}
	}
	return out
}

func (r *recorder) kinds() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		out = append(out, e.Modem+" "+string(e.Kind))
	}
	return strings.Join(out, "\n")
}

func outcomes(x *Exchange) string {
	var out []string
	for _, d := range x.Dials() {
		out = append(out, d.Number+" "+string(d.Outcome))
	}
	return strings.Join(out, "; ")
}

func TestEventsOfACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		w := newTown(t, Config{OnEvent: r.add}, ModemConfig{Profile: "S0=1"})
		w.types("alice", "ATDT5552\r")
		pass(12 * time.Second)
		w.types("alice", "bye")
		w.dte["alice"].SetDTR(false)
		pass(2 * time.Second)
		const want = `alice port open
bob port open
alice dial
alice offhook
bob ring
bob offhook
bob answer
bob connect
alice onhook
alice release
bob onhook`
		if got := r.kinds(); got != want {
			t.Errorf("events:\n%s\nwant:\n%s", got, want)
		}
		c := r.of(ConnectEvent)[0]
		if c.From != "5551" || c.To != "5552" {
			t.Errorf("connect from %s to %s", c.From, c.To)
		}
		if got := outcomes(w.x); got != "5552 connected" {
			t.Errorf("dials: %s", got)
		}
	})
}

func TestRingCadence(t *testing.T) {
	for _, tt := range []struct {
		pace        float64
		cycle, half time.Duration
	}{
		{1, 6 * time.Second, 2 * time.Second},
		{10, 600 * time.Millisecond, 200 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var r recorder
			w := newTown(t, Config{OnEvent: r.add, Pace: tt.pace}, ModemConfig{})
			w.types("alice", "ATDT5552\r")
			pass(2260*time.Millisecond/time.Duration(tt.pace) - 1)
			if w.bob.Rings() != 0 {
				t.Errorf("pace %v: rings early", tt.pace)
			}
			pass(1)
			if w.bob.State() != Ringing || !w.bob.Signals().Has(RI) {
				t.Errorf("pace %v: %s, signals %b at the first ring", tt.pace, w.bob.State(), w.bob.Signals())
			}
			pass(tt.half - 1)
			if !w.bob.Signals().Has(RI) {
				t.Errorf("pace %v: RI off before the end of the burst", tt.pace)
			}
			pass(1)
			if w.bob.Signals().Has(RI) {
				t.Errorf("pace %v: RI on after the burst", tt.pace)
			}
			pass(3 * tt.cycle)
			rings := r.of(RingEvent)
			if len(rings) != 4 || w.bob.Rings() != 4 {
				t.Fatalf("pace %v: %d rings, counted %d", tt.pace, len(rings), w.bob.Rings())
			}
			for i := 1; i < len(rings); i++ {
				if d := rings[i].Time.Sub(rings[i-1].Time); d != tt.cycle {
					t.Errorf("pace %v: ring %d after %v, want %v", tt.pace, i+1, d, tt.cycle)
				}
			}
			w.types("alice", "x") // abort
			if w.bob.State() != OnHook || w.bob.Signals().Has(RI) {
				t.Errorf("pace %v: %s after the caller gave up", tt.pace, w.bob.State())
			}
		})
	}
}

func TestInstant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{Instant: true}, ModemConfig{Profile: "S0=1E0"})
		begin := time.Now()
		w.types("alice", "ATDT5552\r\n")
		w.want("alice", "ATDT5552\r\r\nCONNECT\r\n")
		w.want("bob", "\r\nRING\r\n\r\nCONNECT\r\n")
		w.types("alice", "x")
		w.want("bob", "x")
		w.dte["bob"].SetDTR(false)
		w.want("alice", "\r\nNO CARRIER\r\n")
		if d := time.Since(begin); d != 0 {
			t.Errorf("took %v", d)
		}
		w.types("alice", "ATE0DT777\r")
		pass(50*time.Second - 1)
		if w.alice.State() != Dialing {
			t.Errorf("S7 must stay a timeout: %s", w.alice.State())
		}
		pass(1)
		w.want("alice", "ATE0DT777\r\r\nNO ANSWER\r\n")
	})
}

func TestCallerID(t *testing.T) {
	tests := []struct {
		name   string
		caller ModemConfig
		called ModemConfig
		want   string
	}{
		{"shown", ModemConfig{Number: "5553"}, ModemConfig{CallerID: true, Profile: "E0+VCID=1"},
			"\r\nRING\r\n\r\nDATE = 0101\r\nTIME = 0000\r\nNMBR = 5553\r\n\r\nRING\r\n"},
		{"withheld", ModemConfig{Number: "5553", WithholdsNumber: true},
			ModemConfig{CallerID: true, Profile: "E0+VCID=1"},
			"\r\nRING\r\n\r\nDATE = 0101\r\nTIME = 0000\r\nNMBR = P\r\n\r\nRING\r\n"},
		{"forged", ModemConfig{PresentsNumber: "84001"}, ModemConfig{CallerID: true, Profile: "E0#CID=1"},
			"\r\nRING\r\n\r\nDATE = 0101\r\nTIME = 0000\r\nNMBR = 84001\r\n\r\nRING\r\n"},
		{"none", ModemConfig{}, ModemConfig{CallerID: true, Profile: "E0+VCID=1"},
			"\r\nRING\r\n\r\nDATE = 0101\r\nTIME = 0000\r\nNMBR = O\r\n\r\nRING\r\n"},
		{"not switched on", ModemConfig{Number: "5553"}, ModemConfig{CallerID: true}, "\r\nRING\r\n\r\nRING\r\n"},
		{"not subscribed", ModemConfig{Number: "5553"}, ModemConfig{Profile: "+VCID=1"}, "\r\nRING\r\n\r\nRING\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newTown(t, Config{}, tt.called)
				d := w.x.AddModem(tt.caller).DTE()
				d.Write([]byte("ATDT5552\r"))
				pass(9 * time.Second)
				got := w.got("bob")
				// The bubble begins at midnight UTC; elsewhere the modem shows local time.
				local := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Local()
				got = strings.Replace(got, "DATE = "+local.Format("0102"), "DATE = 0101", 1)
				got = strings.Replace(got, "TIME = "+local.Format("1504"), "TIME = 0000", 1)
				if got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
			})
		})
	}
}

// TestCallerIDOnABusyMachine: the caller's number comes before the second ring, also if the exchange does not run while
// both are due. This needs the real clock: in a bubble, time does not pass while the lock is held.
func TestCallerIDOnABusyMachine(t *testing.T) {
	w := newTown(t, Config{Pace: 100}, ModemConfig{CallerID: true, Profile: "E0+VCID=1"})
	caller, called := w.x.AddModem(ModemConfig{Number: "5553"}).DTE(), w.dte["bob"]
	if _, err := caller.Write([]byte("ATDT5552\r")); err != nil {
		t.Fatal(err)
	}
	called.SetReadDeadline(time.Now().Add(time.Minute))
	var shown []byte
	until := func(text string, times int) {
		t.Helper()
		for buf := make([]byte, 256); bytes.Count(shown, []byte(text)) < times; {
			n, err := called.Read(buf)
			if shown = append(shown, buf[:n]...); err != nil {
				t.Fatalf("%v after %q", err, shown)
			}
		}
	}
	until("RING\r\n", 1)
	w.x.lock()
	<-time.After(2 * w.x.clock(ringCycle))
	w.x.unlock()
	until("RING\r\n", 2)
	if before, _, _ := bytes.Cut(shown, []byte("RING\r\n\r\nRING")); !bytes.Contains(before, []byte("NMBR = 5553")) {
		t.Errorf("the second ring came before the number: %q", shown)
	}
}

// Only numbers in the directory are connected, however they are written.
func TestOnlyTheDirectoryIsConnected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var r recorder
		w := newTown(t, Config{Instant: true, DialLog: &log, OnEvent: r.add}, ModemConfig{Profile: "S0=1"})
		w.types("alice", "ATE0\r")
		w.got("alice")
		for _, n := range []string{"555", "55522", "05552", "5552#", "127.0.0.1", "1", ""} {
			w.types("alice", "ATDT"+n+"\r")
			pass(time.Second)
			w.want("alice", "\r\nNO CARRIER\r\n")
		}
		if n := w.bob.Rings(); n != 0 {
			t.Errorf("bob's telephone rang %d times", n)
		}
		if n := len(r.of(RefusedEvent)); n != 7 {
			t.Errorf("%d refusals, want 7", n)
		}
		dials := w.x.Dials()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		if len(dials) != 7 || len(lines) != 7 {
			t.Fatalf("%d dials, %d lines in the log", len(dials), len(lines))
		}
		for i, l := range lines {
			var d Dial
			if err := json.Unmarshal([]byte(l), &d); err != nil {
				t.Fatal(err)
			}
			if d.Seq != i+1 || d.Modem != "alice" || d.Text != dials[i].Text || d.Number != dials[i].Number ||
				d.Outcome != "" || !d.Time.Equal(dials[i].Time) {
				t.Errorf("line %d of the log: %+v, Dials: %+v", i+1, d, dials[i])
			}
			if dials[i].Outcome != DialNoNumber {
				t.Errorf("dial %d ended as %q", i+1, dials[i].Outcome)
			}
		}
	})
}

// The log has the line before the modem is off hook.
func TestDialLogComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		w := newTown(t, Config{DialLog: writerFunc(func(b []byte) (int, error) {
			seen = append(seen, "log")
			return 0, errors.New("disk full")
		}), OnEvent: func(e Event) { seen = append(seen, string(e.Kind)) }}, ModemConfig{})
		seen = nil
		w.types("alice", "ATDT5552")
		if seen != nil {
			t.Errorf("before the CR: %v", seen)
		}
		w.types("alice", "\r")
		if got := strings.Join(seen, " "); got != "log log failed dial offhook" {
			t.Errorf("order: %s", got)
		}
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestHuntGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := New(Config{})
		defer x.Close()
		var group []*Modem
		for _, n := range []string{"tty65", "tty66", "tty67"} {
			m := x.AddModem(ModemConfig{Name: n, Number: "55555", Profile: "S0=1"})
			m.DTE()
			group = append(group, m)
		}
		if got := x.Directory(); len(got) != 1 || !slices.Equal(got[0].Modems, []string{"tty65", "tty66", "tty67"}) {
			t.Errorf("directory: %+v", got)
		}
		var callers []*DTE
		for range 4 {
			d := x.AddModem(ModemConfig{Profile: "E0"}).DTE()
			callers = append(callers, d)
			d.Write([]byte("ATDT55555\r"))
			pass(12 * time.Second)
		}
		for i, m := range group {
			if m.State() != Connected {
				t.Errorf("modem %d: %s", i, m.State())
			}
		}
		if got := drainDTE(callers[3]); got != "\r\nBUSY\r\n" {
			t.Errorf("fourth caller got %q", got)
		}
		callers[1].Close()
		pass(2 * time.Second)
		callers[3].Write([]byte("ATDT55555\r"))
		pass(12 * time.Second)
		if got := drainDTE(callers[3]); got != "\r\nCONNECT\r\n" {
			t.Errorf("fourth caller got %q from the line that was freed", got)
		}
		if group[1].Rings() != 2 || group[0].Rings() != 1 {
			t.Errorf("rings: %d %d %d", group[0].Rings(), group[1].Rings(), group[2].Rings())
		}
	})
}

func TestBusyWhenOffHookAndOnesOwnNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{})
		w.types("bob", "ATH1\r")
		w.types("alice", "ATE0DT5552\r")
		pass(3 * time.Second)
		w.want("alice", "ATE0DT5552\r\r\nBUSY\r\n")
		w.types("alice", "ATDT5551\r")
		pass(3 * time.Second)
		w.want("alice", "\r\nBUSY\r\n")
		w.x.Reserve("5552", OutOfService)
		w.types("bob", "ATH0\r")
		w.types("alice", "ATDT5552\r")
		pass(60 * time.Second)
		w.want("alice", "\r\nNO CARRIER\r\n")
		w.x.Reserve("5552", Subscriber)
		w.types("alice", "ATDT5552\r")
		pass(3 * time.Second)
		if w.bob.State() != Ringing {
			t.Errorf("bob is %s", w.bob.State())
		}
		if got := outcomes(w.x); got != "5552 busy; 5551 busy; 5552 no carrier; 5552 " {
			t.Errorf("dials: %s", got)
		}
	})
}

// A callback before the caller's modem has noticed the hang-up (S10) finds the line busy.
func TestTooSoonIsBusy(t *testing.T) {
	for _, tt := range []struct {
		wait time.Duration
		want string
	}{{0, "\r\nBUSY\r\n"}, {5 * time.Second, "\r\nCONNECT\r\n"}} {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{PostDial: time.Millisecond}, ModemConfig{Profile: "S0=1E0S11=1"})
			w.types("alice", "ATE0S0=1DT5552\r")
			pass(12 * time.Second)
			w.dte["bob"].SetDTR(false)
			w.dte["bob"].SetDTR(true)
			w.got("bob")
			pass(tt.wait)
			w.types("bob", "ATDT5551\r")
			pass(15 * time.Second)
			w.want("bob", tt.want)
		})
	}
}

// The caller holds the line: the called side dials, but only the holder receives it, and answers.
func TestHoldLineAttack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		w := newTown(t, Config{OnEvent: r.add}, ModemConfig{Profile: "S0=1E0"})
		mallory := w.x.AddModem(ModemConfig{Name: "mallory", Number: "666666", HoldsLine: true, Profile: "E0"})
		victim := w.x.AddModem(ModemConfig{Name: "victim", Number: "84001", Profile: "S0=1"})
		victim.DTE()
		d := mallory.DTE()
		d.Write([]byte("ATDT5552\r"))
		pass(12 * time.Second)
		w.dte["bob"].SetDTR(false)
		w.dte["bob"].SetDTR(true)
		pass(10 * time.Second)
		w.got("bob")
		if got := drainDTE(d); got != "\r\nCONNECT\r\n\r\nNO CARRIER\r\n" {
			t.Errorf("mallory got %q", got)
		}
		if w.bob.State() != OnHook || !w.bob.Held() || w.bob.Signals().Has(DCD) || mallory.State() != OffHook {
			t.Errorf("bob %s, held %v; mallory %s", w.bob.State(), w.bob.Held(), mallory.State())
		}
		w.types("alice", "ATE0DT5552\r")
		pass(3 * time.Second)
		w.want("alice", "ATE0DT5552\r\r\nBUSY\r\n")

		w.types("bob", "ATDT84001\r")
		pass(12 * time.Second)
		w.want("bob", "\r\nCONNECT\r\n")
		if got := drainDTE(d); got != "\r\nCONNECT\r\n" {
			t.Errorf("mallory got %q", got)
		}
		w.types("bob", "Username: ")
		if got := drainDTE(d); got != "Username: " {
			t.Errorf("mallory got %q", got)
		}
		if victim.Rings() != 0 {
			t.Error("the number dialed has rung")
		}
		if got := outcomes(w.x); got != "5552 connected; 5552 busy; 84001 held" {
			t.Errorf("dials: %s", got)
		}
		w.dte["bob"].SetDTR(false)
		w.dte["bob"].SetDTR(true)
		pass(10 * time.Second)
		d.Close() // mallory hangs up
		pass(time.Second)
		if w.bob.Held() {
			t.Error("still held")
		}
		w.got("bob")
		w.types("bob", "ATDT84001\r")
		pass(15 * time.Second)
		w.want("bob", "\r\nCONNECT\r\n")
		if victim.Rings() != 1 {
			t.Error("the number dialed has not rung")
		}
		if n := len(r.of(HoldEvent)); n != 2 {
			t.Errorf("%d holds", n)
		}
	})
}

func TestHoldTimeAndReleaseWhileDialing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{HoldTime: 30 * time.Second}, ModemConfig{Profile: "S0=1E0"})
		mallory := w.x.AddModem(ModemConfig{HoldsLine: true})
		d := mallory.DTE()
		seize := func() {
			d.Write([]byte("ATDT5552\r"))
			pass(12 * time.Second)
			w.dte["bob"].SetDTR(false)
			w.dte["bob"].SetDTR(true)
			w.got("bob")
		}
		seize()
		pass(30*time.Second - 1)
		if !w.bob.Held() {
			t.Error("released early")
		}
		pass(1)
		if w.bob.Held() {
			t.Error("held too long")
		}
		mallory.HangUp()

		seize()
		pass(5 * time.Second)
		w.types("bob", "ATDT5551\r")
		pass(time.Second) // between the digits
		mallory.HangUp()
		pass(60 * time.Second)
		w.want("bob", "\r\nNO CARRIER\r\n")
		if w.alice.Rings() != 0 {
			t.Error("half a number was connected")
		}
	})
}

// An incoming call takes the line before it rings: a modem that dials at that moment is connected to the wrong caller.
func TestGlare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		w := newTown(t, Config{OnEvent: r.add}, ModemConfig{SeizedBefore: 4 * time.Second, Profile: "E0"})
		victim := w.x.AddModem(ModemConfig{Number: "84001", Profile: "S0=1"})
		victim.DTE()
		w.types("alice", "ATE0DT5552\r")
		pass(3 * time.Second)
		if w.bob.State() != OnHook || w.bob.Rings() != 0 {
			t.Errorf("bob is %s: a seized line must look idle", w.bob.State())
		}
		w.types("bob", "ATDT84001\r")
		pass(10 * time.Second)
		w.want("bob", "\r\nCONNECT\r\n")
		w.want("alice", "ATE0DT5552\r\r\nCONNECT\r\n")
		w.types("alice", "hello")
		w.want("bob", "hello")
		if victim.Rings() != 0 || w.bob.Rings() != 0 {
			t.Error("a telephone rang")
		}
		if got := outcomes(w.x); got != "5552 connected; 84001 glare" {
			t.Errorf("dials: %s", got)
		}
		if len(r.of(SeizedEvent)) != 1 || len(r.of(GlareEvent)) != 1 {
			t.Errorf("events:\n%s", r.kinds())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{SeizedBefore: 4 * time.Second})
		w.types("alice", "ATDT5552\r")
		pass(6259 * time.Millisecond)
		if w.bob.Rings() != 0 {
			t.Error("rings early")
		}
		pass(time.Millisecond)
		if w.bob.Rings() != 1 {
			t.Error("does not ring after the silent time")
		}
	})
}

func TestPortDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  ModemConfig
		want ModemState
	}{
		{"hangs up", ModemConfig{}, OnHook},
		{"stays off hook", ModemConfig{StaysOffHook: true}, Connected},
		{"ignores DTR", ModemConfig{IgnoresDTR: true}, Connected},
		{"&D0", ModemConfig{Profile: "&D0"}, Connected},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.cfg.Profile += "S0=1"
				w := newTown(t, Config{}, tt.cfg)
				w.types("alice", "ATDT5552\r")
				pass(12 * time.Second)
				w.got("alice")
				w.dte["bob"].Close()
				pass(5 * time.Second)
				if got := w.bob.State(); got != tt.want {
					t.Fatalf("bob is %s, want %s", got, tt.want)
				}
				if tt.want == OnHook {
					w.want("alice", "\r\nNO CARRIER\r\n")
					return
				}
				w.types("alice", "lost")
				w.dte["bob"] = w.bob.DTE()
				if s := w.dte["bob"].Signals(); !s.Has(DCD | DTR) {
					t.Errorf("signals %b: a new DTE must see the call that is still up", s)
				}
				w.types("alice", "seen")
				w.want("bob", "seen")
				w.dte["bob"].SetDTR(false)
				want := Connected
				if tt.cfg.StaysOffHook {
					want = OnHook // the port is open now, and DTR counts
				}
				if got := w.bob.State(); got != want {
					t.Errorf("bob is %s after DTR dropped, want %s", got, want)
				}
				w.bob.HangUp()
				if got := w.bob.State(); got != OnHook {
					t.Errorf("bob is %s after HangUp", got)
				}
			})
		})
	}
}

// Connect over net.Pipe, with a sink for the circuits.
func TestConnectPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{Profile: "S0=1E0"})
		near, far := net.Pipe()
		var sink signalLog
		w.bob.Connect(far, &sink)
		if _, err := w.dte["bob"].Read(make([]byte, 1)); err == nil {
			t.Error("the former DTE is still there")
		}
		w.types("alice", "ATDT5552\r")
		pass(12 * time.Second)
		w.got("alice")
		buf := make([]byte, 100)
		n, err := near.Read(buf)
		if got := string(buf[:n]); got != "\r\nRING\r\n" && got != "\r\nRING\r\n\r\nCONNECT\r\n" {
			t.Errorf("got %q, %v", got, err)
		}
		if n < 10 {
			near.Read(buf)
		}
		near.Write([]byte("hello"))
		w.want("alice", "hello")
		near.Close()
		pass(2 * time.Second)
		w.want("alice", "\r\nNO CARRIER\r\n")
		if got, want := sink.all(), []Signals{DSR | CTS, DSR | CTS | RI, DSR | CTS, DSR | CTS | DCD}; !slices.Equal(got,
			want) {
			t.Errorf("circuits: %b, want %b", got, want)
		}
	})
}

type signalLog struct {
	mu  sync.Mutex
	got []Signals
}

func (l *signalLog) ModemSignals(s Signals) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got = append(l.got, s)
}

func (l *signalLog) all() []Signals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.got)
}

func TestDTESignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{Profile: "S0=1"})
		d := w.dte["bob"]
		select {
		case <-d.Changes():
		default:
			t.Error("no token for the circuits at the start")
		}
		if s := d.Signals(); s != DSR|CTS|DTR|RTS {
			t.Errorf("idle: %b", s)
		}
		w.types("alice", "ATDT5552\r")
		<-d.Changes()
		if s := d.Signals(); s != DSR|CTS|DTR|RTS|RI {
			t.Errorf("ringing: %b", s)
		}
		pass(10 * time.Second)
		<-d.Changes()
		if s := d.Signals(); s != DSR|CTS|DTR|RTS|DCD {
			t.Errorf("connected: %b", s)
		}
		d.SetDTR(false)
		<-d.Changes()
		if s := d.Signals(); s != DSR|CTS|RTS {
			t.Errorf("after DTR: %b", s)
		}
		d.Close()
		if s := d.Signals(); s != 0 {
			t.Errorf("after Close: %b", s)
		}
		if _, err := d.Write([]byte("x")); err == nil {
			t.Error("write after Close")
		}
	})
}

// A DTE that does not read stops the far end, but not forever.
func TestFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r recorder
		w := newTown(t, Config{Instant: true, OnEvent: r.add}, ModemConfig{Profile: "S0=1"})
		w.types("alice", "ATDT5552\r")
		w.got("alice")
		w.got("bob")
		sent := make(chan int)
		data := bytes.Repeat([]byte("0123456789abcdef"), 64<<10/16*2)
		go func() {
			n, _ := w.dte["alice"].Write(data)
			sent <- n
		}()
		synctest.Wait()
		select {
		case <-sent:
			t.Fatal("128 KiB went into a DTE that does not read")
		default:
		}
		var got []byte
		for len(got) < len(data) {
			got = append(got, w.got("bob")...)
		}
		if n := <-sent; n != len(data) || !bytes.Equal(got, data) {
			t.Errorf("%d sent, %d of %d bytes arrived", n, len(got), len(data))
		}

		w.dte["alice"].SetWriteDeadline(time.Now().Add(time.Second))
		if n, err := w.dte["alice"].Write(data); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %d, %v", n, err)
		}
		w.dte["alice"].SetWriteDeadline(time.Time{})
		begin := time.Now()
		if n, err := w.dte["alice"].Write(data); n != len(data) || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
		if d := time.Since(begin); d != flowPatience {
			t.Errorf("gave up after %v", d)
		}
		if len(r.of(OverrunEvent)) != 1 {
			t.Error("no overrun reported")
		}
		w.got("bob")
		w.types("alice", "again")
		w.want("bob", "again")
	})
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{})
		d := w.dte["alice"]
		d.SetReadDeadline(time.Now().Add(3 * time.Second))
		begin := time.Now()
		if _, err := d.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) ||
			time.Since(begin) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(begin), err)
		}
		d.SetReadDeadline(time.Time{})
		go func() { w.x.Close() }()
		if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("read %d, %v across Close", n, err)
		}
	})
}

// Close while all kinds of activity are in progress.
func TestCloseAtAnyTime(t *testing.T) {
	for at := range 30 {
		synctest.Test(t, func(t *testing.T) {
			w := newTown(t, Config{}, ModemConfig{Profile: "S0=2", CallerID: true})
			near, far := net.Pipe()
			w.bob.Connect(far, nil) // nobody reads: the writer blocks
			w.types("alice", "ATDT5552\r")
			pass(time.Duration(at) * 700 * time.Millisecond)
			w.x.Close()
			w.x.Close()
			near.Close()
			if n := len(w.x.timers); n != 0 {
				t.Errorf("%d timers left", n)
			}
			if w.bob.DTE().Signals() != 0 {
				t.Error("a DTE was attached after Close")
			}
		})
	}
}
