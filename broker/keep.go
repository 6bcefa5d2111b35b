package broker

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/journal"
)

// orders are the goroutines of operators' orders. They end when the disk has answered after the end of the loop. Orders
// may be given at any moment, also while Run waits, which a sync.WaitGroup does not allow.
type orders struct {
	mu      sync.Mutex
	running int
	none    chan struct{} // closed when running is 0 again
}

// start runs a function that Run waits for.
func (o *orders) start(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running == 0 {
		o.none = make(chan struct{})
	}
	o.running++
	go func() {
		defer func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.running--; o.running == 0 {
				close(o.none)
			}
		}()
		f()
	}()
}

// wait blocks until no order runs.
func (o *orders) wait() {
	o.mu.Lock()
	running, none := o.running, o.none
	o.mu.Unlock()
	if running > 0 {
		<-none
	}
}

// order is an operator's order that acts from memory and must reach the disk.
type order struct {
	what  string // for the log
	audit []journal.Mutation
	rows  []journal.Mutation
	mu    *sync.Mutex
	// current reports whether no later order was given. mu is held.
	current func() bool
	// told is called with each result of the disk, without mu; current says whether no later order was given.
	told func(err error, current bool)
}

// keep writes an order until it is on disk or there is a later one. Its rows never follow those of a later order: they
// are queued with mu held, and so must be those of all orders that share mu. The audit is written in any case.
func (b *Broker) keep(o order) {
	o.mu.Lock()
	rows, current := o.audit, o.current()
	if current {
		rows = append(rows[:len(rows):len(rows)], o.rows...)
	}
	written := b.note(nil, rows...)
	o.mu.Unlock()
	b.orders.start(func() {
		err := <-written
		o.mu.Lock()
		current = current && o.current()
		o.mu.Unlock()
		o.told(err, current)
		if err == nil || !current {
			return
		}
		b.log.Error("journal: "+o.what+" is not on disk; it is retried", zap.Error(err))
		retry := time.NewTimer(b.opt.Limits.Retry)
		defer retry.Stop()
		select {
		case <-retry.C:
			b.keep(o)
		case <-b.over:
		}
	})
}

// soon waits for the disk's answer, at most Limits.Report.
func (b *Broker) soon(done <-chan error) error {
	patience := time.NewTimer(b.opt.Limits.Report)
	defer patience.Stop()
	select {
	case err := <-done:
		return err
	case <-patience.C:
		return fmt.Errorf("the disk has not answered for %v", b.opt.Limits.Report)
	}
}

// first returns an order's told that sends the first result to done.
func first(done chan<- error, told func(err error, current bool)) func(error, bool) {
	var once sync.Once
	return func(err error, current bool) {
		told(err, current)
		once.Do(func() { done <- err })
	}
}
