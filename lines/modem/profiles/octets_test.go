package profiles

import (
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
)

// tap is a modem of the lab on a port, with or without its signals, that records what the driver sends.
type tap struct {
	*exchange.DTE
	signals bool
	rec     *record
}

func (p tap) HasSignals() bool          { return p.signals }
func (p tap) Break(time.Duration) error { return nil }
func (p tap) String() string            { return "lab" }

func (p tap) Signals() (s lines.Signals) {
	if p.signals && p.DTE.Signals().Has(exchange.DCD) {
		s |= lines.DCD
	}
	return s
}

func (p tap) Changes() <-chan struct{} {
	if !p.signals {
		return nil
	}
	return p.DTE.Changes()
}

func (p tap) Await() {
	if !p.signals {
		select {
		case <-p.DTE.Changes(): // there is no other receiver
		default:
		}
	}
	p.DTE.Await()
}

func (p tap) SetDTR(on bool) error {
	if !p.signals {
		return lines.ErrNoSignals
	}
	p.rec.add(fmt.Sprintf("DTR %v", on))
	p.DTE.SetDTR(on)
	return nil
}

func (p tap) Write(b []byte) (int, error) {
	p.rec.add(fmt.Sprintf("%q", b))
	return p.DTE.Write(b)
}

// record is what a driver has sent, in lines that do not depend on its random values.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

var (
	secretValues = regexp.MustCompile(`(S(?:18|25|26)=)\d+`)
	escapeValue  = regexp.MustCompile(`(S2=)(?:22|23|25|28)(S12|\\r)`)
	backspaces   = regexp.MustCompile(`(?:\\b)+`)
	escapeOctets = regexp.MustCompile(`^"(?:(?:\\x16){3}|(?:\\x17){3}|(?:\\x19){3}|(?:\\x1c){3})"$`)
)

func (r *record) add(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintln(&r.text, steady(line))
}

// steady replaces random values in a quoted text that the driver sends.
func steady(line string) string {
	line = escapeOctets.ReplaceAllString(line, `"ESC"`)
	line = backspaces.ReplaceAllString(line, "(erase)")
	line = secretValues.ReplaceAllString(line, "${1}*")
	return escapeValue.ReplaceAllString(line, "${1}*${2}")
}

// octetsOf returns what a driver with this configuration sends during its start, an incoming call with caller ID and
// an outgoing one.
func octetsOf(t *testing.T, signals bool, configure func(*lines.Config)) string {
	rec := &record{}
	synctest.Test(t, func(t *testing.T) {
		x := exchange.New(exchange.Config{})
		ours := x.AddModem(exchange.ModemConfig{Name: "tty1", Number: "55555", CallerID: true, StaysOffHook: true})
		other := x.AddModem(exchange.ModemConfig{Name: "other", Number: "66666", Profile: "E0"})
		x.AddModem(exchange.ModemConfig{Name: "home", Number: "84001", Profile: "S0=1", IgnoresDTR: true})
		cfg := &lines.Config{TTY: 1, Port: "lab", Rotary: lines.NoRotary, InBand: !signals, CallerID: true}
		configure(cfg)
		pool := lines.NewPool(lines.PoolOptions{})
		driver := modem.New(modem.Options{Config: cfg, Open: func(context.Context) (lines.Port, error) {
			return tap{ours.DTE(), signals, rec}, nil
		}})
		if err := pool.Add(cfg, driver); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		calls, done := make(chan *lines.Call, 1), make(chan error)
		go func() {
			done <- pool.Run(ctx, func(_ context.Context, c *lines.Call) {
				calls <- c
				<-c.Done()
			})
		}()
		<-time.After(30 * time.Second)
		rec.add("# an incoming call")
		caller := other.DTE()
		if _, err := io.WriteString(caller, "ATDT55555\r"); err != nil {
			t.Fatal(err)
		}
		call := <-calls
		if call.Caller != "66666" {
			t.Errorf("caller %q", call.Caller)
		}
		if err := call.Hangup(ctx); err != nil {
			t.Error(err)
		}
		<-time.After(30 * time.Second)
		rec.add("# an outgoing call")
		l, err := pool.Acquire(ctx, lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
		if err != nil {
			t.Fatal(err)
		}
		out, code, err := l.Dial(ctx, func(_ context.Context, c lines.CommandConn) error {
			_, err := io.WriteString(c, "ATDT84001\r")
			return err
		})
		if err != nil || code != lines.Connected {
			t.Fatal(code, err)
		}
		if err := out.Hangup(ctx); err != nil {
			t.Error(err)
		}
		l.Release()
		<-time.After(time.Second)
		rec.add("# the end")
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return rec.text.String()
}

// The profile generic is what ringback sent before there were profiles, and AT+GMI before AT+VCID=1.
func TestGenericOctets(t *testing.T) {
	for name, signals := range map[string]bool{"signals": true, "in-band": false} {
		t.Run(name, func(t *testing.T) {
			path := "testdata/octets-" + name + ".txt"
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for how, configure := range map[string]func(*lines.Config){
				"no profile": func(*lines.Config) {},
				"generic":    Shipped().Get(Generic).Apply,
			} {
				if got := octetsOf(t, signals, configure); got != string(want) {
					t.Errorf("%s: the driver sends\n%s\nwant\n%s", how, got, want)
				}
			}
		})
	}
}
