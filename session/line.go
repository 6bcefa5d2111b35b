package session

import (
	"context"
	"sync"
	"time"
)

// holdTime is the longest that octets are held back because another front end's may begin so.
const holdTime = 500 * time.Millisecond

// maxHeld is how many octets are held back at most: the patterns that choose a front end are short.
const maxHeld = 64

// Line is the octets of a call, counted, as its front end reads and writes them. One goroutine may read while another
// writes; deadlines may be set from any.
type Line struct {
	meter meter

	look   Look     // nil: nobody looks for another front end's octets
	held   []byte   // read, and perhaps another front end's
	passed []byte   // read, and for the next Reads
	to     FrontEnd // whose held is; nil: not known

	mu        sync.Mutex
	deadline  time.Time // as the reader has set it
	holdUntil time.Time // zero: nothing is held back
}

// Write blocks until the line has taken p, as lines.Data does.
func (l *Line) Write(p []byte) (int, error) { return l.meter.Write(p) }

// SetWriteDeadline is lines.Data's.
func (l *Line) SetWriteDeadline(t time.Time) error { return l.meter.SetWriteDeadline(t) }

// Buffered is how many octets a Read brings without waiting, where that is known.
func (l *Line) Buffered() int {
	switch {
	case len(l.passed) > 0:
		return len(l.passed)
	case l.look != nil || l.to != nil:
		return 0
	}
	return l.meter.buffered()
}

// Drain is lines.Data's.
func (l *Line) Drain(ctx context.Context) error { return l.meter.Drain(ctx) }

// Done is closed when the carrier is lost or the call was hung up.
func (l *Line) Done() <-chan struct{} { return l.meter.Done() }

// SetReadDeadline is lines.Data's. It ends a Read under way too.
func (l *Line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	return l.arm()
}

// arm sets the line's deadline to the earlier of the two. The mutex is held.
func (l *Line) arm() error {
	at := l.deadline
	if !l.holdUntil.IsZero() && (at.IsZero() || l.holdUntil.Before(at)) {
		at = l.holdUntil
	}
	return l.meter.SetReadDeadline(at)
}

// Read blocks for octets, as lines.Data does. ErrTaken: they are another front end's.
func (l *Line) Read(p []byte) (int, error) {
	for {
		switch {
		case len(l.passed) > 0:
			n := copy(p, l.passed)
			l.passed = l.passed[n:]
			return n, nil
		case l.to != nil:
			return 0, ErrTaken
		case l.look == nil:
			return l.meter.Read(p)
		}
		n, err := l.meter.Read(p)
		switch {
		case n > 0:
			l.held = append(l.held, p[:n]...)
			l.looked()
		case err == nil:
		case len(l.held) > 0: // no more came in time, so they are the reader's; an error that lasts comes again
			l.release()
		default:
			return 0, err
		}
	}
}

// looked has the octets that are held back looked at.
func (l *Line) looked() {
	pass, to := l.look(l.held)
	if to == nil && len(l.held)-pass > maxHeld {
		pass = len(l.held)
	}
	l.passed, l.to = append(l.passed, l.held[:pass]...), to
	l.held = append(l.held[:0], l.held[pass:]...)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.held) == 0 || to != nil:
		l.holdUntil = time.Time{}
	case pass > 0 || l.holdUntil.IsZero():
		l.holdUntil = time.Now().Add(holdTime)
	}
	_ = l.arm() // a line that cannot keep deadlines says so when it is read
}

// release gives what is held back to the reader.
func (l *Line) release() {
	l.passed = append(l.passed, l.held...)
	l.held = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holdUntil = time.Time{}
	_ = l.arm()
}

// unwatch ends the look for another front end; what was held back is the reader's.
func (l *Line) unwatch() {
	if l.look != nil {
		l.look, l.to = nil, nil
		l.release()
	}
}

// taken is the front end that the caller's octets have chosen, nil none. The next Read brings it their first.
func (l *Line) taken() FrontEnd {
	to := l.to
	if to != nil {
		l.passed = nil // the front end that did not read them is gone
		l.unwatch()
	}
	return to
}
