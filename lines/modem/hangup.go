package modem

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/lines"
)

// prove hangs up whatever may be up and proves the line on hook: carrier off where the port has signals, and OK from the command line.
// A port that stays mute is given up, to be opened again: the error is lines.ErrDown then. Any other error means quarantine. The token is
// held.
func (d *Driver) prove(ctx context.Context) error {
	d.mu.Lock()
	port, c := d.port, d.conn
	d.proving = true
	d.mu.Unlock()
	if c != nil {
		d.drop(c, true)
	}
	var err error
	if port.HasSignals() {
		err = d.hangUpByDTR(ctx)
	} else {
		err = d.hangUpByText(ctx)
	}
	d.mu.Lock()
	d.deaf, d.proving = false, false
	d.bad = err != nil
	if err == nil {
		d.used, d.online, d.calling = false, false, false
	}
	d.mu.Unlock()
	if err != nil && ctx.Err() == nil && !errors.Is(err, errStuck) && !errors.Is(err, lines.ErrDown) {
		d.fail(port, err)
		return fmt.Errorf("%w: %w", lines.ErrDown, err)
	}
	return err
}

// hangUpByDTR needs no wait where the carrier has gone.
func (d *Driver) hangUpByDTR(ctx context.Context) error {
	d.lookAtSignals()
	d.mu.Lock()
	gone := !d.online && !d.calling && !d.signals.Has(lines.DCD)
	d.mu.Unlock()
	if gone && d.ask(ctx, "ATH", d.t.Command/2) == nil {
		return nil
	}
	if err := d.lowerDTR(ctx); err != nil {
		return err
	}
	err := d.insist(ctx, "AT")
	if err == nil || stop(ctx, err) {
		return err
	}
	if d.ask(ctx, "ATH", d.t.Command) == nil || d.ask(ctx, "ATZ", d.t.Command) == nil {
		if d.initialize(ctx) == nil && d.disableEscape(ctx) == nil { // what DTR or ATZ has undone
			return nil
		}
	}
	return err
}

// errStuck is wrapped by the error for a carrier that does not go.
var errStuck = errors.New("DCD stays on with DTR low (does the modem have AT&C1&D2? the cable all wires?)")

// lowerDTR drops DTR until the carrier is off, Timing.DTRLow at least and Timing.OnHook at most, and raises it again.
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
		return fmt.Errorf("%w: %v waited", errStuck, d.t.OnHook)
	case err != nil:
		return err
	case raise != nil:
		return fmt.Errorf("raise DTR: %w", raise)
	case d.dcd():
		return fmt.Errorf("%w: it came back with DTR", errStuck)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.online, d.calling, d.deaf = false, false, false
	d.split.reset()
	return nil
}

// hangUpByText is for ports without signals.
func (d *Driver) hangUpByText(ctx context.Context) error {
	d.mu.Lock()
	online, calling := d.online, d.calling
	d.mu.Unlock()
	if online {
		if err := d.escape(ctx); err != nil {
			return err
		}
	} else if calling { // any character ends a dial (V.250 §6.3.1)
		_, _, err := d.command(ctx, string(d.erase(0))+"\r", d.t.Command/2, func(c lines.ResultCode) bool { return c != lines.Ring && c != lines.Connected })
		if err != nil && stop(ctx, err) {
			return err
		}
		d.mu.Lock()
		online = d.online // it connected all the same
		d.mu.Unlock()
		if online {
			if err := d.escape(ctx); err != nil {
				return err
			}
		}
	}
	err := d.insist(ctx, "ATH")
	if err != nil && !online && !stop(ctx, err) { // the NO CARRIER that we believed was data
		if err = d.escape(ctx); err == nil {
			err, online = d.insist(ctx, "ATH"), true
		}
	}
	if err != nil || !online {
		return err
	}
	return d.insist(ctx, "AT")
}

// escape gets from data to the command line: silence, +++, silence (S2, S12). A modem that was there already says nothing to it; the CR
// after it ends what it may have taken for a command.
func (d *Driver) escape(ctx context.Context) error {
	d.writing.Lock()
	since := time.Since(d.lastWrite)
	d.writing.Unlock()
	if err := d.pause(ctx, d.t.Guard-since); err != nil {
		return err
	}
	d.mu.Lock()
	d.deaf = false
	d.split.reset()
	d.mu.Unlock()
	_, _, err := d.command(ctx, "+++", d.t.Guard+d.t.Command/2, final)
	switch {
	case err == nil:
		return nil
	case err != errWaited:
		return err
	}
	d.mu.Lock()
	port := d.port
	d.mu.Unlock()
	return d.send(port, append(d.erase(len("+++")), '\r'), time.Now().Add(d.t.Command))
}
