// Package numbers is the number plan: it converts a telephone number from AAA, the places table or a caller into the
// digits to dial, or rejects it. It knows no policies and places no calls.
package numbers

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// Origin is the source of a number; it decides which notation is accepted.
type Origin string

const (
	OriginAAA    Origin = "aaa"    // an AAA server or a local user
	OriginPlace  Origin = "place"  // the local places table, selected by AAA's Callback-Id
	OriginCaller Origin = "caller" // typed by the caller, or sent by the caller's computer
	// the calling number from the network; it can be forged, so it is treated as the caller's
	OriginCallerID Origin = "caller_id"
)

// Plan is the node's number plan. The zero value is usable.
type Plan struct {
	// TrunkPrefixes are removed, once, from the front of a number from AAA or the places table, because the dial
	// template adds them ("9,"). A prefix of digits only ("9") also removes the first digit of a number that begins
	// with it.
	TrunkPrefixes []string
	// MaxDigits is the maximum length of a number, at most MostDigits; 0 means 15 (ITU-T E.164).
	MaxDigits int
	// Emergency has the patterns of numbers that are never dialed, whatever a policy allows; the zero value means
	// EmergencyNumbers.
	Emergency Patterns
	// Country reads numbers in any notation, if it has a Code. Then MaxDigits limits the dialed digits.
	Country Country
	// Ranges has classes of numbers, in addition to those of each country's number plan. Unused without a Country.
	Ranges Ranges
	// Own has the patterns of the site's own numbers, which are never dialed.
	Own Patterns
}

// DefaultMaxDigits is the maximum length of a number in ITU-T E.164.
const DefaultMaxDigits = 15

// EmergencyNumbers returns the patterns denied by a Plan without patterns of its own. They are prefixes because an
// exchange connects 911 as soon as it receives these digits, whatever follows.
func EmergencyNumbers() []string {
	return []string{"000*", "110*", "112*", "118*", "119*", "911*", "999*"}
}

var builtInEmergency = sync.OnceValue(func() Patterns { return PatternsOf(EmergencyNumbers()...) })

func (p Plan) maxDigits() int {
	if p.MaxDigits <= 0 {
		return DefaultMaxDigits
	}
	return min(p.MaxDigits, MostDigits)
}

// IsEmergency returns the emergency pattern that matches a canonical number, or "". The emergency numbers of the
// Country are patterns too, so that no extension is one of them.
func (p Plan) IsEmergency(number Number) string {
	pattern := p.emergencies(p.Dialed(number))
	if pattern == "" && p.Country.private(number.digits) != "" && emergencyOf(p.Country.Code, number.digits) {
		return number.digits
	}
	return pattern
}

// emergencies returns the emergency pattern that dialed digits match, or "".
func (p Plan) emergencies(dialed Number) string {
	e := p.Emergency
	if e.IsZero() {
		e = builtInEmergency()
	}
	pattern, _ := e.Longest(dialed)
	return pattern
}

// IsOwn returns the pattern of the site's own numbers that matches a canonical number, or "".
func (p Plan) IsOwn(number Number) string {
	pattern, _ := p.Own.Longest(number)
	return pattern
}

// Dialed returns the digits to dial for a number that Canonical returned: the number itself, or with a Country, what an
// exchange at the site connects.
func (p Plan) Dialed(number Number) Number {
	if p.Country.Code == "" || number.IsZero() {
		return number
	}
	return Number{p.Country.dialed(number.digits)}
}

// Check returns an error unless Canonical of this plan could have returned the number, as after a reload.
func (p Plan) Check(number Number) error {
	if number.IsZero() {
		return fmt.Errorf("the dial string is empty")
	}
	dialed := number.digits
	if p.Country.Code != "" {
		var err error
		if dialed, err = p.Country.check(number.digits); err != nil {
			return err
		}
	}
	if n, m := len(dialed), p.maxDigits(); n > m {
		return fmt.Errorf("the dial string has %d digits; the maximum is %d (numbers.max_digits)", n, m)
	}
	return nil
}

// Canonical returns a number in canonical digits, or an error that names the first invalid character. In numbers from
// AAA and the places table, spaces and -(). are dropped and one trunk prefix is removed; in numbers from a caller, only
// surrounding spaces are dropped. Any other character that a modem could interpret as a command, a pause or a second
// number is rejected, never dropped, so that the digits dialed are the digits given. With a Country every origin may
// use every notation, and a number that could be read in two ways is an error. To validate a Number again, use Check.
func (p Plan) Canonical(s string, origin Origin) (Number, error) {
	var digits string
	var err error
	switch fixed := origin == OriginAAA || origin == OriginPlace; {
	case p.Country.Code != "" && fixed:
		digits, err = p.Country.canonical(s[trunk(s, p.TrunkPrefixes):])
	case p.Country.Code != "":
		digits, err = p.Country.canonical(s)
	case fixed:
		digits, err = clean(s, p.TrunkPrefixes)
	default:
		digits, err = strict(s)
	}
	if err != nil {
		return Number{}, err
	}
	number := Number{digits}
	if err := p.Check(number); err != nil {
		return Number{}, err
	}
	return number, nil
}

// dropped are the separators that people write between digits.
const dropped = " -()."

func clean(s string, prefixes []string) (string, error) {
	kept := make([]byte, 0, min(len(s), 64))
	var at []int // at[i] is the index of kept[i] in s
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

// trunk returns the length of the longest of the prefixes that s begins with and that leaves at least one character.
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

// badChar returns an error for the character at octet i of s, with its position in characters, counted from 1.
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
		return " (put pauses and prefixes in the dial template of the chat script; " +
			"list a prefix that AAA sends in numbers.trunk_prefixes)"
	case r == '+':
		return " (with numbers.country, write one + at the beginning; otherwise the number as the exchange " +
			"expects it, without +)"
	}
	return ""
}
