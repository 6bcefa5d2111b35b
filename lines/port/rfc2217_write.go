package port

import (
	"errors"
	"net"
	"os"
	"time"
)

// Three parties write to the connection: Write, the signal methods, and Read, which answers the server. The token in
// sending serializes them, one whole Telnet unit at a time, so that no command is inserted into a doubled IAC.

// Write sends data, escaped. It returns the number of octets of b that were sent; after a deadline this may be fewer
// than len(b), and the connection remains usable.
func (p *rfc2217) Write(b []byte) (int, error) {
	total := 0
	for len(b) > 0 {
		if err := p.mayWrite(); err != nil {
			return total, err
		}
		if err := p.take(nil); err != nil {
			return total, err
		}
		n, err := p.writeData(b)
		err = p.release(err)
		total += n
		b = b[n:]
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// writeData sends one chunk of b and returns the number of octets of b that it sent.
func (p *rfc2217) writeData(b []byte) (int, error) {
	if err := p.writeCarry(); err != nil {
		return 0, err
	}
	b = b[:min(len(b), chunk)]
	nvt := p.nvt.Load()
	wire := b // most data, such as commands, needs no escape and no copy
	if escapes(b, nvt) {
		p.scratch = appendData(p.scratch[:0], b, nvt)
		wire = p.scratch
	}
	sent, err := p.conn.Write(wire)
	if err == nil {
		return len(b), nil
	}
	at := 0 // in wire
	for i, c := range b {
		if at >= sent {
			return i, err
		}
		at += width(c, nvt)
		if at > sent { // the unit was cut; its rest must be sent first
			p.owe(wire[sent:at])
		}
	}
	return len(b), err
}

func (p *rfc2217) writeCarry() error {
	if len(p.carry) == 0 {
		return nil
	}
	n, err := p.conn.Write(p.carry)
	rest := p.carry[n:]
	p.carry = nil
	p.owe(rest)
	return err
}

// owe keeps the rest of a cut unit, if any, for the next sender.
func (p *rfc2217) owe(rest []byte) {
	p.carry = append(p.carry, rest...)
	p.owing.Store(len(p.carry) > 0)
}

// sendControl sends one or more whole control units. It waits for the token and for room, for at most
// Options.Timeout.
func (p *rfc2217) sendControl(units []byte) error {
	timer := time.NewTimer(p.limit)
	defer timer.Stop()
	if err := p.take(timer.C); err != nil {
		return err
	}
	_, err := p.writeControl(units, p.limit)
	return p.release(err)
}

// writeControl writes units with a separate deadline and then restores the deadline of Write. begun means that a part
// was sent; the rest is then sent first next time.
func (p *rfc2217) writeControl(units []byte, limit time.Duration) (begun bool, err error) {
	p.mu.Lock()
	p.control = true
	p.conn.SetWriteDeadline(time.Now().Add(limit))
	p.mu.Unlock()
	if err = p.writeCarry(); err == nil && len(units) > 0 {
		var n int
		n, err = p.conn.Write(units)
		if begun = n > 0; begun {
			p.owe(units[n:])
		}
	}
	p.mu.Lock()
	p.control = false
	p.conn.SetWriteDeadline(p.deadline)
	p.mu.Unlock()
	return begun, err
}

// take waits for the token; a nil timeout waits until the port is closed.
func (p *rfc2217) take(timeout <-chan time.Time) error {
	select {
	case <-p.closing:
		return net.ErrClosed
	default:
	}
	select {
	case p.sending <- struct{}{}:
		return nil
	case <-timeout:
		return os.ErrDeadlineExceeded
	case <-p.closing:
		return net.ErrClosed
	}
}

// release returns the token, after sending what Read has queued.
func (p *rfc2217) release(err error) error {
	<-p.sending
	if err != nil {
		return err
	}
	return p.flush(answerLimit)
}

// enqueue moves the answers of the Telnet machine to the queue.
func (p *rfc2217) enqueue() {
	p.mu.Lock()
	p.queue = append(p.queue, p.telnet.out...)
	p.mu.Unlock()
	p.telnet.out = nil
}

// flush sends the queue if the token is free; otherwise its holder sends the queue on release. A peer that does not
// read the answers within limit gets them later: the reader must not block on it.
func (p *rfc2217) flush(limit time.Duration) error {
	for p.owing.Load() || p.queued() {
		select {
		case p.sending <- struct{}{}:
		default:
			return nil
		}
		err := p.flushLocked(limit)
		<-p.sending
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// flushLocked sends the queue. The caller holds the token.
func (p *rfc2217) flushLocked(limit time.Duration) error {
	p.mu.Lock()
	units := p.queue
	p.queue = nil
	p.mu.Unlock()
	begun, err := p.writeControl(units, limit)
	if err != nil && !begun {
		p.mu.Lock()
		p.queue = append(units, p.queue...)
		p.mu.Unlock()
	}
	return err
}

func (p *rfc2217) queued() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.queue) > 0
}

// SetWriteDeadline sets the deadline of Write. The signal methods use their own.
func (p *rfc2217) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	p.wakeLocked()
	if p.control {
		return nil // writeControl restores it when it is done
	}
	return p.conn.SetWriteDeadline(t)
}

// suspend stops or resumes data as the server requests (RFC 2217 §5).
func (p *rfc2217) suspend(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakeLocked()
	if p.suspended = on; !on {
		p.changed = nil
	} else if p.changed == nil {
		p.changed = make(chan struct{})
	}
}

// wakeLocked makes a writer that waits in mayWrite check again. The caller holds mu.
func (p *rfc2217) wakeLocked() {
	if p.suspended {
		close(p.changed)
		p.changed = make(chan struct{})
	}
}

// mayWrite waits until the server accepts data, or until the deadline of Write.
func (p *rfc2217) mayWrite() error {
	for {
		p.mu.Lock()
		suspended, deadline, changed := p.suspended, p.deadline, p.changed
		p.mu.Unlock()
		if !suspended {
			return nil
		}
		if err := p.waitChange(changed, deadline); err != nil {
			return err
		}
	}
}

func (p *rfc2217) waitChange(changed <-chan struct{}, deadline time.Time) error {
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-changed:
		return nil
	case <-late:
		return os.ErrDeadlineExceeded
	case <-p.closing:
		return net.ErrClosed
	}
}
