package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ringback/ringback/lines"
)

// The speed of a port that follows the call (lines.Config.FollowSpeed): while the modem takes commands, it is
// Config.Speed. After CONNECT the modem talks to us at the speed that its CONNECT line names. If that names none, or
// one that no port has, the caller presses RETURN, which is examined at one speed after the other.

// callerSpeeds are the speeds that a caller may have, in the order in which RETURN is examined.
var callerSpeeds = []int{9600, 2400, 1200, 19200, 38400, 57600, 115200, 4800, 300}

const (
	returnTime = 60 * time.Second       // how long a caller may take until RETURN is recognized
	dwell      = 3 * time.Second        // where nothing arrives: a UART drops what is far too fast or slow
	burstGap   = 150 * time.Millisecond // a silence that ends what one key sends
	maxBurst   = 64                     // octets of it that are examined
)

var (
	errNoReturn = fmt.Errorf("no RETURN was recognized within %v", returnTime)
	errGone     = errors.New("the caller hung up before RETURN was recognized")
)

// followConnect sets the port to the speed that the CONNECT line names. It reports whether the speed is then known, or
// cannot be changed. The caller holds the token.
func (d *Driver) followConnect(c *conn) bool {
	if !d.o.Config.FollowSpeed {
		return true
	}
	if !slices.Contains(callerSpeeds, c.rate) {
		return false
	}
	err := d.setSpeed(c.port, c.rate)
	d.notice(noticeSpeed, err)
	d.debug("speed %d: %s %v", c.rate, c.text, orNone(err))
	return true
}

// findSpeed sets the port to the speed of a caller who presses RETURN. The error is that of an end of the call, or
// errNoReturn. The caller holds the token.
func (d *Driver) findSpeed(ctx context.Context, c *conn) error {
	base := d.o.Config.Speed
	order := append([]int{base}, slices.DeleteFunc(slices.Clone(callerSpeeds),
		func(s int) bool { return s == base })...)
	end := time.Now().Add(returnTime)
	for at := 0; ; {
		speed := order[at]
		if err := d.setSpeed(c.port, speed); err != nil {
			d.notice(noticeSpeed, err)
			return nil // the caller has that of the port, or none
		}
		if time.Until(end) <= 0 {
			return errNoReturn
		}
		got, err := d.burst(ctx, c, dwell)
		if err != nil {
			return err
		}
		if isReturn(got) {
			d.notice(noticeSpeed, nil)
			d.debug("speed %d: RETURN", speed)
			return nil
		}
		next := slices.Index(order, sender(got, speed))
		if next < 0 {
			next = (at + 1) % len(order)
		}
		at = next
		d.debug("no RETURN at %d bit/s (%d octets): trying %d", speed, len(got), order[at])
	}
}

// burst returns the first octets that arrive before a silence; none if nothing arrives within limit. Octets that arrive
// without a silence for that long are one burst.
func (d *Driver) burst(ctx context.Context, c *conn, limit time.Duration) (got []byte, err error) {
	end := time.Now().Add(limit)
	for b := make([]byte, maxBurst); ; {
		wait := min(burstGap, time.Until(end))
		if wait <= 0 {
			return got, nil
		}
		err := d.await(ctx, wait, func() bool { return c.in.buffered() > 0 || c.isDone() })
		switch {
		case c.isDone():
			return nil, errGone
		case err == errWaited && len(got) > 0:
			return got, nil
		case err == errWaited:
			continue
		case err != nil:
			return nil, err
		}
		n, err := c.in.read(b)
		if err != nil {
			return nil, err
		}
		got = append(got, b[:min(n, maxBurst-len(got))]...)
	}
}

func (c *conn) isDone() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// baseSpeed sets the port back to the speed of the modem's command line. The caller holds the token.
func (d *Driver) baseSpeed(port lines.Port) {
	if d.speed == 0 {
		return
	}
	if err := d.setSpeed(port, d.o.Config.Speed); err != nil {
		d.debug("%v", err) // the commands will fail, and the port is opened again
	}
	d.speed = 0
}

var errFixedSpeed = errors.New("the speed of the port cannot be changed")

func (d *Driver) setSpeed(port lines.Port, speed int) error {
	s, ok := port.(lines.SpeedSetter)
	if !ok {
		return errFixedSpeed
	}
	if err := s.SetSpeed(speed); err != nil {
		return fmt.Errorf("%w to %d bit/s: %w", errFixedSpeed, speed, err)
	}
	d.speed = speed
	return nil
}

// isReturn reports whether octets are RETURN, once or more often, whatever their parity bits are.
func isReturn(got []byte) bool {
	for i, b := range got {
		if b &= 0x7f; b != '\r' && (i == 0 || b != '\n') {
			return false
		}
	}
	return len(got) > 0
}

// sender returns the speed at which RETURN was sent if a receiver at another speed got these octets; 0 if no speed, or
// more than one, explains them.
func sender(got []byte, receiver int) (speed int) {
	got = withoutNUL(got) // a BREAK may be an octet or not
	for _, s := range callerSpeeds {
		for _, cr := range []byte{'\r', '\r' | 0x80} {
			seen := withoutNUL(received(cr, s, receiver))
			if s != receiver && len(seen) > 0 && slices.Equal(seen, got) {
				if speed != 0 && speed != s {
					return 0
				}
				speed = s
			}
		}
	}
	return speed
}

func withoutNUL(b []byte) []byte {
	return slices.DeleteFunc(slices.Clone(b), func(c byte) bool { return c == 0 })
}

// received returns what a UART at one speed receives of an octet that was sent at another, in the format 8n1: it waits
// for a start bit, takes the bits in their middle, and after a missing stop bit waits for the end of the space.
func received(octet byte, sender, receiver int) (got []byte) {
	mark := func(t float64) bool { // the level of the line at a time in seconds
		switch n := int(t * float64(sender)); {
		case n < 0 || n > 8:
			return true
		case n == 0:
			return false
		default:
			return octet>>(n-1)&1 == 1
		}
	}
	bit, end := 1/float64(receiver), 10/float64(sender)
	step := min(bit, 1/float64(sender)) / 16
	for t := 0.0; t < end; t += step {
		if mark(t) {
			continue
		}
		if mark(t + bit/2) {
			continue // too short for a start bit
		}
		var b byte
		for n := range 8 {
			if mark(t + (float64(n)+1.5)*bit) {
				b |= 1 << n
			}
		}
		got = append(got, b)
		t += 9.5 * bit
		for ; t < end && !mark(t); t += step {
		}
	}
	return got
}
