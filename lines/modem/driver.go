// Package modem drives AT modems (V.250, Hayes), with one Driver per line. A Driver opens the port, initializes the
// modem, answers, lets scripts dial, hangs up and proves the line on hook. It always reads the port; an idle line
// uses one goroutine. It does not choose lines and knows no sessions.
//
// One table (phase.go) defines the driver's view of the line. On a port without modem signals, the modem's messages
// and the caller's data share one stream. There the modem proves its state by a secret in its registers (proof.go).
package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/lines"
)

// Options are the parameters of a Driver.
type Options struct {
	Config *lines.Config // must not change after New
	// Open opens the port; its errors name the port. The driver closes it, and opens it again if it is lost.
	Open func(ctx context.Context) (lines.Port, error)
	// Proofs stores the proofs of the modem's state on a port without modem signals. nil stores them in memory: a
	// call that an earlier process left up can then be hung up, but not distinguished from a modem that was switched
	// off meanwhile.
	Proofs *Proofs
	// Debug receives one line per event. It must not block; may be nil.
	Debug func(tty int, text string)
}

// Driver operates one line; it is the lines.Driver for AT modems. New creates one.
//
// The holder of the token (the channel op) owns the modem's command line: Run while the line is down or being
// answered, otherwise the goroutine of Command, Dial, Settle or a call's Hangup. The reader's goroutine reads bytes
// immediately, independent of the token. While the line rests there is no reader; input from the port, or taking the
// token, starts it again.
type Driver struct {
	o          Options
	t          *lines.Timing // of o.Config, with its defaults
	codes      *codes
	autoAnswer string // "S0=1" if the modem answers by itself (Config.Init); otherwise ""

	op      chan struct{} // capacity 1: the token
	wake    chan struct{} // capacity 1: Run should check its state
	notify  chan struct{} // capacity 1: the token's holder should check its state
	writing sync.Mutex    // held while writing to the port

	proof proof       // of a port without signals; of the token's holder
	alarm *time.Timer // of the token's holder; nil until the holder first waits

	host    lines.Host     // set by Run
	reopen  time.Duration  // the pause before the port is opened again; of live
	reading sync.WaitGroup // the reader

	recovery recovery // of the token's holder; of live while the port is closed
	speed    int      // of the port, in bit/s, if followConnect or findSpeed has set it; of the token's holder
	wasReady bool     // the modem has been ready; guarded as recovery is
	rested   bool     // the line has rested, so the port is open
	rungIn   int      // resets in a row that a call has made void; of live, with the token

	mu    sync.Mutex // guards the fields below
	port  lines.Port
	gen   uint64 // counts opened ports
	phase phase
	lost  error // why the port must be closed; nil while it works

	// small fields side by side: there may be thousands of lines
	resting   bool // the reader must end, or has ended: see rest.go
	open      bool // initialized, and available to users of the line
	retry     bool // retry a lost port immediately
	doubted   bool // phase hangingUp followed unproven: the line is quarantined, and tries to leave that
	muffled   bool // input is discarded: the silence around an escape
	disturbed bool // the modem rang or connected during its reset
	lower     bool // the modem sends result codes in lower case
	signals   lines.Signals
	numbers   numbering
	spoke     numbering // the form of the last result code

	// when the operator cleared the line and so confirmed that no call is up; a modem that lost its proof may then be
	// reset; zero: not confirmed, or already used
	vouchedAt time.Time
	split     splitter
	lastCode  time.Time // when the last result code was received
	heard     time.Time // when the modem last answered a command
	probeAt   time.Time // when an idle modem is probed next; zero: not set yet
	talk      *talk     // the script on the command line
	reply     reply     // the answer to the driver's own command
	conn      *conn     // the data of phase connected
	left      int       // octets of a call that may be in the modem's command line
	crossing  time.Time // when the last call's octets will have crossed the line
	escapes   escapes   // the filter for the data that a call writes

	rings    int // since ringing started
	tried    int // the ring at which the last attempt to answer was made
	lastRing time.Time
	// when RI came on last, unless that call was connected: RING may have been lost in the data of a call
	ringSignal time.Time
	ringKept   time.Time    // the last ring of a call that the running hang-up does not end
	keepsRings bool         // the running hang-up ends no call: a first ring is kept too
	lateRing   [2]time.Time // the last two rings after ATA was sent, the earlier one first
	caller     string
	callerAt   time.Time
	called     string
	screened   screening               // of the ringing call
	unring     context.CancelCauseFunc // ends the running call check; nil: none
	voice      bool                    // the ringing call is a voice call, which is never answered

	mail       *mailbox  // nil: no short messages are wanted
	expectsPDU bool      // the next line is the PDU of a short message
	strange    time.Time // until then the modem's output is a stranger's text

	checks sync.WaitGroup // running call checks, and handling of messages
}

