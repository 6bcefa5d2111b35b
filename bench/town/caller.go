package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/lab/exchange"
)

// caller is a subscriber at a PC modem who answers the prompts of a login as fast as possible.
type caller struct {
	user  string
	calls string // the number of the access server
	dte   *exchange.DTE
	seen  []byte // received and not yet matched
	buf   [512]byte

	promised, busy int
}

// patience is how long a caller waits for anything: far longer than a cycle, so that a caller whose patience ends has
// lost their callback.
const patience = 30 * time.Second

var errBusy = errors.New("BUSY")

// cycle is one whole callback from the caller's side.
func (c *caller) cycle() error {
	err := c.try()
	if err == nil {
		return nil
	}
	c.hangUp()
	return err
}

func (c *caller) try() error {
	if err := c.promise(); err != nil {
		return err
	}
	err := c.talk([]step{
		{"", "CONNECT"}, // RING, and S0 answers
		{"", "Username: "},
		{c.user + "\r", "Password: "},
		{wire.Password + "\r", wire.Hostname + ">"},
		{"exit\r", "NO CARRIER"},
	})
	if err != nil {
		return fmt.Errorf("after the promise: %w", err)
	}
	return nil
}

// promise calls until a callback is promised and the access server has hung up.
func (c *caller) promise() error {
	c.seen = c.seen[:0]
	c.dte.SetReadDeadline(time.Now().Add(patience))
	for {
		err := c.do("ATDT"+c.calls+"\r", "CONNECT")
		if err == nil {
			break
		}
		if !errors.Is(err, errBusy) {
			return err
		}
		if c.busy++; c.busy > 10000 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
	err := c.talk([]step{
		{"", "Username: "},
		{c.user + "\r", "Password: "},
		{wire.Password + "\r", "Callback initiated"},
	})
	if err != nil {
		return err
	}
	c.promised++
	if err := c.see("NO CARRIER"); err != nil {
		return fmt.Errorf("after the promise: %w", err)
	}
	return nil
}

// step is what a caller sends, and what they then wait for.
type step struct{ send, want string }

func (c *caller) talk(steps []step) error {
	for _, s := range steps {
		if err := c.do(s.send, s.want); err != nil {
			return err
		}
	}
	return nil
}

func (c *caller) do(send, want string) error {
	if send != "" {
		if _, err := io.WriteString(c.dte, send); err != nil {
			return fmt.Errorf("send %q: %w", send, err)
		}
	}
	return c.see(want)
}

func (c *caller) await(d time.Duration, want string) {
	c.dte.SetReadDeadline(time.Now().Add(d))
	c.see(want)
}

var busy = []byte("BUSY\r\n")

// see reads until want has come and discards everything up to its end.
func (c *caller) see(want string) error {
	for {
		if i := bytes.Index(c.seen, []byte(want)); i >= 0 {
			c.seen = append(c.seen[:0], c.seen[i+len(want):]...)
			return nil
		}
		if i := bytes.Index(c.seen, busy); i >= 0 {
			c.seen = c.seen[:0]
			return errBusy
		}
		n, err := c.dte.Read(c.buf[:])
		c.seen = append(c.seen, c.buf[:n]...)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("no %q within %v; the screen has %q", want, patience, c.seen)
		case err != nil:
			return fmt.Errorf("waiting for %q: %w", want, err)
		}
	}
}
