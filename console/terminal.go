// Package console is a command line in IOS's manner for people on a byte stream: a line editor with echo and history, and a tree
// of commands with abbreviation, `?` and Tab. It has no commands: who mounts it gives them. It opens nothing and starts no goroutine.
package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// Conn is the byte stream to a terminal. A net.Conn is one. Where it has a Buffered() int, which says how many octets a Read
// brings without waiting, the echo of what came at once goes out at once.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// What ReadLine and ReadPassword return beside the stream's own errors (io.EOF where it ended) and the cause of ctx's end.
var (
	ErrIdle      = errors.New("nothing was typed for too long")
	ErrTooLong   = errors.New("line too long")
	ErrGarbled   = errors.New("line with characters that are not understood")
	ErrInterrupt = errors.New("interrupted by Ctrl-C")
	ErrSuspend   = errors.New("left by Ctrl-Z")
)

const (
	defaultMaxLine      = 254 // as IOS
	defaultWriteTimeout = 30 * time.Second
)

// Terminal reads lines from a person and writes text to him. One goroutine uses it. It reads byte by byte: after a line not one
// byte beyond its CR (or LF) is taken from the stream, so that another protocol may follow.
type Terminal struct {
	Idle         time.Duration // longest pause between two bytes in ReadLine; 0 none
	MaxLine      int           // longest line in characters; 0 is 254
	WriteTimeout time.Duration // longest time one Write may block; 0 is 30 s, negative none

	// Parity is what the eighth bit of an octet is, both ways. UnknownParity becomes another with the first line that is read and not blank.
	Parity   Parity
	OnParity func(Parity) // told where the first line shows a parity; nil: nobody is

	conn   Conn
	hist   history
	ahead  []byte // read from conn and not yet taken
	wasCR  bool   // the last byte read was the CR that ended a line: an LF (or a Telnet NUL) right after it belongs to it
	sentCR bool   // the last byte written was a CR
	echo   []byte // not yet sent: it goes out before a read that waits, and before all else

	mu      sync.Mutex
	expired int // watched contexts that ended and were not released: while there is one, deadlines stay in the past
}

// NewTerminal returns a Terminal on conn, which stays the caller's to close.
func NewTerminal(conn Conn) *Terminal { return &Terminal{conn: conn} }

// Write sends p with each "\n" as CR LF; a "\r\n" stays as it is. It is an error when p cannot be sent within WriteTimeout.
func (t *Terminal) Write(p []byte) (int, error) {
	buf := make([]byte, 0, len(p)+16)
	for _, b := range p {
		if b == '\n' && !t.sentCR {
			buf = append(buf, '\r')
		}
		buf = append(buf, b)
		t.sentCR = b == '\r'
	}
	if err := t.send(buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send writes text as the terminal can show it, under the write deadline.
func (t *Terminal) send(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	t.echo = append(t.echo, t.Parity.text(p)...)
	return t.flush()
}

// maxEcho is how much of the echo waits: whoever types without an end sees it all the same.
const maxEcho = 256

// sendSoon has text sent before the next read that waits.
func (t *Terminal) sendSoon(p []byte) error {
	if t.echo = append(t.echo, t.Parity.text(p)...); len(t.echo) < maxEcho {
		return nil
	}
	return t.flush()
}

// hasMore reports whether the next read brings an octet without waiting.
func (t *Terminal) hasMore() bool {
	if len(t.ahead) > 0 {
		return true
	}
	c, ok := t.conn.(interface{ Buffered() int })
	return ok && c.Buffered() > 0
}

// flush sends what waits.
func (t *Terminal) flush() error {
	if len(t.echo) == 0 {
		return nil
	}
	p := t.echo
	t.echo = t.echo[:0]
	if d := t.writeTimeout(); d > 0 {
		t.arm(t.conn.SetWriteDeadline, time.Now().Add(d))
	}
	_, err := t.conn.Write(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("write to the terminal: it takes nothing (flow control?): %w", err)
	}
	return err
}

func (t *Terminal) writeTimeout() time.Duration {
	if t.WriteTimeout == 0 {
		return defaultWriteTimeout
	}
	return t.WriteTimeout
}

// arm sets a deadline unless the watched ctx has ended meanwhile. A stream that cannot keep deadlines says so when it is read.
func (t *Terminal) arm(set func(time.Time) error, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expired == 0 {
		_ = set(at)
	}
}

// watch makes reads and writes fail as soon as ctx ends, until release is called. Watches nest.
func (t *Terminal) watch(ctx context.Context) (release func()) {
	past := time.Unix(1, 0)
	fired := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(fired)
		t.mu.Lock()
		defer t.mu.Unlock()
		t.expired++
		_ = t.conn.SetReadDeadline(past)
		_ = t.conn.SetWriteDeadline(past)
	})
	return func() {
		ended := !stop()
		if ended {
			<-fired
		}
		t.mu.Lock()
		if ended {
			t.expired--
		}
		t.mu.Unlock()
		t.noDeadlines()
	}
}

