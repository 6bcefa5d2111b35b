package broker_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// faultLasts is how long a fault lasts: S7, the longest time that a modem waits for carrier, and 30 s. By then no line
// may be stuck.
const faultLasts = 50*time.Second + 30*time.Second

// cell is one fault at one moment of a line and of a callback: the real broker, pool, drivers and journal in a town of
// three lines. Line 65 is called by a subscriber, who is called back by 66, or by 67 instead.
type cell struct {
	*town
	*site
	moment moment
	tty    int             // of the line that has the fault
	line   *exchange.Modem // its modem
	sub    *subscriber
}

// site is what the faults of a town have in common.
type site struct {
	mu     sync.Mutex
	refuse map[int]error // what opening the port of a line says
	mortal *mortal
	more   []*subscriber
	others map[string]*exchange.Modem // of strangers, by name
}

// moment is the state of a line and of a callback in which a fault begins.
type moment struct {
	name  string
	about string
	tty   int           // the line that has the fault
	later bool          // the subscriber calls when the fault has begun, otherwise before reach
	reach func(c *cell) // returns at the moment
	after func(c *cell) // 20 s after the beginning of the fault; nil: nothing
}

// fault is something that goes wrong with a modem, a port, a line, a call or by an order.
type fault struct {
	name    string
	about   string
	options func(*townOptions) // of the town; nil: the usual ones
	begin   func(c *cell)
	end     func(c *cell) // faultLasts later; nil: nothing
	noDial  bool          // the line must not dial while the fault lasts
	last    string        // the last moment that can be reached; "": all can
}

// ends is what a cell ended with.
type ends struct {
	callback string // of the subscriber
	line     string // the state of the line with the fault, faultLasts after its beginning
}

// subscriber is a user at a modem who answers prompts: they log in whenever they are asked to, and answer each call.
type subscriber struct {
	*pc
	m        *exchange.Modem
	user     string
	stays    time.Duration // in a session; 0: until they are told to go
	silent   bool          // they type nothing
	sessions int           // command prompts seen
	told     int           // callbacks that they were told of
	mu       sync.Mutex
	done     chan struct{}
}

// subscriber attaches a user to a modem.
func (c *cell) subscriber(m *exchange.Modem, user string) *subscriber {
	s := &subscriber{pc: c.pc(m), m: m, user: user, done: make(chan struct{})}
	c.mu.Lock()
	c.more = append(c.more, s)
	c.mu.Unlock()
	go s.run()
	return s
}

// run answers prompts, two seconds after each, until the port ends.
func (s *subscriber) run() {
	defer close(s.done)
	var seen []byte
	b := make([]byte, 512)
	for {
		n, err := s.dte.Read(b)
		if err != nil {
			return
		}
		for _, octet := range b[:n] {
			seen = append(seen, octet)
			answer := ""
			switch {
			case bytes.HasSuffix(seen, []byte("Username: ")):
				answer = s.user
			case bytes.HasSuffix(seen, []byte("Password: ")):
				answer = password
			case bytes.HasSuffix(seen, []byte("maui-nas-04>")):
				s.mu.Lock()
				s.sessions++
				s.mu.Unlock()
				if s.stays > 0 {
					time.AfterFunc(s.stays, s.hangUp)
				}
			case bytes.HasSuffix(seen, []byte("Callback initiated")):
				s.mu.Lock()
				s.told++
				s.mu.Unlock()
			}
			if answer != "" && !s.silent {
				seen = nil
				<-time.After(2 * time.Second)
				s.dte.Write([]byte(answer + "\r")) // fails if the call has ended
			}
		}
		seen = seen[max(0, len(seen)-64):]
	}
}

func (s *subscriber) inSession() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions > 0
}

// promised is how many callbacks they were told of.
func (s *subscriber) promised() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// hangUp ends a call; two seconds later the modem answers again.
func (s *subscriber) hangUp() {
	s.dte.SetDTR(false)
	time.AfterFunc(2*time.Second, func() {
		s.dte.SetDTR(true)
		s.dte.Write([]byte("ats0=1\r"))
	})
}

func (s *subscriber) call() { s.dte.Write([]byte("atdt55555\r")) }

// away hangs up, and answers no more.
func (s *subscriber) away() {
	s.dte.SetDTR(false)
	s.dte.Close()
	<-s.done
}

// until waits for a state of things.
func (c *cell) until(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(3 * time.Minute); !ok(); c.pass(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("%s: not reached", what)
		}
	}
}

