package broker

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxReason is the maximum number of characters in the reason of an operator's order.
const MaxReason = 200

// ErrReason is wrapped by errors about the reason of an operator's order.
var ErrReason = errors.New("the reason")

// goodReason returns a reason without spaces around it, or an error that says what is wrong with it.
func goodReason(s string) (string, error) {
	s = strings.TrimSpace(s)
	switch n := utf8.RuneCountInString(s); {
	case s == "":
		return "", fmt.Errorf("%w is missing (--reason TEXT)", ErrReason)
	case n > MaxReason:
		return "", fmt.Errorf("%w has %d characters; the maximum is %d", ErrReason, n, MaxReason)
	case !utf8.ValidString(s):
		return "", fmt.Errorf("%w is not valid UTF-8", ErrReason)
	}
	for i, r := range s {
		if !unicode.IsPrint(r) {
			return "", fmt.Errorf("%w has the control character %q at octet %d (write it in one line of plain text)",
				ErrReason, r, i+1)
		}
	}
	return s, nil
}

// optionalReason is goodReason for an order that needs none.
func optionalReason(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	return goodReason(s)
}
