package numbers

import "fmt"

// MostDigits is the maximum length of a Number, whatever a Plan allows: some modems reject a command line of more than
// 40 octets.
const MostDigits = 32

// Number is a telephone number in canonical digits: 1 to MostDigits of 0–9 and nothing else. The zero value is no
// number. Only Plan.Canonical creates one, and Reread restores a stored one; no string converts to it, so code that
// accepts a Number cannot receive a modem command. Numbers are comparable with ==.
type Number struct{ digits string }

// String returns the digits, or "" for no number.
func (n Number) String() string { return n.digits }

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n.digits == "" }

// MarshalText returns the digits, so that a Number is a string in JSON.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.digits), nil }

// UnmarshalText calls Reread; an empty text yields the zero Number.
func (n *Number) UnmarshalText(text []byte) (err error) {
	*n = Number{}
	if len(text) > 0 {
		*n, err = Reread(string(text))
	}
	return err
}

// Reread restores a stored number that Plan.Canonical created and Number.String returned. It normalizes nothing:
// anything but canonical digits is an error. It consults no Plan, which may have changed since.
func Reread(digits string) (Number, error) {
	if digits == "" {
		return Number{}, fmt.Errorf("the dial string is empty")
	}
	if len(digits) > MostDigits {
		return Number{}, fmt.Errorf("the dial string has %d characters; the maximum is %d digits", len(digits),
			MostDigits)
	}
	for i := range len(digits) {
		if !digit(digits[i]) {
			return Number{}, badChar(digits, i)
		}
	}
	return Number{digits}, nil
}
