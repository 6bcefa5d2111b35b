package postgres

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// keys sign rows. They may be used concurrently.
type keys struct{ macs *sync.Pool }

// macSize is the length of a signature in octets.
const macSize = sha256.Size

func newKeys(key []byte) keys {
	return keys{&sync.Pool{New: func() any { return &mac{h: hmac.New(sha256.New, key)} }}}
}

// mac signs the values of one row. Each value has its length before it, so that no two rows have the same encoding.
type mac struct {
	h   hash.Hash
	buf []byte
}

// begin returns a mac for a row of a table. sum must be called once.
func (k keys) begin(table string) *mac {
	m := k.macs.Get().(*mac)
	m.h.Reset()
	m.buf = m.buf[:0]
	return m.text(table)
}

func (m *mac) text(s string) *mac {
	m.buf = append(binary.AppendUvarint(m.buf, uint64(len(s))), s...)
	return m
}

func (m *mac) octets(b []byte) *mac {
	m.buf = append(binary.AppendUvarint(m.buf, uint64(len(b))), b...)
	return m
}

func (m *mac) number(n int64) *mac {
	m.buf = binary.BigEndian.AppendUint64(m.buf, uint64(n))
	return m
}

func (m *mac) flag(b bool) *mac {
	if b {
		return m.number(1)
	}
	return m.number(0)
}

// sum returns the signature and releases m.
func (k keys) sum(m *mac) []byte {
	m.h.Write(m.buf)
	s := m.h.Sum(make([]byte, 0, macSize))
	k.macs.Put(m)
	return s
}

// verify reports whether got is the signature of the row, and releases m.
func (k keys) verify(m *mac, got []byte) bool { return hmac.Equal(k.sum(m), got) }
