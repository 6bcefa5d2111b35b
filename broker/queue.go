package broker

import (
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
	User   string
	Number string
}

// Queue returns the requests that wait for a line, in the order in which they are served.
func (b *Broker) Queue() []QueueView {
	places := b.opt.Pool.Queue()
	b.mu.Lock()
	defer b.mu.Unlock()
	v := make([]QueueView, 0, len(places))
	for _, p := range places {
		q := QueueView{Place: p}
		if w := b.works[p.Owner]; w != nil {
			q.User, q.Number = w.row.User, w.nextStep().Number.String()
		}
		v = append(v, q)
	}
	return v
}

// Rotaries returns the state of the rotaries.
func (b *Broker) Rotaries() []lines.RotaryStatus { return b.opt.Pool.Rotaries() }
