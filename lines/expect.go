package lines

import (
	"context"
	"errors"
	"fmt"
)

// expected is a call for which the owner of a lease waits.
type expected struct {
	answering bool          // the driver answers
	call      chan *Call    // capacity 1
	missed    chan struct{} // closed when the answered call did not connect
}

// ErrMissed is the error of Expect for a call that was answered and did not connect.
var ErrMissed = errors.New("the call was answered, and did not connect")

// Expect lets the line answer the next call that rings, from any caller, and blocks until it is up, ctx or the lease
// ends, or the line goes out of service. The call is the owner's, not the pool's: no session begins on it, and the
// owner must hang it up before it releases the lease. The error is ErrMissed if the call did not connect.
func (s *Lease) Expect(ctx context.Context) (*Call, error) {
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return nil, fmt.Errorf("tty %d: %w", s.TTY(), err)
	}
	defer done()
	p := s.line.pool
	e := &expected{call: make(chan *Call, 1), missed: make(chan struct{})}
	p.mu.Lock()
	s.expected = e
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		s.expected = nil
	}()
	select {
	case c := <-e.call:
		return c, nil
	case <-e.missed:
		err = ErrMissed
	case <-s.lost:
		err = s.cause
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case c := <-e.call: // it came at the same moment
		return c, nil
	default:
	}
	s.expected = nil // a call that is still being answered is hung up when the lease is released
	return nil, fmt.Errorf("tty %d: %w", s.TTY(), err)
}

// expectsLocked returns the call that the owner of the line's lease waits for; nil: none.
func (l *line) expectsLocked() *expected {
	if l.lease == nil {
		return nil
	}
	return l.lease.expected
}

// answerExpectedLocked lets the driver answer a call that the owner of the lease expects.
func (l *line) answerExpectedLocked() bool {
	e := l.expectsLocked()
	if e == nil || e.answering || !l.up || l.quarantine != "" || l.pool.draining || l.pool.closing || l.pool.stopped {
		return false
	}
	e.answering = true
	l.phaseLocked(Ringing)
	return true
}

// connectedLocked passes a call on a line that was leased before it rang to the owner of the lease. If nobody waits for
// it any more, the release of the lease hangs it up.
func (l *line) connectedLocked(c *Call) {
	s := l.lease
	if s == nil || s.expected == nil {
		return
	}
	c.ID = l.pool.o.NewID()
	s.dialed, s.connect = true, c.Connect
	l.phaseLocked(InCall)
	s.expected.call <- c
}

// missedLocked tells the owner of the lease that the expected call did not connect.
func (l *line) missedLocked(unproven error) {
	if e := l.expectsLocked(); e != nil {
		close(e.missed)
		l.lease.expected = nil
		l.phaseLocked(Leased)
	}
	if unproven != nil && !errors.Is(unproven, ErrDown) {
		l.quarantineLocked(unproven)
	}
}
