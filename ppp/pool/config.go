package pool

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Config is an entry of `pools:`.
type Config struct {
	Name      string
	Addresses []string      // IPv4: addresses, ranges, networks
	Prefixes  []string      // IPv6 prefixes, which give prefixes of /64
	Backup    string        // the pool that is asked if this one is exhausted; "": none
	Holdback  time.Duration // from the return of an address to its assignment to another user; 0: none
}

// Error is a mistake in a Config. It is the error of Parse, where several may be joined.
type Error struct {
	Pool  string
	Key   string // "name", "addresses", "prefixes", "backup" or "holdback"
	Index int    // of the entry in addresses or prefixes, from 0; -1: the key itself
	Entry string // as written
	Err   error
}

// Error names the pool, the key and the entry.
func (e *Error) Error() string {
	switch {
	case e.Key == "name":
		return fmt.Sprintf("pool %q: %v", e.Pool, e.Err)
	case e.Index < 0:
		return fmt.Sprintf("pool %s: %s: %v", e.Pool, e.Key, e.Err)
	}
	return fmt.Sprintf("pool %s: %s: %q: %v", e.Pool, e.Key, e.Entry, e.Err)
}

// Unwrap returns the reason.
func (e *Error) Unwrap() error { return e.Err }

// Pools is the checked pools of one configuration. It is immutable; the zero value has none.
type Pools struct {
	pools []*definition // in the order of the configuration
	own   []netip.Addr
}

// definition is a checked Config.
type definition struct {
	name     string
	backup   string
	holdback time.Duration
	spans    [families][]span // without the access server's own addresses
}

// entry is an entry of addresses or prefixes.
type entry struct {
	span
	f     family
	pool  string // its name
	index int
	text  string
}

func (e entry) error(err error) error {
	return &Error{Pool: e.pool, Key: e.f.String(), Index: e.index, Entry: e.text, Err: err}
}

// Parse checks the pools of a configuration. own is the addresses of the access server itself, which callers never
// get; those that are not valid are ignored. All mistakes are joined in the error; each is an *Error.
func Parse(configs []Config, own ...netip.Addr) (*Pools, error) {
	own = slices.DeleteFunc(slices.Clone(own), func(a netip.Addr) bool { return !a.IsValid() })
	for i := range own {
		own[i] = own[i].Unmap().WithZone("")
	}
	slices.SortFunc(own, netip.Addr.Compare)
	p := &Pools{own: slices.Compact(own)}
	var all []entry
	var errs []error
	names := map[string]bool{}
	for _, c := range configs {
		d, entries, err := p.parse(c, names[c.Name])
		names[c.Name] = true
		p.pools = append(p.pools, d)
		all = append(all, entries...)
		errs = append(errs, err)
	}
	errs = append(errs, overlaps(all))
	for _, d := range p.pools {
		errs = append(errs, p.checkBackup(d))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return p, nil
}

// parse checks what concerns c alone; used reports whether a pool before it has its name.
func (p *Pools) parse(c Config, used bool) (*definition, []entry, error) {
	d := &definition{name: c.Name, backup: c.Backup, holdback: c.Holdback}
	var errs []error
	fail := func(key, text string) {
		errs = append(errs, &Error{Pool: c.Name, Key: key, Index: -1, Err: errors.New(text)})
	}
	if !validName(c.Name) {
		fail("name", "a name has printable characters without spaces")
	}
	if used {
		fail("name", "the name is used twice")
	}
	if c.Holdback < 0 {
		fail("holdback", "the time is negative")
	}
	if len(c.Addresses)+len(c.Prefixes) == 0 {
		fail("addresses", "the pool is empty; give addresses, prefixes, or both")
	}
	v4, err := d.parseFamily(addresses, c.Addresses, parseAddresses)
	errs = append(errs, err)
	v6, err := d.parseFamily(prefixes, c.Prefixes, parsePrefixes)
	errs = append(errs, err)
	for f := range families {
		d.spans[f] = p.withoutOwn(f, d.spans[f])
	}
	return d, append(v4, v6...), errors.Join(errs...)
}

func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) })
}

// parseFamily reads the entries of a family and adds their units to d.
func (d *definition) parseFamily(f family, texts []string, parse func(string) (span, error)) ([]entry, error) {
	var entries []entry
	var errs []error
	var total uint64
	for i, text := range texts {
		e := entry{f: f, pool: d.name, index: i, text: text}
		var err error
		if e.span, err = parse(strings.TrimSpace(text)); err == nil {
			err = usable(f, e.span)
		}
		if err != nil {
			errs = append(errs, e.error(err))
			continue
		}
		if total += e.size(); total > maxUnits {
			errs = append(errs, e.error(fmt.Errorf("%d %s are more than the %d of a pool", total, f, maxUnits)))
			break
		}
		entries = append(entries, e)
		d.spans[f] = append(d.spans[f], e.span)
	}
	return entries, errors.Join(errs...)
}

