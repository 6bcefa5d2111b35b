package numbers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// outside is the maximum length of the digits for an outside line.
const outside = 3

// JoinedError says which number that is never dialed a template or a chat script makes of another one. It does not
// contain the digits that are added, which may be a PIN.
type JoinedError string

func (e JoinedError) Error() string { return string(e) }

func joinedError(n Number, what string) error {
	return JoinedError("with the digits that the template or the chat script adds, " + n.String() + " may be " + what)
}

// joined returns a JoinedError if an exchange could read an emergency number, an own number of the site or a number of
// a denied class in what is dialed: the digits of a number, between what a template or a chat script adds. After the
// digits for an outside line, or a pause, another exchange reads the rest; where that begins is not known exactly.
func (p Plan) joined(n Number, before, digits, after string) error {
	text := before + digits + after
	for _, from := range p.readers(before) {
		for to := len(before) + len(digits); to <= len(text); to++ {
			if to < len(text) && digit(text[to]) {
				continue
			}
			heard := digitsOf(text[from:to])
			if pattern := p.joinedEmergency(heard, from < len(before)); pattern != "" {
				return joinedError(n, fmt.Sprintf("the emergency number %q", pattern))
			}
			if err := p.joinedDenied(n, heard); err != nil {
				return err
			}
		}
	}
	return nil
}

// literal returns an error if a template or a chat script begins with an emergency number, whatever follows.
func (p Plan) literal(before string) error {
	for _, from := range p.readers(before) {
		heard := digitsOf(before[from:])
		if pattern := p.joinedEmergency(heard, true); pattern != "" {
			return fmt.Errorf("what precedes the number begins as the emergency number %q", pattern)
		}
	}
	return nil
}

// readers returns the positions in what precedes a number at which an exchange may begin to read: at the beginning,
// after a pause or another sign, after digits for an outside line, and at the number itself. An international or
// national prefix is read as a whole.
func (p Plan) readers(before string) []int {
	at := []int{0}
	begin := 0 // of a run of digits
	whole := false
	for i := 1; i <= len(before); i++ {
		if !digit(before[i-1]) {
			begin, whole = i, false
		} else if !whole {
			end := begin + len(before[begin:]) - len(strings.TrimLeft(before[begin:], "0123456789"))
			whole = p.Country.prefix(before[i-1 : end])
		}
		if i == len(before) || i == begin || !whole && i-begin <= outside {
			at = append(at, i)
		}
	}
	return at
}

// prefix reports whether digits are a national or international prefix.
func (c Country) prefix(digits string) bool {
	return digits != "" && (slices.Contains(c.International, digits) || slices.Contains(c.National, digits))
}

// joinedEmergency returns the emergency number that digits begin with, or "". added: they begin with digits that were
// added to a number. Otherwise an extension may begin with the country's emergency numbers, as it may be dialed alone.
func (p Plan) joinedEmergency(heard string, added bool) string {
	pattern, c := p.emergencies(Number{heard}), p.Country
	if c.Code == "" {
		return pattern
	}
	if added && c.connects(heard) || !added && len(heard) <= longEmergency && emergencyOf(c.Code, heard) {
		return cmp.Or(pattern, heard)
	}
	// In Europe, 000 is an outside line and the international prefix; in Australia, connects has found it.
	prefix := strings.TrimRight(pattern, "*")
	if added && p.Emergency.IsZero() && prefix != "" && slices.Contains(c.International, prefix[1:]) {
		return ""
	}
	return pattern
}

// joinedDenied returns an error if digits are another number than n, one that no policy has seen.
func (p Plan) joinedDenied(n Number, heard string) error {
	if p.Country.Code == "" {
		return nil
	}
	read, err := p.Country.readPrefixed(heard)
	if err != nil || read == n.digits {
		return nil
	}
	other := Number{read}
	if pattern := p.IsOwn(other); pattern != "" {
		return joinedError(n, fmt.Sprintf("an own number of the site (%q)", pattern))
	}
	if class := (p.Classes(other) & SetOf(DeniedClasses()...)).First(); class != "" {
		return joinedError(n, "a number of class "+string(class))
	}
	return nil
}

// digitsOf returns the digits of a text.
func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
