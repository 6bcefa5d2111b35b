package lines

import (
	"context"
	"fmt"
)

// Use leases a line that nothing uses now, calls fn with the lease in the calling goroutine, and releases it. It
// returns when fn has returned; the line is proven on hook afterwards, as after each lease. owner is shown as the
// holder of the lease. An error says why the line cannot be used now, and that fn was not called. Run waits for fn,
// which must end soon after its commands fail.
func (p *Pool) Use(ctx context.Context, tty int, owner string, fn func(ctx context.Context, l *Lease)) error {
	s, err := p.borrow(tty, owner)
	if err != nil {
		return err
	}
	defer p.jobs.Done()
	defer s.Release()
	fn(ctx, s)
	return nil
}

// NoLine is the error for a TTY number that no line has.
type NoLine int

func (n NoLine) Error() string { return fmt.Sprintf("there is no line %d", int(n)) }

// borrow leases a line for Use, and makes Run wait for it.
func (p *Pool) borrow(tty int, owner string) (*Lease, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lines[tty]
	switch {
	case l == nil:
		return nil, NoLine(tty)
	case p.closing || p.stopped || l.ctx == nil:
		return nil, ErrClosed
	case l.lendableLocked() && l.phase != Ringing:
		p.jobs.Add(1)
		return l.lendLocked(owner, ForOrder, false), nil
	}
	s := l.statusLocked()
	switch {
	case s.State == Down || s.State == Quarantined:
		return nil, fmt.Errorf("line %d is out of service, %s: %s", tty, s.State, s.Reason)
	case s.State == BusiedOut:
		return nil, fmt.Errorf("line %d is %s", tty, s.Reason)
	case s.State == Idle:
		return nil, fmt.Errorf("line %d is already in use: its modem is being asked for a callback", tty)
	}
	return nil, fmt.Errorf("line %d is already in use: %s", tty, s.State)
}
