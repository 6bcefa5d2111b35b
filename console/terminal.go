// Package console implements an IOS-style command line on a byte stream: a line editor with echo and history, and a
// tree of commands with abbreviations, `?` and Tab. The caller provides the commands. It opens no files and starts no
// goroutines.
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
	"unicode/utf8"

	"github.com/ringback/ringback/texts"
)

// Conn is the byte stream to a terminal, for example a net.Conn. If it has a method Buffered() int, which
// returns how many octets can be read without blocking, the echo of input that arrives together is sent with
// one write.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Errors of ReadLine and ReadPassword, besides those of the stream (io.EOF at its end) and the cause of the end of ctx.
var (
	ErrIdle      = errors.New("idle timeout")
	ErrTooLong   = errors.New("line too long")
	ErrGarbled   = errors.New("line with unsupported characters")
	ErrInterrupt = errors.New("interrupted by Ctrl-C")
	ErrSuspend   = errors.New("ended by Ctrl-Z")
)

const (
	// DefaultMaxLine is the longest line that a Terminal reads, in octets, as in IOS.
	DefaultMaxLine      = 254
	defaultWriteTimeout = 30 * time.Second
)

// Terminal reads lines from a user and writes text. It is not safe for concurrent use. It reads byte by byte: no byte
// after the CR (or LF) of a line is read from the stream, so that another protocol may follow.
type Terminal struct {
	Idle         time.Duration // idle timeout of ReadLine between two bytes; 0 for none
	Failed       bool          // the last command of a Tree was refused, or has shown an error
	EndKey       bool          // Ctrl-D on an empty command line is ErrExit; in IOS it does nothing there
	MaxLine      int           // maximum line length in characters; 0 means 254
	Length       int           // rows of a page: longer output of commands waits for a key; 0 does not
	WriteTimeout time.Duration // timeout of one Write; 0 means 30 s, negative none

	// Texts has what the command line itself says to the user. The zero value is English. It may be changed between
	// reads, as Charset.
	Texts texts.Printer
	// Charset is the character set of the terminal; text passed to t and read from it is UTF-8. What the terminal does
	// not have is shown as a question mark: see Shows. "" means UTF-8.
	Charset texts.Charset

	// Parity is the use of the eighth bit of an octet, in both directions. UnknownParity changes at the first line that
	// is not blank.
	Parity   Parity
	OnParity func(Parity) // called if the first line shows a parity; may be nil

	// Shown is called with all that was sent to the terminal, also by a raw stream, without parity bits; Big5 is passed
	// as UTF-8. It must not block, and keeps nothing of p. It is called by one goroutine at a time. nil: none.
	Shown func(p []byte)

	conn Conn
	hist history
	half []byte // the first octets of a character that was sent, not passed to Shown

	evenOrMark bool // Parity is one of the two, and the other one is possible
	marks      int  // octets since then that only mark parity has

	ahead  []byte // read from conn but not yet processed
	wasCR  bool   // the last byte read was the CR that ended a line; an LF (or Telnet NUL) after it belongs to it
	sentCR bool   // the last byte written was a CR
	echo   []byte // unsent echo, sent before a read that blocks and before other output

	mu sync.Mutex
	// number of watched contexts that have ended but are not released; above zero, deadlines stay in the past
	expired int
	notices notices
}

// NewTerminal returns a Terminal on conn. The caller closes conn.
func NewTerminal(conn Conn) *Terminal { return &Terminal{conn: conn} }

