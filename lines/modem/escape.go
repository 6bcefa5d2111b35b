package modem

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// On a port without modem signals, the driver returns from data to the command line with the escape: silence, three
// escape characters, silence (S2, S12). Only the driver escapes; a session can never send three such characters in a
// row within a call.

// escapeUnit is the unit of S12.
const escapeUnit = 20 * time.Millisecond

// plus is the default escape character of modems.
const plus = '+'

// escapeChars are the values used for S2: 7-bit control characters that neither terminals nor file transfers send
// three times in a row. This excludes NUL, BEL, BS, HT, LF, CR, XON, XOFF, ESC, CAN, SUB, ^C, ^^ and others. The list
// is short, so that the driver can try all of them on a modem in an unknown state.
var escapeChars = []byte{0x16, 0x17, 0x19, 0x1c}

// guardUnits returns the value for S12. Timing.Guard is 10 % longer.
func (d *Driver) guardUnits() int {
	return min(max(1, int((d.t.Guard*10/11+escapeUnit/2)/escapeUnit)), 255)
}

// guardTime returns the silence around an escape: S12 plus 10 %.
func (d *Driver) guardTime() time.Duration {
	units := d.proof.guard
	if units == 0 {
		units = d.guardUnits()
	}
	return max(time.Duration(units)*escapeUnit*11/10, d.t.Guard)
}

// setEscape sets S2 and S12 and reads them back. A modem that keeps its own values is accepted if it reports its
// escape character and has a guard time.
func (d *Driver) setEscape(ctx context.Context) error {
	char, guard := int(d.proof.char), d.guardUnits()
	told, err := d.tryEscape(ctx, fmt.Sprintf("ATS2=%dS12=%dS2?S12?\r", char, guard))
	if err != nil {
		return err
	}
	if len(told) == 2 && told[0] == char && told[1] == guard {
		return d.takeEscape(told[0], told[1])
	}
	one := [2]int{-1, -1} // the modem rejects one of them, or the whole line
	for i, text := range []string{fmt.Sprintf("S2=%d", char), fmt.Sprintf("S12=%d", guard), "S2?", "S12?"} {
		told, err := d.tryEscape(ctx, "AT"+text+"\r")
		if err != nil {
			return err
		}
		if i >= 2 && len(told) == 1 {
			one[i-2] = told[0]
		}
	}
	return d.takeEscape(one[0], one[1])
}

func (d *Driver) tryEscape(ctx context.Context, text string) ([]int, error) {
	r, err := d.command(ctx, order{text: text, limit: d.queryTime(), numbers: strings.Contains(text, "?"), shown: text})
	if err != nil && err != errWaited {
		return nil, fmt.Errorf("%.20s: %w", text, err)
	}
	return numbersIn(r.info), nil
}

