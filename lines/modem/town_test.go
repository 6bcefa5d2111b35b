package modem

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// signalPort is a modem of the exchange with its modem signals.
type signalPort struct {
	*exchange.DTE
}

func (signalPort) HasSignals() bool          { return true }
func (p signalPort) SetDTR(on bool) error    { p.DTE.SetDTR(on); return nil }
func (signalPort) Break(time.Duration) error { return nil }
func (signalPort) String() string            { return "signals" }

func (p signalPort) Signals() (s lines.Signals) {
	now := p.DTE.Signals()
	for from, to := range map[exchange.Signals]lines.Signals{exchange.DCD: lines.DCD, exchange.RI: lines.RI,
		exchange.DTR: lines.DTR} {
		if now.Has(from) {
			s |= to
		}
	}
	return s
}

// inBandPort is a modem of the exchange without its signals: result codes and data share one stream.
type inBandPort struct {
	*exchange.DTE
}

func (inBandPort) HasSignals() bool          { return false }
func (inBandPort) Signals() lines.Signals    { return 0 }
func (inBandPort) Changes() <-chan struct{}  { return nil }
func (inBandPort) SetDTR(bool) error         { return lines.ErrNoSignals }
func (inBandPort) Break(time.Duration) error { return lines.ErrNoSignals }
func (inBandPort) String() string            { return "in band" }

func (p inBandPort) Await() {
	select {
	case <-p.DTE.Changes(): // there is no other receiver
	default:
	}
	p.DTE.Await()
}

// edge is a telephone network with one line of ours on a port without signals, a stranger who calls it, and a
// subscriber who can be called. The modems and the network are those of the lab; the driver is ours.
type edge struct {
	t        *testing.T
	x        *exchange.Exchange
	line     *exchange.Modem
	stranger *exchange.Modem
	home     *exchange.Modem // 84001
	proofs   *Proofs

	asked  []string          // the questions of Call-Check
	grants func(string) bool // the verdict for a number; nil: always yes
	// gets a ringing call instead, until its context ends; nil: see grants
	screen  func(context.Context, lines.RingingCall) bool
	message func(lines.Message) bool // nil: all are taken

	pool  *lines.Pool
	calls chan *lines.Call
	end   func()

	mu  sync.Mutex
	log []string
}

const (
	ourNumber  = "55555"
	homeNumber = "84001"
)

// atTheEdge runs body in a bubble, with a line whose modem has a dialect.
func atTheEdge(t *testing.T, d exchange.Dialect, body func(e *edge), opts ...option) {
	t.Helper()
	onTown(t, exchange.ModemConfig{CallerID: true, Dialect: d}, body, opts...)
}

// onTown runs body in a bubble, with a line that has this modem.
func onTown(t *testing.T, m exchange.ModemConfig, body func(e *edge), opts ...option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, m)
		defer e.close()
		e.run(opts...)
		body(e)
	})
}

// withSignals makes the line's port show the modem's signals, or not.
func withSignals(signals bool) option {
	return func(o *Options) {
		open := o.Open
		o.Config.InBand = !signals
		o.Open = func(ctx context.Context) (lines.Port, error) {
			p, err := open(ctx)
			if in, ok := p.(inBandPort); ok && signals {
				return signalPort(in), nil
			}
			return p, err
		}
	}
}

func newEdge(t *testing.T, m exchange.ModemConfig) *edge {
	e := &edge{t: t, x: exchange.New(exchange.Config{}), proofs: &Proofs{}}
	m.Name, m.Number, m.StaysOffHook = "tty1", ourNumber, true
	e.line = e.x.AddModem(m)
	e.stranger = e.x.AddModem(exchange.ModemConfig{Name: "stranger", Number: "66666", Profile: "E0"})
	e.home = e.x.AddModem(exchange.ModemConfig{Name: "home", Number: homeNumber, Profile: "S0=1", IgnoresDTR: true})
	return e
}

// run starts one of our processes: pool and driver.
func (e *edge) run(opts ...option) {
	e.calls = make(chan *lines.Call, 10)
	o := Options{
		Config: &lines.Config{TTY: 1, Port: "in band", Rotary: lines.NoRotary, InBand: true}, Proofs: e.proofs,
		Debug: e.debug,
		Open:  func(context.Context) (lines.Port, error) { return inBandPort{e.line.DTE()}, nil },
	}
	for _, opt := range opts {
		opt(&o)
	}
	pool := lines.NewPool(lines.PoolOptions{Debug: e.debug, Message: func(_ context.Context, m lines.Message) bool {
		return e.message == nil || e.message(m)
	}, Screen: func(ctx context.Context, r lines.RingingCall) bool {
		if e.screen != nil {
			return e.screen(ctx, r)
		}
		e.asked = append(e.asked, r.Caller)
		return e.grants == nil || e.grants(r.Caller)
	}})
	pool.Reconfigure([]lines.Planned{{Config: o.Config, Driver: func() lines.Driver { return New(o) }}})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		done <- pool.Run(ctx, func(ctx context.Context, c *lines.Call) {
			e.calls <- c
			select {
			case <-c.Done():
			case <-ctx.Done():
			}
		})
	}()
	e.pool = pool
	e.end = func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
		if n := pool.Outstanding(); n != 0 {
			e.t.Errorf("%d leases were not released", n)
		}
	}
}

