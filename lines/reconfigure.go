package lines

import (
	"reflect"
	"slices"
)

// Planned is a line as a new configuration has it.
type Planned struct {
	Config *Config
	Port   any           // what the driver uses besides Config, to be compared
	Driver func() Driver // called when a line begins with this configuration, or again (Lease.Raw); must not block
}

// Reconfigured says what a new configuration changes: the TTYs of the lines, sorted.
type Reconfigured struct {
	Added, Changed, Removed []int
	Waiting                 []int // of those changed and removed: the lines whose call or callback ends first
}

// What Status.Change says of a line that waits for the end of its call.
const (
	Changes = "changes when the call ends"
	Leaves  = "is removed when the call ends"
)

// replacement is what follows a line.
type replacement struct {
	by      *Planned // nil: nothing, the line is removed
	started bool     // the driver was told to end
	again   bool     // it is the line itself, which begins anew (Lease.Raw): nothing changes
}

// removes reports whether the line will be gone.
func (r *replacement) removes() bool { return r != nil && r.by == nil }

// Reconfigure replaces the lines by those of a new configuration, whose ports differ. An equal line is not touched. A
// line in use takes no more calls, and is changed or removed when its call or callback has ended; the others at once. A
// line whose port another line still uses begins when that has closed it. Requests that no line can serve any more end:
// see Waiting.Err. Reconfigure does not block on drivers. A later call replaces what still waits.
func (p *Pool) Reconfigure(all []Planned) (r Reconfigured) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return r
	}
	planned := map[int]*Planned{}
	for i := range all {
		planned[all[i].Config.TTY] = &all[i]
	}
	for _, l := range slices.Clone(p.sorted) {
		tty := l.cfg.TTY
		now := planned[tty]
		switch {
		case now != nil && l.is(now) && (l.next == nil || !l.next.started):
			l.stayLocked()
			continue
		case now != nil && l.is(now) && l.next.again:
			l.next.by = now
			continue
		case now == nil:
			r.Removed = append(r.Removed, tty)
		default:
			r.Changed = append(r.Changed, tty)
		}
		l.next = &replacement{by: now, started: l.next != nil && l.next.started}
		if l.giveWayLocked(); l.inUseLocked() {
			r.Waiting = append(r.Waiting, tty)
		}
	}
	for i := range all {
		if p.lines[all[i].Config.TTY] == nil {
			p.addLocked(&all[i])
			r.Added = append(r.Added, all[i].Config.TTY)
		}
	}
	slices.Sort(r.Added)
	p.fallBackLocked()
	p.giveUpLocked()
	return r
}

// is reports whether the line has this configuration.
func (l *line) is(p *Planned) bool {
	return reflect.DeepEqual(p.Config, l.cfg) && reflect.DeepEqual(p.Port, l.by.Port)
}

// inUseLocked reports whether something must end before the line may change.
func (l *line) inUseLocked() bool { return l.lease != nil || l.settling }

// stayLocked undoes a change that still waits.
func (l *line) stayLocked() {
	if l.next == nil {
		return
	}
	l.next = nil
	l.planLocked()
	l.touchLocked()
	l.serve()
	l.readyLocked(false)
}

// giveWayLocked lets a line with a replacement take no more calls, and ends its driver if nothing uses it.
func (l *line) giveWayLocked() {
	l.planLocked()
	l.touchLocked()
	l.serve()
	l.freeCandidateLocked()
	switch {
	case l.inUseLocked() || l.next.started && l.running:
	case l.running:
		l.next.started = true
		l.stop()
	default:
		l.replaceLocked()
	}
}

// replaceLocked takes a line whose driver does not run out of the pool, and puts its replacement in its place.
func (l *line) replaceLocked() {
	p, by := l.pool, l.next.by
	delete(p.lines, l.cfg.TTY)
	p.sorted = slices.DeleteFunc(p.sorted, func(o *line) bool { return o == l })
	p.usable[l.cfg.Rotary] = p.usable[l.cfg.Rotary].minus(l.counted)
	l.counted, l.gone = count{}, true
	l.freeCandidateLocked()
	if p.ports[l.cfg.device()] == l {
		delete(p.ports, l.cfg.device())
	}
	if by != nil {
		n := p.addLocked(by)
		n.leases, n.lastLent = l.leases, l.lastLent
	}
	for _, o := range p.sorted { // one of them may wait for the port
		p.startLocked(o)
	}
	p.changedLocked()
	p.fallBackLocked()
}

// giveUpLocked ends the requests that no line can serve now or later.
func (p *Pool) giveUpLocked() {
	for e := p.queue.Front(); e != nil; {
		q := e.Value.(*Waiting)
		e = e.Next()
		if err := p.canServeLocked(q.want, q.rotary); err != nil {
			q.leaveLocked()
			q.err = err
			close(q.lease)
		}
	}
}

// device is what no two lines may open at the same time; "" is nothing.
func (c *Config) device() string {
	if c.Device != "" {
		return c.Device
	}
	return c.Port
}