// takeEscape records the escape that the modem reports; -1 means not reported.
func (d *Driver) takeEscape(char, guard int) (err error) {
	switch {
	case char < 0 || guard < 0:
		err = fmt.Errorf("%w: it does not report its escape character and guard time (S2, S12)", errNoProof)
	case guard == 0:
		err = fmt.Errorf("%w: it has no guard time (S12=0), so data can escape", errNoProof)
	case char != int(d.proof.char) && char != plus:
		err = fmt.Errorf("%w: its escape character is %d and cannot be set (S2)", errNoProof, char)
	}
	if char < 0 || char > 127 {
		char = plus
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.proof.escape, d.proof.guard = byte(char), max(guard, 0)
	d.escapes = escapes{char: d.proof.escape, late: err == nil && char == plus, pause: d.guardTime()}
	return err
}

// escape returns from data to the command line. For each character in turn it sends silence, three characters in one
// write, silence. Input is discarded meanwhile. A modem that is already on its command line does not answer; the
// final CR ends what it may have read as a command.
func (d *Driver) escape(ctx context.Context, chars ...byte) error {
	return d.escapeAfter(ctx, d.guardTime(), chars)
}

// escapeAfter is escape with a silence of the given length.
func (d *Driver) escapeAfter(ctx context.Context, silence time.Duration, chars []byte) error {
	if err := d.drained(ctx); err != nil {
		return err
	}
	d.setMuffled(true)
	defer d.setMuffled(false)
	return d.sendEscapes(ctx, silence, chars)
}

// sendEscapes is escapeAfter, but does not discard the input.
func (d *Driver) sendEscapes(ctx context.Context, silence time.Duration, chars []byte) error {
	if err := d.pause(ctx, silence); err != nil { // the full silence: the modem may just have connected
		return err
	}
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	d.host.Count(lines.Escapes)
	n := 0
	for _, c := range chars {
		if err := d.send(port, []byte{c, c, c}, time.Now().Add(d.t.Command), ""); err != nil {
			return err
		}
		if err := d.pause(ctx, silence); err != nil {
			return err
		}
		n += 3
	}
	return d.send(port, append(d.erase(n), '\r'), time.Now().Add(d.t.Command), "")
}

func (d *Driver) setMuffled(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.muffled = on
	d.split.reset()
}

// errFull is the error of a port that does not send the data that a call wrote.
var errFull = &lines.Failed{Kind: lines.FailUnsent, Text: "the port does not send the data written to it, so no " +
	"escape reaches the modem: reopening the port"}

// drained waits until the written data has left this machine and had time to cross the line, because the modem
// measures the silence of an escape. A port that does not drain is closed.
func (d *Driver) drained(ctx context.Context) error {
	d.mu.Lock()
	port, crossing := d.port, d.crossing
	d.mu.Unlock()
	if wait := time.Until(crossing); wait > 0 {
		if err := d.pause(ctx, min(wait, d.t.OnHook)); err != nil {
			return err
		}
	}
	p, ok := port.(interface{ Unsent() (int, error) })
	if !ok {
		return nil
	}
	for end := time.Now().Add(d.t.OnHook); ; {
		n, err := p.Unsent()
		switch {
		case err != nil || n == 0: // a port without this information is treated as drained
			return nil
		case !time.Now().Before(end):
			return errFull
		}
		if err := d.pause(ctx, escapeUnit/2); err != nil {
			return err
		}
	}
}

// escapes filters the data that a call writes. The zero value passes everything.
type escapes struct {
	char  byte          // 0: no escape to protect
	late  bool          // the third one is sent after the guard time; otherwise it is dropped
	pause time.Duration // the guard time

	run    int  // escape characters in a row at the end of the written data
	waited bool // the guard time has passed since
}

// chars returns the characters that the modem may take for its escape: the one that the driver uses, and the default,
// which a modem keeps whose S2 is not set.
func (e *escapes) chars() []byte {
	if e.char == 0 || e.char == plus {
		return []byte{plus}
	}
	return []byte{plus, e.char}
}

// next returns how many octets may be sent now: up to a third escape character in a row. skip is the number of octets
// after them that are dropped; wait means that the guard time must pass before the rest. Characters that a modem may
// drop (NUL, XON, XOFF) do not end a row, and the eighth bit (parity) is ignored.
func (e *escapes) next(b []byte) (n, skip int, wait bool) {
	if e.char == 0 {
		return len(b), 0, false
	}
	for i, c := range b {
		switch c & 0x7f {
		case e.char:
			if e.run < 2 {
				e.run++
				continue
			}
			switch {
			case !e.late:
				return i, 1, false
			case !e.waited || i > 0:
				return i, 0, true
			}
			e.waited, e.run = false, 1
		case 0, 0x11, 0x13:
		default:
			e.run = 0
		}
	}
	return len(b), 0, false
}

// writeData writes data of a call and returns how many octets of b are handled. The caller holds the port's write
// lock.
func (c *conn) writeData(b []byte) (done int, err error) {
	for done < len(b) {
		n, skip, wait := c.escapes.next(b[done:])
		if n > 0 {
			m, err := c.port.Write(b[done : done+n])
			c.crossed(m)
			done += m
			if err != nil {
				return done, err
			}
		}
		done += skip
		if skip > 0 {
			c.d.debug("a third escape character in a row was dropped")
		}
		if wait {
			if err := c.guardPause(); err != nil {
				return done, err
			}
			c.escapes.waited = true
		}
	}
	return done, nil
}

// crossed is cross for callers that do not hold c.mu.
func (c *conn) crossed(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cross(n)
}

// guardPause waits for the guard time, at most until the end of the call or of the write.
func (c *conn) guardPause() error {
	c.mu.Lock()
	wait, until := c.escapes.pause, c.until
	c.mu.Unlock()
	if !until.IsZero() {
		wait = min(wait, time.Until(until))
	}
	t := time.NewTimer(max(wait, 0))
	defer t.Stop()
	select {
	case <-t.C:
		if !until.IsZero() && !time.Now().Before(until) {
			return os.ErrDeadlineExceeded
		}
		return nil
	case <-c.done:
		return io.EOF
	}
}