// withoutOwn returns spans without the units that contain an address of the access server.
func (p *Pools) withoutOwn(f family, spans []span) (rest []span) {
	for _, s := range spans {
		for _, n := range within(p.own, f, s) {
			if n > s.first {
				rest = append(rest, span{s.first, n - 1})
			}
			s.first = n + 1
		}
		if s.first <= s.last {
			rest = append(rest, s)
		}
	}
	return rest
}

// within returns the units of s that contain one of the addresses, which are sorted.
func within(sorted []netip.Addr, f family, s span) (units []uint64) {
	at, _ := slices.BinarySearchFunc(sorted, f.unit(s.first).Addr(), netip.Addr.Compare)
	for _, a := range sorted[at:] {
		g, n := number(a)
		if g != f || n > s.last {
			break
		}
		if len(units) == 0 || units[len(units)-1] < n {
			units = append(units, n)
		}
	}
	return units
}

// Own returns the first of sorted addresses of access servers that an entry of Config.Addresses contains; the zero Addr
// if there is none, or the entry is wrong.
func Own(entry string, sorted []netip.Addr) netip.Addr {
	s, err := parseAddresses(strings.TrimSpace(entry))
	if err != nil {
		return netip.Addr{}
	}
	if in := within(sorted, addresses, s); len(in) > 0 {
		return addresses.unit(in[0]).Addr()
	}
	return netip.Addr{}
}

// overlaps returns an error for each entry that overlaps another one.
func overlaps(all []entry) error {
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.f, b.f), cmp.Compare(a.first, b.first))
	})
	var errs []error
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.f != b.f || !a.span.overlaps(b.span) {
			continue
		}
		errs = append(errs, b.error(fmt.Errorf("overlaps %q of pool %s", a.text, a.pool)))
		if a.last > b.last { // which can overlap the next one too
			all[i] = a
		}
	}
	return errors.Join(errs...)
}

// checkBackup returns an error if the chain of backups of d ends at a pool that does not exist, or nowhere.
func (p *Pools) checkBackup(d *definition) error {
	if d.backup == "" {
		return nil
	}
	fail := func(format string, args ...any) error {
		return &Error{Pool: d.name, Key: "backup", Index: -1, Err: fmt.Errorf(format, args...)}
	}
	if p.find(d.backup) == nil {
		return fail("no pool is called %q; pools: %s", d.backup, p.list())
	}
	chain := []string{d.name}
	for b := p.find(d.backup); b != nil; b = p.find(b.backup) {
		if b == d {
			return fail("the pools are each other's backup: %s → %s", strings.Join(chain, " → "), d.name)
		}
		if slices.Contains(chain, b.name) { // a circle that d is not in, and that is reported for its own pools
			return nil
		}
		chain = append(chain, b.name)
	}
	return nil
}

func (p *Pools) find(name string) *definition {
	for _, d := range p.pools {
		if d.name == name {
			return d
		}
	}
	return nil
}

// Names returns the names of the pools in the order of the configuration.
func (p *Pools) Names() []string {
	var names []string
	for _, d := range p.pools {
		names = append(names, d.name)
	}
	return names
}

func (p *Pools) list() string { return cmp.Or(strings.Join(p.Names(), ", "), "none") }

// Sizes returns how many IPv4 addresses and prefixes of /64 a pool has, without its backup; ok is false if there is no
// pool of this name.
func (p *Pools) Sizes(name string) (v4, v6 int, ok bool) {
	d := p.find(name)
	if d == nil {
		return 0, 0, false
	}
	return size(d.spans[addresses]), size(d.spans[prefixes]), true
}

// Contains reports whether an address or a prefix is within an entry of a pool, or of a backup of it.
func (p *Pools) Contains(name string, n netip.Prefix) bool {
	f, units := spanOf(n)
	for d := p.find(name); d != nil; d = p.find(d.backup) {
		for _, s := range d.spans[f] {
			if s.first <= units.first && units.last <= s.last {
				return true
			}
		}
	}
	return false
}

func size(spans []span) int {
	n := 0
	for _, s := range spans {
		n += int(s.size())
	}
	return n
}
