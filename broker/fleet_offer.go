package broker

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/broker/fleet"
)

// offerAfter is how long a callback waits for a line of this node before it is offered to the others: so long takes the
// probe of a free line.
const offerAfter = time.Second

// offerSoon offers a callback that has requested a line to the nodes that have one free, unless this node has one at
// once. Leg one is down by then, and its Stop was acknowledged, or has had its time. The callback keeps waiting here
// too: the first that records its attempt dials.
func (b *Broker) offerSoon(ctx context.Context, w *work) {
	m := b.fleet
	if m == nil || !w.row.Shared || b.fleetRotary(w.nextStep()) == fleet.NoRotary || w.ending.Load() > 0 {
		return
	}
	b.mu.Lock()
	spare := w.state.Held || w.granted > w.state.Attempt // an attempt that only this claim may use
	offered := w.offered
	b.mu.Unlock()
	if spare || offered {
		return
	}
	w.record(time.Now())
	row, stop := b.fleetRow(w.row, b.fleetRotary(w.nextStep())), w.leg1Stop
	w.withdrawOffer()
	ctx, w.stopOffer = context.WithCancel(ctx)
	b.running.Go(func() {
		b.spool.Await(ctx, stop, b.opt.Limits.Accounting)
		if pause(ctx, offerAfter) {
			b.offer(ctx, w, row)
		}
	})
}

// offer offers a row until the authority has it, or ctx ends.
func (b *Broker) offer(ctx context.Context, w *work, row fleet.Row) {
	for {
		claim, _ := b.granted(w)
		row.Epoch = claim.Epoch
		err := error(fleet.ErrAway)
		if b.fleet.resumed.Load() {
			err = b.fleet.Offer(ctx, row)
		}
		switch {
		case err == nil:
			b.mu.Lock()
			w.offered = true
			b.mu.Unlock()
			return
		case errors.Is(err, fleet.ErrFenced), errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrForged):
			b.fenced(ctx, row.ID)
			return
		}
		if !pause(ctx, fleetPause) {
			return
		}
	}
}

// withdrawOffer ends an offer that the authority does not have yet.
func (w *work) withdrawOffer() {
	if w.stopOffer != nil {
		w.stopOffer()
		w.stopOffer = nil
	}
}
