package lines

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// RawDriver is a Driver whose port others can use while it does not run.
type RawDriver interface {
	Driver
	// OpenRaw opens the port after Run has ended, and forgets what the driver knows of its modem's state: the user
	// who has the port can change that, and can read each secret. The error names the port, or says why nobody may
	// have it.
	OpenRaw(ctx context.Context) (Port, error)
}

// errNoRaw is why a line has no raw access.
var errNoRaw = errors.New("its driver does not share the port")

// rawHangup is how long DTR is low when raw access has ended: longer than any modem can be told to overlook (S25).
const rawHangup = 3 * time.Second

// Raw ends the line's driver, calls fn with the port, drops DTR, and closes the port. It blocks until then. The context
// of fn ends with ctx, with the lease, with `clear line` (ErrCleared), and with the pool; fn must then return. When the
// lease is released the line begins anew, with a new driver that resets, initializes and proves the modem: nothing that
// was done to the modem or its port stays. An error without a call of fn says why there is no raw access.
func (s *Lease) Raw(ctx context.Context, fn func(ctx context.Context, port Port) error) error {
	tty := s.TTY()
	ctx, done, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("tty %d: %w", tty, err)
	}
	defer done()
	d, ok := s.line.driver.(RawDriver)
	if !ok {
		return fmt.Errorf("tty %d: no raw access: %w", tty, errNoRaw)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	closed, undo, err := s.suspend(cancel)
	if err != nil {
		return fmt.Errorf("tty %d: %w", tty, err)
	}
	defer undo()
	select {
	case <-closed:
	case <-ctx.Done():
		return fmt.Errorf("tty %d: %w", tty, context.Cause(ctx))
	}
	port, err := d.OpenRaw(ctx)
	if err != nil {
		return fmt.Errorf("tty %d: no raw access: %w", tty, err)
	}
	defer port.Close()
	defer func() { // also after a panic
		if port.HasSignals() && port.SetDTR(false) == nil {
			<-time.After(rawHangup)
		}
	}()
	return fn(ctx, port)
}

// suspend ends the driver, which is replaced when the lease is released and undo was called, after the port is closed.
// closed is closed when the driver has ended.
func (s *Lease) suspend(cancel context.CancelCauseFunc) (closed <-chan struct{}, undo func(), err error) {
	p, l := s.line.pool, s.line
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped || l.ctx == nil {
		return nil, nil, ErrClosed
	}
	p.jobs.Add(1)
	used := make(chan struct{})
	s.raw, l.used = cancel, used
	stop := context.AfterFunc(p.drivers, func() { cancel(ErrClosed) })
	if l.next == nil {
		l.next = &replacement{by: l.by, again: true}
	}
	l.next.started = true
	l.planLocked()
	l.touchLocked()
	l.serve()
	l.stop()
	return l.closed, func() {
		stop()
		p.mu.Lock()
		s.raw = nil
		p.mu.Unlock()
		close(used)
		p.jobs.Done()
	}, nil
}
