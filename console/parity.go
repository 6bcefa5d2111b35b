package console

import (
	"errors"
	"math/bits"
	"os"
	"time"
	"unicode"
	"unicode/utf8"
)

// Parity is what a terminal makes of the eighth bit of each octet, on a line that carries eight bits.
type Parity int

const (
	NoParity      Parity = iota // it is data; the zero value
	UnknownParity               // it is data, unless the first line shows that it is parity
	EvenParity                  // 7E1
	OddParity                   // 7O1
)

func (p Parity) String() string {
	names := [...]string{"no parity", "unknown parity", "even parity", "odd parity"}
	if p < 0 || int(p) >= len(names) {
		return "no such parity"
	}
	return names[p]
}

// sevenBits reports whether the eighth bit is parity.
func (p Parity) sevenBits() bool { return p == EvenParity || p == OddParity }

// parityOf is the parity that b has.
func parityOf(b byte) Parity {
	if bits.OnesCount8(b)%2 == 0 {
		return EvenParity
	}
	return OddParity
}

// strip is the character that b stands for; good says that its parity is right.
func (p Parity) strip(b byte) (c byte, good bool) {
	if !p.sevenBits() {
		return b, true
	}
	return b & 0x7f, parityOf(b) == p
}

// add is the octet that stands for the low seven bits of c.
func (p Parity) add(c byte) byte {
	if !p.sevenBits() {
		return c
	}
	if c &= 0x7f; parityOf(c) != p {
		c |= 0x80
	}
	return c
}

// stripAll strips all of s; what came with the wrong parity becomes a question mark rather than vanish.
func (p Parity) stripAll(s []byte) {
	for i, b := range s {
		c, good := p.strip(b)
		if !good {
			c = '?'
		}
		s[i] = c
	}
}

// text is s as the terminal can show it: with parity, and a question mark for each character that has no seven bits.
func (p Parity) text(s []byte) []byte {
	if !p.sevenBits() {
		return s
	}
	out := make([]byte, 0, len(s))
	for _, b := range s {
		switch {
		case b < utf8.RuneSelf:
			out = append(out, p.add(b))
		case utf8.RuneStart(b):
			out = append(out, p.add('?'))
		}
	}
	return out
}

// silence is how long nothing may follow an octet that is Enter only where nothing follows: the octets of one character come together.
const silence = time.Second

// maxFirstLine is how many octets of a first line are looked at. A longer line shows no parity.
const maxFirstLine = 1024

// firstLine is the first line as it was typed.
type firstLine struct {
	octets  []byte
	afterCR bool // it began behind a CR: an LF or NUL at its begin belongs to that
	parity  Parity
	mixed   bool // not all octets have the same parity, or there are too many
}

func (s *firstLine) add(b byte) {
	if len(s.octets) == 0 {
		s.parity = parityOf(b)
	}
	s.mixed = s.mixed || parityOf(b) != s.parity || len(s.octets) == maxFirstLine
	if !s.mixed {
		s.octets = append(s.octets, b)
	}
}

// marked reports whether all octets have one parity and one of them needs its eighth bit for that.
func (s *firstLine) marked() bool {
	for _, b := range s.octets {
		if b >= utf8.RuneSelf {
			return !s.mixed
		}
	}
	return false
}

// readAs says what octets are as UTF-8: whole printable characters, or such with the last one begun.
func readAs(octets []byte) (whole, begun bool) {
	for len(octets) > 0 {
		r, n := utf8.DecodeRune(octets)
		switch {
		case r == utf8.RuneError && n == 1:
			return false, !utf8.FullRune(octets)
		case r >= utf8.RuneSelf && !unicode.IsPrint(r):
			return false, false
		}
		octets = octets[n:]
	}
	return true, false
}

// detectParity takes the octet b of a first line into s, before the editor gets it. It returns the editor to go on with: where the line
// shows a parity, t has it from now on and the editor holds what was typed. ended says that b is Enter though as 8 bits it is not.
func (t *Terminal) detectParity(b byte, s *firstLine, e *editor, a assistant) (next *editor, ended bool, err error) {
	typed := s.octets
	s.add(b)
	if b&0x7f != carriageReturn {
		return e, false, nil
	}
	whole, begun := readAs(s.octets)
	switch {
	case s.mixed && b >= utf8.RuneSelf: // an 8-bit terminal has no such CR, but a caller who waits for an answer must get one
		if e.spoilt == nil && (e.raw || e.utfLen > 0) {
			return e, false, nil // it is, or goes on with, a character
		}
		silent, err := t.awaitSilence()
		if silent {
			e.spoil(ErrGarbled)
		}
		return e, silent, err
	case !s.marked() || whole:
		return e, false, nil
	case begun:
		if silent, err := t.awaitSilence(); err != nil || !silent && t.continues() {
			return e, false, err
		}
	}
	again := replay(typed, s.afterCR, e, a)
	if b < utf8.RuneSelf && again.spoilt != nil { // the line is over in either case, and this is no text of a 7-bit terminal
		return e, false, nil
	}
	t.Parity = s.parity
	if t.OnParity != nil {
		t.OnParity(t.Parity)
	}
	return again, true, nil
}

// replay is an editor in e's place to whom a 7-bit terminal typed these octets.
func replay(octets []byte, afterCR bool, e *editor, a assistant) *editor {
	again := &editor{max: e.max, raw: e.raw, helpKey: e.helpKey, hist: e.hist}
	for i, b := range octets {
		b &= 0x7f
		if i == 0 && afterCR && (b == lineFeed || b == 0) {
			continue
		}
		switch _, ev := again.step(b); ev {
		case nothing, redrawAsked, helpAsked:
		case tabbed:
			again.complete(a)
		default: // more than one line: no Ctrl-U makes one of it
			again.spoil(ErrGarbled)
			return again
		}
	}
	if again.esc != noEscape { // Enter would break it off
		again.spoil(ErrGarbled)
	}
	return again
}

// awaitSilence waits for a moment and reports whether nothing came. What came is read next.
func (t *Terminal) awaitSilence() (bool, error) {
	if err := t.flush(); err != nil {
		return false, err
	}
	defer t.arm(t.conn.SetReadDeadline, time.Time{})
	var b [1]byte
	for len(t.ahead) == 0 {
		t.arm(t.conn.SetReadDeadline, time.Now().Add(silence))
		n, err := t.conn.Read(b[:])
		t.ahead = append(t.ahead, b[:n]...)
		switch {
		case n > 0:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return false, nil
}

// continues reports whether the next octet, which has come, may go on with a character of UTF-8.
func (t *Terminal) continues() bool { return !utf8.RuneStart(t.ahead[0]) }
