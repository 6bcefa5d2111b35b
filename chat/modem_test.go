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

// rule is one response of a fake modem: if its input since its last response contains told, it sends say.
type rule struct{ told, say string }

// fakeModem is a modem made of rules, without I/O.
type fakeModem struct {
	first string // sent before any input
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

// pipeConn adapts one end of a net.Pipe to a Conn that counts BREAKs.
type pipeConn struct {
	net.Conn
	breaks   int
	breakErr error
}

func (c *pipeConn) Break(time.Duration) error {
	c.breaks++
	return c.breakErr
}

// connect returns a Conn to a modem over a net.Pipe, with an input buffer like that of a real port. The returned
// function stops the modem and returns its input.
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

// pipes returns a Conn and its other end, unbuffered.
func pipes() (*pipeConn, net.Conn) {
	ours, theirs := net.Pipe()
	return &pipeConn{Conn: ours}, theirs
}

// memConn is a modem without goroutines: its output is ready in advance, and a Read without output fails immediately.
type memConn struct {
	modem  fakeModem
	in     bytes.Buffer
	wrote  []string
	breaks int
	reads  int
	empty  error // error of a Read without output; nil: os.ErrDeadlineExceeded
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

// syntaxError returns the *SyntaxError that Parse must return for text.
func syntaxError(t testing.TB, text string) *SyntaxError {
	t.Helper()
	_, err := Parse("x", text)
	var e *SyntaxError
	if !errors.As(err, &e) {
		t.Fatalf("Parse(%q): error is %v, want a *SyntaxError", text, err)
	}
	return e
}

// texts formats a transcript without its times.
func texts(es []Entry) string {
	var b strings.Builder
	for _, e := range es {
		b.WriteString(string(e.Dir) + " " + e.Text + "\n")
	}
	return b.String()
}
