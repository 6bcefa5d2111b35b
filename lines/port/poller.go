package port

import (
	"sync"
	"time"
)

// Poller reads the modem signals of any number of serial devices in one goroutine, which runs only while there are
// devices. The zero value is usable; share one among all lines.
//
// The kernel's own way to wait for a change (TIOCMIWAIT) would block one thread per device.
type Poller struct {
	// Interval is the time between two reads of a device's signals; 0 means DefaultPoll. It must not change while
	// ports are open.
	Interval time.Duration

	mu    sync.Mutex
	ports map[*tty]struct{}
	stop  chan struct{} // closed to end the goroutine
	done  chan struct{} // closed when it has ended
}

// add starts to poll t.
func (p *Poller) add(t *tty) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ports == nil {
		p.ports = make(map[*tty]struct{})
	}
	p.ports[t] = struct{}{}
	if len(p.ports) > 1 {
		return
	}
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	go p.run(p.stop, p.done)
}

// remove stops polling t. When the last port is removed, it ends the goroutine and waits for it. After remove, t is
// not used any more, except that a round in progress may call its poll once more.
func (p *Poller) remove(t *tty) {
	p.mu.Lock()
	if _, ok := p.ports[t]; !ok {
		p.mu.Unlock()
		return
	}
	delete(p.ports, t)
	var done chan struct{}
	if len(p.ports) == 0 {
		close(p.stop)
		done = p.done
	}
	p.mu.Unlock()
	if done != nil {
		<-done
	}
}

func (p *Poller) run(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	every := p.Interval
	if every <= 0 {
		every = DefaultPoll
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var round []*tty
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		round = p.snapshot(round[:0], stop)
		for _, t := range round {
			t.poll()
		}
		clear(round) // the list must not keep a closed port in memory
	}
}

// snapshot returns the ports of this round, so that none is read while the mutex is held: a slow port must not delay
// opening and closing others. A goroutine that was told to stop gets none; they belong to its successor.
func (p *Poller) snapshot(into []*tty, stop <-chan struct{}) []*tty {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stop != stop {
		return into
	}
	for t := range p.ports {
		into = append(into, t)
	}
	return into
}
