package numbers

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// Package regexp is the law: for every expression of all numbering plans, and digits that match a part of it.
func TestAutomaton(t *testing.T) {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	expressions := map[string]bool{"": true, "1|12|": true, `(?:1\d?)+2*`: true, `[2-57]\d{0,3}?`: true}
	for _, m := range collection.GetMetadata() {
		expressions[m.GetLeadingDigits()] = true
		for _, d := range []*phonenumbers.PhoneNumberDesc{m.GetGeneralDesc(), m.GetFixedLine(), m.GetMobile(),
			m.GetPremiumRate()} {
			expressions[d.GetNationalNumberPattern()] = true
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for s := range expressions {
		a, whole, begin := newAutomaton(s), regexp.MustCompile("^(?:"+s+")$"), regexp.MustCompile("^(?:"+s+")")
		for range 200 {
			var digits []byte
			state := int32(begun)
			for range r.IntN(16) {
				next := byte(r.IntN(10)) // most of the time one that does not fail
				for i := 0; i < 20 && a.next[state][next] == failed; i++ {
					next = byte(r.IntN(10))
				}
				digits, state = append(digits, '0'+next), a.next[state][next]
			}
			if got, want := a.matches(string(digits)), whole.Match(digits); got != want {
				t.Fatalf("%s matches %s: %v, want %v", s, digits, got, want)
			}
			if got, want := a.begins(string(digits)), begin.Match(digits); got != want {
				t.Fatalf("%s matches the beginning of %s: %v, want %v", s, digits, got, want)
			}
		}
	}
}

// An expression that is more than digits is an error of the metadata, not one that never matches.
func TestAutomatonPanics(t *testing.T) {
	for _, s := range []string{"1$", "(1", `\b1`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q compiles", s)
				}
			}()
			newAutomaton(s)
		}()
	}
}
