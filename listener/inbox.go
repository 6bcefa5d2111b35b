package listener

import (
	"io"
	"os"
	"sync"
	"time"
)

// maxUnread is how many octets of a client wait for a reader; then the client has to wait.
const maxUnread = 64 << 10

// inbox has the octets that a client has sent and nobody has read. One goroutine puts them in, another one reads.
type inbox struct {
	mu      sync.Mutex
	changed *sync.Cond
	unread  []byte
	over    bool // no more octets come
	drop    bool // nobody reads any more
	expires time.Time
	timer   *time.Timer // wakes a reader at expires
}

func newInbox() *inbox {
	b := &inbox{}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// put adds octets, and blocks while there are too many. Once nobody reads any more, they are dropped.
func (b *inbox) put(p []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.unread) > 0 && len(b.unread)+len(p) > maxUnread && !b.drop {
		b.changed.Wait()
	}
	if b.drop {
		return
	}
	b.unread = append(b.unread, p...)
	b.changed.Broadcast()
}

// end says that no more octets come. It blocks until those that did are read, nobody reads any more, or grace is over.
func (b *inbox) end(grace time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.changed.Broadcast()
	until := time.Now().Add(grace)
	defer time.AfterFunc(grace, b.changed.Broadcast).Stop()
	for len(b.unread) > 0 && !b.drop && time.Now().Before(until) {
		b.changed.Wait()
	}
}

// close says that nobody reads any more.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop, b.unread = true, nil
	if b.timer != nil {
		b.timer.Stop()
	}
	b.changed.Broadcast()
}

// read blocks for octets. It returns io.EOF at their end, and os.ErrDeadlineExceeded.
func (b *inbox) read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.drop:
			return 0, io.EOF
		case !b.expires.IsZero() && !time.Now().Before(b.expires):
			return 0, os.ErrDeadlineExceeded
		case len(b.unread) > 0:
			n := copy(p, b.unread)
			if b.unread = b.unread[n:]; len(b.unread) == 0 {
				b.unread = nil
			}
			b.changed.Broadcast()
			return n, nil
		case b.over:
			return 0, io.EOF
		}
		b.changed.Wait()
	}
}

// setDeadline sets the time at which a read ends; zero: none.
func (b *inbox) setDeadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expires = t
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	if d := time.Until(t); !t.IsZero() && d > 0 && !b.drop {
		b.timer = time.AfterFunc(d, b.changed.Broadcast)
	}
	b.changed.Broadcast()
}

// purge forgets the octets that nobody has read.
func (b *inbox) purge() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unread = nil
	b.changed.Broadcast()
}

// buffered returns how many octets can be read without blocking.
func (b *inbox) buffered() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.unread)
}
