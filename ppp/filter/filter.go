package filter

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Config is an entry of `filters:`. A nil list is absent.
type Config struct {
	Name string
	In   []string // rules for packets from the caller
	Out  []string // rules for packets to the caller
	Idle []string // rules for the packets that keep the session from being idle
}

// Error is a mistake in a Config. It is the error of Parse, and of NewSet, where several may be joined.
type Error struct {
	Filter string
	List   string // "in", "out" or "idle"; "": the name
	Index  int    // of the rule in its list, from 0; -1: the list itself
	Rule   string // as written
	Err    error
}

// Error names the filter, the list and the rule.
func (e *Error) Error() string {
	switch {
	case e.List == "":
		return fmt.Sprintf("filter %q: %v", e.Filter, e.Err)
	case e.Index < 0:
		return fmt.Sprintf("filter %s: %s: %v", e.Filter, e.List, e.Err)
	}
	return fmt.Sprintf("filter %s: %s: rule %d %q: %v", e.Filter, e.List, e.Index+1, e.Rule, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// A Filter has the rules for the packets of a session. It is immutable; nil is a filter without lists, which allows
// and counts everything.
type Filter struct {
	name          string
	in, out, idle *list // nil: absent
}

// A list is the rules of one list.
type list struct {
	kind  kind
	rules []rule
	also  *list // a packet must pass this one too; nil: none
}

// kind is what a list is for.
type kind uint8

const (
	kindIn kind = iota
	kindOut
	kindIdle
)

func (k kind) String() string { return [...]string{"in", "out", "idle"}[k] }

// otherwise says whether a packet that no rule matches passes: counts for idle.
func (k kind) otherwise() bool { return k == kindIdle }

func (k kind) actions() (pass, stop string) {
	if k == kindIdle {
		return "count", "ignore"
	}
	return "allow", "deny"
}

func (k kind) action(pass bool) string {
	yes, no := k.actions()
	if pass {
		return yes
	}
	return no
}

func (k kind) parseAction(s string) (pass bool, err error) {
	yes, no := k.actions()
	if s != yes && s != no {
		return false, fmt.Errorf("unknown action %q; use %s or %s", s, yes, no)
	}
	return s == yes, nil
}

func (k kind) example() string { return strconv.Quote(k.action(!k.otherwise()) + " udp 192.0.2.53:53") }

// Parse reads a filter. All mistakes are joined in the error; each is an *Error.
func Parse(c Config) (*Filter, error) {
	f := &Filter{name: c.Name}
	var errs [4]error
	if !validName(c.Name) {
		errs[0] = &Error{Filter: c.Name, Index: -1, Err: errors.New("a name has printable characters without spaces")}
	}
	f.in, errs[1] = parseList(c.Name, kindIn, c.In)
	f.out, errs[2] = parseList(c.Name, kindOut, c.Out)
	f.idle, errs[3] = parseList(c.Name, kindIdle, c.Idle)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return f, nil
}

func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

func parseList(name string, k kind, texts []string) (*list, error) {
	if texts == nil {
		return nil, nil
	}
	l := &list{kind: k}
	var errs []error
	for i, text := range texts {
		r, err := parseRule(k, text)
		if err != nil {
			errs = append(errs, &Error{Filter: name, List: k.String(), Index: i, Rule: text, Err: err})
		}
		l.rules = append(l.rules, r)
	}
	if errs == nil {
		if err := l.check(); err != nil {
			errs = append(errs, &Error{Filter: name, List: k.String(), Index: -1, Err: err})
		}
	}
	return l, errors.Join(errs...)
}

// check returns an error if the rules of l change nothing for a packet that no rule matches, which nobody wants.
func (l *list) check() error {
	if len(l.rules) == 0 {
		return errors.New("the list is empty; without rules, leave it out")
	}
	for i := range l.rules {
		if l.rules[i].pass != l.kind.otherwise() {
			return nil
		}
	}
	if l.kind == kindIdle {
		return errors.New(`no rule ignores a packet, so all of them count; end the list with "ignore ip any"`)
	}
	if l.rules[len(l.rules)-1].matchesAll() { // deny ip any: meant so
		return nil
	}
	return errors.New(`no rule allows a packet, so all of them are denied; end the list with "allow ip any", ` +
		`or with "deny ip any" if that is the intention`)
}

// Name returns the name in the configuration. A filter that Set.Select combined has the names of its parts, separated
// by "+"; nil has none.
func (f *Filter) Name() string {
	if f == nil {
		return ""
	}
	return f.name
}

// Config returns the lists in their canonical text. Parse makes an equal filter from it, unless Set.Select combined it
// with a filter of the site.
func (f *Filter) Config() Config {
	if f == nil {
		return Config{}
	}
	return Config{Name: f.name, In: f.in.texts(), Out: f.out.texts(), Idle: f.idle.texts()}
}

func (l *list) texts() []string {
	if l == nil {
		return nil
	}
	s := make([]string, len(l.rules))
	for i := range l.rules {
		s[i] = l.rules[i].text(l.kind)
	}
	return s
}

// Unreachable returns a sentence for each rule that never decides, because one rule before it matches all its packets.
func (f *Filter) Unreachable() []string {
	if f == nil {
		return nil
	}
	var s []string
	for _, l := range []*list{f.in, f.out, f.idle} {
		if l != nil {
			s = append(s, l.unreachable()...)
		}
	}
	return s
}

func (l *list) unreachable() []string {
	var s []string
	for j := range l.rules {
		for i := range j {
			if l.rules[i].covers(&l.rules[j]) {
				s = append(s, fmt.Sprintf("%s: rule %d %q never decides: rule %d %q matches all its packets",
					l.kind, j+1, l.rules[j].text(l.kind), i+1, l.rules[i].text(l.kind)))
				break
			}
		}
	}
	return s
}

// A Verdict is the decision about one packet.
type Verdict struct {
	Pass    bool // allowed, or counted for idle
	Invalid bool // the packet cannot be judged; Pass is then false
	Rule    int  // the rule that decided, from 1; 0: no rule matched, the list is absent, or the packet is invalid
}

// Direction is where a packet goes.
type Direction uint8

// The directions of a packet.
const (
	FromCaller Direction = iota
	ToCaller
)

// In decides whether an IP packet from the caller is forwarded.
func (f *Filter) In(b []byte) Verdict {
	if f == nil || f.in == nil {
		return Verdict{Pass: true}
	}
	return f.in.decide(b, FromCaller)
}

// Out decides whether an IP packet is sent to the caller.
func (f *Filter) Out(b []byte) Verdict {
	if f == nil || f.out == nil {
		return Verdict{Pass: true}
	}
	return f.out.decide(b, ToCaller)
}

// Counts decides whether an IP packet starts the idle time again. Ask it only about packets that In or Out allowed: a
// packet that was denied is not use of the session.
func (f *Filter) Counts(b []byte, d Direction) Verdict {
	if f == nil || f.idle == nil {
		all := list{kind: kindIdle}
		return all.decide(b, d)
	}
	return f.idle.decide(b, d)
}

func (l *list) decide(b []byte, d Direction) Verdict {
	var p packet
	if !p.read(b) {
		return Verdict{Invalid: true}
	}
	remote, port := p.dst, p.dstPort
	if d == ToCaller {
		remote, port = p.src, p.srcPort
	}
	for i := range l.rules {
		if r := &l.rules[i]; r.matches(&p, remote, port) {
			return l.decided(Verdict{Pass: r.pass, Rule: i + 1}, b, d)
		}
	}
	return l.decided(Verdict{Pass: l.kind.otherwise() != p.isDiscovery(d)}, b, d)
}

// decided returns the verdict of l, or that of the list that applies too if l lets the packet pass.
func (l *list) decided(v Verdict, b []byte, d Direction) Verdict {
	if v.Pass && l.also != nil {
		return l.also.decide(b, d)
	}
	return v
}
