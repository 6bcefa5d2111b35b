package postgres

import (
	"context"
	"slices"
	"sync"

	"github.com/ringback/ringback/broker/fleet"
)

// mailbox holds changes until they are received. To put one never blocks, and nothing is lost: a change waits once,
// however often it is put. The zero mailbox must be made with newMailbox.
type mailbox struct {
	out  chan fleet.Change
	wake chan struct{} // has room for one: something was put

	mu      sync.Mutex
	order   []topic // of what waits, oldest first
	waiting map[topic]fleet.Change
}

// topic is what a change is about: the newer of two changes with one topic is enough.
type topic struct {
	kind fleet.Kind
	id   string
	seq  int64
}

func newMailbox() *mailbox {
	return &mailbox{out: make(chan fleet.Change), wake: make(chan struct{}, 1),
		waiting: make(map[topic]fleet.Change)}
}

// put adds a change. The newer one of two that are about the same is kept, at the place of the older. Gone makes a Back
// that waits untrue.
func (m *mailbox) put(c fleet.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Kind == fleet.Gone {
		back := topic{kind: fleet.Back}
		delete(m.waiting, back)
		m.order = slices.DeleteFunc(m.order, func(t topic) bool { return t == back })
	}
	about := topic{c.Kind, c.ID, c.Order.Seq}
	if _, ok := m.waiting[about]; !ok {
		m.order = append(m.order, about)
	}
	m.waiting[about] = c
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// next removes the change that waits longest.
func (m *mailbox) next() (fleet.Change, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.order) == 0 {
		return fleet.Change{}, false
	}
	about := m.order[0]
	m.order = m.order[1:]
	c := m.waiting[about]
	delete(m.waiting, about)
	return c, true
}

// deliver passes on what is put, until ctx ends.
func (m *mailbox) deliver(ctx context.Context) {
	for {
		c, ok := m.next()
		if !ok {
			select {
			case <-m.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case m.out <- c:
		case <-ctx.Done():
			return
		}
	}
}
