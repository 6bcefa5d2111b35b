package session

import (
	"sync/atomic"

	"github.com/ringback/ringback/lines"
)

// meter counts the octets of a call in both directions.
type meter struct {
	lines.Data
	in, out atomic.Uint64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Data.Read(p)
	m.in.Add(uint64(n))
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Data.Write(p)
	m.out.Add(uint64(n))
	return n, err
}

// octets returns the counts so far.
func (m *meter) octets() (in, out uint64) { return m.in.Load(), m.out.Load() }

// buffered returns the number of octets that can be read without blocking, 0 if not known.
func (m *meter) buffered() int {
	if b, ok := m.Data.(interface{ Buffered() int }); ok {
		return b.Buffered()
	}
	return 0
}

// overrun returns the number of octets that were received and lost, 0 if not known.
func (m *meter) overrun() uint64 {
	if o, ok := m.Data.(interface{ Overrun() uint64 }); ok {
		return o.Overrun()
	}
	return 0
}
