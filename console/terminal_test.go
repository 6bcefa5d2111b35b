package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEditing(t *testing.T) {
	const up, down, left, right = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C"
	tests := []struct {
		name, typed, want string
	}{
		{"plain", "abc\r", "abc"},
		{"backspace", "abd\bc\r", "abc"},
		{"DEL", "abd\x7fc\r", "abc"},
		{"backspace at the begin", "\b\b\x7fabc\r", "abc"},
		{"Ctrl-U", "rubbish\x15abc\r", "abc"},
		{"Ctrl-U within", "rubbish\x02\x02\x15abc\r", "abc"},
		{"Ctrl-W", "show lines\x17line\r", "show line"},
		{"Ctrl-W over spaces", "show line   \x17users\r", "show users"},
		{"Ctrl-W within", "show line\x02\x02\x17\r", "show ne"},
		{"Ctrl-A inserts at the begin", "bc\x01a\r", "abc"},
		{"Ctrl-E", "bc\x01a\x05d\r", "abcd"},
		{"Ctrl-B and Ctrl-F", "ac\x02b\x06d\r", "abcd"},
		{"Ctrl-F past the end", "ab\x06\x06c\r", "abc"},
		{"Ctrl-B past the begin", "b\x02\x02\x02a\r", "ab"},
		{"Ctrl-K", "abcxyz\x02\x02\x02\x0b\r", "abc"},
		{"Ctrl-D", "abxc\x02\x02\x04\r", "abc"},
		{"Ctrl-D at the end", "abc\x04\r", "abc"},
		{"left and right", "ac" + left + "b" + right + "d\r", "abcd"},
		{"arrows of application mode", "ac\x1bODb\r", "abc"},
		{"home, end", "bc\x1b[Ha\x1b[Fd\r", "abcd"},
		{"home, end, delete of a VT220", "bc\x1b[1~a\x1b[4~d\x1b[D\x1b[3~\r", "abc"},
		{"words by ESC b, f, d", "one two\x1bb\x1bb\x1bf\x1bd three\r", "one three"},
		{"question mark without a tree", "a?\r", "a?"},
		{"UTF-8", "Jürgen 電話\r", "Jürgen 電話"},
		{"UTF-8 backspace", "aü\bb\r", "ab"},
		{"LF ends a line", "abc\n", "abc"},
		{"CR LF ends a line once", "abc\r\n", "abc"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := play(tt.typed)
			got, err := NewTerminal(conn).ReadLine(t.Context(), "$ ")
			if err != nil || got != tt.want {
				t.Fatalf("ReadLine = %q, %v; want %q", got, err, tt.want)
			}
			s := render(conn.out)
			if isASCII(tt.typed) && strings.TrimRight(s.line(0), " ") != "$ "+tt.want {
				t.Errorf("screen shows %q, want %q (sent %q)", s.line(0), "$ "+tt.want, conn.out)
			}
			if len(s.odd) > 0 || bytes.IndexByte(conn.out, 0xff) >= 0 {
				t.Errorf("control characters reached the terminal: %q in %q", s.odd, conn.out)
			}
		})
	}
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 }) }

func TestHistory(t *testing.T) {
	term := NewTerminal(play("show line\r", "show users\r", "show users\r", "  \r", "dra\x10\x10\x0e\x0e\x10\x10!\r"))
	var got []string
	for range 5 {
		line, err := term.read(t.Context(), "", &editor{hist: &term.hist}, nil)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	if want := "show line!"; got[4] != want {
		t.Errorf("recalled %q, want %q", got[4], want)
	}
	if n := len(term.hist.lines); n != 3 {
		t.Errorf("history has %d lines %q, want 3", n, term.hist.lines)
	}
}

func TestHistoryGivesBackTheDraft(t *testing.T) {
	term := NewTerminal(play("one\r", "draft\x10\x0e\r"))
	for _, want := range []string{"one", "draft"} {
		line, err := term.read(t.Context(), "", &editor{hist: &term.hist}, nil)
		if err != nil || line != want {
			t.Fatalf("line = %q, %v; want %q", line, err, want)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	var h history
	for i := range 100 {
		h.add(strings.Repeat("x", i+1))
	}
	if len(h.lines) != historySize || len(h.lines[0]) != 81 {
		t.Errorf("history keeps %d lines, the oldest of %d characters", len(h.lines), len(h.lines[0]))
	}
}

func TestLineEndsOnce(t *testing.T) {
	for _, typed := range []string{"a\rb\r\rc\r", "a\nb\n\nc\n", "a\r\nb\r\n\r\nc\r\n", "a\r\x00b\r\x00\r\x00c\r\x00",
		"a\r\nb\n\r\nc\r", "a\r\x00\nb\r\r\x00c\r"} {
		conn := play(typed)
		term := NewTerminal(conn)
		var got []string
		for {
			line, err := term.ReadLine(t.Context(), "")
			if err != nil {
				break
			}
			got = append(got, line)
		}
		if s := strings.Join(got, "|"); s != "a|b||c" {
			t.Errorf("%q is read as %q", typed, s)
		}
	}
}

func TestNothingBeyondTheLineIsConsumed(t *testing.T) {
	lcp := "\x7e\xff\x7d\x23\xc0\x21"
	conn := play("ppp\r" + lcp)
	if line, err := NewTerminal(conn).ReadLine(t.Context(), ""); line != "ppp" || err != nil {
		t.Fatalf("ReadLine = %q, %v", line, err)
	}
	if conn.rest() != lcp {
		t.Errorf("left for PPP: %q, want %q", conn.rest(), lcp)
	}
}

func TestPassword(t *testing.T) {
	tests := []struct{ typed, want string }{
		{"secret\r", "secret"},
		{"secret\b\bxx\r", "secrxx"},
		{"wrong\x15right\r", "right"},
		{"a b?\r", "a b?"},
		{"gr\xfcn\r", "gr\xfcn"}, // ISO 8859-1 of a DOS terminal
		{"grün\r", "grün"},
		{"\r", ""},
	}
	for _, tt := range tests {
		conn := play(tt.typed)
		got, err := NewTerminal(conn).ReadPassword(t.Context(), "Password: ")
		if err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.typed, got, err, tt.want)
		}
		if string(conn.out) != "Password: \r\n" {
			t.Errorf("%q: the terminal got %q", tt.typed, conn.out)
		}
	}
}

func TestInterrupts(t *testing.T) {
	for key, want := range map[string]error{"\x03": ErrInterrupt, "\x1a": ErrSuspend} {
		conn := play("abc" + key + "def\r")
		term := NewTerminal(conn)
		if _, err := term.ReadLine(t.Context(), "> "); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", key, err, want)
		}
		if line, err := term.ReadLine(t.Context(), "> "); line != "def" || err != nil {
			t.Errorf("after %q: %q, %v", key, line, err)
		}
	}
}

