package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem/profiles"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// labPort is a modem of the lab, with or without its signals, that records what is sent to it.
type labPort struct {
	*exchange.DTE
	signals bool
	mu      *sync.Mutex
	sent    *strings.Builder
}

func (p labPort) HasSignals() bool          { return p.signals }
func (p labPort) SetDTR(on bool) error      { p.DTE.SetDTR(on); return nil }
func (p labPort) Break(time.Duration) error { return nil }
func (p labPort) String() string            { return "lab" }

func (p labPort) Signals() (s lines.Signals) {
	if !p.signals {
		return 0
	}
	now := p.DTE.Signals()
	for from, to := range map[exchange.Signals]lines.Signals{exchange.DCD: lines.DCD, exchange.CTS: lines.CTS,
		exchange.DSR: lines.DSR} {
		if now.Has(from) {
			s |= to
		}
	}
	return s
}

func (p labPort) Write(b []byte) (int, error) {
	p.mu.Lock()
	p.sent.Write(b)
	p.mu.Unlock()
	return p.DTE.Write(b)
}

// tried is a modem of the lab and what a probe of it has found.
type tried struct {
	modem  *exchange.Modem
	report *Report
	err    error
	took   time.Duration
	sent   string
}

// onLab probes a modem of the lab, and checks that it is left as it was.
func onLab(t *testing.T, cfg exchange.ModemConfig, signals bool, before func(*exchange.Modem)) tried {
	t.Helper()
	var got tried
	synctest.Test(t, func(t *testing.T) {
		x := exchange.New(exchange.Config{})
		cfg.Name, cfg.Number, cfg.StaysOffHook = "tty1", "55555", true
		m := x.AddModem(cfg)
		if before != nil {
			before(m)
		}
		was := state(m)
		var sent strings.Builder
		began := time.Now()
		got.modem = m
		got.report, got.err = Run(t.Context(), Options{
			Open: func(context.Context, int) (lines.Port, error) {
				return labPort{m.DTE(), signals, new(sync.Mutex), &sent}, nil
			},
			URL: func(int) string { return "tcp://127.0.0.1:7001" }, Profiles: profiles.Shipped(), TTY: 1,
		})
		got.took, got.sent = time.Since(began), sent.String()
		if now := state(m); now != was {
			t.Errorf("the modem was\n%s\nand is now\n%s", was, now)
		}
		if m.State() == exchange.OffHook || m.State() == exchange.Dialing {
			t.Errorf("the modem is %v", m.State())
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	if bad := forbidden.FindString(strings.ToUpper(got.sent)); bad != "" {
		t.Errorf("the probe sent %q", bad)
	}
	return got
}

// forbidden matches command lines that dial, answer, go off hook, reset or store.
var forbidden = regexp.MustCompile(`AT(D|A\r|H1|Z|.*&W|.*&F)[^\r]*`)

// state has the settings of a modem as text.
func state(m *exchange.Modem) string {
	var b strings.Builder
	for n := range 100 {
		if n != 1 { // the count of rings
			fmt.Fprintf(&b, "%d ", m.Register(n))
		}
	}
	d := m.DTE()
	defer d.Close()
	<-time.After(longGap) // the modem may be deaf
	_, _ = io.WriteString(d, "AT&V\r")
	_ = d.SetReadDeadline(time.Now().Add(time.Second))
	all, _ := io.ReadAll(d)
	return b.String() + strings.TrimSpace(string(all))
}

// verdicts returns the verdicts of a report by name.
func verdicts(r *Report) map[string]Verdict {
	all := map[string]Verdict{}
	for _, c := range r.Checks {
		all[c.Name] = c.Verdict
	}
	return all
}

func registersOf(change func(map[int]exchange.Register)) exchange.Dialect {
	d := exchange.Dialect{Registers: map[int]exchange.Register{}}
	change(d.Registers)
	return d
}

// The modems of the lab, in all dialects, are recognized and left as they were.
func TestDialects(t *testing.T) {
	fixed := func(all ...int) exchange.Dialect {
		return registersOf(func(r map[int]exchange.Register) {
			for _, n := range all {
				r[n] = exchange.Register{Fixed: true}
			}
		})
	}
	missing := func(all ...int) exchange.Dialect {
		return registersOf(func(r map[int]exchange.Register) {
			for _, n := range all {
				r[n] = exchange.Register{Missing: true}
			}
		})
	}
	for _, tc := range []struct {
		name    string
		modem   exchange.ModemConfig
		signals map[string]Verdict // on a port with modem signals
		inBand  map[string]Verdict
		proof   []int
	}{
		{"as in V.250", exchange.ModemConfig{}, map[string]Verdict{"S2": Good, "&C, DCD": Good, "&D, DTR": Good,
			"caller ID": Good}, map[string]Verdict{"S2, S12": Good, "proof registers": Good}, []int{18, 25, 26}},
		{"without echo", exchange.ModemConfig{Profile: "E0"}, map[string]Verdict{"S2": Good}, nil, []int{18, 25, 26}},
		{"digits", exchange.ModemConfig{Profile: "V0"}, map[string]Verdict{"S2": Good}, nil, []int{18, 25, 26}},
		{"no result codes", exchange.ModemConfig{Profile: "Q1"}, map[string]Verdict{"S2": Good}, nil,
			[]int{18, 25, 26}},
		{"&C0 and &D0", exchange.ModemConfig{Profile: "&C0&D0"}, map[string]Verdict{"&C, DCD": Good, "&D, DTR": Good},
			nil, []int{18, 25, 26}},
		{"auto-answer", exchange.ModemConfig{Profile: "S0=2"}, map[string]Verdict{"auto-answer": Good}, nil,
			[]int{18, 25, 26}},
		{"bare numbers", exchange.ModemConfig{Dialect: exchange.Dialect{BareNumbers: true}},
			map[string]Verdict{"S2": Good}, nil, []int{18, 25, 26}},
		{"lower case", exchange.ModemConfig{Dialect: exchange.Dialect{LowerCase: true}}, map[string]Verdict{"S2": Good},
			nil, []int{18, 25, 26}},
		{"deaf", exchange.ModemConfig{Dialect: exchange.Dialect{Deaf: 100 * time.Millisecond}},
			map[string]Verdict{"S2": Good}, map[string]Verdict{"proof registers": Good}, []int{18, 25, 26}},
		{"keeps the plus", exchange.ModemConfig{Dialect: fixed(2)}, map[string]Verdict{"S2": Bad},
			map[string]Verdict{"S2, S12": Good}, []int{18, 25, 26}},
		{"no S2", exchange.ModemConfig{Dialect: missing(2)}, map[string]Verdict{"S2": Bad},
			map[string]Verdict{"S2, S12": Bad}, []int{18, 25, 26}},
		{"two keep nothing", exchange.ModemConfig{Dialect: fixed(25, 26)}, nil,
			map[string]Verdict{"proof registers": Bad}, []int{18}},
		{"no caller ID", exchange.ModemConfig{Dialect: exchange.Dialect{NoCallerID: true}},
			map[string]Verdict{"caller ID": Unknown}, nil, []int{18, 25, 26}},
	} {
		for _, signals := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, signals %v", tc.name, signals), func(t *testing.T) {
				got := onLab(t, tc.modem, signals, nil)
				if got.err != nil {
					t.Fatal(got.err)
				}
				if got.took > 5*time.Second {
					t.Errorf("took %v", got.took)
				}
				r := got.report
				if r.Profile != "lab" || r.InBand == signals {
					t.Errorf("profile %s, in-band %v", r.Profile, r.InBand)
				}
				want := tc.signals
				if !signals {
					want = tc.inBand
					if !slices.Equal(r.ProofRegisters, tc.proof) {
						t.Errorf("proof registers %v, want %v", r.ProofRegisters, tc.proof)
					}
				}
				have := verdicts(r)
				for name, v := range want {
					if have[name] != v {
						t.Errorf("%s: %q, want %q; %+v", name, have[name], v, r.Checks)
					}
				}
				if !strings.Contains(r.YAML, "profile: lab\n") {
					t.Errorf("YAML %s", r.YAML)
				}
			})
		}
	}
}

