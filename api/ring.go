package api

import "sync"

// ring keeps the newest entries for any number of readers. A reader is a position, so that adding never waits for a
// reader, and readers that do not read cost no memory. Entries are numbered.
type ring[T any] struct {
	mu      sync.Mutex
	entries []T    // entry n is at n modulo the length
	begin   uint64 // number of the first entry that there ever was
	next    uint64 // number of the next entry
	wake    chan struct{}
}

// newRing returns a ring of this size. The number of the first entry is begin.
func newRing[T any](size int, begin uint64) *ring[T] {
	return &ring[T]{entries: make([]T, size), begin: begin, next: begin}
}

// add adds an entry, which overwrites the oldest one.
func (r *ring[T]) add(entry T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries[r.next%uint64(len(r.entries))] = entry
	r.next++
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// end returns the number of the next entry.
func (r *ring[T]) end() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.next
}

// oldest returns the number of the oldest entry that is left.
func (r *ring[T]) oldest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.oldestLocked()
}

// oldestLocked is oldest. r.mu is held.
func (r *ring[T]) oldestLocked() uint64 {
	if size := uint64(len(r.entries)); r.next-r.begin > size {
		return r.next - size
	}
	return r.begin
}

// maxBatch is the number of entries that a reader takes at a time.
const maxBatch = 64

// read returns entries beginning with number from, and the number of the first of them, which is greater than from if
// older ones were overwritten. If there is none, ready is closed when there is.
func (r *ring[T]) read(from uint64) (batch []T, first uint64, ready <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first = min(max(from, r.oldestLocked()), r.next)
	for n := first; n < r.next && len(batch) < maxBatch; n++ {
		batch = append(batch, r.entries[n%uint64(len(r.entries))])
	}
	if batch == nil {
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		ready = r.wake
	}
	return batch, first, ready
}