func (t *Terminal) noDeadlines() {
	t.arm(t.conn.SetReadDeadline, time.Time{})
	t.arm(t.conn.SetWriteDeadline, time.Time{})
}

// Stream is what Raw lends.
type Stream interface {
	io.ReadWriter
	Unread(n int) // gives back the last n bytes of the last Read, for the next Read
}

// Raw lends the stream as it is, for another protocol: no editing, no CR before LF, no Idle, no WriteTimeout. What belongs to the end
// of the line before (the LF of its CR LF) is still left out. Of a 7-bit terminal come seven bits, with a question mark in place of what
// came with the wrong parity, and what is written gets its parity. Reads and writes fail as soon as ctx ends, until release is called;
// then t is itself again. One goroutine may read while another writes.
func (t *Terminal) Raw(ctx context.Context) (stream Stream, release func()) {
	t.noDeadlines()
	t.sentCR = false
	return &rawStream{t: t}, t.watch(ctx)
}

type rawStream struct {
	t    *Terminal
	last []byte // of the last Read, as it came
}

func (r *rawStream) Write(p []byte) (int, error) {
	if !r.t.Parity.sevenBits() {
		return r.t.conn.Write(p)
	}
	out := make([]byte, len(p))
	for i, b := range p {
		out[i] = r.t.Parity.add(b)
	}
	return r.t.conn.Write(out)
}

func (r *rawStream) Read(p []byte) (int, error) {
	for {
		n, err := r.t.take(p)
		if n > 0 && r.t.wasCR {
			r.t.wasCR = false
			if c, good := r.t.Parity.strip(p[0]); good && c == lineFeed { // not NUL: what follows may be no text
				n = copy(p, p[1:n])
			}
		}
		if n > 0 || err != nil || len(p) == 0 {
			r.last = append(r.last[:0], p[:n]...)
			r.t.Parity.stripAll(p[:n])
			return n, err
		}
	}
}

func (r *rawStream) Unread(n int) {
	r.t.ahead = append(slices.Clone(r.last[len(r.last)-n:]), r.t.ahead...)
	r.last = nil
}

// take reads what was given back, else from the stream.
func (t *Terminal) take(p []byte) (int, error) {
	if len(t.ahead) == 0 {
		return t.conn.Read(p)
	}
	n := copy(p, t.ahead)
	t.ahead = t.ahead[n:]
	return n, nil
}

// ReadLine shows prompt and reads one line with echo and editing; the line is returned without its end. It blocks until then,
// until ctx ends (the error is its cause), Idle passes (ErrIdle), Ctrl-C (ErrInterrupt) or Ctrl-Z (ErrSuspend) is typed, or the
// stream ends. What it returns is printable UTF-8 and all that was typed, but for the keys that edit: a line longer than MaxLine is
// thrown away at its end (ErrTooLong), and so is one with anything in it that the editor does not understand (ErrGarbled).
func (t *Terminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, &editor{}, nil)
}

// ReadPassword is ReadLine without echo. The bytes from 0x20 on (but DEL) are returned as they came, UTF-8 or not; control characters
// that are no editing keys are ErrGarbled here too.
func (t *Terminal) ReadPassword(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, &editor{raw: true}, nil)
}

