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
	t, err := d.use(ctx, fn, false, nil)
	if t == nil {
		return lines.NoResult, err
	}
	if t.rang {
		return lines.Ring, err
	}
	return t.last, err
}

// Dial implements lines.Driver.
func (d *Driver) Dial(ctx context.Context, look lines.MayDial, fn lines.Script) (*lines.Call, lines.ResultCode,
	error) {
	t, err := d.use(ctx, fn, true, look)
	if t == nil {
		return nil, lines.NoResult, heldBack{err}
	}
	call, code, err := t.result(err)
	if t.unproven != nil {
		err = lines.Unproven{Err: err, Cause: t.unproven}
	}
	return call, code, err
}

// result returns what Dial returns for a script that has ended with an error.
func (t *talk) result(err error) (*lines.Call, lines.ResultCode, error) {
	switch {
	case t.code == lines.Connected && err == nil:
		return t.conn.call(lines.Outgoing, "", ""), lines.Connected, nil
	case !t.dialed:
		if err == nil {
			err = t.why
		}
		return nil, t.code, heldBack{err}
	case t.code == lines.Connected || t.code == lines.NoResult:
		return nil, lines.NoResult, err
	case t.barred > 0:
		return nil, t.code, lines.Barred{For: t.barred}
	}
	return nil, t.code, nil
}

// heldBack is the error of a dial whose command was never sent. Its text is only that of the cause.
type heldBack struct{ error }

func (h heldBack) Unwrap() []error { return []error{h.error, lines.ErrHeldBack} }

// use runs a script with the token held. It returns the ended script, or nil if the script was not run. After a dial
// without a call, the line is proven on hook; if the proof fails, the line is not used until it succeeds.
func (d *Driver) use(ctx context.Context, fn lines.Script, dial bool, look lines.MayDial) (*talk, error) {
	tty := d.o.Config.TTY
	if err := d.take(ctx); err != nil {
		return nil, fmt.Errorf("tty %d: %w", tty, err)
	}
	defer d.give()
	if err := d.proveStray(ctx); err != nil {
		return nil, fmt.Errorf("tty %d is not on hook: %w", tty, err)
	}
	t, err := d.beginTalk(ctx, dial, look)
	if t == nil {
		return nil, fmt.Errorf("tty %d: %w", tty, err)
	}
	if t.code == lines.NoResult {
		err = d.runScript(t, fn)
	} else if !dial {
		err = lines.ErrRinging
	}
	if d.endTalk(t, err == nil) {
		// If it fails, the phase prevents use of the line, and Settle reports the error to the pool.
		if t.unproven = d.prove(context.WithoutCancel(ctx)); t.unproven != nil {
			d.debug("after the script: %v", t.unproven)
		}
	}
	return t, err
}

// runScript runs fn and waits for the result of its dial. If fn panics, the line only needs a new proof.
func (d *Driver) runScript(t *talk, fn lines.Script) error {
	returned := false
	defer func() {
		if !returned {
			d.endTalk(t, false)
		}
	}()
	err := fn(t.ctx, t)
	if err == nil && t.dial {
		err = d.outcome(t)
	}
	if err == nil && t.conn != nil {
		d.followConnect(t.conn) // the called party is not asked for RETURN
	}
	if err == nil && !t.dialed {
		err = t.restore() // the script's last command was a reset
	}
	returned = true
	return err
}

// proveStray hangs up a stray call on an unused line: one that the modem has reported, or that DCD shows.
func (d *Driver) proveStray(ctx context.Context) error {
	d.lookAtSignals()
	switch d.phaseNow() {
	case idle, used:
		if !d.dcd() {
			return nil
		}
		d.debug("DCD is on, although no call is up")
	}
	return d.prove(ctx)
}

// beginTalk gives a script the command line. Earlier messages are discarded. On a line that rings no script runs: a
// dial or ATH1 would answer the caller.
func (d *Driver) beginTalk(ctx context.Context, dial bool, look lines.MayDial) (*talk, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	t := &talk{d: d, dial: dial, look: look, in: newQueue(), ctx: ctx, cancel: cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	t.port = d.port
	d.split.reset()
	if !d.open || !d.happenLocked(happening{on: onScript, talk: t}) {
		cancel(nil)
		return nil, lines.ErrDown
	}
	if d.rings > 0 && time.Since(d.lastRing) < d.t.Rings || time.Since(d.ringSignal) < d.t.Rings {
		t.rangLocked(event{code: lines.Ring})
		t.code = lines.Ring
	}
	return t, nil
}

// outcome waits for the result of the dial, unless the script did.
func (d *Driver) outcome(t *talk) error {
	d.mu.Lock()
	dialed, code := t.dialed, t.code
	d.mu.Unlock()
	if !dialed && code == lines.NoResult {
		return errors.New("the script ended without a dial command")
	}
	err := d.await(t.ctx, d.t.Answer, func() bool { return t.code != lines.NoResult || t.ended })
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case t.code != lines.NoResult:
		return nil
	case err == errWaited && t.said != "":
		return fmt.Errorf("no answer to the dial command within %v; the modem said %q last", d.t.Answer, t.said)
	case err == errWaited:
		return fmt.Errorf("no answer to the dial command within %v", d.t.Answer)
	case err == nil:
		return t.why
	}
	return err
}

// endTalk removes the script from the command line. good means that the script ended by itself and succeeded. endTalk
// reports whether the line must be proven on hook now, because an attempt is in progress or a call is up without an
// owner.
func (d *Driver) endTalk(t *talk, good bool) (prove bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.talk == t {
		d.talk = nil
	}
	t.endLocked(errors.New("the script has ended"))
	d.happenLocked(happening{on: onScriptEnded, good: good})
	switch d.phase {
	case released, aborted, dropped:
		return true
	}
	return false
}

// Probe implements lines.Driver.
func (d *Driver) Probe(ctx context.Context) error {
	if err := d.take(ctx); err != nil {
		return fmt.Errorf("probe tty %d: %w", d.o.Config.TTY, err)
	}
	defer d.give()
	err := d.probe(ctx, d.t.Probe/10)
	d.host.Probed(err)
	if err != nil {
		return fmt.Errorf("probe tty %d: %w", d.o.Config.TTY, err)
	}
	return nil
}

// Settle implements lines.Driver.
func (d *Driver) Settle(ctx context.Context) error {
	if err := d.take(ctx); err != nil {
		return fmt.Errorf("settle tty %d: %w", d.o.Config.TTY, err)
	}
	defer d.give()
	if d.phaseNow() == idle {
		return nil
	}
	if err := d.prove(ctx); err != nil {
		return fmt.Errorf("settle tty %d: %w", d.o.Config.TTY, err)
	}
	return nil
}

// Clear implements lines.Driver.
func (d *Driver) Clear(ctx context.Context) error {
	d.mu.Lock()
	if !d.open {
		d.retry = true
		signal(d.wake)
	}
	if !d.open || d.phase == unproven || d.phase == hangingUp && d.doubted {
		d.vouchedAt = time.Now()
	}
	t, c := d.talk, d.conn
	t.endLocked(lines.ErrCleared)
	if d.phase == answering {
		d.reply.code = lines.Error // as if the modem had rejected the command
	}
	d.mu.Unlock()
	signal(d.notify)
	if c != nil {
		return c.Hangup(ctx)
	}
	return d.ready()
}
