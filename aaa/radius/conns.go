package radius

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// maxSockets limits the sockets for one server: 16 sockets can have 4,096 requests in flight.
const maxSockets = 16

// The pause after a failed connection attempt doubles from firstPause to lastPause.
const (
	firstPause = 500 * time.Millisecond
	// it is also at most Timeout, and half the time that a request waits, so that a waiting login notices a restarted
	// server soon
	lastPause = 8 * time.Second
)

// opening is the state of the attempts to open a connection.
type opening struct {
	failed time.Time // when the last one failed
	next   time.Time // no attempt before this time
	pause  time.Duration
	err    error
}

// systemDial opens a socket from Source.
func (s ServerConfig) systemDial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{}
	if local, err := s.localAddr(); err == nil && local != nil {
		d.LocalAddr = local
		if network == "tcp" {
			d.LocalAddr = &net.TCPAddr{IP: local.IP, Port: local.Port, Zone: local.Zone}
		}
	}
	return d.DialContext(ctx, network, address)
}

// reserve finds a socket with a free identifier, and opens one if there is none.
func (p *peer) reserve(ctx context.Context, ex *exchange) (*socket, uint32, error) {
	if s, id, err := p.free(ex); s != nil || err != nil {
		return s, id, err
	}
	queued := time.Now()
	select {
	case p.dialing <- struct{}{}:
		defer func() { <-p.dialing }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	if s, id, err := p.free(ex); s != nil || err != nil { // another exchange may have opened it meanwhile
		return s, id, err
	}
	if err := p.mayOpen(ctx, queued); err != nil {
		return nil, 0, err
	}
	s, err := p.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	return p.adopt(s, ex)
}

// mayOpen waits for the pause after a failed connection. An exchange that was queued during the failed attempt gets the
// same error.
func (p *peer) mayOpen(ctx context.Context, queued time.Time) error {
	p.mu.Lock()
	o := p.opening
	p.mu.Unlock()
	pause := time.Until(o.next)
	switch {
	case o.err == nil || pause <= 0:
		return nil
	case o.failed.After(queued):
		return o.err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Now().Add(pause).After(deadline) {
		return tooLate{fmt.Errorf("%w; the next attempt is in %s", o.err, pause.Round(time.Second))}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.life.Done():
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tooLate is the error of an exchange that has less time left than the pause.
type tooLate struct{ error }

func (e tooLate) Unwrap() error { return e.error }

// open opens a socket, or a connection including the TLS handshake, within Timeout.
func (p *peer) open(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	defer context.AfterFunc(p.life, cancel)()
	if p.Transport != TLS {
		conn, err := p.dial(ctx, "udp", p.address)
		if err != nil {
			return nil, err
		}
		return newSocket(p, conn, false), nil
	}
	conn, v11, err := p.radsec.connect(ctx, p.dial, p.address)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			p.openFailed(err)
		}
		return nil, err
	}
	return newSocket(p, conn, v11), nil
}

// openFailed records that a connection attempt failed, or that a connection was lost before its first packet.
func (p *peer) openFailed(err error) {
	p.mu.Lock()
	now := time.Now()
	o := &p.opening
	o.pause = min(max(2*o.pause, firstPause), max(min(p.Timeout, p.patience()/2), firstPause), lastPause)
	o.failed, o.next, o.err = now, now.Add(jitter(o.pause)), err
	p.mu.Unlock()
	p.happened(onLoss)
}

// free returns an open socket with a free identifier; nil if there is none. An exchange that found its connection
// silent gets only a newer one.
func (p *peer) free(ex *exchange) (*socket, uint32, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, 0, errClosed
	}
	usable := 0
	for _, s := range p.sockets {
		if s.isSilent() {
			continue
		}
		usable++
		if ex.renewed && s.opened.Before(ex.begun) {
			continue
		}
		if id, ok := s.take(ex); ok {
			return s, id, nil
		}
	}
	if usable >= maxSockets {
		return nil, 0, fmt.Errorf("%w (%d)", errFull, p.inFlight.Load())
	}
	return nil, 0, nil
}

// errFull is the error of an exchange for which no socket has an identifier.
var errFull = errors.New("too many requests in flight")

// adopt starts the goroutines of a new socket; close waits for them.
func (p *peer) adopt(s *socket, ex *exchange) (*socket, uint32, error) {
	p.mu.Lock()
	// on a retired peer only an exchange that waits for an answer may open a socket, and closes it when it ends
	if p.closed || p.retired && ex == nil {
		p.mu.Unlock()
		s.conn.Close()
		return nil, 0, errClosed
	}
	p.sockets = append(p.sockets, s)
	var id uint32
	if ex != nil {
		id, _ = s.take(ex)
	}
	p.parts.Go(s.read)
	if s.stream {
		p.parts.Go(s.writeStream)
	}
	p.mu.Unlock()
	if s.stream {
		p.happened(onOpen)
	}
	return s, id, nil
}

// lost removes a socket whose reader has ended.
func (p *peer) lost(gone *socket) {
	p.mu.Lock()
	for i, s := range p.sockets {
		if s == gone {
			p.sockets = append(p.sockets[:i], p.sockets[i+1:]...)
			break
		}
	}
	last, closed := len(p.sockets) == 0, p.closed || p.retired
	p.mu.Unlock()
	switch {
	case !gone.stream || closed:
	case gone.heard.Load() == 0 && !gone.isSilent():
		p.openFailed(gone.complaint())
	case last:
		p.happened(onLoss)
	}
}

// leave ends one exchange; the last one of a retired peer closes its sockets.
func (p *peer) leave() {
	if p.inFlight.Add(-1) > 0 {
		return
	}
	p.mu.Lock()
	if !p.retired || p.inFlight.Load() > 0 {
		p.mu.Unlock()
		return
	}
	sockets := p.endSocketsLocked() // an exchange that begins now opens another
	p.mu.Unlock()
	shutAll(sockets, errHungUp)
}

// retire closes the sockets when no exchange waits. Later exchanges open them again, and close them.
func (p *peer) retire() {
	p.mu.Lock()
	p.retired = true
	p.mu.Unlock()
	p.nudge()
	p.rest()
}

// rest closes the sockets of a retired peer if no exchange waits.
func (p *peer) rest() {
	p.inFlight.Add(1)
	p.leave()
}

// hangUp closes all sockets with the error why.
func (p *peer) hangUp(why error) {
	p.mu.Lock()
	sockets := p.endSocketsLocked()
	p.mu.Unlock()
	shutAll(sockets, why)
}

// endSocketsLocked stops new exchanges on all sockets, and returns the sockets.
func (p *peer) endSocketsLocked() []*socket {
	for _, s := range p.sockets {
		s.end()
	}
	return append([]*socket(nil), p.sockets...)
}

func shutAll(sockets []*socket, why error) {
	for _, s := range sockets {
		s.shut(why)
	}
}

// errHungUp is the error of sockets that are closed while their peer stays in use.
var errHungUp = errors.New("connection closed by ringback")

// close ends all exchanges and waits for the goroutines.
func (p *peer) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.end()
	p.hangUp(errClosed)
	p.parts.Wait()
}
