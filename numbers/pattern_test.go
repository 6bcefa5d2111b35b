package numbers

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// linear is the definition of Patterns.Longest.
func linear(patterns []string, number Number) (best string, digits int) {
	digits = -1
	for _, p := range patterns {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		matches := p == number.digits || isPrefix && strings.HasPrefix(number.digits, prefix)
		if matches && (len(prefix) > digits || len(prefix) == digits && !isPrefix) {
			best, digits = p, len(prefix)
		}
	}
	return best, digits
}

func TestPatternsAreLinear(t *testing.T) {
	pattern := rapid.StringMatching(`[0-2]{1,5}\*?|\*`)
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(pattern, 0, 30).Draw(t, "patterns")
		n := number(rapid.StringMatching(`[0-2]{1,7}`).Draw(t, "number"))
		got, digits := PatternsOf(list...).Longest(n)
		if want, wantDigits := linear(list, n); got != want || digits != wantDigits {
			t.Fatalf("%s in %q: %q, %d; want %q, %d", n, list, got, digits, want, wantDigits)
		}
	})
}

func TestNoPatterns(t *testing.T) {
	if p, n := PatternsOf("*").Longest(Number{}); p != "" || n != -1 {
		t.Errorf("no number matches %q, %d", p, n)
	}
	if p, n := (Patterns{}).Longest(number("1")); p != "" || n != -1 {
		t.Errorf("no pattern matches: %q, %d", p, n)
	}
	if !(Patterns{}).IsZero() || PatternsOf().IsZero() || PatternsOf("1", "1*", "1").Len() != 2 {
		t.Error("IsZero or Len is wrong")
	}
}

func BenchmarkPatterns(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	var list []string
	for range 10_000 {
		list = append(list, fmt.Sprint(r.Uint64())[:1+r.IntN(9)]+"*")
	}
	patterns := PatternsOf(list...)
	var ns []Number
	for range 1024 {
		ns = append(ns, number(fmt.Sprint(r.Uint64())[:12]))
	}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			patterns.Longest(ns[i%len(ns)])
		}
	})
	b.Run("linear", func(b *testing.B) {
		for i := range b.N {
			linear(list, ns[i%len(ns)])
		}
	})
}
