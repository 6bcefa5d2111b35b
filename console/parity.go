package console

import (
	"errors"
	"math/bits"
	"os"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/texts"
)

// Parity is a terminal's use of the eighth bit of each octet, on a line with eight data bits.
type Parity int

const (
	NoParity      Parity = iota // data; the zero value
	UnknownParity               // data, unless the first line shows that it is parity
	EvenParity                  // 7E1
	OddParity                   // 7O1
	MarkParity                  // 7M1: the bit is always set. That of 7S1 never is, so it is NoParity
)

func (p Parity) String() string {
	names := [...]string{"no parity", "unknown parity", "even parity", "odd parity", "mark parity"}
	if p < 0 || int(p) >= len(names) {
		return "no such parity"
	}
	return names[p]
}

// SevenBits reports whether the eighth bit is parity.
func (p Parity) SevenBits() bool { return p >= EvenParity && p <= MarkParity }

// parityOf returns the parity of b.
func parityOf(b byte) Parity {
	if bits.OnesCount8(b)%2 == 0 {
		return EvenParity
	}
	return OddParity
}

// strip returns the character of b; good reports whether its parity is correct.
func (p Parity) strip(b byte) (c byte, good bool) {
	if !p.SevenBits() {
		return b, true
	}
	return b & 0x7f, p.fits(b)
}

// fits reports whether a terminal with this parity sends b.
func (p Parity) fits(b byte) bool {
	if p == MarkParity {
		return b >= utf8.RuneSelf
	}
	return parityOf(b) == p
}

// add returns the octet for the low seven bits of c.
func (p Parity) add(c byte) byte {
	if !p.SevenBits() {
		return c
	}
	if c &= 0x7f; !p.fits(c) {
		c |= 0x80
	}
	return c
}

// stripAll strips all octets of s; an octet with wrong parity becomes a question mark.
func (p Parity) stripAll(s []byte) {
	for i, b := range s {
		c, good := p.strip(b)
		if !good {
			c = '?'
		}
		s[i] = c
	}
}

