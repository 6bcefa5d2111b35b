// Package modem drives AT modems (V.250, Hayes), one Driver a line: it opens the port, initialises, answers, lets scripts dial, hangs up and
// proves the line on hook. It always reads the port and takes two goroutines a line. It chooses no line and knows no session.
package modem

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/ringback/ringback/lines"
)

// Options say what a Driver works on.
type Options struct {
	Config lines.Config
	// Open opens the port; its errors name it. The driver closes it, and opens it again when it was lost.
	Open func(ctx context.Context) (lines.Port, error)
	// Debug is told what passes, one line an event. It must not block; nil: nobody.
	Debug func(tty int, text string)
}

// Driver works one line; it is the lines.Driver of AT modems. New makes one.
//
// Who holds the token (the channel op) has the modem's command line: Run while the line is down or being answered, else the goroutine of
// Command, Dial, Settle or a call's Hangup. Bytes are taken by the reader's goroutine at once, whoever holds it.
type Driver struct {
	o          Options
	t          lines.Timing
	autoAnswer bool // the modem answers by itself (S0 in Config.Init)

	op      chan struct{} // capacity 1: the token
	wake    chan struct{} // capacity 1: Run should look
	poke    chan struct{} // capacity 1: the token's holder should look
	retry   chan struct{} // capacity 1: try the port again now
	writing sync.Mutex    // one writes to the port at a time; guards lastWrite

	lastWrite time.Time

	mu      sync.Mutex // guards what follows
	host    lines.Host
	port    lines.Port
	gen     uint64 // counts opened ports
	up      bool   // initialised and not lost
	lost    error  // why the port is to be closed; nil while it is good
	signals lines.Signals
	split   splitter
	numbers numbering
	spoke   numbering // how the last result code came
	talk    *talk     // the script on the command line
	reply   reply     // what the driver's own command waits for
	conn    *conn     // in data state; nil in command state
	deaf    bool      // what comes is thrown away: data of a call that we hang up
	online  bool      // the modem may still be connected: only a hang-up proves otherwise
	calling bool      // a dial or answer command went out and has no final result
	used    bool      // commands ran: on hook is to be proven
	bad     bool      // it could not be proven
	left    int       // octets of a call that may stand on the modem's command line
	proving bool      // a CONNECT now is nobody's call

	rings    int // since the last quiet
	tried    int // the ring at which answering was tried last
	lastRing time.Time
	caller   string
	called   string
	screened screening          // of the call that rings
	unring   context.CancelFunc // ends the question about it; nil: none is under way

	checks sync.WaitGroup // questions whether to answer
}

// numbering says whether the modem answers in numbers (V0). It is learned from the first answers.
type numbering int

const (
	unknown numbering = iota
	words
	digits
)

// reply is what one of the driver's own commands has brought.
type reply struct {
	wants func(lines.ResultCode) bool // nil: no command of ours is under way
	code  lines.ResultCode
	info  string // the last line that is no result code
}

var answersItself = regexp.MustCompile(`(?i)S0=0*[1-9]`)

// New returns a Driver that does nothing until Run.
func New(o Options) *Driver {
	o.Config.CallerID = o.Config.CallerID || o.Config.CallCheck
	return &Driver{
		o: o, t: o.Config.Timing.WithDefaults(), autoAnswer: answersItself.MatchString(o.Config.Init),
		op: make(chan struct{}, 1), wake: make(chan struct{}, 1), poke: make(chan struct{}, 1), retry: make(chan struct{}, 1),
	}
}

// maxReopen is the longest pause before a lost port is opened again.
const maxReopen = 30 * time.Second

// Run implements lines.Driver.
func (d *Driver) Run(ctx context.Context, h lines.Host) error {
	d.mu.Lock()
	d.host = h
	d.mu.Unlock()
	pause := d.t.Reopen
	for {
		select {
		case d.op <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		wasUp, err := d.work(ctx)
		<-d.op
		if ctx.Err() != nil {
			return nil
		}
		h.Down(err)
		d.debug("down: %v", err)
		if wasUp {
			pause = d.t.Reopen
		}
		d.sleep(ctx, pause)
		pause = min(2*pause, maxReopen)
	}
}

func (d *Driver) sleep(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
	case <-d.retry:
	case <-ctx.Done():
	}
}

