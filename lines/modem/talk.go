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

// The refusals of a script's write.
var (
	errMayNotDial = errors.New("a dial command in a script that does not dial (it belongs into the callback script)")
	errDialTwice  = errors.New("a second dial command in one attempt")
	errRepeat     = errors.New("the repeat command A/ in a script (what it repeats would not be counted)")
	errLongLine   = errors.New("the command line is longer than 250 characters")
)

// maxCommand is the longest command line that a script may send. Modems take 40 to 255 characters.
const maxCommand = 250

// talk is one script at a modem's command line: a lines.CommandConn. It sees all that the modem says, and it does not get a dial command
// out that it may not give.
type talk struct {
	d      *Driver
	port   lines.Port
	dial   bool // one dial command is allowed
	in     *queue
	cancel context.CancelCauseFunc

	dialed bool             // the dial command went out; guarded by d.mu
	code   lines.ResultCode // what ended it; guarded by d.mu
	last   lines.ResultCode // the last result code; guarded by d.mu
	rang   bool             // guarded by d.mu
	conn   *conn            // what the dial connected; guarded by d.mu
	ended  bool             // nothing is sent any more; guarded by d.mu
	why    error            // it ended; guarded by d.mu

	line  []byte    // the command line begun, held until its CR
	reset bool      // the script has sent a command that may have undone what start set
	until time.Time // write deadline; guarded by d.mu
}

// endLocked stops the script with a cause.
func (t *talk) endLocked(cause error) {
	if t.ended {
		return
	}
	t.ended, t.why = true, cause
	t.cancel(cause)
	t.in.finish(cause)
}

// resultLocked takes a result code.
func (t *talk) resultLocked(code lines.ResultCode) {
	t.last = code
	if !t.dialed || t.code != lines.NoResult || code == lines.OK {
		return // before the dial command an ERROR is the script's own business
	}
	t.code = code
	t.endLocked(fmt.Errorf("the modem says %s", code))
}

// rangLocked takes a RING: glare. A dial command that is not out yet stays in; one that is gets no connection of ours any more.
func (t *talk) rangLocked() {
	t.rang = true
	if t.dial && t.code == lines.NoResult {
		t.code = lines.Ring
		t.endLocked(errors.New("the line rings: glare"))
	}
}

// connectLocked takes a CONNECT. Only that of our own dial command is the call we wanted.
func (t *talk) connectLocked(c *conn) {
	t.last = lines.Connected
	if t.dialed && t.code == lines.NoResult {
		t.code, t.conn, c.claimed = lines.Connected, c, true
		t.in.finish(io.EOF) // the script has seen the CONNECT line; what follows is the call's
		return
	}
	t.rang = true
	if t.code == lines.NoResult {
		t.code = lines.Ring
	}
	t.endLocked(errors.New("CONNECT without a dial command: an incoming call"))
}

// Read returns what the modem says, then io.EOF after CONNECT, or why the script was ended.
func (t *talk) Read(b []byte) (int, error) { return t.in.read(b) }

// SetReadDeadline implements lines.CommandConn.
func (t *talk) SetReadDeadline(at time.Time) error {
	t.in.setReadDeadline(at)
	return nil
}

// SetWriteDeadline ends a Write that blocks. Without one Timing.Command bounds it.
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
	out, dials, err := t.filter(b)
	if err == nil {
		err = t.allow(dials)
	}
	if err != nil {
		t.line = nil
		return 0, err
	}
	if dials {
		t.d.host.Phase(lines.Dialing)
	}
	if len(out) == 0 {
		return len(b), nil
	}
	if err := t.d.send(t.port, out, t.writeLimit()); err != nil {
		return 0, err
	}
	return len(b), nil
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
func (t *talk) filter(b []byte) (out []byte, dials bool, err error) {
	for _, c := range b {
		if len(t.line) == 0 && c != 'A' && c != 'a' {
			out = append(out, c)
			continue
		}
		if t.line = append(t.line, c); len(t.line) > maxCommand {
			return nil, false, errLongLine
		}
		line := string(t.line)
		switch {
		case isRepeat(line): // needs no CR
			return nil, false, errRepeat
		case c != '\r':
			continue
		case isDial(line) && dials:
			return nil, false, errDialTwice
		case isDial(line):
			dials = true
			out = append(out, t.rearm(line)...)
			t.line = t.line[:0]
			continue
		case resets(line):
			t.reset = true
		}
		out = append(out, t.line...)
		t.line = t.line[:0]
	}
	return out, dials, nil
}

// rearm returns the dial command line as it goes out. Where the script has loaded a profile (ATZ, AT&F) it may have undone what a hang-up by DTR and the
// disabled escape rest on: a caller who has his `+++` echoed would reach the command line. They are set again in the same line, so that the
// script sees one answer.
func (t *talk) rearm(line string) string {
	if !t.reset || !t.port.HasSignals() {
		return line
	}
	at := strings.Index(strings.ToUpper(line), "AT") + len("AT")
	return line[:at] + "&C1&D2S2=255" + line[at:]
}

// allow says whether the script may still send, and marks the dial command before it goes out, so that the answer finds it marked.
func (t *talk) allow(dials bool) error {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	switch {
	case t.ended:
		return fmt.Errorf("nothing is sent any more: %w", t.why)
	case !dials:
		return nil
	case !t.dial:
		return errMayNotDial
	case t.dialed:
		return errDialTwice
	}
	t.dialed, t.d.calling = true, true
	return nil
}
