package policies

import (
	"slices"
	"testing"

	"github.com/ringback/ringback/numbers"
	"pgregory.net/rapid"
)

// number returns the canonical number with these digits.
func number(digits string) numbers.Number {
	n, err := numbers.Reread(digits)
	if err != nil {
		panic(err)
	}
	return n
}

// verdict is that of the rule about lists for the user kim.
func verdict(n Numbers, number numbers.Number, o numbers.Origin) (allowed bool, why string) {
	e := &evaluation{policy: newGroup(Policy{Numbers: n}), d: Decision{Number: number, Origin: o}}
	e.Identity.User = "kim"
	return e.verdict()
}

func TestNumberLists(t *testing.T) {
	n := Numbers{From: AnySource(), Allow: []string{"84*", "84999", "1*"}, Deny: []string{"849*", "84999*", "1*", "7"}}
	for _, tt := range []struct {
		number        string
		caller, fixed bool
	}{
		{"84001", true, true},
		{"84", true, true},      // a prefix matches itself
		{"849", false, false},   // the longer pattern
		{"84901", false, false}, //
		{"84999", false, false}, // equal length: deny
		{"849990", false, false},
		{"12", false, false}, // equal length: deny
		{"7", false, false},
		{"71", false, true}, // 7 is not a prefix; a fixed number needs no allow
		{"5551234", false, true},
	} {
		if ok, why := verdict(n, number(tt.number), numbers.OriginCaller); ok != tt.caller {
			t.Errorf("%s from the caller: %v (%s)", tt.number, ok, why)
		}
		for _, o := range []numbers.Origin{numbers.OriginAAA, numbers.OriginPlace} {
			if ok, why := verdict(n, number(tt.number), o); ok != tt.fixed {
				t.Errorf("%s from %s: %v (%s)", tt.number, o, ok, why)
			}
		}
	}
}

// naive is an independent implementation of the number lists: it looks up all prefixes of the number from the
// longest down, deny before allow.
func naive(n Numbers, canonical numbers.Number, origin numbers.Origin, user string) bool {
	number := canonical.String()
	has := func(s Source) bool { return slices.Contains(n.From, s) }
	listed := has("caller_list") && slices.Contains(n.List[user], number)
	for l := len(number); l >= 0; l-- {
		for _, list := range []struct {
			patterns []string
			verdict  bool
		}{{n.Deny, false}, {n.Allow, true}} {
			for _, p := range list.patterns {
				if p == number[:l]+"*" || l == len(number) && p == number {
					return list.verdict && (origin != numbers.OriginCaller || listed || has("caller"))
				}
			}
		}
	}
	return listed || origin != numbers.OriginCaller
}

// anySources and anyList draw the sources of numbers and the users' lists.
var (
	anySources = rapid.SampledFrom([][]Source{nil, {"aaa"}, AnySource(), {"aaa", "caller"}, {"caller"}, {"caller_id"},
		{"caller_list"}, {"caller_list", "caller"}, {"aaa", "caller_list"}, {"aaa", "caller_id"}, {}})
	anyList = rapid.SampledFrom([]map[string][]string{nil, {"kim": {"0", "12", "84007"}}, {"lee": {"84007"}}})
)

func TestListsAgainstNaive(t *testing.T) {
	pattern := rapid.StringMatching(`[0-3]{1,4}\*?|\*`)
	rapid.Check(t, func(t *rapid.T) {
		n := Numbers{From: anySources.Draw(t, "from"), List: anyList.Draw(t, "list"),
			Allow: rapid.SliceOfN(pattern, 0, 5).Draw(t, "allow"),
			Deny:  rapid.SliceOfN(pattern, 0, 5).Draw(t, "deny")}
		number := number(rapid.StringMatching(`[0-3]{1,6}`).Draw(t, "number"))
		o := rapid.SampledFrom([]numbers.Origin{numbers.OriginAAA, numbers.OriginPlace, numbers.OriginCaller}).Draw(t,
			"origin")
		if got, why := verdict(n, number, o); got != naive(n, number, o, "kim") {
			t.Fatalf("%s from %s by %+v: %v (%s)", number, o, n, got, why)
		}
	})
}