func TestFaultsOfTheLab(t *testing.T) {
	fault := func(f exchange.Fault) func(*exchange.Modem) {
		return func(m *exchange.Modem) { m.SetFault(f) }
	}
	for _, tc := range []struct {
		fault exchange.Fault
		name  string
		want  Verdict
	}{{exchange.Fault{DCDStuckOn: true}, "&C, DCD", Bad}, {exchange.Fault{DCDStuckOff: true}, "&C, DCD", Bad}} {
		got := onLab(t, exchange.ModemConfig{}, true, fault(tc.fault))
		if got.err != nil || verdicts(got.report)[tc.name] != tc.want {
			t.Errorf("%+v: %v, %+v", tc.fault, got.err, got.report)
		}
	}
	if got := onLab(t, exchange.ModemConfig{}, true, fault(exchange.Fault{Garbage: true})); got.err == nil &&
		got.report.Profile != "lab" {
		t.Errorf("an echo of other octets: %v", got.report)
	}
}

// paperPort is a device that answers by a function.
type paperPort struct {
	net.Conn
	done chan struct{}
}

func (paperPort) HasSignals() bool          { return false }
func (paperPort) Signals() lines.Signals    { return 0 }
func (paperPort) Changes() <-chan struct{}  { return nil }
func (paperPort) SetDTR(bool) error         { return lines.ErrNoSignals }
func (paperPort) Break(time.Duration) error { return lines.ErrNoSignals }
func (paperPort) Await()                    {}
func (paperPort) String() string            { return "paper" }