func TestLineTooLong(t *testing.T) {
	conn := play(strings.Repeat("x", 1<<20), "\rnext\r")
	term := NewTerminal(conn)
	if line, err := term.ReadLine(t.Context(), ""); !errors.Is(err, ErrTooLong) || line != "" {
		t.Fatalf("ReadLine = %.20q, %v; want ErrTooLong", line, err)
	}
	if n := len(conn.out); n > 300 {
		t.Errorf("a flood of 1 MiB was answered by %d bytes", n)
	}
	if b := render(conn.out).bells; b != 1 {
		t.Errorf("%d bells, want 1", b)
	}
	if line, err := term.ReadLine(t.Context(), ""); line != "next" || err != nil {
		t.Errorf("the next line: %q, %v", line, err)
	}
}

func TestLineTooLongMayBeErased(t *testing.T) {
	term := NewTerminal(play("01234567890\x15fine\r"))
	term.MaxLine = 10
	if line, err := term.ReadLine(t.Context(), ""); line != "fine" || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}

// Backspaces erase only what is on the screen, and dropped characters are not: blindly typed, the backspaces
// would leave a "0" of the first number.
func TestLineTooLongIsNotMendedByHalf(t *testing.T) {
	for _, erase := range []string{"\x17", strings.Repeat("\b", 10), "\x01\x0b", strings.Repeat("\b", 300)} {
		term := NewTerminal(play("01234567890" + erase + "84001\r"))
		term.MaxLine = 10
		if line, err := term.ReadLine(t.Context(), ""); line != "" || !errors.Is(err, ErrTooLong) {
			t.Errorf("after %q: %q, %v", erase, line, err)
		}
	}
}

func TestRedraw(t *testing.T) {
	conn := play("abd\x02\x12\b\x06\x7fbcd\r")
	line, err := NewTerminal(conn).ReadLine(t.Context(), "> ")
	if err != nil {
		t.Fatal(err)
	}
	s := render(conn.out)
	if line != "abcd" || strings.TrimRight(s.line(0), " ") != "> abd" || strings.TrimRight(s.line(1), " ") != "> abcd" {
		t.Errorf("line %q, screen %q", line, s.rows)
	}
}

func TestWrite(t *testing.T) {
	conn := play()
	term := NewTerminal(conn)
	for _, s := range []string{"a\nb\r\nc\r", "\nd\n\n", ""} {
		if n, err := io.WriteString(term, s); n != len(s) || err != nil {
			t.Fatalf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if got := string(conn.out); got != "a\r\nb\r\nc\r\nd\r\n\r\n" {
		t.Errorf("sent %q", got)
	}
}

func TestEndOfStream(t *testing.T) {
	if _, err := NewTerminal(play("half a li")).ReadLine(t.Context(), ""); !errors.Is(err, io.EOF) {
		t.Errorf("ReadLine: %v, want EOF", err)
	}
}

func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer a.Close()
		defer b.Close()
		go io.Copy(io.Discard, b)
		go func() { // a byte each 8 s keeps the line alive for 24 s
			for range 3 {
				<-time.After(8 * time.Second)
				b.Write([]byte("x"))
			}
		}()
		term := NewTerminal(a)
		term.Idle = 10 * time.Second
		start := time.Now()
		_, err := term.ReadLine(t.Context(), "> ")
		if d := time.Since(start); !errors.Is(err, ErrIdle) || d != 34*time.Second {
			t.Errorf("ReadLine ended after %v with %v; want 34s and ErrIdle", d, err)
		}
	})
}