// work opens the port and works the line until the port is lost or ctx ends. The token is held when it begins and when it returns.
func (d *Driver) work(ctx context.Context) (wasUp bool, err error) {
	port, err := d.o.Open(ctx)
	if err != nil {
		return false, err // it names the port
	}
	d.install(port)
	var reader sync.WaitGroup
	reader.Go(func() { d.read(port) })
	defer func() {
		d.fail(port, errClosed)
		_ = port.Close() // it is of no use any more, whatever Close says
		reader.Wait()
		d.mu.Lock()
		d.quietLocked() // nobody waits for a verdict
		d.mu.Unlock()
		d.checks.Wait()
	}()
	d.lookAtSignals()
	unproven, err := d.start(ctx)
	if err != nil {
		return false, err
	}
	d.setUp(unproven)
	<-d.op
	err = d.serve(ctx)
	d.stopUsers(err)
	d.op <- struct{}{} // whoever holds it notices that the line has gone
	if ctx.Err() != nil {
		d.leave(context.WithoutCancel(ctx))
	}
	return true, err
}

var errClosed = errors.New("ringback closes the port")

func (d *Driver) install(port lines.Port) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.port, d.lost, d.signals = port, nil, 0
	d.gen++
	d.split.reset()
	d.numbers, d.reply, d.conn, d.talk = unknown, reply{}, nil, nil
	d.deaf, d.online, d.calling, d.used, d.bad, d.proving = false, false, false, false, false, false
	d.quietLocked()
}

func (d *Driver) setUp(unproven error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.lost != nil {
		return
	}
	d.up, d.bad, d.used = true, unproven != nil, false
	d.host.Up(unproven) // under the lock: a loss is reported after it, never before
	d.debug("ready")
}

// stopUsers ends what runs on the line, so that the token comes back.
func (d *Driver) stopUsers(why error) {
	d.mu.Lock()
	d.up = false
	t, c := d.talk, d.conn
	if t != nil {
		t.endLocked(why)
	}
	d.mu.Unlock()
	if c != nil {
		d.drop(c, true)
	}
	signal(d.poke)
}

// leave hangs up before the port is closed for good.
func (d *Driver) leave(ctx context.Context) {
	d.mu.Lock()
	needed := d.lost == nil && (d.online || d.calling || d.used)
	d.mu.Unlock()
	if !needed {
		return
	}
	if err := d.prove(ctx); err != nil {
		d.debug("not proven on hook at the end: %v", err)
	}
}

// fail marks the port as lost. The pool hears of it before those who use the line do, so that it is not lent meanwhile.
func (d *Driver) fail(port lines.Port, why error) {
	d.mu.Lock()
	if d.port != port || d.lost != nil {
		d.mu.Unlock()
		return
	}
	if d.up {
		d.host.Down(why)
	}
	d.lost, d.up = why, false
	if c := d.conn; c != nil {
		d.conn = nil
		d.endLocked(c)
	}
	if d.talk != nil {
		d.talk.endLocked(fmt.Errorf("%w: %w", lines.ErrDown, why))
	}
	d.mu.Unlock()
	signal(d.poke)
	signal(d.wake)
}

// take gets the token. An error that is lines.ErrDown where the line is not in service.
func (d *Driver) take(ctx context.Context) error {
	if err := d.ready(); err != nil {
		return err
	}
	select {
	case d.op <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := d.ready(); err != nil {
		d.give()
		return err
	}
	return nil
}

func (d *Driver) give() {
	<-d.op
	signal(d.wake)
}

func (d *Driver) ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.up:
		return nil
	case d.lost != nil:
		return fmt.Errorf("%w: %w", lines.ErrDown, d.lost)
	}
	return lines.ErrDown
}

func (d *Driver) generation() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.gen
}

func (d *Driver) debug(format string, args ...any) {
	if d.o.Debug != nil {
		d.o.Debug(d.o.Config.TTY, fmt.Sprintf(format, args...))
	}
}

// drop ends a call's data state. online says that the modem is still connected, as far as is known.
func (d *Driver) drop(c *conn, online bool) {
	d.mu.Lock()
	if d.conn == c {
		d.conn = nil
		d.split.reset()
		d.online, d.deaf, d.used = online, online, true
	}
	d.endLocked(c)
	d.mu.Unlock()
	signal(d.poke)
	signal(d.wake)
}

// endLocked ends a call and remembers what it may have left on the modem's command line.
func (d *Driver) endLocked(c *conn) {
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	d.left = max(d.left, c.wrote.left())
	c.wrote = suspect{}
}
