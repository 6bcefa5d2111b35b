package modem

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ringback/ringback/lines"
)

// readSize is small: each line needs this memory, and a modem sends no more at a time.
const readSize = 512

// read is the reader's goroutine: it reads until the port ends or the line rests.
func (d *Driver) read(port lines.Port) {
	buf := make([]byte, readSize)
	var c *conn // the call whose patience is the read deadline; nil: none is set
	for {
		n, err := port.Read(buf)
		d.feed(buf[:n])
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			if c != nil {
				c.quiet()
			}
		case err != nil:
			d.fail(port, portEnd(err))
			return
		}
		var rests bool
		if c, rests = d.setPatience(port, c); rests {
			return
		}
	}
}

func portEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return &lines.Failed{Kind: lines.FailEnded, Text: "the port ended (modem unplugged, or the server closed " +
			"the connection?)"}
	}
	return fmt.Errorf("read: %w", err)
}

// setPatience sets the read deadline that the call needs, if there is one, and returns the call. It holds the lock,
// so that it does not overwrite the deadline that ends the reader.
func (d *Driver) setPatience(port lines.Port, had *conn) (c *conn, rests bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.resting {
		return nil, true
	}
	if c = d.conn; c != nil {
		if p := c.patience(); p > 0 {
			_ = port.SetReadDeadline(time.Now().Add(p)) // if it fails, so does the next Read
			return c, false
		}
	}
	if had != nil {
		_ = port.SetReadDeadline(time.Time{})
	}
	return nil, false
}

// feed passes bytes from the port to the call in data state, otherwise to the splitter and the script.
func (d *Driver) feed(b []byte) {
	for len(b) > 0 {
		d.mu.Lock()
		c := d.conn
		if c == nil {
			var noises int
			var rang bool
			b, noises, rang = d.commandLocked(b)
			d.mu.Unlock()
			for range noises {
				d.host.Count(lines.Noise)
			}
			if rang {
				signal(d.wake)
			}
			signal(d.notify)
			continue
		}
		d.mu.Unlock()
		b = c.feed(b)
	}
}

// commandLocked handles bytes in command state, up to the end of a CONNECT line. It returns the remaining bytes.
func (d *Driver) commandLocked(b []byte) (rest []byte, noises int, look bool) {
	for len(b) > 0 && d.conn == nil {
		if d.deafLocked() {
			return nil, noises, look
		}
		n, line, cr := d.split.next(b)
		// a script sees neither the answer to the driver's own command nor what a stranger has written
		if d.talk != nil && d.reply.wants == nil && !d.expectsPDU && !time.Now().Before(d.strange) {
			d.talk.in.force(d.inCapitals(b[:n]))
		}
		b = b[n:]
		if line == nil {
			break
		}
		if d.strangersLocked(line) {
			continue
		}
		e := d.codes.parse(line, d.numbers != words && !d.reply.secret)
		d.show(e)
		if d.takeLocked(e, cr) {
			look = true
		}
		if e.kind == noise && d.phase != starting { // before the echo is off
			noises++
		}
	}
	return b, noises, look
}

// inCapitals converts lower-case result codes for scripts, which wait for OK and CONNECT.
func (d *Driver) inCapitals(b []byte) []byte {
	if !d.lower {
		return b
	}
	return bytes.ToUpper(b)
}

// show reports the modem's line to debug, except the proof.
func (d *Driver) show(e event) {
	switch {
	case d.o.Debug == nil || e.kind == echo:
	case d.reply.secret && e.kind != result:
		d.debug("<- [secret]")
	default:
		d.debug("<- %q", e.text)
	}
}

// takeLocked handles one line and reports whether Run should check its state.
func (d *Driver) takeLocked(e event, cr bool) (look bool) {
	switch e.kind {
	case caller:
		return d.happenLocked(happening{on: onCallerID, line: e})
	case voiceRing:
		d.heard = time.Now()
		return d.happenLocked(happening{on: onVoiceRing, line: e})
	case info:
		d.heard = time.Now()
		d.reply.tell(e.text)
		if d.talk != nil {
			d.talk.said = e.text
		}
		return false
	case result:
	default:
		return false
	}
	d.heard, d.lastCode = time.Now(), time.Now()
	on := modemSays(e.code)
	if on != onRing {
		d.spoke = words
		if e.numeric {
			d.spoke = digits
		}
		d.lower = e.text == "ok" || d.lower && e.text != "OK"
	}
	if d.talk != nil {
		d.talk.last = e.code
	}
	if d.reply.wants != nil && d.reply.wants(e.code) {
		d.reply.code = e.code
	}
	return on != "" && d.happenLocked(happening{on: on, line: e, cr: cr})
}

// ringLocked counts a ring. The caller's number may have arrived before it.
func (d *Driver) ringLocked(e event) {
	if time.Since(latest(d.lastRing, d.callerAt)) > d.t.Rings {
		d.quietLocked()
	}
	d.rings++
	d.lastRing = time.Now()
	d.voice = e.kind == voiceRing
	if e.caller != "" {
		d.callerLocked(e.caller)
	}
	if e.called != "" {
		d.called = e.called
	}
	if d.talk != nil {
		d.tried = d.rings // not answered after the script, unless ringing continues
	}
}

// quietLocked forgets the ringing call.
func (d *Driver) quietLocked() {
	d.rings, d.tried, d.caller, d.called, d.lastRing, d.callerAt = 0, 0, "", "", time.Time{}, time.Time{}
	d.voice = false
	d.unscreenLocked(nil)
}

// lookAtSignals handles a change of the modem signals. Any goroutine may have received the token of the port. The
// signals are read with the lock held: of two goroutines, the one that read earlier must not write later.
func (d *Driver) lookAtSignals() {
	d.mu.Lock()
	if d.port == nil || !d.port.HasSignals() {
		d.mu.Unlock()
		return
	}
	now := d.port.Signals()
	changed := now != d.signals
	if now.Has(lines.RI) && !d.signals.Has(lines.RI) {
		d.ringSignal = time.Now()
	}
	if d.phase == idle && now&lines.DSR != d.signals&lines.DSR { // its power went off or came back: it is probed now
		d.probeAt, d.heard = time.Now(), time.Time{}
	}
	d.signals = now
	var over *conn
	if c := d.conn; c != nil {
		if now.Has(lines.DCD) {
			c.carrier = true
			d.host.Notice(noticeCarrier, "")
		} else if c.carrier {
			over = c
		}
	}
	d.mu.Unlock()
	if !changed {
		return
	}
	d.host.Signals(now)
	if over != nil {
		d.debug("carrier lost")
		d.drop(over, onCarrierLost)
	}
	signal(d.notify)
	signal(d.wake)
}

// connectLocked begins the data phase of a call.
func (d *Driver) connectLocked(h happening) {
	d.conn, d.ringSignal = d.newConn(h.line, h.cr), time.Time{}
	if d.conn.carrier {
		d.host.Notice(noticeCarrier, "")
	}
}

// drop ends the data phase of a call that is still up; on is onCarrierLost or onGiveUp.
func (d *Driver) drop(c *conn, on trigger) {
	d.mu.Lock()
	if d.conn == c {
		d.happenLocked(happening{on: on})
	}
	d.mu.Unlock()
	signal(d.wake)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// hasCarrier reports whether a modem signal shows that the call is up. It is false without modem signals.
func (d *Driver) hasCarrier(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return c.port.HasSignals() && c.carrier && d.signals.Has(lines.DCD)
}

// dcd reports whether DCD is on.
func (d *Driver) dcd() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.signals.Has(lines.DCD)
}