func TestContextEndsAReadAndAWrite(t *testing.T) {
	why := errors.New("line cleared")
	for name, prompt := range map[string]string{"read": "", "write": "prompt that is not accepted"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(5*time.Second, func() { cancel(why) })
				term := NewTerminal(newStuck(t))
				term.Idle = time.Minute
				start := time.Now()
				_, err := term.ReadLine(ctx, prompt)
				if d := time.Since(start); !errors.Is(err, why) || d != 5*time.Second {
					t.Errorf("ended after %v with %v", d, err)
				}
				if _, err := term.ReadLine(ctx, prompt); !errors.Is(err, why) {
					t.Errorf("a later ReadLine: %v", err)
				}
			})
		})
	}
}

// If ctx ends between two octets, the deadline of the next read must not hide that.
func TestContextEndsBetweenTwoReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		conn := &cancelling{stuck: newStuck(t), cancel: cancel}
		term := NewTerminal(conn)
		term.Idle = time.Hour
		start := time.Now()
		_, err := term.ReadLine(ctx, "")
		if d := time.Since(start); !errors.Is(err, context.Canceled) || d != 0 {
			t.Errorf("ended after %v with %v", d, err)
		}
	})
}

// cancelling delivers one octet and ends ctx while it is echoed.
type cancelling struct {
	*stuck
	cancel context.CancelFunc
	given  bool
}

func (c *cancelling) Read(p []byte) (int, error) {
	if c.given {
		return c.stuck.Read(p)
	}
	c.given = true
	p[0] = 'x'
	return 1, nil
}

func (c *cancelling) Write(p []byte) (int, error) {
	c.cancel()
	synctest.Wait()
	return len(p), nil
}

func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := io.WriteString(NewTerminal(newStuck(t)), "hello")
		if d := time.Since(start); err == nil || d != 30*time.Second {
			t.Errorf("Write ended after %v with %v", d, err)
		}
	})
}

// FuzzEditor checks: in any chunks, the same bytes yield the same lines and screen; the line and the output per byte
// are bounded; no control character is echoed; the screen shows the line read.
func FuzzEditor(f *testing.F) {
	f.Add([]byte("show line\r\nab\bc\x1b[D\x1b[3~\r"), uint8(1), uint8(7))
	f.Add([]byte("\x1b[A\x10\x0e\x15\x17\xff\xc3\xbc\xc2\x9b\x1b\r"), uint8(2), uint8(3))
	f.Add(bytes.Repeat([]byte("x\x01"), 300), uint8(255), uint8(1))
	f.Fuzz(func(t *testing.T, typed []byte, first, second uint8) {
		a, outA := readAll(t, typed, int(first)+1)
		b, outB := readAll(t, typed, int(second)+1)
		if a != b || !bytes.Equal(outA, outB) {
			t.Fatalf("chunking changes the result:\n%q %q\n%q %q", a, outA, b, outB)
		}
		if odd := render(outA).odd; len(odd) > 0 {
			t.Fatalf("control characters %q were echoed for %q", odd, typed)
		}
		if max := 64 + len(typed)*4*2*40; len(outA) > max {
			t.Fatalf("%d bytes in, %d out", len(typed), len(outA))
		}
		checkDrawing(t, typed)
	})
}

func readAll(t *testing.T, typed []byte, chunk int) (string, []byte) {
	conn := &tape{}
	for len(typed) > 0 {
		n := min(chunk, len(typed))
		conn.in = append(conn.in, bytes.Clone(typed[:n]))
		typed = typed[n:]
	}
	term := NewTerminal(conn)
	term.MaxLine = 40
	var all strings.Builder
	for i := 0; ; i++ {
		var line string
		var err error
		if i%3 == 2 {
			line, err = term.ReadPassword(t.Context(), "P")
		} else {
			line, err = term.read(t.Context(), ">", &editor{hist: &term.hist}, nil)
		}
		if err != nil && line != "" {
			t.Fatalf("%v, and the line %q", err, line)
		}
		if len([]rune(line)) > 40 {
			t.Fatalf("a line of %d characters", len(line))
		}
		all.WriteString(line + "|")
		if errors.Is(err, io.EOF) {
			return all.String(), conn.out
		}
	}
}

// checkDrawing compares, after each byte, the rendered row with the edited line, as long as all is ASCII.
func checkDrawing(t *testing.T, typed []byte) {
	e := &editor{max: 40, hist: &history{lines: []string{"older", "old"}, at: 2}}
	var out []byte
	for _, b := range typed[:min(len(typed), 200)] { // each is rendered from the start
		drawn, _ := e.step(b)
		out = append(out, drawn...)
		if b >= 0x80 || b == '\r' || b == '\n' {
			return
		}
		s := render(out)
		if got := strings.TrimRight(s.line(0), " "); got != strings.TrimRight(e.text(), " ") || s.col != e.pos {
			t.Fatalf("after %q the screen shows %q, cursor %d; the line is %q, cursor %d", typed, got, s.col, e.text(),
				e.pos)
		}
	}
}
