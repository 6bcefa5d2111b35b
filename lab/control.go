package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// The control socket: a client sends one line of JSON and receives one line of JSON. From then on it is connected to
// the subscriber's modem: bytes in both directions until either side closes.

type controlRequest struct {
	As    string  `json:"as,omitempty"`    // subscriber's name
	Phone *phoned `json:"phone,omitempty"` // instead: the answer ends the connection
}

type controlAnswer struct {
	Error string `json:"error,omitempty"`
}

// serveControl serves until the listener is closed.
func (l *Lab) serveControl(ctx context.Context, lis net.Listener) {
	for {
		c, err := lis.Accept()
		if err != nil {
			return
		}
		l.wg.Go(func() {
			defer c.Close()
			stop := context.AfterFunc(ctx, func() { c.Close() })
			defer stop()
			l.serveClient(ctx, c)
		})
	}
}

func (l *Lab) serveClient(ctx context.Context, c net.Conn) {
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReaderSize(c, 4096)
	line, err := in.ReadSlice('\n')
	var req controlRequest
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	if err != nil {
		reply(c, fmt.Errorf("lab: a request is one line of JSON: %w", err))
		return
	}
	c.SetReadDeadline(time.Time{})
	if req.Phone != nil {
		reply(c, l.phone(ctx, *req.Phone))
		return
	}
	dte, err := l.Attach(req.As)
	reply(c, err)
	if err != nil {
		return
	}
	defer l.detach(req.As, dte)
	Bridge(dte, struct {
		io.Reader
		io.WriteCloser
	}{in, c})
}

func reply(c net.Conn, err error) {
	var a controlAnswer
	if err != nil {
		a.Error = err.Error()
	}
	data, _ := json.Marshal(a)
	c.Write(append(data, '\n'))
}

// Attach connects a DTE to the modem of a subscriber's PC. It fails if there is no such subscriber or the PC is in use.
func (l *Lab) Attach(name string) (*exchange.DTE, error) {
	m := l.subscribers[name]
	if m == nil {
		return nil, fmt.Errorf("no subscriber %q: use one of %s", name, names())
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.attached[name] {
		return nil, fmt.Errorf("the PC of %s is in use: use another of %s", name, names())
	}
	l.attached[name] = true
	return m.DTE(), nil
}

// ServePTY connects a subscriber's modem to a pseudo terminal, for the user's own terminal program, and returns its
// path. The terminal exists until the lab ends.
func (l *Lab) ServePTY(name string) (path string, err error) {
	dte, err := l.Attach(name) // from now on the PC is in use
	if err != nil {
		return "", err
	}
	dte.Close()
	return l.subscribers[name].ServePTY("")
}

func (l *Lab) detach(name string, dte *exchange.DTE) {
	dte.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.attached, name)
}

func names() string {
	text := ""
	for i, r := range residents {
		if i > 0 {
			text += ", "
		}
		text += r.Name
	}
	return text
}

// Bridge copies bytes between a modem and a terminal or connection until either ends, and closes both.
func Bridge(dte *exchange.DTE, other io.ReadWriteCloser) {
	var end sync.Once
	finish := func() {
		dte.Close()
		other.Close()
	}
	var down sync.WaitGroup
	down.Go(func() {
		defer end.Do(finish)
		io.Copy(struct{ io.Writer }{other}, struct{ io.Reader }{dte})
	})
	io.Copy(struct{ io.Writer }{dte}, struct{ io.Reader }{other})
	end.Do(finish)
	down.Wait()
}

// Call connects to the modem of a subscriber's PC in a running lab. The caller closes the connection.
func Call(ctx context.Context, t Town, as string) (net.Conn, error) {
	return dialControl(ctx, t, controlRequest{As: as})
}

// readAnswer reads exactly one line: what follows comes from the modem.
func readAnswer(c net.Conn) (controlAnswer, error) {
	var line []byte
	var a controlAnswer
	b := make([]byte, 1)
	for len(line) < 4096 {
		if _, err := io.ReadFull(c, b); err != nil {
			return a, fmt.Errorf("lab: read the answer: %w", err)
		}
		if b[0] == '\n' {
			return a, json.Unmarshal(line, &a)
		}
		line = append(line, b[0])
	}
	return a, errors.New("lab: the answer is too long")
}

// listenUnix makes a socket of mode 0600, in place of a stale one.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	lis, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	return lis, os.Chmod(path, 0o600)
}