func (e *edge) close() {
	e.end()
	if err := e.x.Close(); err != nil {
		e.t.Error(err)
	}
	if e.t.Failed() {
		e.t.Log(strings.Join(e.debugLines(), "\n"))
	}
}

func (e *edge) debug(_ int, text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.log = append(e.log, time.Now().Format("04:05.000 ")+text)
}

func (e *edge) debugLines() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.log)
}

// until waits for a state of the line.
func (e *edge) until(want lines.State) lines.Status {
	e.t.Helper()
	late := time.After(10 * time.Minute)
	for {
		changed := e.pool.Changed()
		s, _ := e.pool.Line(1)
		if s.State == want {
			return s
		}
		select {
		case <-changed:
		case <-late:
			e.t.Fatalf("the line is %q (%s), want %q", s.State, s.Reason, want)
		}
	}
}

// leaves waits until the line is in a state other than this one.
func (e *edge) leaves(state lines.State) {
	e.t.Helper()
	late := time.After(time.Hour)
	for {
		changed := e.pool.Changed()
		if s, _ := e.pool.Line(1); s.State != state {
			return
		}
		select {
		case <-changed:
		case <-late:
			e.t.Fatalf("the line stays %q", state)
		}
	}
}

// watchIdle checks that the line is not idle while its modem has a call, until the returned function is called.
func (e *edge) watchIdle() (stop func()) {
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(20 * time.Millisecond):
			}
			if e.line.State() != exchange.Connected { // mostly; the pool's status costs more
				continue
			}
			if s, _ := e.pool.Line(1); s.State == lines.Idle && e.line.State() == exchange.Connected {
				if t, _ := e.pool.Line(1); t.State == lines.Idle { // and the call was not answered just now
					e.t.Errorf("the line is idle, and its modem has a call")
				}
			}
		}
	})
	return func() {
		close(over)
		watching.Wait()
	}
}

// dialHome leases the line and dials the subscriber.
func (e *edge) dialHome(within time.Duration) (*lines.Call, lines.ResultCode, error) {
	ctx, cancel := context.WithTimeout(e.t.Context(), within)
	defer cancel()
	l, err := e.pool.Acquire(ctx, lines.Want{Owner: "cb", TTYs: []int{1}, Rotary: lines.NoRotary})
	if err != nil {
		return nil, lines.NoResult, err
	}
	defer l.Release()
	c, code, err := l.Dial(ctx, dialScript(homeNumber))
	if c != nil {
		if state := e.home.State(); state != exchange.Connected {
			e.t.Errorf("the dial is reported as connected, and the subscriber's modem is %v", state)
		}
		err = errors.Join(err, c.Hangup(context.WithoutCancel(ctx)))
	}
	return c, code, err
}

// person is a computer with a subscriber's modem.
type person struct {
	e   *edge
	dte *exchange.DTE

	mu   sync.Mutex
	read strings.Builder
	says func(c *person, text string) // called after each read; nil: no answer
	done chan struct{}
}

// at connects a person to a modem. Received text is passed to says, which may type.
func (e *edge) at(m *exchange.Modem, says func(c *person, text string)) *person {
	c := &person{e: e, dte: m.DTE(), says: says, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		buf := make([]byte, 256)
		for {
			n, err := c.dte.Read(buf)
			if err != nil {
				return
			}
			c.mu.Lock()
			c.read.Write(buf[:n])
			says := c.says
			c.mu.Unlock()
			if says != nil {
				says(c, string(buf[:n]))
			}
		}
	}()
	return c
}

// plays sets the function that answers received text from now on.
func (c *person) plays(says func(c *person, text string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.says = says
}

func (c *person) leave() {
	_ = c.dte.Close()
	<-c.done
}

func (c *person) keys(text string) { _, _ = io.WriteString(c.dte, text) }

func (c *person) screen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read.String()
}

// sees waits until the screen shows text.
func (c *person) sees(text string) {
	c.e.t.Helper()
	for end := time.Now().Add(5 * time.Minute); !strings.Contains(c.screen(), text); {
		if time.Now().After(end) {
			c.e.t.Fatalf("%q is never seen: %q", text, c.screen())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// call dials our number and waits for the call.
func (c *person) call() *lines.Call {
	c.e.t.Helper()
	c.keys("ATE0\r")
	c.sees("OK")
	c.keys("ATDT" + ourNumber + "\r")
	select {
	case call := <-c.e.calls:
		c.sees("CONNECT")
		return call
	case <-time.After(5 * time.Minute):
		c.e.t.Fatalf("no answer: %q", c.screen())
		return nil
	}
}
