package session

import "github.com/ringback/ringback/lines"

// meter counts the octets of a call both ways. The call's goroutine reads and writes.
type meter struct {
	lines.Data
	in, out uint64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Data.Read(p)
	m.in += uint64(n)
	return n, err
}

func (m *meter) Write(p []byte) (int, error) {
	n, err := m.Data.Write(p)
	m.out += uint64(n)
	return n, err
}
