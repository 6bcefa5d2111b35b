package modem

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringback/ringback/lines"
)

// defaultInit is the initialization after ATZ: no echo, result codes in words, DCD follows the carrier, DTR hangs up, no auto-answer.
const defaultInit = "ATE0Q0V1&C1&D2S0=0"

// start gets the modem ready after the port was opened. unproven says that it is, but does not seem to be on hook.
func (d *Driver) start(ctx context.Context) (unproven, err error) {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	if port.HasSignals() {
		if err := port.SetDTR(true); err != nil {
			return nil, fmt.Errorf("raise DTR: %w", err)
		}
		d.lookAtSignals()
	}
	if err := d.reset(ctx); err != nil {
		return nil, err
	}
	if err := d.initialize(ctx); err != nil {
		return nil, err
	}
	if port.HasSignals() {
		if err := d.disableEscape(ctx); err != nil {
			return nil, err
		}
	}
	if d.o.Config.CallerID {
		if err := d.ask(ctx, "AT+VCID=1", d.t.Command); err != nil {
			d.debug("caller ID is not to be had: %v", err)
		}
	}
	if !d.dcd() {
		return nil, nil
	}
	// &C1 is in force now: a carrier that is still there is one.
	if err := d.lowerDTR(ctx); err != nil {
		return err, nil
	}
	return nil, d.insist(ctx, "AT")
}

// reset gets OK to ATZ, by way of the ladder: hang up by DTR, by the escape and ATH, ATZ again.
func (d *Driver) reset(ctx context.Context) error {
	if !d.dcd() && d.ask(ctx, "ATZ", d.t.Command) == nil {
		return nil
	}
	if err := d.comeBack(ctx); err != nil {
		return err
	}
	if err := d.ask(ctx, "ATH", d.t.Command); err != nil && stop(ctx, err) {
		return err
	}
	return d.ask(ctx, "ATZ", d.t.Command)
}

// comeBack brings a modem that does not answer back to its command line: a call may be up that an earlier process left.
func (d *Driver) comeBack(ctx context.Context) error {
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	if !port.HasSignals() {
		return d.escape(ctx)
	}
	if err := d.lowerDTR(ctx); err != nil && stop(ctx, err) {
		return err
	}
	return nil // DCD that stays may be forced (&C0): the initialization ends that
}

// stop reports whether trying on makes no sense.
func stop(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, lines.ErrDown)
}

func (d *Driver) initialize(ctx context.Context) error {
	text := d.o.Config.Init
	switch {
	case text == "":
		text = defaultInit
	case len(text) < 2 || !strings.EqualFold(text[:2], "AT"):
		text = "AT" + text
	}
	code, _, err := d.command(ctx, text+"\r", d.t.Command, final)
	switch {
	case err == errWaited:
		return fmt.Errorf("no OK to %s within %v (is it a modem? speed? power?)", text, d.t.Command)
	case err != nil:
		return fmt.Errorf("%s: %w", text, err)
	case code != lines.OK:
		return fmt.Errorf("the modem answers %s to %s (set init to what its manual has for these)", code, text)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers = d.spoke
	return nil
}

// disableEscape makes +++ data (V.250 §6.2.9 leaves S2 to the makers; above 127 disables it on all). With DTR nobody needs it, and a
// caller must not reach the command line by having us echo it. The modem has to confirm.
func (d *Driver) disableEscape(ctx context.Context) error {
	const hint = "a caller could reach the command line with +++: use a modem that can switch the escape off"
	if err := d.ask(ctx, "ATS2=255", d.t.Command); err != nil {
		if stop(ctx, err) {
			return err
		}
		return fmt.Errorf("%w (%s)", err, hint)
	}
	code, info, err := d.command(ctx, "ATS2?\r", d.t.Command, final)
	if err != nil && err != errWaited {
		return fmt.Errorf("ATS2?: %w", err)
	}
	if n, bad := strconv.Atoi(info); bad != nil || n <= 127 || code != lines.OK {
		return fmt.Errorf("ATS2? says %q %s after ATS2=255 (%s)", info, code, hint)
	}
	return nil
}
