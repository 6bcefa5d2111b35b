package texts

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/traditionalchinese"
)

// Charset is the character set of a terminal.
type Charset string

// The character sets.
const (
	UTF8 Charset = "utf-8"
	// Big5 is that of Taiwan: ASCII, and pairs of octets 0xA1–0xF9, 0x40–0x7E or 0xA1–0xFE. Octets that are controls on
	// other terminals (0x80–0x9F), and the pairs of vendors beyond these, are not part of it.
	Big5  Charset = "big5"
	ASCII Charset = "ascii"
)

// CharsetNames returns the names of all character sets, the default first.
func CharsetNames() []string { return []string{string(UTF8), string(Big5), string(ASCII)} }

// Locale is how a reader is addressed: the language of the texts, and the character set of the terminal.
type Locale struct {
	Language Language // "": English
	Charset  Charset  // "": UTF-8
}

// Or returns the locale with the values of another one for those that it leaves open.
func (l Locale) Or(other Locale) Locale {
	if l.Language == "" {
		l.Language = other.Language
	}
	if l.Charset == "" {
		l.Charset = other.Charset
	}
	return l
}

// Shows reports whether a terminal of the character set can show a text. All can show ASCII.
func (c Charset) Shows(text string) bool {
	for _, r := range text {
		if r >= utf8.RuneSelf && !c.has(r) {
			return false
		}
	}
	return true
}

func (c Charset) has(r rune) bool {
	switch c {
	case Big5:
		_, ok := encodeBig5(r)
		return ok
	case ASCII:
		return false
	}
	return true
}

// Append appends text, which is UTF-8, in the character set. A character that it does not have becomes a question mark,
// and so does, in Big5 and ASCII, what is not UTF-8.
func (c Charset) Append(dst, text []byte) []byte {
	if c != Big5 && c != ASCII {
		return append(dst, text...)
	}
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		switch pair, ok := encodeBig5(r); {
		case r < utf8.RuneSelf:
			dst = append(dst, byte(r))
		case c == Big5 && ok:
			dst = append(dst, pair[:]...)
		default:
			dst = append(dst, '?')
		}
	}
	return dst
}

// Next decodes the first character of octets in the character set. n is the number of its octets, 1 for one that is
// not valid; 0 if more octets are needed to decide.
func (c Charset) Next(octets []byte) (r rune, n int, valid bool) {
	switch {
	case len(octets) == 0:
		return 0, 0, false
	case octets[0] < utf8.RuneSelf:
		return rune(octets[0]), 1, true
	case c == ASCII:
		return utf8.RuneError, 1, false
	case c != Big5:
		if !utf8.FullRune(octets) {
			return 0, 0, false
		}
		r, n = utf8.DecodeRune(octets)
		return r, n, r != utf8.RuneError || n > 1
	case !isLead(octets[0]):
		return utf8.RuneError, 1, false
	case len(octets) == 1:
		return 0, 0, false
	case !isTrail(octets[1]):
		return utf8.RuneError, 1, false
	}
	if r, ok := decodeBig5([2]byte(octets)); ok {
		return r, 2, true
	}
	return utf8.RuneError, 2, false // a pair without a character
}

// Decode returns octets in the character set as UTF-8, with U+FFFD for those that are not valid; valid reports whether
// all are. A character that is not complete is not valid.
func (c Charset) Decode(octets []byte) (text []byte, valid bool) {
	valid = true
	for len(octets) > 0 {
		r, n, ok := c.Next(octets)
		if n == 0 {
			r, n, ok = utf8.RuneError, len(octets), false
		}
		valid = valid && ok
		text = utf8.AppendRune(text, r)
		octets = octets[n:]
	}
	return text, valid
}

func isLead(b byte) bool  { return b >= 0xA1 && b <= 0xF9 }
func isTrail(b byte) bool { return b >= 0x40 && b <= 0x7E || b >= 0xA1 && b <= 0xFE }

func encodeBig5(r rune) (pair [2]byte, ok bool) {
	pair, ok = big5()[r]
	return pair, ok
}

// big5 has the pairs of all characters. It is the inverse of the decoder: the encoder of x/text is for Hong Kong, and
// encodes 包, 港, 晴 and others as pairs that terminals in Taiwan do not know. Of two pairs the first is used, except for
// 十 and 卅, which are also among the numerals of 0xA2, and 仝, which is also among the symbols that ETEN added.
var big5 = sync.OnceValue(func() map[rune][2]byte {
	const numerals, levelOne, levelTwo = 0xA2, 0xA4, 0xC9
	pairs := make(map[rune][2]byte, 14_000)
	for lead := byte(0xA1); isLead(lead); lead++ {
		for trail := byte(0x40); trail < 0xFF; trail++ {
			pair := [2]byte{lead, trail}
			r, ok := decodeBig5(pair)
			if !isTrail(trail) || !ok {
				continue
			}
			first, twice := pairs[r]
			if !twice || first[0] == numerals && lead == levelOne || first[0] < levelTwo && lead == levelTwo {
				pairs[r] = pair
			}
		}
	}
	return pairs
})

func decodeBig5(pair [2]byte) (r rune, ok bool) {
	var dst [2 * utf8.UTFMax]byte
	n, _, err := traditionalchinese.Big5.NewDecoder().Transform(dst[:], pair[:], true)
	r, size := utf8.DecodeRune(dst[:n])
	return r, err == nil && r != utf8.RuneError && size == n
}
