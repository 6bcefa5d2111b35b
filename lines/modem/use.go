package modem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

// Command implements lines.Driver.
func (d *Driver) Command(ctx context.Context, fn lines.Script) (lines.ResultCode, error) {
	t, err := d.use(ctx, false, fn)
	if t == nil {
		return lines.NoResult, err
	}
	if t.rang {
		return lines.Ring, err
	}
	return t.last, err
}

// Dial implements lines.Driver.
func (d *Driver) Dial(ctx context.Context, fn lines.Script) (*lines.Call, lines.ResultCode, error) {
	t, err := d.use(ctx, true, fn)
	switch {
	case t == nil:
		return nil, lines.NoResult, err
	case t.code == lines.Connected && err == nil:
		return t.conn.call(lines.Outgoing, "", ""), lines.Connected, nil
	case t.code == lines.Connected || t.code == lines.NoResult:
		return nil, lines.NoResult, err
	}
	return nil, t.code, nil
}

// use runs a script with the token held. It returns the script's end, or nil where it was not run. After a dial that brought no call the
// line is proven on hook; where that fails it is not used again before it is.
func (d *Driver) use(ctx context.Context, dial bool, fn lines.Script) (*talk, error) {
	tty := d.o.Config.TTY
	if err := d.take(ctx); err != nil {
		return nil, fmt.Errorf("tty %d: %w", tty, err)
	}
	defer d.give()
	if err := d.proveBad(ctx); err != nil {
		return nil, fmt.Errorf("tty %d is not on hook: %w", tty, err)
	}
	t, ctx := d.beginTalk(ctx, dial)
	var err error
	if t.code == lines.NoResult {
		err = d.runScript(ctx, t, fn)
	}
	if d.endTalk(t, err == nil) {
		if unproven := d.prove(context.WithoutCancel(ctx)); unproven != nil {
			d.debug("after the script: %v", unproven) // d.bad keeps the line from being used, Settle tells the pool
		}
	}
	return t, err
}

// runScript runs fn and waits for what came of its dial. Where fn panics the line keeps no trace of it but the need of a proof.
func (d *Driver) runScript(ctx context.Context, t *talk, fn lines.Script) error {
	returned := false
	defer func() {
		if !returned {
			d.endTalk(t, false)
		}
	}()
	err := fn(ctx, t)
	if err == nil && t.dial {
		err = d.outcome(ctx, t)
	}
	returned = true
	return err
}

func (d *Driver) proveBad(ctx context.Context) error {
	d.mu.Lock()
	bad := d.bad
	d.mu.Unlock()
	if !bad {
		return nil
	}
	return d.prove(ctx)
}

// beginTalk puts a script to the command line. What was said before is forgotten; a line that rings is not dialled.
func (d *Driver) beginTalk(ctx context.Context, dial bool) (*talk, context.Context) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &talk{d: d, dial: dial, in: newQueue(), cancel: cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.port = d.port
	d.split.reset()
	d.talk, d.used = t, true
	switch {
	case d.lost != nil || !d.up:
		t.endLocked(lines.ErrDown)
	case d.conn != nil:
		t.connectLocked(d.conn) // answered by itself a moment ago
	case d.rings > 0 && time.Since(d.lastRing) < d.t.Rings:
		t.rangLocked()
	}
	return t, ctx
}

// outcome waits for what came of the dial, where the script did not.
func (d *Driver) outcome(ctx context.Context, t *talk) error {
	d.mu.Lock()
	dialed, code := t.dialed, t.code
	d.mu.Unlock()
	if !dialed && code == lines.NoResult {
		return errors.New("the script ended without a dial command")
	}
	err := d.await(ctx, d.t.Answer, func() bool { return t.code != lines.NoResult || t.ended })
	switch {
	case t.codeNow() != lines.NoResult:
		return nil
	case err == errWaited:
		return fmt.Errorf("no answer to the dial command within %v", d.t.Answer)
	case err == nil:
		return t.why
	}
	return err
}

func (t *talk) codeNow() lines.ResultCode {
	t.d.mu.Lock()
	defer t.d.mu.Unlock()
	return t.code
}

// endTalk takes the script from the command line. good says that it ended by itself and well. It reports whether the line must be proven
// on hook now: a dial is under way, or a call is up that nobody has.
func (d *Driver) endTalk(t *talk, good bool) (prove bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.talk = nil
	t.endLocked(errors.New("the script has ended"))
	if !good && t.conn != nil {
		t.conn.claimed = false
	}
	stray := d.conn != nil && (!d.conn.claimed || d.conn == t.conn && !good)
	if d.lost != nil {
		return false
	}
	return t.dialed && (t.code != lines.Connected || !good) || stray || d.calling || d.online && d.conn == nil
}

// Settle implements lines.Driver.
func (d *Driver) Settle(ctx context.Context) error {
	if err := d.take(ctx); err != nil {
		return fmt.Errorf("settle tty %d: %w", d.o.Config.TTY, err)
	}
	defer d.give()
	d.mu.Lock()
	needed := d.used || d.bad || d.online || d.calling || d.conn != nil
	d.mu.Unlock()
	if !needed {
		return nil
	}
	if err := d.prove(ctx); err != nil {
		return fmt.Errorf("settle tty %d: %w", d.o.Config.TTY, err)
	}
	return nil
}

// Probe implements lines.Driver.
func (d *Driver) Probe(ctx context.Context) error { return d.ready() }

// Clear implements lines.Driver.
func (d *Driver) Clear(ctx context.Context) error {
	d.mu.Lock()
	if !d.up {
		signal(d.retry)
	}
	t, c, answering := d.talk, d.conn, d.reply.wants != nil && d.calling
	if t != nil {
		t.endLocked(lines.ErrCleared)
	}
	if answering {
		d.reply.code = lines.Error // as if the modem had refused
	}
	d.mu.Unlock()
	signal(d.poke)
	if c != nil {
		return c.Hangup(ctx)
	}
	return d.ready()
}
