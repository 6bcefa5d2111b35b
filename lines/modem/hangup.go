package modem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

// prove hangs up any call and proves the line on hook. On a port with signals, the proof is carrier off and OK from
// the command line; otherwise it is the secret that only the modem's command line can read. A port that does not
// answer is closed, to be reopened: the error is then lines.ErrDown. Any other error means quarantine. The caller
// holds the token.
func (d *Driver) prove(ctx context.Context) error {
	d.mu.Lock()
	port := d.port
	d.happenLocked(happening{on: onGiveUp})
	from := d.phase
	began := d.happenLocked(happening{on: onHangUp})
	d.doubted = began && from == unproven
	d.mu.Unlock()
	if !began {
		return d.ready()
	}
	d.baseSpeed(port)
	var err error
	if port.HasSignals() {
		err = d.hangUpByDTR(ctx, from)
	} else {
		err = d.hangUpInBand(ctx, from)
	}
	if err == nil {
		d.recovered()
	}
	d.mu.Lock()
	d.muffled = false
	on := onProven
	if err != nil {
		on = onUnproven
	}
	d.happenLocked(happening{on: on, why: err})
	d.mu.Unlock()
	if err != nil && ctx.Err() == nil && !errors.Is(err, errStuck) && !errors.Is(err, errUnproven) &&
		!errors.Is(err, lines.ErrDown) {
		d.fail(port, err)
		return fmt.Errorf("%w: %w", lines.ErrDown, err)
	}
	return err
}

// hangUpByDTR does not wait if the modem has reported the end of the call and the carrier is off.
func (d *Driver) hangUpByDTR(ctx context.Context, from phase) error {
	d.lookAtSignals()
	gone := (from == released || from == used || from == idle) && !d.dcd()
	if gone {
		err := d.ask(ctx, "ATH", d.t.Command/2)
		if err == nil || stop(ctx, err) {
			return err
		}
		d.climb(rungDTR, err)
	}
	if err := d.lowerDTR(ctx); err != nil {
		return err
	}
	err := d.answersSetUp(ctx)
	if err == nil || stop(ctx, err) {
		return err
	}
	d.climb(rungDTR, err)
	if !d.answersAgain(ctx, err) || d.initialize(ctx) != nil || d.disableEscape(ctx) != nil {
		return err
	}
	return nil // DTR or ATZ may have reset it
}

// answersAgain continues to climb after DTR and reports whether the modem answers.
func (d *Driver) answersAgain(ctx context.Context, why error) bool {
	for _, rung := range []string{rungATH, rungATZ} {
		d.climb(rung, why)
		if d.ask(ctx, rung, d.t.Command) == nil {
			return true
		}
	}
	return false
}

// errStuck is wrapped by the error for a carrier that stays on.
var errStuck = &lines.Failed{Kind: lines.FailCarrier, Text: "DCD stays on with DTR low (does the modem have " +
	"AT&C1&D2? does the cable have all wires?)"}

// lowerDTR drops DTR until the carrier is off, for at least Timing.DTRLow and at most Timing.OnHook, and raises it
// again.
func (d *Driver) lowerDTR(ctx context.Context) error {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	if err := port.SetDTR(false); err != nil {
		return fmt.Errorf("drop DTR: %w", err)
	}
	low := time.Now()
	d.lookAtSignals()
	err := d.await(ctx, d.t.OnHook, func() bool { return !d.signals.Has(lines.DCD) })
	if err == nil {
		err = d.pause(ctx, d.t.DTRLow-time.Since(low))
	}
	raise := port.SetDTR(true)
	d.lookAtSignals()
	switch {
	case err == errWaited:
		return fmt.Errorf("%w: waited %v", errStuck, d.t.OnHook)
	case err != nil:
		return err
	case raise != nil:
		return fmt.Errorf("raise DTR: %w", raise)
	case d.dcd():
		return fmt.Errorf("%w: DCD came back with DTR", errStuck)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.split.reset()
	return nil
}

// escapeTries is how often the driver sends the escape before the modem counts as unproven.
const escapeTries = 2

// hangUpInBand hangs up on a port without signals. If the modem has reported the end of the call, one query proves
// it.
func (d *Driver) hangUpInBand(ctx context.Context, from phase) error {
	if from == aborted {
		if err := d.abort(ctx); err != nil {
			return err
		}
	}
	switch {
	case d.proof.why != nil: // insecure_signals
		// it is uncertain which character is in force
		if err := d.escape(ctx, d.proof.char, plus, d.proof.escape); err != nil {
			return err
		}
		return d.insist(ctx, "ATH")
	case d.proof.state.Wiped.holds():
		return d.startAgain(ctx)
	case from != dropped:
		if done, err := d.tryOnHook(ctx); done || err != nil {
			return err
		}
	}
	// The second silence is longer: the modem's clock may be slow, or our octets may have crossed the line late.
	for n := range escapeTries {
		if err := d.escapeAfter(ctx, time.Duration(1+n)*d.guardTime(), []byte{d.proof.escape}); err != nil {
			return err
		}
		if done, err := d.tryOnHook(ctx); done || err != nil {
			return err
		}
	}
	if d.vouched() || d.o.Config.InsecureSignals {
		return d.startAgain(ctx)
	}
	return errUnproven
}

// abort ends a dial or answer attempt; any character does this (V.250 §5.6.1).
func (d *Driver) abort(ctx context.Context) error {
	_, err := d.command(ctx, order{text: string(d.erase(0)) + "\r", limit: d.t.Command / 2,
		wants: func(c lines.ResultCode) bool {
			return c != lines.Ring && c != lines.Connected
		}})
	if err != nil && stop(ctx, err) {
		return err
	}
	return nil
}

// tryOnHook hangs up if the modem proves that it is on its command line.
func (d *Driver) tryOnHook(ctx context.Context) (done bool, err error) {
	right, err := d.query(ctx, "")
	if !right || err != nil {
		return false, err
	}
	if err := d.insist(ctx, "ATH"); err != nil {
		return false, err
	}
	return true, d.renew(ctx)
}

// vouchTime is how long `clear line` by an operator remains valid as a confirmation that no call is up.
const vouchTime = time.Minute

// vouched reports whether the operator has confirmed that no call is up, and clears that confirmation.
func (d *Driver) vouched() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	is := !d.vouchedAt.IsZero() && time.Since(d.vouchedAt) < vouchTime
	d.vouchedAt = time.Time{}
	return is
}

// startAgain resets a modem without the secret as at its first start. It applies if the driver itself reset the
// modem, or if the operator confirms that no call is up or waives the proof.
func (d *Driver) startAgain(ctx context.Context) error {
	if err := d.bootstrap(ctx); err != nil {
		return err
	}
	return d.makeReady(ctx)
}
