package profiles

import (
	"regexp"
	"slices"
	"strings"
)

// Answers is what a modem says about itself.
type Answers struct {
	ATI []string // the lines that ATI0 to ATI9 answer
	GMI []string // +GMI, +CGMI: the manufacturer
	GMM []string // +GMM, +CGMM: the model
	USB string   // vid:pid of the port's device, "" if it is none
}

// Identify returns the profile that most answers match; Generic if none does. also has other profiles that match. Of
// two that match alike, the one that extends the other wins.
func (s *Set) Identify(a Answers) (best *Profile, also []*Profile) {
	best, most := s.Get(Generic), 0
	for _, name := range s.Names() {
		p := s.Get(name)
		n := p.Identify.matches(a)
		switch {
		case n == 0:
			continue
		case n > most || n == most && s.above(p, best):
			best, most = p, n
		}
		also = append(also, p)
	}
	return best, slices.DeleteFunc(also, func(p *Profile) bool { return p == best })
}

// above reports whether p extends base, directly or through others.
func (s *Set) above(p, base *Profile) bool {
	for range len(s.byName) {
		if p = s.byName[p.Extends]; p == nil || p == base {
			return p != nil
		}
	}
	return false
}

// matches counts the signs of a family in the answers.
func (id Identify) matches(a Answers) (n int) {
	for _, pair := range []struct {
		patterns []*regexp.Regexp
		said     []string
	}{{id.ATI, a.ATI}, {id.GMI, a.GMI}, {id.GMM, a.GMM}} {
		for _, p := range pair.patterns {
			if slices.ContainsFunc(pair.said, func(s string) bool { return p.MatchString(strings.TrimSpace(s)) }) {
				n++
			}
		}
	}
	if a.USB != "" && slices.Contains(id.USB, strings.ToLower(a.USB)) {
		n++
	}
	return n
}
