package aaatest

import (
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Loss configures a Lossy network. Drop, Duplicate and Reorder are fractions of all datagrams, from 0 to 1. The zero
// Loss loses nothing.
type Loss struct {
	Drop      float64
	Duplicate float64
	Reorder   float64       // delayed for longer, so that later datagrams overtake it
	Delay     time.Duration // of every datagram
	Jitter    time.Duration // maximum random delay in addition to Delay
	Seed      uint64        // the same seed gives the same faults for the same datagrams in the same order
}

// LossyCount counts datagrams.
type LossyCount struct{ Sent, Dropped, Duplicated, Reordered int }

// Lossy is a lossy datagram network: it wraps sockets, and drops, delays, duplicates and reorders what is sent through
// them. It affects only the sending direction: wrap both ends for both directions. Create one with NewLossy.
type Lossy struct {
	loss Loss

	mu     sync.Mutex
	rand   *rand.Rand
	count  LossyCount
	timers map[*time.Timer]struct{}
	closed bool
}

// NewLossy returns a network with the given loss.
func NewLossy(l Loss) *Lossy {
	return &Lossy{loss: l, rand: rand.New(rand.NewPCG(l.Seed, l.Seed)), timers: map[*time.Timer]struct{}{}}
}

// Count returns the counts so far.
func (l *Lossy) Count() LossyCount {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Close drops the datagrams under way. It does not close the wrapped sockets.
func (l *Lossy) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for t := range l.timers {
		t.Stop()
	}
	clear(l.timers)
	return nil
}

// Conn wraps a connected datagram socket.
func (l *Lossy) Conn(c net.Conn) net.Conn { return &lossyConn{c, l} }

// PacketConn wraps a datagram socket.
func (l *Lossy) PacketConn(c net.PacketConn) net.PacketConn { return &lossyPacketConn{c, l} }

type lossyConn struct {
	net.Conn
	way *Lossy
}

func (c *lossyConn) Write(b []byte) (int, error) {
	return c.way.carry(b, func(b []byte) error { _, err := c.Conn.Write(b); return err })
}

type lossyPacketConn struct {
	net.PacketConn
	way *Lossy
}

func (c *lossyPacketConn) WriteTo(b []byte, to net.Addr) (int, error) {
	return c.way.carry(b, func(b []byte) error { _, err := c.PacketConn.WriteTo(b, to); return err })
}

// carry sends one datagram with its faults. It returns the error of an immediate send; errors of delayed sends are
// ignored.
func (l *Lossy) carry(b []byte, send func([]byte) error) (int, error) {
	times, err := l.fate()
	if err != nil {
		return 0, err
	}
	for _, d := range times {
		if d <= 0 {
			if err := send(b); err != nil {
				return 0, err
			}
			continue
		}
		later := append([]byte(nil), b...)
		l.after(d, func() { send(later) })
	}
	return len(b), nil
}

// fate returns the delay of each copy that arrives; none if the datagram is dropped.
func (l *Lossy) fate() ([]time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, net.ErrClosed
	}
	l.count.Sent++
	// All random numbers are drawn each time, so that one setting does not change the effect of another.
	drop, double, mixed := l.rand.Float64() < l.loss.Drop, l.rand.Float64() < l.loss.Duplicate,
		l.rand.Float64() < l.loss.Reorder
	delay := l.loss.Delay + time.Duration(l.rand.Float64()*float64(l.loss.Jitter))
	switch {
	case drop:
		l.count.Dropped++
		return nil, nil
	case mixed:
		l.count.Reordered++
		delay += max(l.loss.Delay, l.loss.Jitter, time.Millisecond)
	}
	if double {
		l.count.Duplicated++
		return []time.Duration{delay, delay + l.loss.Jitter}, nil
	}
	return []time.Duration{delay}, nil
}

func (l *Lossy) after(d time.Duration, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	var t *time.Timer
	t = time.AfterFunc(d, func() {
		l.mu.Lock()
		delete(l.timers, t)
		closed := l.closed
		l.mu.Unlock()
		if !closed {
			f()
		}
	})
	l.timers[t] = struct{}{}
}
