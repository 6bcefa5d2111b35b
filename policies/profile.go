package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// Profile limits the calls that are up at the same time and came in to the numbers of a group (Match.Called). Calls
// beyond Base are overflow calls; those beyond Base and Overflow are rejected. A Base of 0 is no profile.
type Profile struct {
	Base     int
	Overflow int
}

// Max is the number of calls that may be up at the same time.
func (p Profile) Max() int { return p.Base + p.Overflow }

// Digits returns a called number in digits; "": it is not known, or a caller of the line could have written it.
func (l Line) Digits(called string) string {
	if !l.Trusted {
		return ""
	}
	return strings.TrimPrefix(called, "+")
}

// HasCalled reports whether a called number, in digits, is one of Called.
func (m Match) HasCalled(number string) bool {
	return number != "" && slices.ContainsFunc(m.Called, func(v string) bool { return digits.matches(v, number) })
}

// Profiled returns the policy whose profile limits the calls to a number, in digits; false: none does.
func (s *Set) Profiled(number string) (Policy, bool) {
	if s == nil {
		return Policy{}, false
	}
	for _, name := range s.profiled {
		if p := s.groups[name].Policy; p.Match.HasCalled(number) {
			return p, true
		}
	}
	return Policy{}, false
}

// checkProfile reports the problems of a file's profile.
func (p Policy) checkProfile(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	if at := v.Get("profile"); at.IsSet() && len(p.Match.Called) == 0 {
		problem(at, "limits no calls, because match.called is missing", `add match: {called: ["5550100"]}`)
	}
}

// sameNumbers reports profiles that limit calls to the same number, at the later of the two files: a call has a number
// before it has a user, so only the number says whose it is.
func (l *loader) sameNumbers(ps []Policy) {
	ps = slices.DeleteFunc(slices.Clone(ps), func(p Policy) bool { return p.Profile.Base == 0 })
	for i, p := range ps {
		for _, first := range ps[:i] {
			if !digits.overlap(p.Match.Called, first.Match.Called) {
				continue
			}
			at := l.files[first.Group].Get("profile")
			l.problem(problemAt(l.files[p.Group].Get("profile"),
				fmt.Sprintf("limits calls to a number that %s:%d limits too", at.File, at.Line),
				"a number belongs to one profile: make match.called differ"))
		}
	}
}
