package broker

import (
	"slices"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/lines"
)

// placeOf returns the place of a promised callback in the queue for a line; 0 if one is free. Callbacks whose callers
// still hang up count too. It tells how many wait, and nothing else about them.
func (b *Broker) placeOf(w *work) int {
	b.mu.Lock()
	var others []lines.Want
	for _, o := range b.works {
		// One that waits without a line requests it later, and is then behind this one.
		waits := o.state.Phase == callback.Promised || o.state.Phase == callback.Leasing && o.state.Asked
		if waits && o != w {
			others = append(others, b.want(o))
		}
	}
	mine := b.want(w)
	b.mu.Unlock()
	return b.opt.Pool.Ahead(mine, others)
}

// QueueView is a request that waits for a line. User and Number are those of a callback.
type QueueView struct {
	lines.Place
	User    string
	Number  string
	Offered bool // any node of the fleet with a free line of Rotary may take it
}

// Queue returns the requests that wait for a line, in the order in which they are served. Callbacks that no line of
// this node may dial, and that are offered to other nodes, come last.
func (b *Broker) Queue() []QueueView {
	places := b.opt.Pool.Queue()
	b.mu.Lock()
	defer b.mu.Unlock()
	v := make([]QueueView, 0, len(places))
	for _, p := range places {
		q := QueueView{Place: p}
		if w := b.works[p.Owner]; w != nil {
			q.User, q.Number, q.Offered = w.row.User, w.nextStep().Number.String(), w.offered
		}
		v = append(v, q)
	}
	return append(v, b.onlyOffered(places)...)
}

// onlyOffered returns the callbacks that are offered to other nodes and do not wait for a line of this one, oldest
// first. mu must be locked.
func (b *Broker) onlyOffered(places []lines.Place) (v []QueueView) {
	for id, w := range b.works {
		if !w.offered || slices.ContainsFunc(places, func(p lines.Place) bool { return p.Owner == id }) {
			continue
		}
		s := w.nextStep()
		v = append(v, QueueView{User: w.row.User, Number: s.Number.String(), Offered: true, Place: lines.Place{
			Owner: id, Role: lines.ForCallback, Since: w.offeredAt, Rotary: b.fleetRotary(s), Called: w.calledHere()}})
	}
	slices.SortFunc(v, func(x, y QueueView) int { return x.Since.Compare(y.Since) })
	return v
}

// Rotaries returns the state of the rotaries.
func (b *Broker) Rotaries() []lines.RotaryStatus { return b.opt.Pool.Rotaries() }
