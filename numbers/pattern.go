package numbers

import (
	"fmt"
	"maps"
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

// Patterns is a set of patterns. The zero value has none. It never changes.
type Patterns struct {
	prefixes Index[string] // pattern by prefix
	whole    map[string]bool
}

// PatternsOf returns the set of these patterns, which CheckPattern accepts. Without any it is not the zero value.
func PatternsOf(patterns ...string) Patterns {
	p := Patterns{whole: map[string]bool{}}
	prefixes := map[string]string{}
	for _, s := range patterns {
		if prefix, ok := strings.CutSuffix(s, "*"); ok {
			prefixes[prefix] = s
		} else {
			p.whole[s] = true
		}
	}
	p.prefixes = NewIndex(maps.All(prefixes))
	return p
}

// IsZero reports whether p is the zero value.
func (p Patterns) IsZero() bool { return p.whole == nil }

// Len returns the number of different patterns.
func (p Patterns) Len() int { return p.prefixes.Len() + len(p.whole) }

// Longest returns the pattern that matches a canonical number with the most digits, and their count; "" and -1 if none
// matches. A pattern of the whole number comes before the prefix with the same digits.
func (p Patterns) Longest(number Number) (pattern string, digits int) {
	if number.IsZero() {
		return "", -1
	}
	if p.whole[number.digits] {
		return number.digits, len(number.digits)
	}
	pattern, ok := p.prefixes.Longest(number.digits)
	if !ok {
		return "", -1
	}
	return pattern, len(pattern) - len("*")
}
