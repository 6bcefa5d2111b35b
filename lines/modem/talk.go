package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ringback/ringback/lines"
)

// The refusals of a script's write.
var (
	errMayNotDial = errors.New("a dial command in a script that does not dial (put it into the callback script)")
	errDialTwice  = errors.New("a second dial command in one attempt")
	errRepeat     = errors.New("the repeat command A/ in a script (what it repeats would not be counted)")
	errLongLine   = errors.New("the command line is longer than 250 characters")
	errResetDial  = errors.New("a dial command in one line with a reset (put ATZ or AT&F on a line of its own: on a " +
		"port without modem signals it ends the proof of the modem's state)")
)

// maxCommand is the longest command line that a script may send. Modems take 40 to 255 characters.
const maxCommand = 250

// talk is one script at a modem's command line: a lines.CommandConn. It sees all that the modem sends, and cannot send
// a dial command that is not allowed.
type talk struct {
	d      *Driver
	port   lines.Port
	dial   bool // one dial command is allowed
	in     *queue
	ctx    context.Context
	cancel context.CancelCauseFunc

	dialed bool             // the dial command went out; guarded by d.mu
	code   lines.ResultCode // what ended it; guarded by d.mu
	last   lines.ResultCode // the last result code; guarded by d.mu
	said   string           // the last line that was no result code; guarded by d.mu
	rang   bool             // guarded by d.mu
	conn   *conn            // what the dial connected; guarded by d.mu
	ended  bool             // nothing is sent any more; guarded by d.mu
	why    error            // it ended; guarded by d.mu

	line  []byte    // the command line begun, held until its CR
	reset time.Time // when the script sent a command that may have undone what start set; zero: it has not
	until time.Time // write deadline; guarded by d.mu
}

// endLocked stops the script with a cause. A nil talk has nothing to stop.
func (t *talk) endLocked(cause error) {
	if t == nil || t.ended {
		return
	}
	t.ended, t.why = true, cause
	t.cancel(cause)
	t.in.finish(cause)
}

// finalLocked handles the result code that ends an attempt.
func (t *talk) finalLocked(code lines.ResultCode) {
	t.code = code
	t.endLocked(fmt.Errorf("the modem says %s", code))
}

// rangLocked handles a RING, or a CONNECT that is not the script's: glare. A dial command not sent yet is held back;
// one already sent gets no connection.
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

// connectLocked stores the connection of the dial command.
func (t *talk) connectLocked(c *conn) {
	t.code, t.conn, c.claimed = lines.Connected, c, true
	t.in.finish(io.EOF) // the script has seen the CONNECT line; what follows is the call's
}

// Read returns what the modem says, then io.EOF after CONNECT, or why the script was ended.
func (t *talk) Read(b []byte) (int, error) { return t.in.read(b) }

// SetReadDeadline implements lines.CommandConn.
func (t *talk) SetReadDeadline(at time.Time) error {
	t.in.setReadDeadline(at)
	return nil
}

// SetWriteDeadline ends a Write that blocks. Without a deadline Timing.Command bounds it.
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

// Write sends b. A command line goes out when it is whole, so that a dial command is known before its CR.
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

// pass sends a piece. Settings undone by a reset are restored first, and on a port without signals a dial command goes
// out only in a state that the modem has proven a moment before.
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
	if err := t.allow(p.dials, true); err != nil {
		return err
	}
	if p.dials {
		t.d.host.Phase(lines.Dialing)
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

// filter returns what may go out now. It holds a line back from its first A on, until CR.
func (t *talk) filter(b []byte) (out []piece, err error) {
	var between []byte
	dials := false
	for _, c := range b {
		if len(t.line) == 0 && c != 'A' && c != 'a' {
			between = append(between, c)
			continue
		}
		if t.line = append(t.line, c); len(t.line) > maxCommand {
			return nil, errLongLine
		}
		switch {
		case c == '/' && isRepeat(string(t.line)): // needs no CR
			return nil, errRepeat
		case c != '\r':
			continue
		}
		line := string(t.line)
		p := piece{text: append(between, line...), resets: resets(line, t.d.proof.registers)}
		between, t.line = nil, t.line[:0]
		if at := dialAt(line); at >= 0 {
			if dials {
				return nil, errDialTwice
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

// rearm returns the dial command line as it goes out on a port with signals. A script that loaded a profile (ATZ, AT&F)
// may have undone the settings for the hang-up by DTR and the disabled escape: a caller whose `+++` is echoed would
// reach the command line. They are set again right before the dial command in the same line, so that the script sees
// one answer.
func (t *talk) rearm(line string, at int, resets bool) string {
	if t.reset.IsZero() && !resets || !t.port.HasSignals() {
		return line
	}
	return line[:at] + "&C1&D2S2=255" + line[at:]
}

// allow says whether the script may still send. With mark it marks the dial command before that goes out, so that the
// answer finds it marked.
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
			return errors.New("not dialled: the line is being hung up")
		}
	}
	return nil
}