// Write sends p with each "\n" as CR LF; "\r\n" is unchanged. It returns an error if p cannot be sent within
// WriteTimeout.
func (t *Terminal) Write(p []byte) (int, error) {
	if err := t.send(t.converted(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// converted returns p with each "\n" as CR LF.
func (t *Terminal) converted(p []byte) []byte {
	buf := make([]byte, 0, len(p)+16)
	for _, b := range p {
		if b == '\n' && !t.sentCR {
			buf = append(buf, '\r')
		}
		buf = append(buf, b)
		t.sentCR = b == '\r'
	}
	return buf
}

// send writes text converted for the terminal, with the write deadline.
func (t *Terminal) send(p []byte) error {
	t.encode(p)
	return t.flush()
}

// maxEcho is the maximum size of unsent echo, so that endless input is echoed too.
const maxEcho = 256

// Later queues text like that of Write. It is sent with the next output or before the next read that blocks: no
// other wait must follow.
func (t *Terminal) Later(text string) error { return t.sendSoon(t.converted([]byte(text))) }

// sendSoon queues text to be sent before the next read that blocks.
func (t *Terminal) sendSoon(p []byte) error {
	if t.encode(p); len(t.echo) < maxEcho {
		return nil
	}
	return t.flush()
}

// encode queues text in the octets of the terminal.
func (t *Terminal) encode(p []byte) {
	if t.Parity.SevenBits() {
		t.echo = append(t.echo, t.Parity.text(p)...)
		return
	}
	t.echo = t.Charset.Append(t.echo, p)
}

// Shows reports whether the terminal can show a text.
func (t *Terminal) Shows(text string) bool {
	if t.Parity.SevenBits() {
		return texts.ASCII.Shows(text)
	}
	return t.Charset.Shows(text)
}

// hasMore reports whether the next read returns an octet without blocking.
func (t *Terminal) hasMore() bool {
	if len(t.ahead) > 0 {
		return true
	}
	c, ok := t.conn.(interface{ Buffered() int })
	return ok && c.Buffered() > 0
}

// flush sends the queued echo.
func (t *Terminal) flush() error {
	if len(t.echo) == 0 {
		return nil
	}
	p := t.echo
	t.echo = t.echo[:0]
	if d := t.writeTimeout(); d > 0 {
		t.arm(t.conn.SetWriteDeadline, time.Now().Add(d))
	}
	n, err := t.conn.Write(p)
	t.shown(p[:n])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("write to the terminal: blocked (flow control?): %w", err)
	}
	return err
}

// shown passes what was sent to Shown. p is not needed any more.
func (t *Terminal) shown(p []byte) {
	if t.Shown == nil || len(p) == 0 {
		return
	}
	switch {
	case t.Parity.SevenBits():
		for i := range p {
			p[i] &= 0x7f
		}
	case t.Charset == texts.Big5:
		p = t.whole(p)
	}
	t.Shown(p)
}

// whole returns octets of Big5 as UTF-8, and keeps the first half of a character for the next call.
func (t *Terminal) whole(p []byte) []byte {
	p = append(t.half, p...)
	t.half = nil
	var out []byte
	for len(p) > 0 {
		r, n, _ := t.Charset.Next(p)
		if n == 0 {
			t.half = slices.Clone(p)
			break
		}
		out = utf8.AppendRune(out, r)
		p = p[n:]
	}
	return out
}

func (t *Terminal) writeTimeout() time.Duration {
	if t.WriteTimeout == 0 {
		return defaultWriteTimeout
	}
	return t.WriteTimeout
}

// arm sets a deadline, unless a watched ctx has ended. A stream without deadlines returns an error when it is read.
func (t *Terminal) arm(set func(time.Time) error, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.expired == 0 {
		_ = set(at)
	}
}

// watch makes reads and writes fail once ctx ends, until release is called. Calls can be nested.
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

// Stream is the raw stream returned by Raw.
type Stream interface {
	io.ReadWriter
	Unread(n int) // returns the last n bytes of the last Read to the next Read
}

// Raw returns the raw stream for another protocol: without editing, CR LF conversion, Idle and WriteTimeout. The rest
// of the previous line end (the LF of CR LF) is still skipped. From a 7-bit terminal, seven bits are read, with a
// question mark for an octet with wrong parity, and parity is added to output. Reads and writes fail once ctx ends,
// until release is called, which restores t. One goroutine may read while another writes.
func (t *Terminal) Raw(ctx context.Context) (stream Stream, release func()) {
	t.noDeadlines()
	t.sentCR = false
	return &rawStream{t: t}, t.watch(ctx)
}

type rawStream struct {
	t    *Terminal
	last []byte // the last Read, unmodified
}

func (r *rawStream) Write(p []byte) (int, error) {
	if !r.t.Parity.SevenBits() {
		n, err := r.t.conn.Write(p)
		r.t.shown(p[:n])
		return n, err
	}
	out := make([]byte, len(p))
	for i, b := range p {
		out[i] = r.t.Parity.add(b)
	}
	n, err := r.t.conn.Write(out)
	r.t.shown(out[:n])
	return n, err
}

func (r *rawStream) Read(p []byte) (int, error) {
	for {
		n, err := r.t.take(p)
		if n > 0 && r.t.wasCR {
			r.t.wasCR = false
			if c, good := r.t.Parity.strip(p[0]); good && c == lineFeed { // not NUL: the data may not be text
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

// take reads unread bytes, then from the stream.
func (t *Terminal) take(p []byte) (int, error) {
	if len(t.ahead) == 0 {
		return t.conn.Read(p)
	}
	n := copy(p, t.ahead)
	t.ahead = t.ahead[n:]
	return n, nil
}

// ReadLine shows prompt and reads one line with echo and editing; it returns the line without its end. It blocks until
// then, until ctx ends (the error is its cause), the Idle timeout (ErrIdle), Ctrl-C (ErrInterrupt) or Ctrl-Z
// (ErrSuspend), or the end of the stream. The result is printable UTF-8, whatever the Charset, and complete: a line
// longer than MaxLine is discarded at its end (ErrTooLong), and so is one with input that the editor does not support
// (ErrGarbled).
func (t *Terminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, &editor{}, nil)
}

// ReadFirst is like ReadLine if another prompt follows at once: the echo of the line end is sent with it.
func (t *Terminal) ReadFirst(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, &editor{more: true}, nil)
}

// ReadPassword is like ReadLine without echo. Bytes from 0x20 on (except DEL) are returned unchanged, UTF-8 or not,
// except from a terminal with Big5: its characters are returned as UTF-8, and what is not Big5 causes ErrGarbled.
// Control characters other than editing keys cause ErrGarbled here too.
func (t *Terminal) ReadPassword(ctx context.Context, prompt string) (string, error) {
	return t.read(ctx, prompt, &editor{raw: true}, nil)
}

// assistant implements `?` and Tab at a prompt, given the text before the cursor.
type assistant interface {
	help(w io.Writer, before string)
	complete(before string) (insert string, unique bool)
}

func (t *Terminal) read(ctx context.Context, prompt string, e *editor, a assistant) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", context.Cause(ctx)
	}
	e.max, e.charset = t.MaxLine, t.Charset
	if e.max <= 0 {
		e.max = DefaultMaxLine
	}
	defer t.watch(ctx)()
	line, err := t.edit(prompt, e, a)
	if err != nil && ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return line, err
}

func (t *Terminal) edit(prompt string, e *editor, a assistant) (string, error) {
	if _, err := io.WriteString(t, t.takeNotices()+prompt); err != nil {
		return "", err
	}
	defer e.hist.rewind()
	first := firstLine{afterCR: t.wasCR}
	for {
		b, err := t.readByte(prompt, e)
		if err != nil {
			return "", err
		}
		if t.Parity == UnknownParity {
			next, ended, err := t.detectParity(b, &first, e, a)
			if err != nil {
				return "", err
			}
			if next != e { // the echo so far had the wrong parity
				if !t.Shows(prompt) { // seven bits: the line alone, rather than question marks
					prompt = ""
				}
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

// readByte reads the next significant byte and removes its parity. A byte with wrong parity invalidates the line, and
// is significant if it ends the line.
func (t *Terminal) readByte(prompt string, e *editor) (byte, error) {
	var buf [1]byte
	for {
		n, err := t.takeShowing(buf[:], prompt, e)
		if n == 0 {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return 0, ErrIdle
			}
			if err != nil {
				return 0, err
			}
			continue
		}
		t.settle(buf[0], e)
		b, good := t.Parity.strip(buf[0])
		switch {
		case !good:
			e.spoil(ErrGarbled)
			if b == carriageReturn {
				return b, nil
			}
			t.wasCR = false
		case t.wasCR && (b == lineFeed || b == 0):
			t.wasCR = b == 0 // CR NUL LF is one line end
		default:
			return b, nil
		}
	}
}

// handle processes the event of a byte; done reports the end of the line.
func (t *Terminal) handle(ev keyEvent, prompt string, e *editor, a assistant) (done bool, line string, err error) {
	switch ev {
	case entered:
		if err := t.lineEnd(e.more); err != nil {
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
	case ended:
		if _, err := io.WriteString(t, "\n"); err != nil {
			return true, "", err
		}
		return true, "", ErrExit
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

// lineEnd echoes the end of a line; with more, together with what follows.
func (t *Terminal) lineEnd(more bool) error {
	if more {
		return t.Later("\n")
	}
	_, err := io.WriteString(t, "\n")
	return err
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

// show draws prompt and line on a new row.
func (t *Terminal) show(prompt string, e *editor) error {
	if _, err := io.WriteString(t, "\n"); err != nil {
		return err
	}
	return t.redraw(prompt, e)
}
