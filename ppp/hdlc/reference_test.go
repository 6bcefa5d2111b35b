package hdlc

import (
	"bytes"
	"fmt"
	"testing"
)

// An octet-wise implementation of RFC 1662 with the table of Appendix C.2, as PPP programs have it. It is what the
// Encoder and the Decoder are compared with, in tests and in the benchmarks.

var refTable = func() (t [256]uint16) {
	for i := range t {
		for bit := range 8 { // long division by the polynomial, one bit at a time
			if (t[i]^uint16(i)>>bit)&1 != 0 {
				t[i] = t[i]>>1 ^ 0x8408
			} else {
				t[i] >>= 1
			}
		}
	}
	return t
}()

func refFCS(fcs uint16, p []byte) uint16 {
	for _, c := range p {
		fcs = fcs>>8 ^ refTable[byte(fcs)^c]
	}
	return fcs
}

// refEncode appends a frame with both flags that holds body (address to information).
func refEncode(dst, body []byte, escaped *[256]bool) []byte {
	dst = append(dst, 0x7e)
	fcs := uint16(0xffff)
	for _, c := range body {
		fcs = fcs>>8 ^ refTable[byte(fcs)^c]
		if escaped[c] {
			dst = append(dst, 0x7d, c^0x20)
		} else {
			dst = append(dst, c)
		}
	}
	fcs ^= 0xffff
	for _, c := range [2]byte{byte(fcs), byte(fcs >> 8)} {
		if escaped[c] {
			dst = append(dst, 0x7d, c^0x20)
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, 0x7e)
}

// refEscaped returns the octets that RFC 1662 §4.2 escapes.
func refEscaped(accm uint32) (t [256]bool) {
	for i := range 32 {
		t[i] = accm&(1<<i) != 0
	}
	t[0x7d], t[0x7e] = true, true
	return t
}

// refDecoder is an octet-wise receiver with a buffer of a fixed size.
type refDecoder struct {
	accm    uint32
	buf     []byte
	n       int
	fcs     uint16
	escaped bool
	long    bool

	removed, badFCS, aborted, tooShort, tooLong uint64
}

// decode calls got with each frame whose FCS is right, from address or protocol to the end of the information.
func (r *refDecoder) decode(p []byte, got func(body []byte)) {
	for _, c := range p {
		switch {
		case c == 0x7e:
			r.flag(got)
			r.n, r.fcs, r.escaped, r.long = 0, 0xffff, false, false
			continue
		case c < 0x20 && r.accm>>c&1 != 0:
			r.removed++
			continue
		case r.escaped:
			r.escaped = false
			c ^= 0x20
		case c == 0x7d:
			r.escaped = true
			continue
		}
		if r.n == len(r.buf) {
			r.long = true
			continue
		}
		r.buf[r.n] = c
		r.n++
		r.fcs = r.fcs>>8 ^ refTable[byte(r.fcs)^c]
	}
}

func (r *refDecoder) flag(got func([]byte)) {
	switch {
	case r.escaped:
		r.aborted++
	case r.long:
		r.tooLong++
	case r.n == 0:
	case r.n < 4:
		r.tooShort++
	case r.fcs != 0xf0b8:
		r.badFCS++
	default:
		got(r.buf[:r.n-2])
	}
}

func newRefDecoder(accm uint32, size int) *refDecoder {
	return &refDecoder{accm: accm, buf: make([]byte, size), fcs: 0xffff}
}

// frames returns all frames of a stream.
func (r *refDecoder) frames(stream []byte) (all [][]byte) {
	r.decode(stream, func(b []byte) { all = append(all, bytes.Clone(b)) })
	return all
}

func TestReferenceFCS(t *testing.T) {
	if got := refFCS(0xffff, []byte("123456789")) ^ 0xffff; got != 0x906e { // the check value of CRC-16/X-25
		t.Errorf("%04x", got)
	}
	// RFC 1662 Appendix C.2: the first, second and last entries of its table, and its row 80
	for i, want := range map[byte]uint16{0: 0, 1: 0x1189, 2: 0x2312, 0x80: 0x8408, 0x81: 0x9581, 0xff: 0x0f78} {
		if got := refTable[i]; got != want {
			t.Errorf("%02x: %04x, want %04x", i, got, want)
		}
	}
}

// packets interprets frames as the Decoder must: RFC 1662 §3.1, §3.2, RFC 1661 §6.5.
func packets(frames [][]byte, mru int) (all []string, counts Counters) {
	for _, b := range frames {
		if b[0] == 0xff && b[1] != 0x03 {
			counts.BadField++
			continue
		}
		b = bytes.TrimPrefix(b, []byte{0xff, 0x03})
		protocol, n := uint16(0), 1
		switch {
		case len(b) == 0 || len(b) == 1 && b[0]%2 == 0:
			counts.TooShort++
			continue
		case b[0]%2 == 1:
			protocol = uint16(b[0])
		default:
			protocol, n = uint16(b[0])<<8+uint16(b[1]), 2
		}
		if len(b)-n > mru {
			counts.TooLong++
			continue
		}
		counts.Frames++
		all = append(all, packet(protocol, b[n:]))
	}
	return all, counts
}

// packet is the form in which tests compare packets.
func packet(protocol uint16, info []byte) string { return fmt.Sprintf("%04x %s", protocol, info) }
