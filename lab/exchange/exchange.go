// Package exchange is the telephone network of the lab: soft modems that behave as Hayes modems, and the switch between
// them.
//
// An Exchange has a directory of numbers and any number of modems. A modem has its DTE in memory (Connect, DTE), on TCP
// (ServeTCP), behind an RFC 2217 access server (ServeRFC2217) or on a pseudo terminal (ServePTY); all four share one
// core. The package has no clock of its own: it uses the timers of the standard library, so a whole network runs inside
// a testing/synctest bubble. What a subscriber sends once connected is decided by the DTE.
//
// One mutex guards the switch and all modems. Methods that begin with a small letter need it held unless they say
// otherwise. An idle modem has no timer, at most one goroutine (the reader of its port), and a buffer of 1 KiB.
package exchange

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// The usual times of the network, before Pace. Typical values: dial tone 0.2–0.8 s, post-dial delay ≤ 1 s, quick V.32
// training 7 s, ring cadence 2 s on and 4 s off.
const (
	defaultPostDial = time.Second
	defaultTraining = 7 * time.Second
	toneWait        = 500 * time.Millisecond // until the dial tone is recognised
	ringOn          = 2 * time.Second
	ringCycle       = 6 * time.Second
	callerIDGap     = 500 * time.Millisecond // from the end of the first burst to the caller's number
)

// Config is how a network behaves. The zero value is a network at its true pace.
type Config struct {
	// Pace is the speed factor of the network: dial tone, digits, post-dial delay, ring cadence, training, S7 and S10.
	// Zero means 1. The guard time of the escape sequence (S12) belongs to the DTE and is never scaled.
	Pace float64
	// Instant removes the time of dialing, post-dial delay, ring bursts, training and loss of carrier (S10). Waits for
	// the other side keep their time, divided by Pace: the 6 s from RING to RING and S7.
	Instant bool
	// PostDial is the time from the last digit to the first ring or tone; zero means 1 s.
	PostDial time.Duration
	// Training is the time from the answer to CONNECT; zero means 7 s.
	Training time.Duration
	// HoldTime ends the hold of a caller with HoldsLine this long after the called side went on hook (30 to 180 s on
	// real exchanges); zero means that only the caller ends it.
	HoldTime time.Duration
	// OnEvent is called with each event, in order, one at a time, with no lock held: it may call any method except
	// Close. It must not block, because the network waits for it.
	OnEvent func(Event)
	// DialLog receives each dial command as one line of JSON (a Dial without its outcome) before the modem goes off
	// hook for it. The network waits during the write. The exchange does not close the writer.
	DialLog io.Writer
}

// Event is one thing that happened in the network.
type Event struct {
	Time  time.Time
	Kind  Kind
	From  string // the calling number, if there is a call
	To    string // the number dialed, if there is a call
	Modem string // name of the modem concerned
	Text  string // detail, as text
}

// Kind is the kind of an Event.
type Kind string

// The kinds of events.
const (
	OffHookEvent    Kind = "offhook"    // a modem went off hook
	OnHookEvent     Kind = "onhook"     // a modem went on hook
	DialEvent       Kind = "dial"       // a modem read a dial command; Text is the dial string
	RingEvent       Kind = "ring"       // a line rings; Text is the number of the ring, from 1
	AnswerEvent     Kind = "answer"     // the called side went off hook
	ConnectEvent    Kind = "connect"    // both modems have carrier
	ReleaseEvent    Kind = "release"    // the exchange ended a call
	RefusedEvent    Kind = "refused"    // the exchange did not put a call through; Text says why
	GlareEvent      Kind = "glare"      // a modem went off hook to dial and met an incoming call
	HoldEvent       Kind = "hold"       // the called side hung up, the caller holds the line
	SeizedEvent     Kind = "seized"     // an incoming call took the line, before its first ring
	PortOpenEvent   Kind = "port open"  // a DTE was attached
	PortClosedEvent Kind = "port close" // a DTE was detached or rejected
	OverrunEvent    Kind = "overrun"    // bytes were lost because a DTE does not read
	BreakEvent      Kind = "break"      // a DTE sent a BREAK
	LogFailedEvent  Kind = "log failed" // a write to Config.DialLog failed; Text says why
)

