package policies

import (
	"fmt"

	"github.com/ringback/ringback/numbers"
)

// verdict says what the lists make of a canonical number.
func (n Numbers) verdict(number numbers.Number, origin numbers.Origin) (allowed bool, why string) {
	a, al := numbers.Longest(n.Allow, number)
	d, dl := numbers.Longest(n.Deny, number)
	switch {
	case dl >= 0 && dl >= al:
		return false, fmt.Sprintf("deny %q is the longest match", d)
	case al >= 0:
		return true, fmt.Sprintf("allow %q is the longest match", a)
	case origin == numbers.OriginCaller || origin == numbers.OriginCallerID:
		return false, "no allow pattern matches, and a caller's number needs one"
	}
	return true, "a fixed number that no deny pattern matches"
}
