package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// The errors of rejected writes of a script.
var (
	errMayNotDial = errors.New("a dial command is not allowed in this script (put it into the callback script)")
	errStored     = errors.New("the command N dials a number that is stored in the modem, which is never allowed " +
		"(the number is that of \\T)")
	errDialTwice = errors.New("only one dial command is allowed in an attempt")
	errRepeat    = errors.New("a repeat command (A/, A>, A: or a > in a line) is not allowed in a script (a " +
		"repeated dial would not be counted)")
	errEighthBit = errors.New("an octet above 127 is not allowed in a modem command (modems look at the low seven " +
		"bits only: \\301 is an A)")
	errUnclear = errors.New("some modems would dial by this command (write the dial command as a line of its own: " +
		"\"ATDT \\T\")")
	errLongLine  = errors.New("the command line is longer than 250 characters")
	errResetDial = errors.New("a dial command and a reset in one command line (put ATZ or AT&F on a line of " +
		"its own: on a port without modem signals, a reset ends the proof of the modem's state)")
)

// maxCommand is the longest command line that a script may send. Modems accept 40 to 255 characters.
const maxCommand = 250

// talk is one script at a modem's command line: a lines.CommandConn. It receives all output of the modem and cannot
// send a dial command that is not allowed.
type talk struct {
	d      *Driver
	port   lines.Port
	dial   bool // one dial command is allowed
	look   lines.MayDial
	in     *queue
	ctx    context.Context
	cancel context.CancelCauseFunc

	dialed bool             // the dial command was sent; guarded by d.mu
	code   lines.ResultCode // the result code that ended the script; guarded by d.mu
	barred time.Duration    // what the line of that code says of it; guarded by d.mu
	last   lines.ResultCode // the last result code; guarded by d.mu
	said   string           // the last line that is not a result code; guarded by d.mu
	rang   bool             // guarded by d.mu
	conn   *conn            // the connection of the dial; guarded by d.mu
	ended  bool             // nothing more is sent; guarded by d.mu
	why    error            // the script ended; guarded by d.mu

	line []byte // the current command line, held until its CR
	// when the script sent a command that may have undone settings made by start; zero: it has not
	reset time.Time
	until time.Time // write deadline; guarded by d.mu

	unproven error // after the script: the line could not be proven on hook
}

// endLocked stops the script with a cause. A nil talk has no effect.
func (t *talk) endLocked(cause error) {
	if t == nil || t.ended {
		return
	}
	t.ended, t.why = true, cause
	t.cancel(cause)
	t.in.finish(cause)
}

// finalLocked handles the result code that ends an attempt.
func (t *talk) finalLocked(e event) {
	t.code, t.barred = e.code, e.barred
	t.endLocked(fmt.Errorf("the modem said %s", e.code))
}

// rangLocked handles a RING, or a CONNECT that does not belong to the script: glare. A dial command that is not sent
// yet is held back; one that was sent gets no connection.
func (t *talk) rangLocked(e event) {
	t.rang = true
	switch {
	case e.online:
		t.code = lines.Ring
		t.endLocked(errors.New("CONNECT without a dial command: an incoming call"))
	case t.dial && t.code == lines.NoResult:
		t.code = lines.Ring
		t.endLocked(errors.New("the line rings: glare"))
	}
}

// connectLocked stores the connection that the dial command made.
func (t *talk) connectLocked(c *conn) {
	t.code, t.conn, c.claimed = lines.Connected, c, true
	t.in.finish(io.EOF) // the script has read the CONNECT line; the octets after it belong to the call
}

// Read returns the modem's output. It returns io.EOF after CONNECT, or the reason why the script was ended.
func (t *talk) Read(b []byte) (int, error) { return t.in.read(b) }

// SetReadDeadline implements lines.CommandConn.
func (t *talk) SetReadDeadline(at time.Time) error {
	t.in.setReadDeadline(at)
	return nil
}

// SetWriteDeadline sets the time at which a blocked Write ends. Without a deadline, Timing.Command limits it.
func (t *talk) SetWriteDeadline(at time.Time) error {
	t.d.mu.Lock()
	t.until = at
	t.d.mu.Unlock()
	if at.IsZero() {
		return nil
	}
	return t.port.SetWriteDeadline(at)
}

// Break implements lines.CommandConn.
func (t *talk) Break(d time.Duration) error {
	t.d.writing.Lock()
	defer t.d.writing.Unlock()
	return t.port.Break(d)
}