// numbering is whether the modem sends numeric result codes (V0). It is learned from the first answers.
type numbering uint8

const (
	unknown numbering = iota
	words
	digits
)

// maxReopen is the longest pause before a lost port is reopened.
const maxReopen = 30 * time.Second

// New returns a Driver that does nothing until Run.
func New(o Options) *Driver {
	if o.Proofs == nil {
		o.Proofs = &Proofs{}
	}
	d := &Driver{
		o: o, codes: newCodes(o.Config.ResultCodes, o.Config.Profile.CallerID.Lines),
		autoAnswer: autoAnswerOf("AT" + strings.TrimPrefix(strings.ToUpper(o.Config.Init), "AT")), phase: closed,
		op: make(chan struct{}, 1), wake: make(chan struct{}, 1), notify: make(chan struct{}, 1),
	}
	d.t = timingOf(o.Config)
	d.reopen = d.t.Reopen
	if o.Config.Messages {
		d.mail = &mailbox{}
	}
	d.proof = newProof(o)
	return d
}

// timingOf returns the timing of a line with its defaults, without a copy if it has them already.
func timingOf(c *lines.Config) *lines.Timing {
	t := c.Timing.WithDefaults()
	if t == c.Timing {
		return &c.Timing
	}
	whole := t
	return &whole
}

// Run implements lines.Driver.
func (d *Driver) Run(ctx context.Context, h lines.Host, ended func(error)) {
	d.host = h
	stop := context.AfterFunc(ctx, d.rouse)
	go d.live(ctx, func(err error) {
		stop()
		ended(err)
	})
}

// live is the goroutine that operates the line until the line may rest or ctx ends.
func (d *Driver) live(ctx context.Context, ended func(error)) {
	defer func() {
		if p := recover(); p != nil {
			d.abandon()
			ended(fmt.Errorf("panic: %v", p))
		}
	}()
	if d.work(ctx) {
		go d.rest(ctx, ended)
		return
	}
	ended(nil)
}

// abandon closes the port after a failure of the driver.
func (d *Driver) abandon() {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	if port != nil {
		d.closePort()
	}
}

// work opens the port, unless it is still open after a rest, and operates the line; it repeats this when the port is
// lost.
func (d *Driver) work(ctx context.Context) (rests bool) {
	for {
		wasUp, err := d.workPort(ctx)
		switch {
		case err == errRests:
			return true
		case ctx.Err() != nil:
			return false
		}
		pause, err := d.laterPort(wasUp, err)
		d.host.Down(err)
		d.debug("down: %v", err)
		d.sleep(ctx, pause)
	}
}

func (d *Driver) sleep(ctx context.Context, pause time.Duration) {
	t := time.NewTimer(pause)
	defer t.Stop()
	for !d.mayRetry() {
		select {
		case <-t.C:
			return
		case <-d.wake:
		case <-ctx.Done():
			return
		}
	}
}

// mayRetry reports whether the operator asked for an immediate retry of the port, and clears that request.
func (d *Driver) mayRetry() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	is := d.retry
	d.retry = false
	return is
}

// workPort operates the line until the line may rest, the port is lost or ctx ends.
func (d *Driver) workPort(ctx context.Context) (wasUp bool, err error) {
	if d.rested {
		d.rested = false
		d.startReader()
	} else if err := d.openPort(ctx); err != nil {
		return false, err
	}
	err = d.serve(ctx)
	if err == errRests {
		d.rested = true
		return true, err
	}
	d.stopUsers(err)
	d.op <- struct{}{} // its holder notices that the port is lost
	if ctx.Err() != nil {
		d.leave(context.WithoutCancel(ctx))
	}
	d.closePort()
	<-d.op
	return true, err
}