// assistant answers `?` and Tab at a prompt, given the text before the cursor.
type assistant interface {
	help(w io.Writer, before string)
	complete(before string) (insert string, unique bool)
}

func (t *Terminal) read(ctx context.Context, prompt string, e *editor, a assistant) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	e.max = t.MaxLine
	if e.max <= 0 {
		e.max = defaultMaxLine
	}
	defer t.watch(ctx)()
	line, err := t.edit(prompt, e, a)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return line, err
}

func (t *Terminal) edit(prompt string, e *editor, a assistant) (string, error) {
	if _, err := io.WriteString(t, prompt); err != nil {
		return "", err
	}
	defer e.hist.rewind()
	first := firstLine{afterCR: t.wasCR}
	for {
		b, err := t.readByte(e)
		if err != nil {
			return "", err
		}
		if t.Parity == UnknownParity {
			next, ended, err := t.detectParity(b, &first, e, a)
			if err != nil {
				return "", err
			}
			if next != e { // what was shown of it had the wrong parity
				if err := t.show(prompt, next); err != nil {
					return "", err
				}
			}
			if e = next; ended {
				b = carriageReturn
			}
		}
		out, ev := e.step(b)
		if err := t.sendSoon(out); err != nil {
			return "", err
		}
		t.wasCR = b == carriageReturn
		if done, line, err := t.handle(ev, prompt, e, a); done || err != nil {
			return line, err
		}
	}
}

// readByte reads the next byte that counts, without its parity. One with the wrong parity spoils the line, and counts where it ends that.
func (t *Terminal) readByte(e *editor) (byte, error) {
	var buf [1]byte
	for {
		if t.Idle > 0 {
			t.arm(t.conn.SetReadDeadline, time.Now().Add(t.Idle))
		}
		if !t.hasMore() {
			if err := t.flush(); err != nil {
				return 0, err
			}
		}
		n, err := t.take(buf[:])
		if n == 0 {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return 0, ErrIdle
			}
			if err != nil {
				return 0, err
			}
			continue
		}
		b, good := t.Parity.strip(buf[0])
		switch {
		case !good:
			e.spoil(ErrGarbled)
			if b == carriageReturn {
				return b, nil
			}
			t.wasCR = false
		case t.wasCR && (b == lineFeed || b == 0):
			t.wasCR = b == 0 // CR NUL LF is still one end of line
		default:
			return b, nil
		}
	}
}

// handle acts on what a byte meant; done says that the line is over.
func (t *Terminal) handle(ev keyEvent, prompt string, e *editor, a assistant) (done bool, line string, err error) {
	switch ev {
	case entered:
		if _, err := io.WriteString(t, "\n"); err != nil {
			return true, "", err
		}
		if e.spoilt != nil {
			return true, "", e.spoilt
		}
		if t.Parity == UnknownParity && e.text() != "" {
			t.Parity = NoParity
		}
		e.hist.add(e.text())
		return true, e.text(), nil
	case interrupted, suspended:
		mark, cause := "^C\n", ErrInterrupt
		if ev == suspended {
			mark, cause = "^Z\n", ErrSuspend
		}
		if _, err := io.WriteString(t, mark); err != nil {
			return true, "", err
		}
		return true, "", cause
	case helpAsked:
		if _, err := io.WriteString(t, "?\n"); err != nil {
			return true, "", err
		}
		a.help(t, string(e.line[:e.pos]))
		return false, "", t.redraw(prompt, e)
	case redrawAsked:
		return false, "", t.show(prompt, e)
	case tabbed:
		e.complete(a)
		return false, "", t.send(e.out)
	}
	return false, "", nil
}

func (t *Terminal) redraw(prompt string, e *editor) error {
	if _, err := io.WriteString(t, prompt); err != nil {
		return err
	}
	e.out = e.out[:0]
	e.draw(e.line)
	e.back(e.line[e.pos:])
	return t.send(e.out)
}

// show draws prompt and line on a row of their own.
func (t *Terminal) show(prompt string, e *editor) error {
	if _, err := io.WriteString(t, "\n"); err != nil {
		return err
	}
	return t.redraw(prompt, e)
}
