package modem

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/lines"
)

// conn is the data of a call: a lines.Data.
type conn struct {
	d    *Driver
	port lines.Port
	gen  uint64 // of the port: the call ends with it
	in   *queue
	done chan struct{}
	born time.Time
	text string // the CONNECT line
	rate int    // bit/s from it; 0 unknown

	noCarrier string // this modem's NO CARRIER, between CR LFs

	// Used only by the reader's goroutine.
	eatLF bool // the LF of the CONNECT line is still to come
	held  int  // how many bytes of noCarrier were read
	// how many of them were passed on: a CR typed by a user must not wait for more input
	passed  int
	behind  []byte // the octets after it, up to the end of a line
	overrun bool   // there was no room, even after a wait

	escapes escapes // of the writer: guarded by d.writing

	claimed bool // the call has an owner; guarded by d.mu
	carrier bool // DCD was seen on; guarded by d.mu

	mu       sync.Mutex
	ended    bool
	heard    time.Time // when octets were last received
	holding  bool      // some are held back
	soon     int       // octets of a line end, if nothing else is held back
	stuck    bool      // some do not fit
	gated    bool      // a Write waits for silence
	wrote    suspect
	frames   bool      // the owner writes frames, not text
	until    time.Time // write deadline of the owner
	crossing time.Time // when the written octets will have crossed the line

	lost    atomic.Uint64 // octets that were received and dropped
	hanging atomic.Bool
	hung    chan struct{} // closed when hangErr is set
	hangErr error
}

// noCarrier is the modem's message that the carrier is lost; some modems send it in lower case. In the middle of data
// it is data.
const noCarrier = "\r\nNO CARRIER\r\n"

// lineEnd is the length of a line end, which a user also types.
const lineEnd = len("\r\n")

func (d *Driver) newConn(e event, cr bool) *conn {
	loss := noCarrier
	if d.lower {
		loss = strings.ToLower(loss)
	}
	return &conn{
		noCarrier: loss,
		d:         d, port: d.port, gen: d.gen, in: newQueue(), done: make(chan struct{}), hung: make(chan struct{}),
		born: time.Now(), text: e.text, rate: e.speed,
		eatLF: cr && !e.numeric, carrier: d.signals.Has(lines.DCD), escapes: d.escapes,
	}
}

// call returns the lines.Call of a connection. The pool sets its ID.
func (c *conn) call(dir lines.Direction, from, to string) *lines.Call {
	return &lines.Call{
		Data: c, TTY: c.d.o.Config.TTY, Direction: dir, Connect: c.text, Speed: c.rate, Caller: from, Called: to,
		Start: time.Now(), Escapes: c.escapes.chars(),
	}
}

// feed passes octets to the call. It blocks while there is no room, and returns the octets that it did not accept
// because the call had ended. NO CARRIER on a line of its own is held back: it is data only if more data follows, and
// a session must not mistake an interrupted line for a complete one.
func (c *conn) feed(b []byte) []byte {
	c.hear()
	defer c.hear()
	if c.eatLF && len(b) > 0 {
		c.eatLF = false
		if b[0] == '\n' {
			b = b[1:]
		}
	}
	for len(b) > 0 {
		n := 0
		if c.held == 0 {
			if n = bytes.IndexByte(b, c.noCarrier[0]); n < 0 {
				n = len(b)
			}
		} else if c.held == len(c.noCarrier) {
			if len(c.behind) < maxBehind {
				c.behind = append(c.behind, b[0])
				b = b[1:]
				if line, whole := lineOf(c.behind); !whole {
					continue
				} else if c.d.isModems(line) && !c.d.hasCarrier(c) {
					c.d.drop(c, onCarrierLost)
					return b
				}
			}
			// The octets were data, and their end may be the start of another NO CARRIER.
			rest := c.behind
			if !c.push([]byte(c.noCarrier[c.passed : len(c.noCarrier)-2])) {
				return b
			}
			c.held, c.passed, c.behind = 2, 0, nil
			b = append(rest, b...)
			continue
		}
		if n > 0 && !c.push(b[:n]) {
			return b
		}
		b = b[n:]
		if len(b) == 0 {
			break
		}
		if b[0] == c.noCarrier[c.held] {
			c.held++
			b = b[1:]
		} else if !c.letGo() {
			return b
		}
	}
	return nil
}