// Exchange is the switch and its subscribers. Make one with New; its methods are safe for concurrent use.
type Exchange struct {
	cfg Config

	mu       sync.Mutex
	modems   []*Modem
	numbers  map[string]*subscription
	dials    []Dial
	timers   map[*timer]struct{}
	servers  map[io.Closer]struct{} // listeners and others that Close must close
	watch    *ptyWatch              // counts the users of the pseudo terminals' slaves; nil until the first one
	queue    []func()               // callbacks to run as soon as the lock is released
	flushing bool
	closed   bool

	wg sync.WaitGroup // goroutines, timers and Serve calls
}

// New makes an exchange without subscribers. It starts nothing. Close ends it.
func New(cfg Config) *Exchange {
	if cfg.Pace <= 0 {
		cfg.Pace = 1
	}
	if cfg.PostDial == 0 {
		cfg.PostDial = defaultPostDial
	}
	if cfg.Training == 0 {
		cfg.Training = defaultTraining
	}
	return &Exchange{
		cfg:     cfg,
		numbers: make(map[string]*subscription),
		timers:  make(map[*timer]struct{}),
		servers: make(map[io.Closer]struct{}),
	}
}

// Close ends all calls, ports, listeners and pseudo terminals, and returns when every goroutine and every Serve call
// has ended. It may be called twice. Its error is always nil.
func (x *Exchange) Close() error {
	x.lock()
	if !x.closed {
		x.closed = true
		for t := range x.timers {
			t.stop()
		}
		for _, m := range x.modems {
			m.unplug()
			m.room.Broadcast()
		}
		for s := range x.servers {
			x.later(func() { s.Close() })
		}
		if x.watch != nil {
			x.later(x.watch.close)
		}
	}
	x.unlock()
	x.wg.Wait()
	return nil
}

func (x *Exchange) lock() { x.mu.Lock() }

// unlock runs what was queued by later, then releases the lock.
func (x *Exchange) unlock() {
	x.flush()
	x.mu.Unlock()
}

// flush runs the queued callbacks in order, with the lock released meanwhile. Only one goroutine runs them at a time;
// the others leave theirs to it, so that events are delivered in order, one at a time.
func (x *Exchange) flush() {
	if x.flushing {
		return
	}
	x.flushing = true
	for len(x.queue) > 0 {
		q := x.queue
		x.queue = nil
		x.mu.Unlock()
		for _, f := range q {
			f()
		}
		x.mu.Lock()
	}
	x.flushing = false
}

// later queues f to run when the lock is released.
func (x *Exchange) later(f func()) { x.queue = append(x.queue, f) }

func (x *Exchange) event(k Kind, m *Modem, c *call, format string, args ...any) {
	if x.cfg.OnEvent == nil {
		return
	}
	e := Event{Time: time.Now(), Kind: k, Text: format}
	if len(args) > 0 {
		e.Text = fmt.Sprintf(format, args...)
	}
	if m != nil {
		e.Modem = m.cfg.Name
	}
	if c != nil {
		e.From, e.To = c.from.cfg.Number, c.number
	}
	x.later(func() { x.cfg.OnEvent(e) })
}

// delay scales a time of the network itself.
func (x *Exchange) delay(d time.Duration) time.Duration {
	if x.cfg.Instant {
		return 0
	}
	return x.clock(d)
}

// clock scales a wait for the other side, which an instant network keeps.
func (x *Exchange) clock(d time.Duration) time.Duration {
	return time.Duration(float64(d) / x.cfg.Pace)
}

