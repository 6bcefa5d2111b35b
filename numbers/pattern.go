package numbers

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// CheckPattern returns an error unless p is a valid number pattern: digits with at most one * at the end, or `*` alone
// for any number.
func CheckPattern(p string) error {
	if p == "" {
		return fmt.Errorf("the pattern is empty (write digits, with * at the end for a prefix)")
	}
	for i, r := range p {
		if r >= '0' && r <= '9' || r == '*' && i == len(p)-1 {
			continue
		}
		return fmt.Errorf("%q at position %d is neither a digit nor a * at the end", r, utf8.RuneCountInString(p[:i])+1)
	}
	return nil
}

// matches reports whether a pattern matches a canonical number, and the number of digits that matched.
func matches(pattern string, number Number) (digits int, ok bool) {
	if prefix, isPrefix := strings.CutSuffix(pattern, "*"); isPrefix {
		return len(prefix), strings.HasPrefix(number.digits, prefix)
	}
	return len(pattern), pattern == number.digits && !number.IsZero()
}

// Longest returns the matching pattern with the most digits, and their count; "" and -1 if none matches.
func Longest(patterns []string, number Number) (string, int) {
	best, n := "", -1
	for _, p := range patterns {
		if d, ok := matches(p, number); ok && d > n && p != "" {
			best, n = p, d
		}
	}
	return best, n
}
