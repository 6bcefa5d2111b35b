package modem

import (
	"os"
	"sync"
	"time"
)

// queue holds bytes between the reader of a port and one who reads them. Its memory is bounded.
type queue struct {
	poke chan struct{} // capacity 1: the reader should look again
	room chan struct{} // capacity 1: the writer should

	mu    sync.Mutex
	buf   []byte // a ring; nil until the first byte
	first int
	n     int
	until time.Time // read deadline
	end   error     // what Read returns when all is read; nil while it goes on
}

const queueSize = 4096

func newQueue() *queue {
	return &queue{poke: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put takes as many bytes of b as there is room for and returns how many.
func (q *queue) put(b []byte) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.buf == nil {
		q.buf = make([]byte, queueSize)
	}
	n := min(len(b), len(q.buf)-q.n)
	q.store(b[:n])
	if n > 0 {
		signal(q.poke)
	}
	return n
}

// force takes all of b and drops the oldest bytes where there is no room.
func (q *queue) force(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.buf == nil {
		q.buf = make([]byte, queueSize)
	}
	b = b[max(0, len(b)-len(q.buf)):]
	if over := q.n + len(b) - len(q.buf); over > 0 {
		q.first = (q.first + over) % len(q.buf)
		q.n -= over
	}
	q.store(b)
	signal(q.poke)
}

// store copies b, for which there is room.
func (q *queue) store(b []byte) {
	at := (q.first + q.n) % len(q.buf)
	n := copy(q.buf[at:], b)
	copy(q.buf, b[n:])
	q.n += len(b)
}

// finish makes Read return err after what is still held. The first call counts.
func (q *queue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = err
	}
	signal(q.poke)
}

func (q *queue) setReadDeadline(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.until = t
	signal(q.poke)
}

// read blocks until there is a byte, the deadline passes or the queue was finished. One goroutine reads at a time.
func (q *queue) read(b []byte) (int, error) {
	for {
		n, until, err := q.take(b)
		if n > 0 || err != nil || len(b) == 0 {
			return n, err
		}
		q.wait(until)
	}
}

func (q *queue) wait(until time.Time) {
	if until.IsZero() {
		<-q.poke
		return
	}
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-q.poke:
	case <-t.C:
	}
}

func (q *queue) take(b []byte) (n int, until time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.until.IsZero() && !time.Now().Before(q.until) {
		return 0, q.until, os.ErrDeadlineExceeded
	}
	if q.n == 0 {
		return 0, q.until, q.end
	}
	n = min(len(b), q.n)
	m := copy(b[:n], q.buf[q.first:])
	copy(b[m:n], q.buf)
	q.first = (q.first + n) % len(q.buf)
	q.n -= n
	signal(q.room)
	return n, q.until, nil
}