func (p paperPort) Close() error {
	err := p.Conn.Close()
	<-p.done
	return err
}

// device opens a device. first is what it sends without being asked; answer gives its answer to a line.
func device(first string, answer func(line string) string) lines.Port {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer ours.Close()
		out := make(chan string, 100)
		written := make(chan struct{})
		go func() {
			defer close(written)
			for text := range out {
				if _, err := io.WriteString(ours, text); err != nil {
					return
				}
			}
		}()
		defer func() { close(out); ours.Close(); <-written }()
		out <- first
		var line []byte
		buf := make([]byte, 64)
		for {
			n, err := ours.Read(buf)
			if err != nil {
				return
			}
			for _, c := range buf[:n] {
				if c != '\r' {
					line = append(line, c)
					continue
				}
				if text := answer(string(line)); text != "" {
					select {
					case out <- text:
					default:
					}
				}
				line = nil
			}
		}
	}()
	return paperPort{theirs, done}
}

// probeDevice probes a device that is opened anew for each speed.
func probeDevice(t *testing.T, speeds []int, open func(speed int) (lines.Port, error)) (r *Report, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r, err = Run(t.Context(), Options{
			Open:   func(_ context.Context, speed int) (lines.Port, error) { return open(speed) },
			Speeds: speeds, Profiles: profiles.Shipped(), TTY: 1,
			URL: func(speed int) string {
				if speed == 0 {
					return "serial:///dev/ttyS0"
				}
				return fmt.Sprintf("serial:///dev/ttyS0?speed=%d", speed)
			},
		})
	})
	return r, err
}

