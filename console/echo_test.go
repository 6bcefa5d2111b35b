package console

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// burst delivers its pieces in order, octet by octet, and records each write and each read that would block.
type burst struct {
	pieces []string
	log    []string
}

func (b *burst) Buffered() int {
	if len(b.pieces) == 0 {
		return 0
	}
	return len(b.pieces[0])
}

func (b *burst) Read(p []byte) (int, error) {
	for len(b.pieces) > 0 && b.pieces[0] == "" {
		b.pieces = b.pieces[1:]
		b.log = append(b.log, "waits")
	}
	if len(b.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.pieces[0][:1])
	b.pieces[0] = b.pieces[0][1:]
	return n, nil
}

func (b *burst) Write(p []byte) (int, error) {
	b.log = append(b.log, string(p))
	return len(p), nil
}

func (b *burst) SetReadDeadline(time.Time) error  { return nil }
func (b *burst) SetWriteDeadline(time.Time) error { return nil }

// TestEchoGoesOutAtOnce: input that arrives together is echoed with one write, always before the terminal
// blocks for more.
func TestEchoGoesOutAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		parity Parity
		pieces []string
		want   []string
	}{
		"a line":    {NoParity, []string{"abc\r"}, []string{"> ", "abc\r\n"}},
		"in pieces": {NoParity, []string{"a", "bc", "\r"}, []string{"> ", "a", "waits", "bc", "waits", "\r\n"}},
		"an octet behind it of the wrong parity, which is dropped": {EvenParity, []string{"\xe1\xe2\x61", "\x8d"},
			[]string{"\xbe\xa0", "\xe1\xe2", "waits", "\x8d\x0a"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := &burst{pieces: tt.pieces}
			term := NewTerminal(b)
			term.Parity = tt.parity
			_, err := term.ReadLine(t.Context(), "> ")
			if garbled := tt.parity == EvenParity; errors.Is(err, ErrGarbled) != garbled ||
				!slices.Equal(b.log, tt.want) {
				t.Errorf("%q, %v; want %q", b.log, err, tt.want)
			}
		})
	}
}

// TestEchoOfAFlood: endless input does not fill the memory.
func TestEchoOfAFlood(t *testing.T) {
	b := &burst{pieces: []string{strings.Repeat("x\b", 1<<16)}}
	term := NewTerminal(b)
	if _, err := term.ReadLine(t.Context(), ""); err != io.EOF {
		t.Fatal(err)
	}
	for _, w := range b.log {
		if len(w) > maxEcho+16 {
			t.Fatalf("%d octets in one write", len(w))
		}
	}
	if cap(term.echo) > 4*maxEcho {
		t.Errorf("%d octets wait", cap(term.echo))
	}
}

// TestPromptsInOneWrite: what is queued, and the line end before another prompt, are sent with that prompt.
func TestPromptsInOneWrite(t *testing.T) {
	b := &burst{pieces: []string{"ted\r", "secret\r"}}
	term := NewTerminal(b)
	if err := term.Later("\n"); err != nil {
		t.Fatal(err)
	}
	if name, err := term.ReadFirst(t.Context(), "Username: "); name != "ted" || err != nil {
		t.Fatalf("%q, %v", name, err)
	}
	if password, err := term.ReadPassword(t.Context(), "Password: "); password != "secret" || err != nil {
		t.Fatalf("%q, %v", password, err)
	}
	want := []string{"\r\nUsername: ", "ted\r\nPassword: ", "waits", "\r\n"}
	if !slices.Equal(b.log, want) {
		t.Errorf("%q; want %q", b.log, want)
	}
}

// TestLaterIsSentBeforeAWait: queued text does not wait for the answer to it.
func TestLaterIsSentBeforeAWait(t *testing.T) {
	b := &burst{pieces: []string{"", "\r"}}
	term := NewTerminal(b)
	if _, err := term.ReadFirst(t.Context(), "Username: "); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(term, ""); err != nil {
		t.Fatal(err)
	}
	if want := []string{"Username: ", "waits", "\r\n"}; !slices.Equal(b.log, want) {
		t.Errorf("%q; want %q", b.log, want)
	}
}
