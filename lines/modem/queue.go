package modem

import (
	"os"
	"sync"
	"time"
)

// queue holds bytes between the reader of a port and their consumer. Its memory is bounded.
type queue struct {
	notify chan struct{} // capacity 1: the reader should check again
	room   chan struct{} // capacity 1: the writer should check again

	mu     sync.Mutex
	buf    []byte // a ring; nil until the first byte
	first  int
	n      int
	until  time.Time // read deadline
	inTime bool      // the held bytes came before the deadline
	end    error     // what Read returns when all is read; nil before the end

	timer *time.Timer // of the reader; nil until it waits for a deadline
}

// A queue starts small, which is enough for a script, and grows.
const (
	queueSize  = 4096
	firstQueue = 256
)

func newQueue() *queue {
	return &queue{notify: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put copies as many bytes of b as fit and returns their number.
func (q *queue) put(b []byte) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(b), queueSize-q.n)
	q.store(b[:n])
	if n > 0 {
		signal(q.notify)
	}
	return n
}

// force copies all of b and drops the oldest bytes if there is no room.
func (q *queue) force(b []byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b = b[max(0, len(b)-queueSize):]
	if over := q.n + len(b) - queueSize; over > 0 {
		q.first = (q.first + over) % len(q.buf)
		q.n -= over
	}
	q.store(b)
	signal(q.notify)
}

// store copies b, for which there is room.
func (q *queue) store(b []byte) {
	if len(b) == 0 {
		return
	}
	q.grow(q.n + len(b))
	q.inTime = false
	at := (q.first + q.n) % len(q.buf)
	n := copy(q.buf[at:], b)
	copy(q.buf, b[n:])
	q.n += len(b)
}

// grow makes the ring large enough for n bytes, but not larger than queueSize.
func (q *queue) grow(n int) {
	size := max(len(q.buf), firstQueue)
	for size < n {
		size *= 2
	}
	if size == len(q.buf) {
		return
	}
	buf := make([]byte, size)
	m := copy(buf[:q.n], q.buf[q.first:])
	copy(buf[m:q.n], q.buf)
	q.buf, q.first = buf, 0
}

// finish makes Read return err after the bytes that are still held. Only the first call has an effect.
func (q *queue) finish(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.end == nil {
		q.end = err
	}
	signal(q.notify)
}

func (q *queue) buffered() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

func (q *queue) setReadDeadline(t time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.until, q.inTime = t, false
	signal(q.notify)
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
		<-q.notify
		return
	}
	if wait := time.Until(until); q.timer == nil {
		q.timer = time.NewTimer(wait)
	} else {
		q.timer.Reset(wait)
	}
	defer q.timer.Stop()
	select {
	case <-q.notify:
	case <-q.timer.C:
	}
}

func (q *queue) take(b []byte) (n int, until time.Time, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.until.IsZero() && !q.inTime { // not for each octet: a script takes them one by one
		if !time.Now().Before(q.until) {
			return 0, q.until, os.ErrDeadlineExceeded
		}
		q.inTime = q.n > 0
	}
	if q.n == 0 {
		q.inTime = false
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