// timer is a one-shot timer that never fires after stop, and that Close waits for.
type timer struct {
	x    *Exchange
	t    *time.Timer
	done bool
}

// after runs f after d with the lock held, unless the timer is stopped before. after itself never calls f.
func (x *Exchange) after(d time.Duration, f func()) *timer {
	t := &timer{x: x, done: x.closed}
	if x.closed {
		return t
	}
	x.wg.Add(1)
	x.timers[t] = struct{}{}
	t.t = time.AfterFunc(d, func() {
		defer x.wg.Done()
		x.lock()
		if !t.done {
			t.done = true
			delete(x.timers, t)
			f()
		}
		x.unlock()
	})
	return t
}

// stop stops the timer. It may be called on nil and twice.
func (t *timer) stop() {
	if t == nil || t.done {
		return
	}
	t.done = true
	delete(t.x.timers, t)
	if t.t.Stop() {
		t.x.wg.Done()
	}
}

// goroutine starts f unless the exchange is closed, and reports whether it did. Close waits for it.
func (x *Exchange) goroutine(f func()) bool {
	if x.closed {
		return false
	}
	x.wg.Go(f)
	return true
}

// Dial is one dial command that a modem received.
type Dial struct {
	Seq    int       `json:"seq"` // from 1, in the order of the commands
	Time   time.Time `json:"time"`
	Modem  string    `json:"modem"`
	Number string    `json:"number"` // the digits that are sent to the exchange
	Text   string    `json:"text"`   // the dial string as typed, without the D
	// Outcome is empty while the attempt is in progress, then one of the Outcome constants.
	Outcome Outcome `json:"outcome,omitempty"`
}

// Outcome is how a dial command ended.
type Outcome string

// The outcomes of a dial command.
const (
	DialConnected  Outcome = "connected"
	DialBusy       Outcome = "busy"
	DialNoAnswer   Outcome = "no answer"
	DialNoCarrier  Outcome = "no carrier"
	DialNoDialtone Outcome = "no dialtone"
	DialNoNumber   Outcome = "not in the directory"
	DialVoice      Outcome = "voice"           // a person answered, and the modem recognized it
	DialAborted    Outcome = "aborted"         // by a key or by hanging up
	DialGlare      Outcome = "glare"           // connected, to an incoming call
	DialHeld       Outcome = "held"            // connected, to the former caller who held the line
	DialError      Outcome = "error"           // the modem rejected the command
	DialPartial    Outcome = "partial"         // ended by ';'; the modem is back in command state
	DialDelayed    Outcome = "delayed"         // rejected by Fault.Delayed
	DialForbidden  Outcome = "blacklisted"     // rejected by Fault.Blacklisted
	DialLied       Outcome = "false connected" // Fault.FalseConnect: no call was placed
)

// Dials returns every dial command that any modem has received so far, in order.
func (x *Exchange) Dials() []Dial {
	x.lock()
	defer x.unlock()
	return append([]Dial(nil), x.dials...)
}

// recordDial records a dial command before the modem acts on it, and returns its sequence number.
func (x *Exchange) recordDial(m *Modem, number, text string) int {
	d := Dial{Seq: len(x.dials) + 1, Time: time.Now(), Modem: m.cfg.Name, Number: number, Text: text}
	x.dials = append(x.dials, d)
	if x.cfg.DialLog != nil {
		b, err := json.Marshal(d)
		if err == nil {
			_, err = x.cfg.DialLog.Write(append(b, '\n'))
		}
		if err != nil {
			x.event(LogFailedEvent, m, nil, "dial log: %v", err)
		}
	}
	x.event(DialEvent, m, nil, "%s", text)
	return d.Seq
}

// settle records how the dial command seq ended, once.
func (x *Exchange) settle(seq int, o Outcome) {
	if seq > 0 && x.dials[seq-1].Outcome == "" {
		x.dials[seq-1].Outcome = o
	}
}
