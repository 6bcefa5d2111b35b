package lines

import (
	"maps"
	"time"
)

// Busyout is an operator's order that a line takes no more calls, like IOS's `modem busyout`. The line finishes its
// call or callback first. Then it answers no call and is not leased, but its modem is watched as before.
type Busyout struct {
	Reason string    `json:"reason,omitempty"` // of the operator; "" not given
	By     string    `json:"by"`               // the operator
	Since  time.Time `json:"since"`
	// Quarantine: the line has failed, and is shown as quarantined until an operator restores it.
	Quarantine bool `json:"quarantine,omitempty"`
	Drain      bool `json:"drain,omitempty"` // the order is for all lines: SetDrain
	// Until is the end of an order for a time; zero: until an operator ends it.
	Until time.Time `json:"until,omitzero"`
}

// String says whose order it is, and why.
func (b Busyout) String() string {
	if b.Quarantine {
		return b.Reason
	}
	text := "busied out by " + b.By
	if b.Drain {
		text = "drained by " + b.By
	}
	if b.Reason != "" {
		text += ": " + b.Reason
	}
	return text
}

// Busyouts returns the orders in force, by TTY; also those for lines that are not in the pool.
func (p *Pool) Busyouts() map[int]Busyout {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := map[int]Busyout{}
	maps.Copy(all, p.busyouts)
	return all
}

// SetBusyouts replaces the orders in force, by TTY; also for lines that are added later. The Pool keeps the map.
func (p *Pool) SetBusyouts(all map[int]Busyout) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busyouts = all
	for _, l := range p.sorted {
		l.busyOutLocked()
	}
}

// SetDrain busies out all lines that have no order of their own, also those that are added later, or with nil ends
// that. The Pool keeps b, whose Drain is set.
func (p *Pool) SetDrain(b *Busyout) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drain = b
	for _, l := range p.sorted {
		l.busyOutLocked()
	}
}

// busyOutLocked applies the order for the line, or its end.
func (l *line) busyOutLocked() {
	was := l.busyout
	l.busyout = nil
	if b, ok := l.pool.busyouts[l.cfg.TTY]; ok {
		l.busyout = &b
	} else if l.pool.drain != nil {
		l.busyout = l.pool.drain
	}
	if was == nil && l.busyout == nil {
		return
	}
	l.touchLocked()
	l.serve()
	if l.busyout != nil {
		l.freeCandidateLocked()
		return
	}
	signal(l.calm)
	l.pool.passLocked(l, false)
}