// maxBehind is how many octets after a NO CARRIER are examined for a RING or a caller's number.
const maxBehind = 80

// lineOf returns the first line of b that is not empty, and whether it is complete.
func lineOf(b []byte) (line []byte, whole bool) {
	line = bytes.TrimLeft(b, "\r\n")
	end := bytes.IndexAny(line, "\r\n")
	if end < 0 {
		return line, false
	}
	return line[:end], true
}

// isModems reports whether a line is a modem's message in command state. After NO CARRIER such a line confirms the
// end of the call: the next call may ring before the silence that otherwise confirms it. If the caller typed both,
// only the session ends.
func (d *Driver) isModems(line []byte) bool {
	e := d.codes.parse(line, false)
	return e.kind == result && e.code != lines.Connected && e.code != lines.NoCarrier || e.kind == caller
}

// letGo passes on the data that was held back.
func (c *conn) letGo() bool {
	b := append([]byte(c.noCarrier[c.passed:c.held]), c.behind...)
	c.held, c.passed, c.behind = 0, 0, nil
	return c.push(b)
}

// push blocks until b is in the queue. The text that ends the call may follow b. So if a Write waits for silence, or
// if only text reports the end and there was no room for a while, data that does not fit is dropped. False means that
// the call has ended.
func (c *conn) push(b []byte) bool {
	for len(b) > 0 {
		select {
		case <-c.done:
			return false
		default:
		}
		n := c.in.put(b)
		b = b[n:]
		if n > 0 {
			c.overrun = false
		}
		// This also holds if some octets fit: the owner of a gated Write does not read, and the reader must get past
		// b before the gate opens.
		if len(b) == 0 || c.isGated() || n == 0 && c.overrun {
			c.lost.Add(uint64(len(b)))
			break
		}
		c.setStuck(true)
		ok := c.awaitRoom()
		c.setStuck(false)
		if !ok {
			return false
		}
	}
	return true
}

// Overrun returns how many octets were received and dropped, because nobody read those before them in time.
func (c *conn) Overrun() uint64 { return c.lost.Load() }

func (c *conn) setStuck(is bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stuck = is
	c.heard = time.Now()
}

func (c *conn) awaitRoom() bool {
	var late <-chan time.Time
	if !c.port.HasSignals() {
		t := time.NewTimer(c.d.t.Silence)
		defer t.Stop()
		late = t.C
	}
	select {
	case <-c.in.room:
	case <-late:
		c.overrun = true
	case <-c.done:
		return false
	}
	return true
}

// patience returns how long the reader waits for more input before it calls quiet; 0 means without limit.
func (c *conn) patience() time.Duration {
	switch {
	case c.held == c.passed:
		return 0
	case c.held <= lineEnd:
		return c.d.t.Silence / 15
	}
	return c.d.t.Silence // also for a partial match: the text may arrive in pieces
}

// quiet handles a silence of the length of patience.
func (c *conn) quiet() {
	if line, _ := lineOf(c.behind); c.held == len(c.noCarrier) && len(line) == 0 && !c.d.hasCarrier(c) {
		c.d.drop(c, onCarrierLost)
		return
	}
	if c.held > lineEnd {
		c.letGo()
	} else if c.push([]byte(c.noCarrier[c.passed:c.held])) {
		c.passed = c.held
	}
	c.hear()
}

// Frames says that the owner writes frames from now on, which are repeated if they are lost: they do not wait until the
// far modem accepts text.
func (c *conn) Frames() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames = true
}

// Read implements lines.Data.
func (c *conn) Read(b []byte) (int, error) { return c.in.read(b) }

