package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// Match claims users for a group by what is known about them. Every kind that is not empty must match, by one of its
// values. The zero value matches nobody.
type Match struct {
	Realms   []string // of the user's name, lowercase: what follows the last @, else what precedes the first \
	Prefixes []string // of the user's name, letter case included
	Suffixes []string
	Entries  []string // method-list entries that authenticated the user
}

// matchKind is one kind of fact in a Match.
type matchKind struct {
	of       func(Match) []string
	matches  func(value string, id aaa.Identity) bool
	overlaps func(a, b string) bool // one caller can match both values
}

var matchKinds = []matchKind{
	{func(m Match) []string { return m.Realms },
		func(v string, id aaa.Identity) bool { return v == realmOf(id.User) }, same},
	{func(m Match) []string { return m.Prefixes },
		func(v string, id aaa.Identity) bool { return strings.HasPrefix(id.User, v) },
		func(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }},
	{func(m Match) []string { return m.Suffixes },
		func(v string, id aaa.Identity) bool { return strings.HasSuffix(id.User, v) },
		func(a, b string) bool { return strings.HasSuffix(a, b) || strings.HasSuffix(b, a) }},
	{func(m Match) []string { return m.Entries },
		func(v string, id aaa.Identity) bool { return v == id.Entry }, same},
}

func same(a, b string) bool { return a == b }

// realmOf returns the realm of a user's name in lowercase; "": it has none.
func realmOf(user string) string {
	if i := strings.LastIndexByte(user, '@'); i >= 0 {
		return strings.ToLower(user[i+1:])
	}
	realm, _, ok := strings.Cut(user, `\`)
	if !ok {
		return ""
	}
	return strings.ToLower(realm)
}

func (m Match) isZero() bool {
	return !slices.ContainsFunc(matchKinds, func(k matchKind) bool { return len(k.of(m)) > 0 })
}

// matches reports whether a Match that is not zero claims the user.
func (m Match) matches(id aaa.Identity) bool {
	for _, k := range matchKinds {
		values := k.of(m)
		if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return k.matches(v, id) }) {
			return false
		}
	}
	return true
}

// contradicts reports that callers exist whom both claim, as far as that can be decided from the two alone: neither has
// a kind that the other lacks, or one of them has all kinds of the other, and in each common kind two values overlap.
// Otherwise such a caller is refused.
func (m Match) contradicts(other Match) bool {
	moreHere, moreThere := false, false
	for _, k := range matchKinds {
		a, b := k.of(m), k.of(other)
		moreHere = moreHere || len(a) > 0 && len(b) == 0
		moreThere = moreThere || len(b) > 0 && len(a) == 0
		if len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(v string) bool {
			return slices.ContainsFunc(b, func(w string) bool { return k.overlaps(v, w) })
		}) {
			return false
		}
	}
	return !moreHere || !moreThere
}

// matchIndex finds the groups that match a user.
type matchIndex struct {
	byRealm map[string][]string // groups with realms, by realm
	others  []string            // groups without
}

// newMatchIndex indexes the groups of a Set in the order of their names.
func newMatchIndex(s *Set) (x matchIndex) {
	x.byRealm = map[string][]string{}
	for _, name := range s.Groups() {
		m := s.groups[name].Match
		for _, realm := range m.Realms {
			if !slices.Contains(x.byRealm[realm], name) {
				x.byRealm[realm] = append(x.byRealm[realm], name)
			}
		}
		if len(m.Realms) == 0 && !m.isZero() {
			x.others = append(x.others, name)
		}
	}
	return x
}

// matching returns the groups whose `match` claims a user.
func (s *Set) matching(id aaa.Identity) (found []string) {
	for _, names := range [][]string{s.match.byRealm[realmOf(id.User)], s.match.others} {
		for _, name := range names {
			if s.groups[name].Match.matches(id) {
				found = append(found, name)
			}
		}
	}
	return found
}

// ambiguous reports groups that claim the same callers, at the later of the two files.
func (l *loader) ambiguous(ps []Policy) {
	ps = slices.DeleteFunc(slices.Clone(ps), func(p Policy) bool { return p.Match.isZero() })
	for i, p := range ps {
		for _, first := range ps[:i] {
			if p.Match.contradicts(first.Match) {
				at := l.files[first.Group].Get("match")
				l.problem(problemAt(l.files[p.Group].Get("match"),
					fmt.Sprintf("claims callers that %s:%d claims too", at.File, at.Line),
					"a caller belongs to one group: make the values differ"))
			}
		}
	}
}

// matchKey returns a row of the object `match`.
func matchKey(name, example, doc string, check func(string) error, field func(*Match) *[]string) key {
	return key{in: "match", own: true, late: true,
		Key: schema.Key{Name: name, Type: schema.List, Elem: &schema.Key{Type: schema.String, Check: check},
			Example: example, Doc: doc},
		read: func(p *Policy, v *schema.Value) {
			*field(&p.Match) = v.Texts()
			for i, realm := range p.Match.Realms {
				p.Match.Realms[i] = strings.ToLower(realm)
			}
		},
		text: func(p Policy) string {
			if values := *field(&p.Match); len(values) > 0 {
				return sorted(values)
			}
			return ""
		},
	}
}
