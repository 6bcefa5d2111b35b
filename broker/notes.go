package broker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// notes are rows that no call and no callback depends on: results of logins, login limits, the audit. They are
// committed in the order in which they arrive.
type notes struct {
	mu      sync.Mutex
	waiting []note
	writing chan struct{} // closed when the writing goroutine has written all; nil if there is none
}

type note struct {
	rows   []journal.Mutation
	failed func(error) // called with the error if the rows are not recorded
	done   chan error  // capacity 1
}

// maxNotes is how many notes wait for a hanging disk.
const maxNotes = 4096

var errTooManyNotes = errors.New("the disk hangs, and too many writes are waiting")

// note queues rows for a commit and returns the channel of the reply. failed may be nil.
func (b *Broker) note(failed func(error), rows ...journal.Mutation) <-chan error {
	n := note{rows, failed, make(chan error, 1)}
	b.notes.mu.Lock()
	defer b.notes.mu.Unlock()
	if len(b.notes.waiting) >= maxNotes {
		n.answer(errTooManyNotes)
		return n.done
	}
	b.notes.waiting = append(b.notes.waiting, n)
	if b.notes.writing == nil {
		b.notes.writing = make(chan struct{})
		go b.writeNotes() // Run waits for it
	}
	return n.done
}

func (n note) answer(err error) {
	if err != nil && n.failed != nil {
		n.failed(err)
	}
	n.done <- err
}

func (b *Broker) writeNotes() {
	for {
		b.notes.mu.Lock()
		batch := b.notes.waiting
		b.notes.waiting = nil
		if len(batch) == 0 {
			close(b.notes.writing)
			b.notes.writing = nil
		}
		b.notes.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		var groups [][]journal.Mutation
		for _, n := range batch {
			groups = append(groups, n.rows)
		}
		for i, err := range b.opt.Journal.CommitEach(context.Background(), groups...) {
			batch[i].answer(err)
		}
	}
}

// patiently waits for the reply to a note, but at most Limits.Report.
func (b *Broker) patiently(done <-chan error) {
	patience := time.NewTimer(b.opt.Limits.Report)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
}

// notesWritten waits until no note is left.
func (b *Broker) notesWritten() {
	b.notes.mu.Lock()
	writing := b.notes.writing
	b.notes.mu.Unlock()
	if writing != nil {
		<-writing
	}
}
