package numbers

import "fmt"

// MostDigits is the length of the longest Number, whatever a Plan says: some modems refuse a command line of more
// than 40 octets.
const MostDigits = 32

// Number is a telephone number in canonical digits: 1 to MostDigits of 0–9 and nothing else. The zero value is no
// number. Only Plan.Canonical makes one, and Reread takes up again what it once made; no string converts to it. So
// whatever takes a Number cannot be handed a modem command. Numbers can be compared with ==.
type Number struct{ digits string }

// String returns the digits, "" for no number.
func (n Number) String() string { return n.digits }

// IsZero reports whether there is no number.
func (n Number) IsZero() bool { return n.digits == "" }

// MarshalText returns the digits, so that a Number is a string in JSON.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.digits), nil }

// UnmarshalText is Reread; an empty text is no number.
func (n *Number) UnmarshalText(text []byte) (err error) {
	*n = Number{}
	if len(text) > 0 {
		*n, err = Reread(string(text))
	}
	return err
}

// Reread takes up a number that a Plan made canonical and Number.String gave, as from a record. It forgives
// nothing: an error says that this is not such a number. It asks no plan, which may have changed since.
func Reread(digits string) (Number, error) {
	if digits == "" {
		return Number{}, fmt.Errorf("the dial string is empty")
	}
	if len(digits) > MostDigits {
		return Number{}, fmt.Errorf("the dial string has %d characters, and %d digits are the most",
			len(digits), MostDigits)
	}
	for i := range len(digits) {
		if !digit(digits[i]) {
			return Number{}, badChar(digits, i)
		}
	}
	return Number{digits}, nil
}
