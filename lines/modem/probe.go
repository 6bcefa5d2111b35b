package modem

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/ringback/ringback/lines"
)

// probeIdle asks an idle modem for OK at intervals, to find a hung modem before a callback needs it. It returns when
// to ask next; the jitter spreads the probes of many lines.
func (d *Driver) probeIdle(ctx context.Context) (next time.Time) {
	d.mu.Lock()
	if d.phase != idle {
		d.mu.Unlock()
		return time.Time{} // Run is woken when the line is back on hook
	}
	now := time.Now()
	due := !d.probeAt.IsZero() && !now.Before(d.probeAt)
	if due || d.probeAt.IsZero() {
		d.probeAt = now.Add(d.t.Probe - d.t.Probe/5 + rand.N(d.t.Probe/5))
	}
	next = d.probeAt
	d.mu.Unlock()
	if !due {
		return next
	}
	if !d.tryTake() {
		return next // it is in use, so it answers
	}
	defer d.give()
	err := d.probe(ctx, d.t.Probe/2)
	d.host.Probed(err)
	switch {
	case err == nil || err == lines.ErrRinging:
	case errors.Is(err, lines.ErrDown):
		d.debug("probe: %v", err)
	default:
		d.host.Up(err) // the error has no other recipient
	}
	return next
}

// probe asks for OK, or for the proof, unless the modem has answered within fresh. If there is no answer, it tries
// every way to prove the line on hook. It never disturbs a ring.
func (d *Driver) probe(ctx context.Context, fresh time.Duration) error {
	d.lookAtSignals()
	d.mu.Lock()
	ph, rings := d.phase, d.rings
	spoken := time.Since(d.heard) < fresh
	d.mu.Unlock()
	switch {
	case rings > 0:
		return lines.ErrRinging
	case ph == idle && d.dcd():
		d.debug("DCD is on, although no call is up")
		return d.prove(ctx)
	case ph == idle && spoken:
		return nil
	case ph == idle && d.answers(ctx):
		return nil
	}
	d.mu.Lock()
	rings = d.rings
	d.mu.Unlock()
	if rings > 0 {
		return lines.ErrRinging // the ring was the answer
	}
	return d.prove(ctx)
}

// answers reports whether the modem gives the expected answer.
func (d *Driver) answers(ctx context.Context) bool {
	if d.isInBand() && d.proof.why == nil {
		right, err := d.query(ctx, "")
		return right && err == nil
	}
	return d.answersSetUp(ctx) == nil
}

// answersSetUp is nil if the modem answers with its settings. A modem of a port with signals that has lost them, by a
// power failure or by a watchdog of its own, gets them again: with the stored ones it may answer calls by itself, or
// let a caller reach its command line.
func (d *Driver) answersSetUp(ctx context.Context) error {
	if d.isInBand() {
		return d.insist(ctx, "AT")
	}
	off, _, err := d.escapeIsOff(ctx)
	if off || err != nil && stop(ctx, err) {
		return err
	}
	if err := d.insist(ctx, speak); err != nil {
		return err
	}
	d.debug("the modem has lost its settings")
	if err := d.initialize(ctx); err != nil {
		return err
	}
	if err := d.disableEscape(ctx); err != nil {
		return err
	}
	d.switchOnCallerID(ctx)
	d.switchOnMessages(ctx)
	return d.verify(ctx)
}
