package lines

import (
	"slices"
	"time"
)

// Place is a request that waits for a line.
type Place struct {
	Owner  string
	Role   Role
	Since  time.Time // of the request
	Rotary int       // in which it waits; NoRotary: it waits for the called line, or for those of TTYs
	TTYs   []int     // explicit lines
	Called int
	Probed int // the line whose modem is being probed for it; 0: none
}

// Queue returns the requests that wait for a line, in the order in which they are served.
func (p *Pool) Queue() []Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]Place, 0, p.queue.Len())
	for e := p.queue.Front(); e != nil; e = e.Next() {
		q := e.Value.(*Waiting)
		at := Place{Owner: q.want.Owner, Role: q.want.Role, Since: q.since, Rotary: q.rotary, TTYs: q.want.TTYs,
			Called: q.want.Called}
		if len(at.TTYs) > 0 {
			at.Rotary = NoRotary
		}
		if q.probed != nil {
			at.Probed = q.probed.cfg.TTY
		}
		all = append(all, at)
	}
	return all
}

// RotaryStatus is the state of a rotary at one instant.
type RotaryStatus struct {
	Rotary int
	Hunt   Hunt
	Lines  []Status // sorted by TTY
	Queue  []Place  // the requests that wait in it
}

// Rotaries returns the state of all rotaries that have lines, sorted by number.
func (p *Pool) Rotaries() (all []RotaryStatus) {
	queue := p.Queue()
	at := map[int]int{}
	for _, s := range p.Lines() {
		if s.Rotary == NoRotary {
			continue
		}
		i, ok := at[s.Rotary]
		if !ok {
			i = len(all)
			at[s.Rotary] = i
			all = append(all, RotaryStatus{Rotary: s.Rotary, Hunt: p.hunt(s.Rotary), Queue: []Place{}})
		}
		all[i].Lines = append(all[i].Lines, s)
	}
	for _, q := range queue {
		if i, ok := at[q.Rotary]; ok && q.Rotary != NoRotary {
			all[i].Queue = append(all[i].Queue, q)
		}
	}
	slices.SortFunc(all, func(a, b RotaryStatus) int { return a.Rotary - b.Rotary })
	return all
}

func (p *Pool) hunt(rotary int) Hunt {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h := p.hunts[rotary]; h != "" {
		return h
	}
	return Linear
}

// Ahead returns the place in the queue that a request for w would have behind those of others, and behind those in the
// queue that are not of callbacks: 0 if a line is free for it, or will be when the call on the called line has ended.
func (p *Pool) Ahead(w Want, others []Want) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.waitingLocked(w)
	explicit := q.explicit()
	before := q.beforeLocked(func(o *Waiting) bool { return o.want.Role != ForCallback })
	for _, o := range others {
		if p.shareLocked(q, explicit, o) {
			before++
		}
	}
	if before == 0 && q.freeLocked() != nil {
		return 0
	}
	return max(0, before+1-q.roomLocked())
}

// Place returns the place of a request among those in the queue that a line of its own may serve, from 1; 0: it is no
// longer in the queue.
func (q *Waiting) Place() int {
	q.pool.mu.Lock()
	defer q.pool.mu.Unlock()
	if q.place == nil {
		return 0
	}
	return 1 + q.beforeLocked(func(*Waiting) bool { return true })
}

// beforeLocked counts the requests that are served before q, and that a line may serve that may also serve q.
func (q *Waiting) beforeLocked(counts func(*Waiting) bool) (n int) {
	explicit := q.explicit()
	for e := q.pool.queue.Front(); e != nil && e != q.place; e = e.Next() {
		if o := e.Value.(*Waiting); counts(o) && q.pool.shareLocked(q, explicit, o.want) {
			n++
		}
	}
	return n
}

// explicit is the set of the explicit lines.
func (q *Waiting) explicit() map[int]bool {
	all := map[int]bool{}
	for _, tty := range q.want.TTYs {
		all[tty] = true
	}
	return all
}

// enterLocked takes the place of q in the queue: an administrator's is behind the last administrator's, any other is
// the last.
func (q *Waiting) enterLocked() {
	list := &q.pool.queue
	if q.want.Role == ForAdmin {
		for e := list.Front(); e != nil; e = e.Next() {
			if e.Value.(*Waiting).want.Role != ForAdmin {
				q.place = list.InsertBefore(q, e)
				return
			}
		}
	}
	q.place = list.PushBack(q)
}

// shareLocked reports whether a line may serve both requests, as far as rotaries and explicit lines tell. A request
// without either waits for the called line.
func (p *Pool) shareLocked(q *Waiting, explicit map[int]bool, o Want) bool {
	rotary := p.rotaryLocked(o)
	in := func(tty, called, rotary int) bool {
		l := p.lines[tty]
		return rotary == NoRotary && tty == called || rotary != NoRotary && l != nil && l.cfg.Rotary == rotary
	}
	switch {
	case len(explicit) > 0 && len(o.TTYs) > 0:
		return slices.ContainsFunc(o.TTYs, func(tty int) bool { return explicit[tty] })
	case len(o.TTYs) > 0:
		return slices.ContainsFunc(o.TTYs, func(tty int) bool { return in(tty, q.want.Called, q.rotary) })
	case len(explicit) > 0:
		return slices.ContainsFunc(q.want.TTYs, func(tty int) bool { return in(tty, o.Called, rotary) })
	case rotary == NoRotary:
		return q.rotary == NoRotary && o.Called == q.want.Called
	}
	return rotary == q.rotary
}

// roomLocked counts the lines that may serve q now, and the called line if it may when its call has ended.
func (q *Waiting) roomLocked() (room int) {
	best := fitNever
	for _, l := range q.pool.sorted {
		if f := q.want.fit(l.plan, q.rotary); f != fitNever && l.counted.all > 0 && (best == fitNever || f < best) {
			best = f
		}
	}
	called := q.calledLocked()
	for _, l := range q.pool.sorted {
		ends := l == called && l.lease != nil && l.lease.incoming
		if (l.lendableLocked() || ends && l.counted.all > 0) && q.want.fit(l.plan, q.rotary) == best {
			room++
		}
	}
	return room
}
