package modem

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/lines"
)

// serve waits for calls and for what may happen to the line, until the port is lost or ctx ends. The token is not held.
func (d *Driver) serve(ctx context.Context) error {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	alarm := time.NewTimer(time.Hour)
	defer alarm.Stop()
	for {
		next, lost := d.look(ctx)
		if lost != nil {
			return lost
		}
		if ctx.Err() != nil {
			return errClosed
		}
		var due <-chan time.Time
		if !next.IsZero() {
			alarm.Reset(time.Until(next))
			due = alarm.C
		}
		select {
		case <-d.wake:
		case <-due:
		case <-port.Changes():
			d.lookAtSignals()
		case <-ctx.Done():
			return errClosed
		}
	}
}

// look does what is to be done now, and returns when it wants to look again though nothing happened; zero: it need not.
func (d *Driver) look(ctx context.Context) (next time.Time, lost error) {
	d.mu.Lock()
	lost = d.lost
	c, rings, last, from := d.conn, d.rings, d.lastRing, d.caller
	own, tried := d.talk == nil, d.tried
	d.mu.Unlock()
	switch {
	case lost != nil:
		return time.Time{}, lost
	case c != nil:
		if own && d.unclaimed(c) {
			d.answered(ctx, c)
		}
		return d.checkCarrier(c), nil
	case rings == 0:
		return time.Time{}, nil
	case time.Since(last) >= d.t.Rings:
		d.mu.Lock()
		d.quietLocked()
		d.mu.Unlock()
		d.host.Phase(lines.Idle)
		return time.Time{}, nil
	}
	d.host.Phase(lines.Ringing)
	if enough := rings > 1 || !d.o.Config.CallerID || from != ""; own && enough && rings > tried && !d.autoAnswer && d.wanted(ctx) {
		d.answer(ctx, rings)
	}
	return last.Add(d.t.Rings), nil
}

func (d *Driver) unclaimed(c *conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.conn == c && !c.claimed && d.talk == nil
}

// checkCarrier ends a call whose carrier DCD never shows: its loss would not show either. It returns when to check.
func (d *Driver) checkCarrier(c *conn) time.Time {
	if !c.port.HasSignals() || d.hasCarrier(c) {
		return time.Time{}
	}
	if at := c.born.Add(d.t.Command); time.Now().Before(at) {
		return at
	}
	d.debug("%s, but DCD stays off: hung up (AT&C1? the cable?)", c.text)
	d.drop(c, true)
	return time.Time{}
}

// tryTake gets the token where nobody holds it. Who does wakes Run when he gives it back.
func (d *Driver) tryTake() bool {
	select {
	case d.op <- struct{}{}:
		return true
	default:
		return false
	}
}

// answer takes a call by ATA, unless it must not. It blocks until the call is up or the line is on hook again.
func (d *Driver) answer(ctx context.Context, rings int) {
	if !d.tryTake() {
		return
	}
	d.mu.Lock()
	stale := !d.up || d.rings != rings || d.conn != nil || d.talk != nil
	d.tried = rings // refused once, this ring is let go: its caller may have gone before the line is free
	d.mu.Unlock()
	if stale {
		<-d.op
		return
	}
	if !d.host.Answer() {
		d.waste()
		<-d.op
		return
	}
	defer d.give()
	d.mu.Lock()
	d.calling, d.used = true, true
	from, to := d.caller, d.called
	d.mu.Unlock()
	d.debug("ring %d, caller %q: answering", rings, from)
	code, _, err := d.command(ctx, "ATA\r", d.t.Answer, func(c lines.ResultCode) bool { return c != lines.OK && c != lines.Ring })
	d.mu.Lock()
	c := d.conn
	if c != nil {
		c.claimed = true
		if d.caller != "" {
			from = d.caller
		}
	}
	d.quietLocked()
	d.mu.Unlock()
	if c != nil {
		d.host.Connected(c.call(lines.Incoming, from, to))
		return
	}
	d.debug("the call did not connect: %s %v", code, orNone(err))
	d.host.Missed(d.prove(context.WithoutCancel(ctx)))
}

func orNone(err error) any {
	if err == nil {
		return ""
	}
	return err
}

// answered deals with a CONNECT that the modem made by itself (S0): a call where the line is free, else it is hung up.
func (d *Driver) answered(ctx context.Context, c *conn) {
	if !d.tryTake() {
		return
	}
	defer d.give()
	if !d.unclaimed(c) {
		return
	}
	d.mu.Lock()
	screened := d.screened
	d.mu.Unlock()
	if may := !d.o.Config.CallCheck || screened == granted; may && d.host.Answer() {
		d.mu.Lock()
		c.claimed = true
		from, to := d.caller, d.called
		d.quietLocked()
		d.mu.Unlock()
		d.host.Connected(c.call(lines.Incoming, from, to))
		return
	}
	d.debug("%s: the modem answered a call that is not wanted now: hung up", c.text)
	if err := d.prove(ctx); err != nil && !errors.Is(err, lines.ErrDown) {
		d.host.Up(err) // nobody else would hear that the line is not on hook
	}
}