// What is no modem gets an error that says what it seems to be, and how to fix it.
func TestOtherDevices(t *testing.T) {
	nothing := func(string) string { return "" }
	for _, tc := range []struct {
		name, first string
		answer      func(string) string
		want        string
	}{
		{"silence", "", nothing, "serial:///dev/ttyS0: no answer to AT at any speed (is it a modem? check power"},
		{"echo", "", func(l string) string { return l + "\r" }, "the device returns what is sent, without an OK"},
		{"getty", "\r\nDebian GNU/Linux 12 maui ttyS0\r\n\r\nmaui login: ", nothing, "a computer answers, not a modem"},
		{"getty after a line", "", func(l string) string { return l + "\r\nPassword: " }, "systemctl disable --now"},
		{"flood", strings.Repeat("$GPGGA,123519,4807.038,N\r\n", 1000), nothing,
			`the device sends data all the time: it begins with "$GPGGA`},
		{"wrong speed", "\x80\xf8\x00\x80", nothing, `the device sends "\x80\xf8\x00\x80" (is the speed right?`},
		{"ringing", "\r\nRING\r\n", nothing, "the line rings: the probe does not disturb a call"},
	} {
		_, err := probeDevice(t, nil, func(int) (lines.Port, error) { return device(tc.first, tc.answer), nil })
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
	}
}

// inCall is a silent device that shows a carrier.
type inCall struct{ lines.Port }

func (inCall) HasSignals() bool       { return true }
func (inCall) Signals() lines.Signals { return lines.DCD }
func (inCall) SetDTR(bool) error      { return nil }