// Buffered returns the number of octets that can be read without waiting. A line end, which is held back for a moment
// only, counts: it belongs to what arrived before it.
func (c *conn) Buffered() int {
	n := c.in.buffered()
	c.mu.Lock()
	defer c.mu.Unlock()
	return n + c.soon
}

// SetReadDeadline implements lines.Data.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setReadDeadline(t)
	return nil
}

// Write implements lines.Data.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.gate(b); err != nil {
		return 0, err
	}
	c.d.writing.Lock()
	defer c.d.writing.Unlock()
	if err := c.mayWrite(); err != nil {
		return 0, err
	}
	n, err := c.writeData(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.ended {
		err = io.EOF
	}
	return n, err
}

// mayWrite sets the port's deadline for a Write. It holds the lock, so that the end of the call comes before or after
// it, but not in between.
func (c *conn) mayWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return io.EOF
	}
	return c.port.SetWriteDeadline(c.until)
}

// SetWriteDeadline implements lines.Data.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	if c.ended {
		return nil
	}
	return c.port.SetWriteDeadline(t)
}

// cross estimates when n more bytes will have crossed the line, at ten bits a byte.
func (c *conn) cross(n int) {
	rate := c.rate
	if p, ok := c.port.(interface{ Speed() int }); ok {
		if s := p.Speed(); s > 0 && (rate == 0 || s < rate) {
			rate = s
		}
	}
	if rate == 0 {
		return
	}
	if now := time.Now(); c.crossing.Before(now) {
		c.crossing = now
	}
	c.crossing = c.crossing.Add(time.Duration(n) * 10 * time.Second / time.Duration(rate))
}

// Drain implements lines.Data. The modem does not report when its buffer is empty, so the time is estimated from the
// slower of the port and CONNECT speeds, plus Timing.Drain.
func (c *conn) Drain(ctx context.Context) error {
	c.mu.Lock()
	wait := max(0, time.Until(c.crossing)) + c.d.t.Drain
	c.mu.Unlock()
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-c.done:
		return io.EOF
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done implements lines.Data.
func (c *conn) Done() <-chan struct{} { return c.done }

// end closes the call for its owner: received octets can still be read; a blocked Write returns.
func (c *conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	close(c.done)
	c.in.finish(io.EOF)
	_ = c.port.SetWriteDeadline(time.Unix(1, 0)) // best effort: a lost port has no deadline
}

// Hangup implements lines.Data.
func (c *conn) Hangup(ctx context.Context) error {
	if c.hanging.CompareAndSwap(false, true) {
		defer close(c.hung)
		c.hangErr = c.hangup(ctx)
		return c.hangErr
	}
	select {
	case <-c.hung:
		return c.hangErr
	case <-ctx.Done():
		return fmt.Errorf("hang up tty %d: %w", c.d.o.Config.TTY, context.Cause(ctx))
	}
}

func (c *conn) hangup(ctx context.Context) error {
	d := c.d
	d.drop(c, onGiveUp)
	if err := d.take(ctx); err != nil {
		return fmt.Errorf("hang up tty %d: %w", d.o.Config.TTY, err)
	}
	defer d.give()
	if d.generation() != c.gen { // the port was reopened, which proved the line on hook
		return nil
	}
	d.host.Phase(lines.HangingUp)
	var err error
	if d.needsProof() { // a look at the line may have been faster, and have proved it
		err = d.prove(ctx)
	}
	d.host.Phase(lines.Idle)
	if err != nil {
		return fmt.Errorf("hang up tty %d: %w", d.o.Config.TTY, err)
	}
	return nil
}

// needsProof reports whether a call or an attempt without an owner may be up, or the line is unproven. The caller holds
// the token.
func (d *Driver) needsProof() bool {
	d.lookAtSignals()
	switch d.phaseNow() {
	case idle, used:
		return d.dcd()
	case connected: // the next call, which the modem answered by itself
		return false
	}
	return true
}
