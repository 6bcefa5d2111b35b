package filter

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Set is the filters of one configuration. It is immutable; the zero value has none.
type Set struct {
	filters map[string]*Filter
	names   []string // sorted
}

// NewSet parses filters. All mistakes are joined in the error; each is an *Error.
func NewSet(configs []Config) (*Set, error) {
	s := &Set{filters: make(map[string]*Filter, len(configs))}
	var errs []error
	for _, c := range configs {
		f, err := Parse(c)
		if err == nil && s.filters[c.Name] != nil {
			err = &Error{Filter: c.Name, Index: -1, Err: errors.New("the name is used twice")}
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.filters[c.Name] = f
		s.names = append(s.names, c.Name)
	}
	if errs != nil {
		return nil, errors.Join(errs...)
	}
	slices.Sort(s.names)
	return s, nil
}

// Lookup returns the filter with a name, or nil.
func (s *Set) Lookup(name string) *Filter { return s.filters[name] }

// Names returns the names of the filters, sorted.
func (s *Set) Names() []string { return slices.Clone(s.names) }

// Grant is the filters of a session: those that AAA named, and that of the site.
type Grant struct {
	// FilterIDs name filters, all of whose lists apply. With the ending ".in" or ".out", as IOS writes it, a name
	// selects that list only, unless a filter has the whole as its name.
	FilterIDs []string
	InACL     []string // name filters whose in list applies: inacl
	OutACL    []string // name filters whose out list applies: outacl

	// Also names a filter of the site, whose lists apply besides those of AAA: a packet must pass both. "": none.
	Also string
}

// Select returns the filter for a session: the lists that g names, from one or several filters. It returns nil, which
// allows everything, if g names no filter. A name for which other returns true may also name something else, such as
// a policy group, and is skipped if no filter has it; nil is none. A name of nothing, of a filter without the list
// that it stands for, and two names for one list are errors: the session must be refused, because it would otherwise
// be allowed more than AAA intended.
func (s *Set) Select(g Grant, other func(name string) bool) (*Filter, error) {
	c := combination{set: s}
	for _, name := range g.FilterIDs {
		if err := c.addID(name, other); err != nil {
			return nil, err
		}
	}
	for _, name := range g.InACL {
		if err := c.addList("inacl", name, name, kindIn); err != nil {
			return nil, err
		}
	}
	for _, name := range g.OutACL {
		if err := c.addList("outacl", name, name, kindOut); err != nil {
			return nil, err
		}
	}
	if err := c.also(g.Also); err != nil {
		return nil, err
	}
	if c.names == nil {
		return nil, nil
	}
	name := strings.Join(c.names, "+")
	return &Filter{name: name, in: c.lists[kindIn], out: c.lists[kindOut], idle: c.lists[kindIdle]}, nil
}

// combination is a filter that Select makes.
type combination struct {
	set   *Set
	names []string
	lists [3]*list
	from  [3]string // the name of the filter of each list
}

// addID adds what a Filter-Id names.
func (c *combination) addID(id string, other func(name string) bool) error {
	if f := c.set.Lookup(id); f != nil {
		return c.add("Filter-Id", f, kindIn, kindOut, kindIdle)
	}
	if name, ok := strings.CutSuffix(id, ".in"); ok && c.set.Lookup(name) != nil {
		return c.addList("Filter-Id", id, name, kindIn)
	}
	if name, ok := strings.CutSuffix(id, ".out"); ok && c.set.Lookup(name) != nil {
		return c.addList("Filter-Id", id, name, kindOut)
	}
	if other != nil && other(id) {
		return nil
	}
	return c.unknown("Filter-Id", id)
}

// addList adds list k of the filter called name, which the value of attribute selects.
func (c *combination) addList(attribute, value, name string, k kind) error {
	f := c.set.Lookup(name)
	if f == nil {
		return c.unknown(attribute, value)
	}
	if f.list(k) == nil {
		return fmt.Errorf("%s %q: filter %s has no %s list", attribute, value, name, k)
	}
	return c.add(attribute, f, k)
}

func (c *combination) add(attribute string, f *Filter, kinds ...kind) error {
	for _, k := range kinds {
		l := f.list(k)
		if l == nil || l == c.lists[k] {
			continue
		}
		if c.lists[k] != nil {
			return fmt.Errorf("%s %q: filter %s already gives the %s list", attribute, f.name, c.from[k], k)
		}
		c.lists[k], c.from[k] = l, f.name
	}
	if !slices.Contains(c.names, f.name) {
		c.names = append(c.names, f.name)
	}
	return nil
}

// also adds the lists of the site's filter.
func (c *combination) also(name string) error {
	if name == "" {
		return nil
	}
	f := c.set.Lookup(name)
	if f == nil {
		return c.unknown("filter", name)
	}
	for _, k := range []kind{kindIn, kindOut, kindIdle} {
		switch l := f.list(k); {
		case l == nil || l == c.lists[k]:
		case c.lists[k] == nil:
			c.lists[k] = l
		default:
			c.lists[k] = &list{kind: k, rules: c.lists[k].rules, also: l}
		}
	}
	if !slices.Contains(c.names, name) {
		c.names = append(c.names, name)
	}
	return nil
}

func (c *combination) unknown(attribute, name string) error {
	if len(c.set.names) == 0 {
		return fmt.Errorf("%s %q: no filter has this name; none is configured", attribute, name)
	}
	return fmt.Errorf("%s %q: no filter has this name; filters: %s", attribute, name, strings.Join(c.set.names, ", "))
}

func (f *Filter) list(k kind) *list { return [...]*list{f.in, f.out, f.idle}[k] }
