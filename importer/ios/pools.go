package ios

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/ringback/ringback/importer"
	ppppool "github.com/ringback/ringback/ppp/pool"
)

// pool is a pool of addresses of the text.
type pool struct {
	name   string
	ranges []string
	has    map[string]bool // the ranges
}

// add adds a range, once.
func (l *pool) add(text string) {
	if l.has == nil {
		l.has = map[string]bool{}
	}
	if !l.has[text] {
		l.has[text] = true
		l.ranges = append(l.ranges, text)
	}
}

// doPool reads `ip local pool NAME FIRST [LAST]`.
func doPool(p *parser, in *input) result {
	first, err := netip.ParseAddr(in.args[1])
	if err != nil || !first.Is4() {
		return wrong("it has no address")
	}
	last := first
	if len(in.args) > 2 {
		if last, err = netip.ParseAddr(in.args[2]); err != nil || !last.Is4() || last.Less(first) {
			return unsupported("the pool is no range of addresses")
		}
	}
	name := in.args[0]
	if p.poolNamed[name] == nil {
		p.poolNamed[name] = &pool{name: name}
		p.pools = append(p.pools, p.poolNamed[name])
	}
	p.poolNamed[name].add(rangeOf(addressSpan{first, last}))
	return result{}
}

// addressSpan is a range of addresses.
type addressSpan struct{ first, last netip.Addr }

func rangeOf(s addressSpan) string {
	if s.first == s.last {
		return s.first.String()
	}
	return s.first.String() + "-" + s.last.String()
}

// spanOf reads a range of a pool, which is known to be one.
func spanOf(text string) (s addressSpan) {
	a, b, isRange := strings.Cut(text, "-")
	s.first, _ = netip.ParseAddr(a)
	if s.last = s.first; isRange {
		s.last, _ = netip.ParseAddr(b)
	}
	return s
}

// without cuts addresses, which are sorted, out of a range.
func (s addressSpan) without(sorted []netip.Addr) (out []addressSpan) {
	at, _ := slices.BinarySearchFunc(sorted, s.first, netip.Addr.Compare)
	for ; at < len(sorted) && !s.last.Less(sorted[at]); at++ {
		if s.first.Less(sorted[at]) {
			out = append(out, addressSpan{s.first, sorted[at].Prev()})
		}
		s.first = sorted[at].Next()
	}
	if s.first.IsValid() && !s.last.Less(s.first) {
		out = append(out, s)
	}
	return out
}

// poolsOf returns the pools. Addresses of a pool that are those of the access server are left out, and so is a pool
// that has addresses of one before it: its name is in dropped.
func (p *parser) poolsOf() (pools []importer.Map, dropped map[string]bool) {
	dropped = map[string]bool{}
	var own []netip.Addr
	for text := range p.owns {
		if a, err := netip.ParseAddr(text); err == nil {
			own = append(own, a)
		}
	}
	slices.SortFunc(own, netip.Addr.Compare)
	var taken []addressSpan // in order
	names := map[string]bool{}
	for _, l := range p.pools {
		var left []addressSpan
		config := ppppool.Config{Name: l.name}
		for _, text := range l.ranges {
			for _, s := range spanOf(text).without(own) {
				left = append(left, s)
				config.Addresses = append(config.Addresses, rangeOf(s))
			}
		}
		_, err := ppppool.Parse([]ppppool.Config{config})
		if err != nil || names[l.name] || !free(taken, left) {
			dropped[l.name] = true
			p.warnings = append(p.warnings, "the pool "+l.name+" is not imported: its addresses are those of the "+
				"access server or of another pool")
			continue
		}
		for _, s := range left {
			taken = slices.Insert(taken, place(taken, s), s)
		}
		names[l.name] = true
		pools = append(pools, importer.Map{{Key: "name", Value: l.name}, {Key: "addresses", Value: config.Addresses}})
	}
	return pools, dropped
}

// place is the index of the first of the ranges, which are in order, that does not end before s.
func place(taken []addressSpan, s addressSpan) int {
	at, _ := slices.BinarySearchFunc(taken, s, func(a, s addressSpan) int { return a.last.Compare(s.first) })
	return at
}

// free reports whether no range of left overlaps one of taken.
func free(taken, left []addressSpan) bool {
	for _, s := range left {
		if at := place(taken, s); at < len(taken) && !s.last.Less(taken[at].first) {
			return false
		}
	}
	return true
}