func TestSilentWithCarrier(t *testing.T) {
	_, err := probeDevice(t, []int{115200, 9600}, func(int) (lines.Port, error) {
		return inCall{device("", func(string) string { return "" })}, nil
	})
	if want := "no answer to AT at any speed, and DCD is on (is a call up?"; err == nil ||
		!strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// A device that answers AT and is no telephone modem is reported as such.
func TestAnotherDeviceWithAT(t *testing.T) {
	r, err := probeDevice(t, nil, func(int) (lines.Port, error) {
		return device("", func(l string) string {
			if l == "AT" {
				return l + "\r\n\r\nOK\r\n"
			}
			return l + "\r\n\r\nERROR\r\n"
		}), nil
	})
	if err != nil || verdicts(r)["S registers"] != Bad || !strings.Contains(r.YAML, "it is no telephone modem") {
		t.Errorf("%v %+v", err, r)
	}
}

// A modem that skips the plus of extended commands, as tcpser does, would take AT+VCID=? for a dial: it is not asked.
func TestModemThatSkipsThePlus(t *testing.T) {
	r, err := probeDevice(t, nil, func(int) (lines.Port, error) {
		return device("", func(l string) string {
			if strings.Contains(l, "CID") || strings.Contains(l, "CLIP") {
				t.Errorf("asked %s", l)
			}
			if strings.HasSuffix(l, "?") {
				return "\r\n000\r\nOK\r\n"
			}
			return "\r\nOK\r\n"
		}), nil
	})
	if err != nil || verdicts(r)["caller ID"] != Unknown || r.Profile != profiles.Generic {
		t.Errorf("%v %+v", err, r)
	}
}

// The speed is the first at which the modem answers; an error of Open ends the probe.
func TestSpeed(t *testing.T) {
	var opened []int
	r, err := probeDevice(t, []int{115200, 9600, 38400, 2400}, func(speed int) (lines.Port, error) {
		opened = append(opened, speed)
		return device("", func(l string) string {
			if speed == 38400 {
				return "\r\nOK\r\n"
			}
			return "\x00\xff"
		}), nil
	})
	if err != nil || r.Speed != 38400 || r.Port != "serial:///dev/ttyS0?speed=38400" ||
		!slices.Equal(opened, []int{115200, 9600, 38400}) {
		t.Errorf("%v %+v, opened %v", err, r, opened)
	}
	locked := errors.New("serial:///dev/ttyS0: locked by process 123 (minicom)")
	_, err = probeDevice(t, []int{115200, 9600}, func(int) (lines.Port, error) { return nil, locked })
	if err != locked {
		t.Error(err)
	}
}

// A modem that answers each command after a twentieth of a second, and loses what comes within a tenth of a second
// after an answer, is asked everything within the time.
func TestSlowModem(t *testing.T) {
	for _, signals := range []bool{true, false} {
		got := onLab(t, exchange.ModemConfig{Dialect: exchange.Dialect{Deaf: 100 * time.Millisecond}}, signals,
			func(m *exchange.Modem) { m.SetFault(exchange.Fault{DelayOK: 50 * time.Millisecond}) })
		if got.err != nil {
			t.Fatal(got.err)
		}
		for _, c := range got.report.Checks {
			if c.Verdict != Good && c.Name != "modem signals" {
				t.Errorf("signals %v: %+v", signals, c)
			}
		}
		if got.took > 5*time.Second {
			t.Errorf("signals %v: %v", signals, got.took)
		}
	}
}

// Each family is recognized by the answers of its transcript.
func TestFamilies(t *testing.T) {
	for _, name := range profiles.Shipped().Names() {
		answers := identification(t, name)
		if len(answers) == 0 {
			continue // it does not tell its name
		}
		var r *Report
		var err error
		synctest.Test(t, func(t *testing.T) {
			r, err = Run(t.Context(), Options{
				Open: func(context.Context, int) (lines.Port, error) {
					return device("", func(l string) string {
						text := l + "\r"
						for _, line := range answers[l] {
							text += "\r\n" + line + "\r\n"
						}
						if len(answers[l]) > 0 || l == "AT" {
							return text + "\r\nOK\r\n"
						}
						return text + "\r\nERROR\r\n"
					}), nil
				},
				URL: func(int) string { return "tcp://127.0.0.1:7001" }, Profiles: profiles.Shipped(), TTY: 7,
				USB: strings.Join(answers["USB"], ""),
			})
		})
		if err != nil || r.Profile != name || !strings.Contains(r.YAML, "tty: 7\n") {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

// identification reads the section identify of a family's transcript.
func identification(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "profiles", "testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "[identify]\n")
	if !ok {
		return nil
	}
	answers := map[string][]string{}
	for line := range strings.Lines(rest) {
		command, answer, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			break
		}
		answers[command] = append(answers[command], answer)
	}
	return answers
}

func TestUSB(t *testing.T) {
	sys := t.TempDir()
	device := filepath.Join(sys, "devices", "usb1", "1-1")
	for _, dir := range []string{filepath.Join(device, "1-1:1.0"), filepath.Join(sys, "class", "tty", "ttyACM0")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"idVendor": "0baf\n", "idProduct": "0303\n"} {
		if err := os.WriteFile(filepath.Join(device, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(sys, "class", "tty", "ttyACM0", "device")
	if err := os.Symlink(filepath.Join(device, "1-1:1.0"), link); err != nil {
		t.Fatal(err)
	}
	tty := filepath.Join(sys, "ttyACM0")
	if err := os.WriteFile(tty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	byID := filepath.Join(sys, "usb-modem-if00")
	if err := os.Symlink(tty, byID); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{tty: "0baf:0303", byID: "0baf:0303", "/dev/nosuch": "",
		filepath.Join(sys, "devices"): ""} {
		if got := USB(sys, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}

func FuzzListen(f *testing.F) {
	f.Add("AT\r\r\nOK\r\n", "AT", false)
	f.Add("0\r", "ATQ0", true)
	f.Fuzz(func(t *testing.T, raw, command string, numeric bool) {
		r, done := (&talker{numeric: numeric}).parse(command, raw)
		if done && !strings.HasSuffix(raw, "\r") && !strings.HasSuffix(raw, "\n") {
			t.Fatalf("%q is done", raw)
		}
		for _, line := range r.lines {
			if strings.ContainsAny(line, "\r\n") {
				t.Fatalf("line %q", line)
			}
		}
	})
}