// Write sends b. A command line is sent only when it is complete, so that a dial command is recognized before its CR.
func (t *talk) Write(b []byte) (int, error) {
	out, err := t.filter(b)
	for i := 0; err == nil && i < len(out); i++ {
		err = t.pass(out[i])
	}
	if err != nil {
		t.line = nil
		return 0, err
	}
	return len(b), nil
}

// piece is a unit of output: a command line, or the text between two.
type piece struct {
	text   []byte
	dials  bool
	resets bool
}

// pass sends a piece. It first restores settings that a reset has undone. On a port without signals, it sends a dial
// command only if the modem has just proven its state.
func (t *talk) pass(p piece) error {
	if err := t.allow(p.dials, false); err != nil {
		return err
	}
	if err := t.restore(); err != nil {
		return err
	}
	if p.dials || p.resets {
		if err := t.proveState(); err != nil {
			return err
		}
	}
	if err := t.d.gap(t.ctx); err != nil {
		return err
	}
	if p.dials {
		return t.place(p.text)
	}
	if err := t.allow(false, false); err != nil {
		return err
	}
	if p.resets {
		t.reset = time.Now() // before its answer can arrive
		if !t.port.HasSignals() {
			t.d.wipe(after(string(p.text), t.d.proof.state.Stored))
		}
	}
	return t.d.send(t.port, p.text, t.writeLimit(), "")
}

func (t *talk) writeLimit() time.Time {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	limit := time.Now().Add(t.d.t.Command)
	if !t.until.IsZero() && t.until.Before(limit) {
		return t.until
	}
	return limit
}

// filter returns the pieces that may be sent now. It holds a line back from its first A until its CR.
func (t *talk) filter(b []byte) (out []piece, err error) {
	var between []byte
	dials := false
	for _, c := range b {
		if c > 0x7f {
			return nil, errEighthBit
		}
		if len(t.line) == 0 && c != 'A' && c != 'a' {
			between = append(between, c)
			continue
		}
		if t.line = append(t.line, c); len(t.line) > maxCommand {
			return nil, errLongLine
		}
		switch {
		case strings.IndexByte(repeats, c) >= 0 && isRepeat(string(t.line)): // needs no CR
			return nil, errRepeat
		case c != '\r':
			continue
		}
		line := string(t.line)
		if t.d.o.Config.Profile.StoredNumbers && dialsStored(line) {
			return nil, errStored
		}
		if err := checkFraming(line); err != nil {
			return nil, err
		}
		p := piece{text: append(between, line...), resets: resets(line, t.d.proof.registers)}
		between, t.line = nil, t.line[:0]
		if at, plain := dialAt(line); at >= 0 {
			if dials || dialsAgain(line[at:]) {
				return nil, errDialTwice
			}
			if t.dial && !plain { // whether it has dialed could not be told
				return nil, errUnclear
			}
			if dials, p.dials = true, true; p.resets && !t.port.HasSignals() {
				return nil, errResetDial
			}
			p.text = append(p.text[:len(p.text)-len(line)], t.rearm(line, at, p.resets)...)
			p.resets = false
		}
		out = append(out, p)
	}
	if len(between) > 0 {
		out = append(out, piece{text: between})
	}
	return out, nil
}

// rearm returns the dial command line in the form that is sent on a port with signals. A script that loaded a profile
// (ATZ, AT&F) may have undone the hang-up by DTR and the disabled escape, and a caller whose `+++` is echoed would
// reach the command line. rearm therefore sets both again in the same line, right before the dial command, so that
// the script receives one answer.
func (t *talk) rearm(line string, at int, resets bool) string {
	if t.reset.IsZero() && !resets || !t.port.HasSignals() {
		return line
	}
	return line[:at] + "&C1&D2S2=255" + line[at:]
}

// allow returns an error if the script may not send. With mark, it records the dial command before it is sent, so
// that its answer is recognized.
func (t *talk) allow(dials, mark bool) error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	switch {
	case t.ended:
		return fmt.Errorf("not sent: %w", t.why)
	case !dials:
		return nil
	case !t.dial:
		return errMayNotDial
	case t.dialed:
		return errDialTwice
	case mark:
		t.dialed = t.d.happenLocked(happening{on: onDial})
		if !t.dialed {
			return errors.New("not dialed: the line is being hung up")
		}
	}
	return nil
}