// openPort opens the port and gets the modem ready.
func (d *Driver) openPort(ctx context.Context) error {
	select {
	case d.op <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.op }()
	port, err := d.o.Open(ctx)
	if err != nil {
		return err // the error names the port
	}
	d.install(port)
	d.speed = 0
	d.startReader()
	d.lookAtSignals()
	unproven, err := d.start(ctx)
	if err != nil {
		d.closePort()
		return err
	}
	d.started(unproven)
	d.recovered()
	d.alarm = nil
	return nil
}

func (d *Driver) startReader() {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	d.reading.Go(func() { d.read(port) })
}

// closePort closes the port and waits for its users. The caller holds the token.
func (d *Driver) closePort() {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	d.fail(port, errClosed)
	_ = port.Close() // not usable any more, whatever Close returns
	d.reading.Wait()
	d.mu.Lock()
	d.unscreenLocked(lines.ErrDown)
	d.quietLocked() // no verdict is expected any more
	d.dropMailLocked()
	d.mu.Unlock()
	d.checks.Wait()
}

// started makes the line available to its users.
func (d *Driver) started(unproven error) {
	h := happening{on: onProven, why: unproven}
	if unproven != nil {
		h.on = onUnproven
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.happenLocked(h)
}

var errClosed = errors.New("the port is being closed")

func (d *Driver) install(port lines.Port) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.port, d.lost, d.signals = port, nil, 0
	d.gen++
	d.split.reset()
	d.numbers, d.reply, d.conn, d.talk = unknown, reply{}, nil, nil
	d.muffled, d.disturbed = false, false
	d.left = maxLeft // of the previous process, which may have been killed during a call
	d.crossing, d.escapes, d.probeAt = time.Time{}, escapes{}, time.Time{}
	d.quietLocked()
	d.happenLocked(happening{on: onOpened})
}

// tellUpLocked reports the line as up and makes it available. It holds the lock, so that a loss is always reported
// after it.
func (d *Driver) tellUpLocked(h happening) {
	d.open = true
	d.host.InBand(!d.port.HasSignals())
	d.host.Up(h.why)
	d.debug("ready")
}

// stopUsers ends the script or call on the line, so that the token is released.
func (d *Driver) stopUsers(why error) {
	d.mu.Lock()
	d.open = false
	t := d.talk
	if t != nil {
		t.endLocked(why)
	}
	d.happenLocked(happening{on: onGiveUp})
	d.mu.Unlock()
	signal(d.notify)
}

// leave hangs up before the port is closed for the last time.
func (d *Driver) leave(ctx context.Context) {
	d.mu.Lock()
	needed := d.lost == nil && d.callMayBeUpLocked()
	d.mu.Unlock()
	if !needed {
		return
	}
	if err := d.prove(ctx); err != nil {
		d.debug("not proven on hook at shutdown: %v", err)
	}
}

// fail marks the port as lost. The pool is informed before the users of the line, so that the line is not leased
// meanwhile.
func (d *Driver) fail(port lines.Port, why error) {
	d.mu.Lock()
	if d.port != port || d.lost != nil {
		d.mu.Unlock()
		return
	}
	d.lost = why
	d.happenLocked(happening{on: onLost, why: fmt.Errorf("%w: %w", lines.ErrDown, why)})
	d.mu.Unlock()
	signal(d.notify)
	signal(d.wake)
}

// tellDownLocked reports the line as down.
func (d *Driver) tellDownLocked(happening) {
	if d.open {
		d.host.Down(d.lost)
	}
	d.open = false
}

// take takes the token. The error is lines.ErrDown if the line is not in service.
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

// tryTake takes the token if it is free. Its holder wakes Run when it releases the token.
func (d *Driver) tryTake() bool {
	select {
	case d.op <- struct{}{}:
		return true
	default:
		return false
	}
}

func (d *Driver) give() {
	d.alarm = nil // an idle line needs none
	<-d.op
	signal(d.wake)
}

func (d *Driver) ready() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rouseLocked()
	switch {
	case d.open:
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

func (d *Driver) phaseNow() phase {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.phase
}

func (d *Driver) debug(format string, args ...any) {
	if d.o.Debug != nil {
		d.o.Debug(d.o.Config.TTY, fmt.Sprintf(format, args...))
	}
}

// endCallLocked ends a call and records what it may have left in the modem's command line.
func (d *Driver) endCallLocked() {
	c := d.conn
	if c == nil {
		return
	}
	d.conn = nil
	d.split.reset()
	c.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	d.left = max(d.left, c.wrote.left())
	c.wrote = suspect{}
	d.crossing = c.crossing
	signal(d.wake)
}
