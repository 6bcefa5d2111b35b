package policies

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// Match claims callers for a group by what is known about them and their call. Every kind that is not empty must match,
// by one of its values. The zero value matches nobody.
type Match struct {
	Realms   []string // of the user's name, lowercase: what follows the last @, else what precedes the first \
	Prefixes []string // of the user's name, letter case included
	Suffixes []string
	Called   []string // patterns of the number that the caller dialed, in digits as the line reports it
	Calling  []string // patterns of the calling number in canonical form
	Lines    []string // TTYs that the caller called, and ranges of them
	Rotaries []string // of that line
	Entries  []string // method-list entries that authenticated the user
}

// facts are what a Match looks at, as text. One that is not known is empty and matches nothing.
type facts struct {
	user, realm, called, calling, line, rotary, entry string
}

// facts returns the facts of a request.
func (s *Set) facts(r Request) facts {
	f := facts{user: r.Identity.User, realm: realmOf(r.Identity.User), entry: r.Identity.Entry,
		called: r.Line.Digits(r.Called)}
	if r.TTY > 0 {
		f.line = strconv.Itoa(r.TTY)
	}
	if r.Line.Rotary != nil {
		f.rotary = strconv.Itoa(*r.Line.Rotary)
	}
	if s.match.calling {
		f.calling = s.calling(r)
	}
	return f
}

// calling returns the calling number of a request in canonical form; "" if it is unknown or cannot be read, and on
// a line on which callers can pose as the modem.
func (s *Set) calling(r Request) string {
	if !r.Line.Trusted || r.Caller == "" {
		return ""
	}
	number, _ := s.site.Plan.Canonical(r.Caller, numbers.OriginCallerID)
	return number.String()
}

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

// matchKind is one kind of fact in a Match.
type matchKind struct {
	name   string
	of     func(Match) []string
	fact   func(facts) string
	writes notation
}

var matchKinds = [...]matchKind{
	{"realm", func(m Match) []string { return m.Realms }, func(f facts) string { return f.realm }, whole},
	{"prefix", func(m Match) []string { return m.Prefixes }, func(f facts) string { return f.user }, beginning},
	{"suffix", func(m Match) []string { return m.Suffixes }, func(f facts) string { return f.user }, ending},
	{"called", func(m Match) []string { return m.Called }, func(f facts) string { return f.called }, digits},
	{"calling", func(m Match) []string { return m.Calling }, func(f facts) string { return f.calling }, digits},
	{"line", func(m Match) []string { return m.Lines }, func(f facts) string { return f.line }, ttys},
	{"rotary", func(m Match) []string { return m.Rotaries }, func(f facts) string { return f.rotary }, whole},
	{"entry", func(m Match) []string { return m.Entries }, func(f facts) string { return f.entry }, whole},
}

// notation is how the values of a kind are written.
type notation int

const (
	whole     notation = iota // the fact itself
	beginning                 // of the fact
	ending
	digits // the fact, or its beginning and a *
	ttys   // a number or a range of numbers
)

// matches reports whether a value matches a fact that is known.
func (n notation) matches(value, fact string) bool {
	switch n {
	case beginning:
		return strings.HasPrefix(fact, value)
	case ending:
		return strings.HasSuffix(fact, value)
	case digits:
		if prefix, ok := strings.CutSuffix(value, "*"); ok {
			return strings.HasPrefix(fact, prefix)
		}
	case ttys:
		return n.overlaps(value, fact)
	}
	return value == fact
}

// overlaps reports whether a fact exists that both values match.
func (n notation) overlaps(a, b string) bool {
	switch n {
	case beginning:
		return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
	case ending:
		return strings.HasSuffix(a, b) || strings.HasSuffix(b, a)
	case digits:
		return n.matches(a, strings.TrimSuffix(b, "*")) || n.matches(b, strings.TrimSuffix(a, "*"))
	case ttys:
		first, last, _ := schema.ParseTTYs(a) // checked by the table
		first2, last2, _ := schema.ParseTTYs(b)
		return first <= last2 && first2 <= last
	}
	return a == b
}

// overlap reports whether two lists have values that overlap.
func (n notation) overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(v string) bool {
		return slices.ContainsFunc(b, func(w string) bool { return n.overlaps(v, w) })
	})
}

// single reports whether a value matches no other fact than the same text.
func (n notation) single(value string) bool {
	switch n {
	case beginning, ending:
		return false
	case digits:
		return !strings.HasSuffix(value, "*")
	case ttys:
		return !strings.Contains(value, "-")
	}
	return true
}

func (m Match) isZero() bool {
	return !slices.ContainsFunc(matchKinds[:], func(k matchKind) bool { return len(k.of(m)) > 0 })
}

// contradicts reports that callers exist that both claim, as far as that can be decided from the two alone: neither has
// a kind that the other lacks, or one of them has all kinds of the other, and in each common kind two values overlap.
// Otherwise such a caller is refused.
func (m Match) contradicts(other Match) bool {
	moreHere, moreThere := false, false
	for _, k := range matchKinds {
		a, b := k.of(m), k.of(other)
		moreHere = moreHere || len(a) > 0 && len(b) == 0
		moreThere = moreThere || len(b) > 0 && len(a) == 0
		if len(a) > 0 && len(b) > 0 && !k.writes.overlap(a, b) {
			return false
		}
	}
	return !moreHere || !moreThere
}

