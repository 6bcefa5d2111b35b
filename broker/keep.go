package broker

import (
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/journal"
)

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
	go func() {
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
	}()
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