// reaches waits until the line of the cell is in a state.
func (c *cell) reaches(state lines.State) {
	c.t.Helper()
	c.until(string(state), func() bool { s, _ := c.pool.Line(c.tty); return s.State == state })
}

// other returns the modem of somebody else.
func (c *cell) other(name, number string) *exchange.Modem {
	if c.others == nil {
		c.others = map[string]*exchange.Modem{}
	}
	if c.others[name] == nil {
		c.others[name] = c.x.AddModem(exchange.ModemConfig{Name: name, Number: number})
	}
	return c.others[name]
}

// refusePort makes opening the port of a line fail; nil: it succeeds again.
func (c *site) refusePort(tty int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse[tty] = err
}

func (c *site) opensPort(tty int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refuse[tty]
}

// inCell plays a fault at a moment and returns how it ended. What must hold for each cell is checked on the way.
func inCell(t *testing.T, f fault, m moment) (e ends) {
	synctest.Test(t, func(t *testing.T) {
		c := &cell{site: &site{refuse: map[int]error{}}, moment: m, tty: m.tty}
		o := townOptions{lines: 3, attempts: 2, lifetime: 10 * time.Minute, callerID: true,
			line: exchange.ModemConfig{CallerID: true}, open: c.opensPort,
			store: func(j journal.Store) journal.Store { c.mortal = &mortal{Store: j}; return c.mortal }}
		if f.options != nil {
			f.options(&o)
		}
		c.town = newTown(t, o)
		defer c.close()
		c.idle(time.Minute)
		c.line = c.lines[m.tty-65]
		c.sub = c.subscriber(c.home, "kihei-03")
		defer c.leave()
		c.sub.dte.Write([]byte("ats0=1\r"))
		c.pass(time.Second)
		if !m.later {
			c.sub.call()
		}
		m.reach(c)
		e = c.play(f)
	})
	return e
}

// leave ends the subscribers.
func (c *cell) leave() {
	for _, s := range c.more {
		s.away()
	}
}

// play is the cell from the beginning of the fault to its end.
func (c *cell) play(f fault) (e ends) {
	before := len(c.dialed())
	f.begin(c)
	if c.moment.later {
		c.sub.call()
	}
	c.pass(20 * time.Second)
	if c.moment.after != nil {
		c.moment.after(c)
	}
	c.pass(faultLasts - 20*time.Second)
	e.line = c.notStuck()
	if f.noDial {
		for _, d := range c.dialed()[before:] {
			if d.Modem == c.line.Name() {
				c.t.Errorf("%s dialed %s during the fault", d.Modem, d.Number)
			}
		}
	}
	if f.end != nil {
		f.end(c)
	}
	e.callback = c.outcome()
	c.leave()
	c.more = nil
	c.inService()
	c.laws()
	return e
}

// notStuck checks that each line is in use, in service, or out of service with a reason and a cause, and returns the
// state of the one with the fault. A hang-up or a ringing that has just begun may end first.
func (c *cell) notStuck() (state string) {
	passing := func(s lines.Status) bool { return s.State == lines.HangingUp || s.State == lines.Ringing }
	for end := time.Now().Add(30 * time.Second); slices.ContainsFunc(c.pool.Lines(), passing); c.pass(time.Second) {
		if time.Now().After(end) {
			break
		}
	}
	state = "removed"
	for _, s := range c.pool.Lines() {
		text := string(s.State)
		switch s.State {
		case lines.BusiedOut:
		case lines.Idle, lines.InCall, lines.OutCall, lines.Leased, lines.Dialing:
			text = "in service"
			if s.Owner == "" && s.State != lines.Idle {
				c.t.Errorf("tty %d is %s, and nothing owns it", s.TTY, s.State)
			}
		case lines.Down, lines.Quarantined:
			if s.Reason == "" || s.Failure == nil || s.Failure.Kind == lines.FailDown ||
				s.Failure.Kind == lines.FailQuarantine {
				c.t.Errorf("tty %d is %s without a cause: %q %+v", s.TTY, s.State, s.Reason, s.Failure)
				break
			}
			text += ": " + string(s.Failure.Kind)
		default:
			c.t.Errorf("tty %d is stuck: %s since %v %s", s.TTY, s.State, time.Since(s.Since), s.Reason)
		}
		if s.TTY == c.tty {
			state = text
		} else if s.State == lines.Down || s.State == lines.Quarantined {
			c.t.Errorf("tty %d is %s: %s; the fault was on another line", s.TTY, s.State, s.Reason)
		}
	}
	return state
}