// ofCall reports whether a Match looks at the call, not only at the user.
func (m Match) ofCall() bool { return len(m.Called)+len(m.Calling)+len(m.Lines)+len(m.Rotaries) > 0 }

// matchFact is a fact of one kind.
type matchFact struct {
	kind int // in matchKinds
	text string
}

// claim is the Match of a group, with only the kinds that it has.
type claim struct {
	group string
	kinds []claimedKind
}

type claimedKind struct {
	kind   int // in matchKinds
	values []string
	folded []string // of parts of a name: values without letter case
}

// factsByKind are the facts of a caller as text.
type factsByKind [len(matchKinds)]string

func newClaim(group string, m Match) *claim {
	c := &claim{group: group}
	for i, k := range matchKinds {
		if values := k.of(m); len(values) > 0 {
			ck := claimedKind{kind: i, values: values}
			if k.writes == beginning || k.writes == ending {
				for _, v := range values {
					ck.folded = append(ck.folded, aaa.FoldUser(v))
				}
			}
			c.kinds = append(c.kinds, ck)
		}
	}
	return c
}

// matches reports whether the group claims a caller, and whether it would if the letter case of the name, of which user
// is the folded one, did not count.
func (c *claim) matches(t *factsByKind, user string) (exactly, nearly bool) {
	exactly = true
	for _, k := range c.kinds {
		switch fact := t[k.kind]; {
		case fact == "":
			return false, false
		case k.matches(k.values, fact):
		case k.matches(k.folded, user):
			exactly = false
		default:
			return false, false
		}
	}
	return exactly, true
}

func (k claimedKind) matches(values []string, fact string) bool {
	writes := matchKinds[k.kind].writes
	for _, v := range values {
		if writes.matches(v, fact) {
			return true
		}
	}
	return false
}

// single reports whether all values match one fact each.
func (k claimedKind) single() bool {
	writes := matchKinds[k.kind].writes
	return !slices.ContainsFunc(k.values, func(v string) bool { return !writes.single(v) })
}

// matchIndex finds the groups that match a caller.
type matchIndex struct {
	single          map[matchFact][]*claim // of groups of which one kind has only single values, by each of these
	others          []*claim               // of groups without such a kind
	looks           [len(matchKinds)]bool  // the kinds that some group looks at
	calling, ofCall bool                   // some group looks at the calling number, at the call
}

// newMatchIndex indexes the groups of a Set in the order of their names.
func newMatchIndex(s *Set) (x matchIndex) {
	x.single = map[matchFact][]*claim{}
	for _, name := range s.Groups() {
		m := s.groups[name].Match
		if m.isZero() {
			continue
		}
		c := newClaim(name, m)
		for _, k := range c.kinds {
			x.looks[k.kind] = true
		}
		x.calling, x.ofCall = x.calling || len(m.Calling) > 0, x.ofCall || m.ofCall()
		i := slices.IndexFunc(c.kinds, claimedKind.single)
		if i < 0 {
			x.others = append(x.others, c)
			continue
		}
		for _, v := range c.kinds[i].values {
			if at := (matchFact{c.kinds[i].kind, v}); !slices.Contains(x.single[at], c) {
				x.single[at] = append(x.single[at], c)
			}
		}
	}
	return x
}

// claiming returns the groups whose `match` claims a caller, sorted, and those that would if the letter case of the
// name did not count.
func (s *Set) claiming(f facts) (found, nearly []string) {
	var t factsByKind
	for i, k := range matchKinds {
		t[i] = k.fact(f)
	}
	user := aaa.FoldUser(f.user)
	find := func(claims []*claim) {
		for _, c := range claims {
			switch exactly, near := c.matches(&t, user); {
			case exactly:
				found = append(found, c.group)
			case near:
				nearly = append(nearly, c.group)
			}
		}
	}
	for i, looks := range s.match.looks {
		if looks {
			find(s.match.single[matchFact{i, t[i]}])
		}
	}
	find(s.match.others)
	slices.Sort(found)
	slices.Sort(nearly)
	return found, nearly
}

// shown returns the known facts that some group looks at, for a trace.
func (x matchIndex) shown(f facts) string {
	var b strings.Builder
	for i, k := range matchKinds {
		if text := k.fact(f); x.looks[i] && text != "" && text != f.user {
			fmt.Fprintf(&b, ", %s %s", k.name, printable(text))
		}
	}
	return b.String()
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

// matchKey returns a row of the object `match`; text returns a value as Match has it.
func matchKey(name, example, doc string, elem schema.Key, field func(*Match) *[]string,
	text func(*schema.Value) string) key {
	return key{in: "match", own: true, late: true,
		Key: schema.Key{Name: name, Type: schema.List, Min: 1, Max: 10_000, Elem: &elem, Example: example, Doc: doc},
		read: func(p *Policy, v *schema.Value) {
			for _, item := range v.Items() {
				*field(&p.Match) = append(*field(&p.Match), text(item))
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

func lowerText(v *schema.Value) string { return strings.ToLower(v.Text()) }

func intText(v *schema.Value) string { return strconv.Itoa(v.Int()) }

// ttysText returns a range without spaces and leading zeros.
func ttysText(v *schema.Value) string {
	first, last, _ := schema.ParseTTYs(v.Text()) // checked by the table
	if first == last {
		return strconv.Itoa(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
