package session

import (
	"context"
	"sync"
	"time"
)

// holdTime is the maximum time that octets are held back because they may select another front end.
const holdTime = 500 * time.Millisecond

// maxHeld is the maximum number of octets held back: the patterns that select a front end are short.
const maxHeld = 64

// Line is the data stream of a call, as its front end reads and writes it, with octet counters. One goroutine may read
// while another writes; deadlines may be set from any goroutine.
type Line struct {
	meter meter

	look   Look     // nil: no other front end can be selected
	held   []byte   // read, possibly for another front end
	passed []byte   // read, for the next Reads
	to     FrontEnd // the front end that held is for; nil: not yet known

	mu        sync.Mutex
	deadline  time.Time // as set by the reader
	holdUntil time.Time // zero: none held back
}

// Write blocks until the line has accepted p, like lines.Data.
func (l *Line) Write(p []byte) (int, error) { return l.meter.Write(p) }

// SetWriteDeadline implements lines.Data.
func (l *Line) SetWriteDeadline(t time.Time) error { return l.meter.SetWriteDeadline(t) }

// Buffered returns the number of octets that can be read without blocking, if known.
func (l *Line) Buffered() int {
	switch {
	case len(l.passed) > 0:
		return len(l.passed)
	case l.look != nil || l.to != nil:
		return 0
	}
	return l.meter.buffered()
}

// Overrun returns how many received octets were lost because nobody read them in time, if known.
func (l *Line) Overrun() uint64 { return l.meter.overrun() }

// Wrote reports whether anything was written on this call, also by a front end before.
func (l *Line) Wrote() bool { return l.meter.out.Load() > 0 }

// Frames says that frames are written from now on, and no text: the line need not wait until the far modem accepts
// text.
func (l *Line) Frames() {
	if f, ok := l.meter.Data.(interface{ Frames() }); ok {
		f.Frames()
	}
}

// Drain implements lines.Data.
func (l *Line) Drain(ctx context.Context) error { return l.meter.Drain(ctx) }

// Done is closed when the carrier is lost or the call is hung up.
func (l *Line) Done() <-chan struct{} { return l.meter.Done() }

// SetReadDeadline implements lines.Data. It also applies to a Read under way.
func (l *Line) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = t
	return l.arm()
}

// arm sets the line's deadline to the earlier of the two. The caller holds the mutex.
func (l *Line) arm() error {
	at := l.deadline
	if !l.holdUntil.IsZero() && (at.IsZero() || l.holdUntil.Before(at)) {
		at = l.holdUntil
	}
	return l.meter.SetReadDeadline(at)
}

// Read blocks for input, like lines.Data. It returns ErrTaken once the input is for another front end.
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
		case len(l.held) > 0: // no more input in time, so they are for the reader; a permanent error recurs
			l.release()
		default:
			return 0, err
		}
	}
}

// looked calls look with the octets held back.
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
	_ = l.arm() // an error will recur at the next Read
}

// release gives the octets held back to the reader.
func (l *Line) release() {
	l.passed = append(l.passed, l.held...)
	l.held = nil
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holdUntil = time.Time{}
	_ = l.arm()
}

// unwatch stops looking for another front end; octets held back go to the reader.
func (l *Line) unwatch() {
	if l.look != nil {
		l.look, l.to = nil, nil
		l.release()
	}
}

// taken returns the front end selected by the caller's octets, or nil. The next Read returns its first octets.
func (l *Line) taken() FrontEnd {
	to := l.to
	if to != nil {
		l.passed = nil // the front end they were for has ended
		l.unwatch()
	}
	return to
}
