package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sort"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/trunks"
)

// Site is the part of the configuration that applies to all groups. The zero value calls nobody back.
type Site struct {
	Plan     numbers.Plan
	Tariff   *tariff.Table        // for WhenCheaper; nil: no number has a price
	Trunks   trunks.List          // none: the chat scripts dial what Plan.Dialed returns
	Places   map[string]string    // Callback-Id → number as written
	Callback map[aaa.Service]bool // services that call back (`exec.callback: true`); one that is missing does not
	// Lines are those that dial, by TTY; nil: the lines are not known.
	Lines []SiteLine
	// Pools and Filters are the names of those of PPP; nil: they are not known.
	Pools, Filters []string
	// PPPUnfit returns why a session of PPP with these terms cannot have what AAA granted; "" if it can, as far as that
	// does not depend on other sessions. isGroup reports whether a name is that of a group. nil: it is not known.
	PPPUnfit func(granted aaa.Authorization, terms PPP, isGroup func(name string) bool) string
	Scripts  map[string]SiteScript // the chat scripts by name; nil: they are not known
}

// SiteOfFiles is a site for checks of policy files without their configuration. Classes of numbers require a country,
// which only the configuration has, so this site has one.
func SiteOfFiles() Site { return Site{Plan: numbers.Plan{Country: numbers.Country{Code: "1"}}} }

// Set is everything that decides: the policies of the groups and the site. The zero value and nil have neither: the
// built-in policy, and no service that calls back. A Set never changes, so any number of goroutines may use it.
type Set struct {
	site     Site
	groups   map[string]group
	users    map[string]string // user → group
	folded   map[string]string // aaa.FoldUser of a user → user
	match    matchIndex
	logins   bool     // a group has Logins
	profiled []string // groups with a profile, sorted
	warnings []string
	flat     map[string][]Setting // of the groups that LoadDir read
	files    []string             // see Files
}

type group struct {
	Policy
	digest      string // of the Policy
	allow, deny numbers.Patterns
	// of a dial-out
	outAllow, outDeny numbers.Patterns
	denied            numbers.ClassSet
	sources           string // as in a file
	written           *written
}

func newGroup(p Policy) group {
	n := p.Numbers
	return group{p, p.Digest(), numbers.PatternsOf(n.Allow...), numbers.PatternsOf(n.Deny...),
		numbers.PatternsOf(p.DialOut.Allow...), numbers.PatternsOf(p.DialOut.Deny...),
		numbers.Denied(n.AllowClasses, n.DenyClasses), n.sourceText(), nil}
}

// New returns a Set. Two policies of one group and a user in two groups are errors. The caller must not change what
// site refers to.
func New(site Site, ps ...Policy) (*Set, error) {
	s := &Set{site: site, groups: map[string]group{}, users: map[string]string{},
		folded: map[string]string{}}
	for _, p := range ps {
		p.Group = p.name()
		if n := p.Numbers; site.Plan.Country.Code == "" && len(n.AllowClasses)+len(n.DenyClasses) > 0 {
			return nil, fmt.Errorf("group %q has classes of numbers, which require numbers.country in the "+
				"configuration (with policy explain and policy test, name that with -c)", p.Group)
		}
		if _, ok := s.groups[p.Group]; ok {
			return nil, fmt.Errorf("group %q has two policies (keep one of them)", p.Group)
		}
		s.groups[p.Group] = newGroup(p)
		for _, u := range p.Users {
			if g, ok := s.users[u]; ok && g != p.Group {
				return nil, fmt.Errorf("user %q is claimed by the groups %q and %q (keep one of them)", u, g, p.Group)
			}
			s.users[u] = p.Group
			s.folded[aaa.FoldUser(u)] = u
		}
	}
	s.match = newMatchIndex(s)
	for _, name := range s.Groups() {
		s.logins = s.logins || s.groups[name].Logins != Logins{}
		if s.groups[name].RawAccess {
			s.warnings = append(s.warnings, rawWarning(name))
		}
		if s.groups[name].Profile.Base > 0 {
			s.profiled = append(s.profiled, name)
		}
	}
	s.warn()
	return s, nil
}

func (s *Set) warn() {
	_, hasDefault := s.groups[DefaultGroup]
	switch {
	case len(s.groups) == 0:
		s.warnings = append(s.warnings, noPolicies)
	case !hasDefault:
		s.warnings = append(s.warnings, noDefault)
	}
}

const (
	builtIn = "calls back numbers fixed by AAA or a local user, requires a second login, " +
		"does not let callers type a number, and dials once"

	noPolicies = "no policy files: the built-in policy " + builtIn +
		" (write policies.d/default.yaml to change it)"
	noDefault = "no policy file for the group default: for users in no other group the built-in policy " + builtIn +
		" (write policies.d/default.yaml)"
)

// Warnings returns warnings for the operator at each start.
func (s *Set) Warnings() []string {
	if s == nil || s.groups == nil {
		return []string{noPolicies}
	}
	return slices.Clone(s.warnings)
}

// Groups returns the names of the groups that have a policy, sorted.
func (s *Set) Groups() []string {
	if s == nil {
		return nil
	}
	var out []string
	for g := range s.groups {
		out = append(out, g)
	}
	sort.Strings(out)
	return out
}

// Files returns the paths of the other files that the policy files name and LoadDir read, sorted.
func (s *Set) Files() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.files)
}

// Group returns the policy of a group; false: it has none.
func (s *Set) Group(name string) (Policy, bool) {
	if s == nil {
		return Policy{}, false
	}
	g, ok := s.groups[name]
	return g.Policy, ok
}

// OfCall reports whether the group of a user may depend on the call: on the numbers, or on the line.
func (s *Set) OfCall() bool { return s != nil && s.match.ofCall }

// Digest is the SHA-256 of all policies of the Set.
func (s *Set) Digest() string {
	h := sha256.New()
	for _, g := range s.Groups() {
		fmt.Fprintf(h, "%s\n", s.groups[g].Canonical())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ChangedGroups returns the groups whose policy differs between the Sets, or is in one of them only, sorted.
func ChangedGroups(old, now *Set) (names []string) {
	for _, name := range slices.Concat(old.Groups(), now.Groups()) {
		a, had := old.Group(name)
		b, has := now.Group(name)
		if had != has || a.Digest() != b.Digest() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Site returns the site that the Set was made for. The caller must not change what it refers to.
func (s *Set) Site() Site {
	if s == nil {
		return Site{}
	}
	return s.site
}
