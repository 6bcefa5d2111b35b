package modem

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"
)

// If the carrier is lost in transit, the echo of a session reaches the modem's command line: a caller who types ATDT
// and hangs up would make the modem dial. So text that looks like the start of a command is written only after a
// short silence, in which NO CARRIER would have arrived. Any rest of it in the modem's buffer is deleted before the
// driver's next command.

// suspect tracks the data that a call writes, since the last CR. The zero value has seen nothing.
type suspect struct {
	a  bool // the last octet was an A
	at bool // AT or A/ was written: the rest of the line would be a command
	n  int  // octets of that line, A included
}

// add processes octets and reports whether one of them would be part of a command. Modems ignore the eighth bit
// (parity), and most ignore text before AT.
func (s *suspect) add(b []byte) (any bool) {
	for _, c := range b {
		c = c & 0x7f
		switch {
		case c == 0: // padding for slow terminals; modems skip it
			continue
		case s.at:
			any = true
			if s.n++; c == '\r' {
				*s = suspect{}
			}
		case s.a && (c == 'T' || c == 't' || c == '/'):
			s.at, s.n, any = true, 2, true
		default:
			s.a = c == 'A' || c == 'a'
		}
	}
	return any
}

// maxLeft is the maximum number of octets to delete: no modem has a longer command buffer.
const maxLeft = 255

// left returns the number of octets that may be in the modem's command buffer.
func (s *suspect) left() int {
	if !s.at {
		return 0
	}
	return min(s.n, maxLeft)
}

// silence is the time without input that must precede text that looks like a command.
func (c *conn) silence() time.Duration { return c.d.t.Silence / 10 }

// gate waits until b may be written.
func (c *conn) gate(b []byte) error {
	c.mu.Lock()
	any := c.wrote.add(b)
	early := !c.frames && time.Since(c.born) < c.d.t.Settle
	c.gated = any && !c.ended
	c.mu.Unlock()
	if !any && !early {
		return nil
	}
	signal(c.in.room) // so that the reader does not wait for this Write
	defer func() {
		c.mu.Lock()
		c.gated = false
		c.mu.Unlock()
	}()
	for {
		wait, err := c.closed(any)
		if wait <= 0 || err != nil {
			return err
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-c.done:
			t.Stop()
		}
	}
}

// closed returns the minimum time for which the gate stays closed. Text that looks like a command waits until the
// line has been silent.
func (c *conn) closed(command bool) (time.Duration, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	var wait time.Duration
	if !c.frames {
		wait = c.born.Add(c.d.t.Settle).Sub(now) // the far modem may not accept text yet
	}
	if command {
		wait = max(wait, c.heard.Add(c.silence()).Sub(now))
		if c.holding || c.stuck {
			wait = max(wait, c.silence())
		}
	}
	switch {
	case c.ended:
		return 0, io.EOF
	case wait > 0 && !c.until.IsZero() && !now.Before(c.until):
		return 0, os.ErrDeadlineExceeded
	case wait > 0 && !c.until.IsZero():
		wait = min(wait, c.until.Sub(now))
	}
	return wait, nil
}

// hear records that octets arrived or that held data was passed on.
func (c *conn) hear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.holding = time.Now(), c.held > c.passed
	if c.soon = 0; c.held <= lineEnd {
		c.soon = c.held - c.passed
	}
}

func (c *conn) isGated() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gated
}

// erase returns the octets that delete the rest of a call's last data, and another more octets, from the modem's
// buffer.
func (d *Driver) erase(more int) []byte {
	d.mu.Lock()
	n := d.left
	d.left = 0
	d.mu.Unlock()
	if n == 0 {
		return nil
	}
	return bytes.Repeat([]byte("\b"), n+more) // S5
}

// clean deletes the rest of a call's last data from the modem's command line and ends that line. A modem with an
// empty line does not answer.
func (d *Driver) clean(ctx context.Context) error {
	text := d.erase(0)
	if text == nil {
		return nil
	}
	_, err := d.command(ctx, order{text: string(text) + "\r", limit: d.t.Silence})
	if err != nil && stop(ctx, err) {
		return err
	}
	return nil
}

func isCommand(text string) bool { return len(text) >= 2 && text[:2] == "AT" }
