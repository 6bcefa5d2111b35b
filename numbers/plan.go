// Package numbers is the number plan: it turns what AAA, the table of places or a caller gave for a telephone
// number into the digits that are dialed, or refuses it. It knows no policy and dials nobody.
package numbers

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Origin tells where a number came from; it decides what is forgiven in its notation.
type Origin string

const (
	OriginAAA      Origin = "aaa"       // an AAA server or a local user
	OriginPlace    Origin = "place"     // the local table of places, by AAA's Callback-Id
	OriginCaller   Origin = "caller"    // typed by the caller, or sent by the caller's machine
	OriginCallerID Origin = "caller_id" // the number that called, as the network says: it can be forged
)

// Plan is the node's number plan. The zero value is usable.
type Plan struct {
	// TrunkPrefixes are removed once from the front of a number that AAA or the table of places gives, since the
	// operator's dial template adds them ("9,"). One of digits alone ("9") also eats the first digit of a number
	// that begins with it.
	TrunkPrefixes []string
	// MaxDigits is the length of the longest number, at most MostDigits; 0 stands for 15 (ITU-T E.164).
	MaxDigits int
	// Emergency has the patterns of numbers that are never dialed, whatever a policy allows; nil stands for
	// EmergencyNumbers.
	Emergency []string
}

// DefaultMaxDigits is the length of the longest number of ITU-T E.164.
const DefaultMaxDigits = 15

// EmergencyNumbers returns the patterns that are denied where a Plan has none of its own. They are prefixes, for an
// exchange connects 911 as soon as it has heard it, whatever digits follow.
func EmergencyNumbers() []string {
	return []string{"000*", "110*", "112*", "118*", "119*", "911*", "999*"}
}

func (p Plan) maxDigits() int {
	if p.MaxDigits <= 0 {
		return DefaultMaxDigits
	}
	return min(p.MaxDigits, MostDigits)
}

// IsEmergency returns the pattern of the plan that denies a canonical number, or "".
func (p Plan) IsEmergency(number Number) string {
	e := p.Emergency
	if e == nil {
		e = EmergencyNumbers()
	}
	pattern, _ := Longest(e, number)
	return pattern
}

// Canonical returns a number in canonical digits, or an error that names the first character that may not stand in
// it. From AAA and the table of places spaces and -(). are dropped and one trunk prefix is removed; from a caller
// only the spaces around it. Everything else that a modem could take for a command, a pause or a second number is
// refused, never dropped: what is dialed is what was read. The digits of the result, given again with
// OriginCaller, give the same number.
func (p Plan) Canonical(s string, origin Origin) (Number, error) {
	var digits string
	var err error
	if origin == OriginAAA || origin == OriginPlace {
		digits, err = clean(s, p.TrunkPrefixes)
	} else {
		digits, err = strict(s)
	}
	if err != nil {
		return Number{}, err
	}
	if len(digits) == 0 {
		return Number{}, fmt.Errorf("the dial string is empty")
	}
	if m := p.maxDigits(); len(digits) > m {
		return Number{}, fmt.Errorf("the dial string has %d digits, and %d are the most (numbers.max_digits)",
			len(digits), m)
	}
	return Number{digits}, nil
}

// dropped is what people write between digits.
const dropped = " -()."

func clean(s string, prefixes []string) (string, error) {
	kept := make([]byte, 0, min(len(s), 64))
	var at []int // at[i] is where kept[i] stood in s
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(dropped, s[i]) < 0 {
			kept, at = append(kept, s[i]), append(at, i)
		}
	}
	skip := trunk(string(kept), prefixes)
	for i := skip; i < len(kept); i++ {
		if !digit(kept[i]) {
			return "", badChar(s, at[i])
		}
	}
	return string(kept[skip:]), nil
}

// trunk returns the length of the longest prefix that s begins with and does not end with.
func trunk(s string, prefixes []string) int {
	n := 0
	for _, p := range prefixes {
		p = strings.Map(func(r rune) rune {
			if strings.ContainsRune(dropped, r) {
				return -1
			}
			return r
		}, p)
		if len(p) > n && len(p) < len(s) && strings.HasPrefix(s, p) {
			n = len(p)
		}
	}
	return n
}

func strict(s string) (string, error) {
	t := strings.Trim(s, " ")
	for i := 0; i < len(t); i++ {
		if !digit(t[i]) {
			return "", badChar(s, i+strings.Index(s, t))
		}
	}
	return t, nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// badChar names the character at octet i of s and its position counted in characters from 1.
func badChar(s string, i int) error {
	pos := utf8.RuneCountInString(s[:i]) + 1
	r, n := utf8.DecodeRuneInString(s[i:])
	if r == utf8.RuneError && n <= 1 {
		return fmt.Errorf("the octet 0x%02X at position %d of the dial string is not a digit", s[i], pos)
	}
	return fmt.Errorf("%q at position %d of the dial string is not a digit%s", r, pos, charHint(r))
}

func charHint(r rune) string {
	switch {
	case strings.ContainsRune(",W@!:", r):
		return " (pauses and prefixes belong in the chat script's dial template; " +
			"a prefix that AAA sends is listed in numbers.trunk_prefixes)"
	case r == '+':
		return " (give the number as the exchange wants it dialed)"
	}
	return ""
}