// text converts s for the terminal: with parity, and a question mark for each non-ASCII character.
func (p Parity) text(s []byte) []byte {
	if !p.SevenBits() {
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

// silence is the pause after an octet that identifies it as Enter: the octets of one multi-byte character arrive
// together.
const silence = time.Second

// maxFirstLine is the maximum length of a first line whose parity is detected.
const maxFirstLine = 1024

// firstLine is the first line in raw form.
type firstLine struct {
	octets  []byte
	afterCR bool // it began after a CR: an initial LF or NUL belongs to that
	parity  Parity
	mixed   bool // not all octets have the same parity, or there are too many
	clear   bool // an octet has its eighth bit clear
	long    bool // there are too many
}

func (s *firstLine) add(b byte) {
	if len(s.octets) == 0 {
		s.parity = parityOf(b)
	}
	s.long = s.long || len(s.octets) == maxFirstLine
	s.mixed = s.mixed || parityOf(b) != s.parity || s.long
	s.clear = s.clear || b < utf8.RuneSelf
	if !s.mixed || s.allMark() {
		s.octets = append(s.octets, b)
	}
}

// allMark reports whether each octet has its eighth bit set.
func (s *firstLine) allMark() bool { return !s.clear && !s.long }

// marked reports whether all octets have one parity and one of them needs its eighth bit for that.
func (s *firstLine) marked() bool {
	for _, b := range s.octets {
		if b >= utf8.RuneSelf {
			return !s.mixed
		}
	}
	return false
}

// readAs classifies octets in a character set: complete printable characters, or those with an incomplete last one.
func readAs(c texts.Charset, octets []byte) (whole, begun bool) {
	for len(octets) > 0 {
		r, n, valid := c.Next(octets)
		switch {
		case n == 0:
			return false, true
		case !valid, r >= utf8.RuneSelf && !unicode.IsPrint(r):
			return false, false
		}
		octets = octets[n:]
	}
	return true, false
}

// isRare reports whether octets of Big5 have a character of its second level, which few names have. Lowercase letters
// with odd parity often read as such characters; if also all octets have the same parity, it is parity.
func isRare(octets []byte) bool {
	const secondLevel = 0xC9
	for len(octets) > 0 {
		_, n, _ := texts.Big5.Next(octets)
		if n == 2 && octets[0] >= secondLevel {
			return true
		}
		octets = octets[max(n, 1):]
	}
	return false
}

// detectParity adds the octet b of a first line to s, before the editor processes it. It returns the editor to continue
// with: if the line shows a parity, t uses it from now on and the editor has the decoded line. ended reports that b is
// Enter, though not as an 8-bit octet.
func (t *Terminal) detectParity(b byte, s *firstLine, e *editor, a assistant) (next *editor, ended bool, err error) {
	typed := s.octets
	s.add(b)
	if b&0x7f != carriageReturn {
		return e, false, nil
	}
	whole, begun := readAs(t.Charset, s.octets)
	if t.Charset == texts.Big5 && !s.mixed && isRare(s.octets) {
		whole = false
	}
	parity := s.parity
	switch {
	case s.mixed && s.allMark() && !whole: // 7M1, or b is a character of 8 bits
		if silent, err := t.awaitSilence(); err != nil || !silent && !t.endsLine() {
			return e, false, err
		}
		parity = MarkParity
	case s.mixed && b >= utf8.RuneSelf:
		// not a CR of an 8-bit terminal, but a caller who waits for a response must get one
		if e.spoilt == nil && (e.raw || len(e.begun) > 0) {
			return e, false, nil // it begins or continues a character
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
	if b < utf8.RuneSelf && again.spoilt != nil { // the line ends in either case, and it is not valid 7-bit text
		return e, false, nil
	}
	t.evenOrMark = parity == EvenParity && s.allMark()
	t.use(parity)
	return again, true, nil
}

// use begins to use a parity.
func (t *Terminal) use(p Parity) {
	if t.Parity = p; t.OnParity != nil {
		t.OnParity(p)
	}
}

// sureOfMark is how many octets that 7M1 alone sends show it: fewer may have been garbled.
const sureOfMark = 4

// settle decides between 7E1 and 7M1 after a first line that both send alike: each character of it has an odd number of
// bits. It is for each octet, before its parity is removed.
func (t *Terminal) settle(b byte, e *editor) {
	switch {
	case !t.evenOrMark:
	case b < utf8.RuneSelf && EvenParity.fits(b):
		if t.Parity == MarkParity { // what looked like it was garbled
			e.spoil(ErrGarbled)
			t.use(EvenParity)
		}
		t.evenOrMark = false
	case b >= utf8.RuneSelf && !EvenParity.fits(b):
		if t.Parity == EvenParity {
			t.use(MarkParity)
		}
		t.marks++
		t.evenOrMark = t.marks < sureOfMark
	}
}

// replay returns an editor in place of e that has processed these octets as 7-bit input.
func replay(octets []byte, afterCR bool, e *editor, a assistant) *editor {
	again := &editor{max: e.max, charset: e.charset, raw: e.raw, helpKey: e.helpKey, hist: e.hist}
	for i, b := range octets {
		b &= 0x7f
		if i == 0 && afterCR && (b == lineFeed || b == 0) {
			continue
		}
		switch _, ev := again.step(b); ev {
		case nothing, redrawAsked, helpAsked:
		case tabbed:
			again.complete(a)
		default: // more than one line: Ctrl-U does not make it one
			again.spoil(ErrGarbled)
			return again
		}
	}
	if again.esc != noEscape { // Enter would abort it
		again.spoil(ErrGarbled)
	}
	return again
}

// awaitSilence reports whether no input arrives for a short time. Input that arrives is read next.
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

// endsLine reports whether the next octet, already received, is what a terminal with mark parity sends behind a CR.
func (t *Terminal) endsLine() bool { return t.ahead[0] == lineFeed|0x80 || t.ahead[0] == 0x80 }

// continues reports whether the next octet, already received, may continue a UTF-8 character.
func (t *Terminal) continues() bool { return !utf8.RuneStart(t.ahead[0]) }
