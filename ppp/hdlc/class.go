package hdlc

import "math/bits"

// class is what the Encoder must know of an octet. A pair of octets needs attention if the left one has a first bit and
// the right one the second bit that belongs to it.
type class uint8

const (
	firstA     class = 1 << 0 // A: begins a command
	firstEsc   class = 1 << 1 // an escape character of the modem
	removed    class = 1 << 3 // modems may remove it: NUL, XON, XOFF
	secondA    class = 1 << 4 // T and /, which complete a command after A; and removed octets
	secondEsc  class = 1 << 5 // an escape character; and removed octets
	mayEscape  class = 1 << 6 // the escaped form reaches the peer and has no meaning in the framing or for the modem
	mustEscape class = 1 << 7 // is escaped wherever it stands

	firsts  = firstA | firstEsc
	seconds = secondA | secondEsc

	secondShift = 4 // from a first bit to its second bit
)

// classes is the table of an Encoder's framing.
type classes [256]class

// fillPlain computes the table of an Encoder that escapes what RFC 1662 requires and nothing more.
func (t *classes) fillPlain(send ACCM) {
	for i := range t {
		t[i] = 0
		if c := byte(i); c == flag || c == escape || send.has(c) {
			t[i] = mustEscape
		}
	}
}

// fill computes the table: send is the map of octets to escape, peer the map of octets that the peer removes, and
// escapes are the escape characters of the modem.
func (t *classes) fill(send, peer ACCM, escapes []byte) {
	for i := range t {
		c := byte(i)
		k := command(c)
		for _, e := range escapes {
			if k&removed == 0 && c&0x7f == e&0x7f {
				k |= firstEsc | secondEsc
			}
		}
		switch x := c ^ invert; x & 0x7f {
		case '\r', flag, escape:
		default:
			if !peer.has(x) {
				k |= mayEscape
			}
		}
		switch {
		case c == flag, c == escape, send.has(c), c&0x7f == '\r':
			k |= mustEscape
		case k&firstEsc != 0 && (c&0x7f == flag || c&0x7f == escape):
			k |= mustEscape // or it could continue a run of the framing's own octets
		}
		t[c] = k
	}
}

// command returns the class of c in a modem command.
func command(c byte) class {
	switch c & 0x7f {
	case 'A', 'a':
		return firstA
	case 'T', 't', '/':
		return secondA
	case 0, 0x11, 0x13:
		return removed | secondA | secondEsc
	}
	return 0
}

// clean returns the length of a prefix of p that needs no attention, and the first bits of its last octet. It leaves at
// most seven octets that it has not looked at. before has the first bits of the octet before p.
func (t *classes) clean(p []byte, before class) (n int, last class) {
	const (
		must   = 0x0101010101010101 * uint64(mustEscape)
		second = 0x0101010101010101 * uint64(seconds)
	)
	left := uint64(before)
	for len(p)-n >= 8 {
		b := p[n : n+8 : n+8]
		w := uint64(t[b[0]]) | uint64(t[b[1]])<<8 | uint64(t[b[2]])<<16 | uint64(t[b[3]])<<24 |
			uint64(t[b[4]])<<32 | uint64(t[b[5]])<<40 | uint64(t[b[6]])<<48 | uint64(t[b[7]])<<56
		lefts := w<<8 | left // the class of the octet to the left of each
		if found := w&must | lefts<<secondShift&w&second; found != 0 {
			at := bits.TrailingZeros64(found) &^ 7
			return n + at/8, class(lefts>>at) & firsts
		}
		left = w >> 56
		n += 8
	}
	return n, class(left) & firsts
}

// musts returns the number of octets at the beginning of p that must be escaped.
func (t *classes) musts(p []byte) int {
	for i, c := range p {
		if t[c]&mustEscape == 0 {
			return i
		}
	}
	return len(p)
}
