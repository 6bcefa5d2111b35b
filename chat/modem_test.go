package chat

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// rule is one thing a fake modem knows: when what it was told since its last answer holds told, it says say.
type rule struct{ told, say string }

// fakeModem is a modem made of rules. It opens nothing: octets go in, octets come out.
type fakeModem struct {
	first string // said before it is told anything
	rules []rule

	got, pending []byte
}

func (m *fakeModem) feed(octets []byte) (say string) {
	m.got = append(m.got, octets...)
	for _, b := range octets {
		m.pending = append(m.pending, b)
		for _, r := range m.rules {
			if bytes.HasSuffix(m.pending, []byte(r.told)) {
				say += r.say
				m.pending = m.pending[:0]
				break
			}
		}
	}
	return say
}

// pipeConn makes a net.Pipe end a Conn that counts BREAKs.
type pipeConn struct {
	net.Conn
	breaks   int
	breakErr error
}

func (c *pipeConn) Break(time.Duration) error {
	c.breaks++
	return c.breakErr
}

// connect joins a modem to a Conn by a net.Pipe, with a buffer on the way to us as a real port has one. The function
// returned ends the modem and gives what it was told.
func connect(m *fakeModem) (*pipeConn, func() string) {
	ours, theirs := net.Pipe()
	ctx, cancel := context.WithCancel(context.Background())
	say := make(chan string, 1000)
	say <- m.first
	var wg sync.WaitGroup
	wg.Go(func() {
		buf := make([]byte, 256)
		for {
			n, err := theirs.Read(buf)
			select {
			case say <- m.feed(buf[:n]):
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	wg.Go(func() {
		for {
			select {
			case s := <-say:
				if _, err := io.WriteString(theirs, s); err != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return &pipeConn{Conn: ours}, func() string {
		cancel()
		_ = ours.Close()
		_ = theirs.Close()
		wg.Wait()
		return string(m.got)
	}
}

// pipes returns a Conn and its other end, nothing between them.
func pipes() (*pipeConn, net.Conn) {
	ours, theirs := net.Pipe()
	return &pipeConn{Conn: ours}, theirs
}

// memConn is a modem without goroutines: what it says lies ready, and where nothing does its time is up at once.
type memConn struct {
	modem  fakeModem
	in     bytes.Buffer
	wrote  []string
	breaks int
	reads  int
	empty  error // what Read returns where nothing lies ready; nil: os.ErrDeadlineExceeded
}

func (c *memConn) Read(p []byte) (int, error) {
	c.reads++
	if c.in.Len() == 0 {
		if c.empty != nil {
			return 0, c.empty
		}
		return 0, os.ErrDeadlineExceeded
	}
	return c.in.Read(p)
}

func (c *memConn) Write(p []byte) (int, error) {
	c.wrote = append(c.wrote, string(p))
	c.in.WriteString(c.modem.feed(p))
	return len(p), nil
}

func (c *memConn) SetReadDeadline(time.Time) error { return nil }
func (c *memConn) Break(time.Duration) error       { c.breaks++; return nil }

func mustScript(t testing.TB, name, text string) *Script {
	t.Helper()
	s, err := Parse(name, text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// syntaxError returns the *SyntaxError that Parse must give for text.
func syntaxError(t testing.TB, text string) *SyntaxError {
	t.Helper()
	_, err := Parse("x", text)
	var e *SyntaxError
	if !errors.As(err, &e) {
		t.Fatalf("Parse(%q): error is %v, want a *SyntaxError", text, err)
	}
	return e
}

// texts prints a transcript without its times.
func texts(es []Entry) string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(string(e.Dir) + " " + e.Text + "\n")
	}
	return b.String()
}