// outcome waits for the end of the callback, at most its lifetime and the longest attempt, and returns it.
func (c *cell) outcome() string {
	for end := time.Now().Add(15 * time.Minute); ; c.pass(5 * time.Second) {
		v, ok := c.callback()
		switch {
		case !ok:
			return "none"
		case !v.Pending():
			text := v.Phase
			if v.Phase != "completed" {
				text += ": " + v.Cause
			}
			if v.Attempts > 1 {
				text += fmt.Sprintf(", %d attempts", v.Attempts)
			}
			return text
		case time.Now().After(end):
			c.t.Errorf("callback %s is still %s: %s", v.ID, v.Phase, v.Cause)
			return v.Phase
		}
	}
}

// callback returns the first callback of the subscriber.
func (c *cell) callback() (v broker.CallbackView, ok bool) {
	all, _, err := c.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true, Limit: 10})
	if err != nil {
		c.t.Fatal(err)
	}
	if len(all) == 0 {
		return v, false
	}
	slices.SortFunc(all, func(a, b broker.CallbackView) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return all[0], true
}

// inService checks that all lines come back when the fault is over and nobody calls, which takes as long as the longest
// pause between two trials of a modem, and that a new caller is answered and gets a session.
func (c *cell) inService() {
	c.t.Helper()
	for end := time.Now().Add(7 * time.Minute); ; c.pass(5 * time.Second) {
		busy := ""
		all := c.pool.Lines()
		for _, s := range all {
			if s.State != lines.Idle {
				busy += fmt.Sprintf("tty %d is %s %s; ", s.TTY, s.State, s.Reason)
			}
		}
		if busy == "" && len(all) == 3 {
			break
		}
		if time.Now().After(end) {
			c.t.Errorf("not all of %d lines are back in service: %s", len(all), busy)
			return
		}
	}
	visitor := c.subscriber(c.x.AddModem(exchange.ModemConfig{Name: "visitor", Number: "84002"}), "paia-04")
	visitor.call()
	c.until("a session on a line that was repaired", visitor.inSession)
	visitor.away()
	c.mu.Lock()
	c.more = nil
	c.mu.Unlock()
	c.idle(time.Minute)
}

// laws checks what modems were told to dial, what is on disk, and which sessions there were.
func (c *cell) laws() {
	c.t.Helper()
	all, _, err := c.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true, Limit: 100})
	if err != nil {
		c.t.Fatal(err)
	}
	audit, _, err := c.journal.AuditTail(context.Background(), 1000)
	if err != nil {
		c.t.Fatal(err)
	}
	attempts := 0
	for _, v := range all {
		attempts += v.Attempts
		if v.Pending() {
			c.t.Errorf("callback %s is pending: %s", v.ID, v.Phase)
		}
		if v.Phase != "completed" && v.Cause == "" {
			c.t.Errorf("callback %s %s without a cause", v.ID, v.Phase)
		}
		if v.Attempts > v.Max {
			c.t.Errorf("callback %s: %d attempts of %d (law 2)", v.ID, v.Attempts, v.Max)
		}
		ended := 0
		for _, a := range audit {
			if a.Kind == "callback "+v.ID+" ended" {
				ended++
			}
		}
		if ended != 1 {
			c.t.Errorf("callback %s has %d audit records of its end (law 3)", v.ID, ended)
		}
	}
	for _, d := range c.dialed() {
		if d.Outcome == exchange.DialGlare {
			c.t.Errorf("%s dialed %s and got an incoming call", d.Modem, d.Number)
		}
	}
	if n := len(c.dialed()); n > attempts {
		c.t.Errorf("the modems have received %d dial commands, %d attempts are recorded (law 2)", n, attempts)
	}
	completed := func(v broker.CallbackView) bool { return v.Phase == "completed" }
	if c.sub.inSession() != slices.ContainsFunc(all, completed) {
		c.t.Errorf("the subscriber has a session: %v; callbacks: %v", c.sub.inSession(), phases(all))
	}
}

func phases(all []broker.CallbackView) string {
	var texts []string
	for _, v := range all {
		texts = append(texts, v.Phase+" "+v.Cause)
	}
	return strings.Join(texts, ", ")
}
