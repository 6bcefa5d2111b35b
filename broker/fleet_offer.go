package broker

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/lines"
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
			w.offered, w.offeredAt = true, time.Now()
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

// withdrawOffer ends an offer that the authority does not have yet, and the wait for a line that may serve.
func (w *work) withdrawOffer() {
	for _, stop := range []*context.CancelFunc{&w.stopOffer, &w.stopAwait} {
		if *stop != nil {
			(*stop)()
			*stop = nil
		}
	}
}

// awaitLine lets a callback request a line as soon as one of this node may serve it, which a reload can bring about.
// Until then only the lines of other nodes may.
func (b *Broker) awaitLine(ctx context.Context, w *work, want lines.Want) {
	id := w.row.ID
	if w.stopAwait != nil {
		w.stopAwait()
	}
	ctx, w.stopAwait = context.WithCancel(ctx)
	b.running.Go(func() {
		for b.opt.Pool.CanServe(want) != nil {
			if !pause(ctx, claimPoll) {
				return
			}
		}
		b.send(ctx, event{id: id, what: callback.NoLine{Cause: "until now no line of this node could serve it"}})
	})
}
