package pool

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"sort"
	"sync"
	"time"
)

// An Allocator assigns the addresses of one access server. Its methods may be called by several goroutines; none
// blocks.
type Allocator struct {
	now func() time.Time

	mu      sync.Mutex
	config  *Pools
	pools   map[string]*[families]*space
	places  [families][]place            // sorted, without overlaps
	records [families]map[uint64]*record // by unit: every record of every space
	order   uint64                       // of the last record
	held    []*Lease                     // sorted by address, without overlaps
}

// place says which space has a span of units.
type place struct {
	span
	space *space
}

// New returns an Allocator without leases. now returns the current time; its monotonic reading is used, so that a
// change of the clock neither extends nor ends a holdback. It must not call the Allocator.
func New(p *Pools, now func() time.Time) *Allocator {
	a := &Allocator{now: now}
	a.install(p)
	return a
}

// Reload replaces the pools, and keeps all leases and what is known about the addresses that were given back.
func (a *Allocator) Reload(p *Pools) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var old []*record
	for _, m := range a.records {
		for _, r := range m {
			old = append(old, r)
		}
	}
	slices.SortFunc(old, func(x, y *record) int { return cmp.Compare(x.order, y.order) })
	before := a.pools
	a.install(p)
	for name, spaces := range a.pools {
		if was := before[name]; was != nil {
			for f := range families {
				spaces[f].exhausted = was[f].exhausted
			}
		}
	}
	for _, r := range old {
		f := r.space.family
		for _, s := range a.placesOf(f, span{r.unit, r.unit}) {
			s.space.add(r)
			a.records[f][r.unit] = r
		}
	}
}

// install makes spaces from p, in which no unit was ever used.
func (a *Allocator) install(p *Pools) {
	a.config = p
	a.pools = make(map[string]*[families]*space, len(p.pools))
	for f := range families {
		a.places[f], a.records[f] = nil, make(map[uint64]*record)
	}
	for _, d := range p.pools {
		a.pools[d.name] = &[families]*space{}
		for f := range families {
			s := newSpace(f, d)
			a.pools[d.name][f] = s
			for _, t := range s.spans {
				a.places[f] = append(a.places[f], place{t, s})
			}
		}
	}
	for _, ps := range a.places {
		slices.SortFunc(ps, func(x, y place) int { return cmp.Compare(x.first, y.first) })
	}
}

// placesOf returns the parts of s that are in pools.
func (a *Allocator) placesOf(f family, s span) []place {
	ps := a.places[f]
	i := sort.Search(len(ps), func(i int) bool { return ps[i].last >= s.first })
	var found []place
	for ; i < len(ps) && ps[i].overlaps(s); i++ {
		found = append(found, place{ps[i].common(s), ps[i].space})
	}
	return found
}

// holderOf returns the first lease that overlaps p, or nil.
func (a *Allocator) holderOf(p netip.Prefix) *Lease {
	i := a.search(p.Addr())
	if i < len(a.held) && a.held[i].prefix.Overlaps(p) {
		return a.held[i]
	}
	return nil
}

// search returns the index of the first lease that does not end before addr.
func (a *Allocator) search(addr netip.Addr) int {
	return sort.Search(len(a.held), func(i int) bool { return !a.held[i].last.Less(addr) })
}

// Assign leases an IPv4 address of a pool, or of its backup. The error is an *ExhaustedError if none is free.
func (a *Allocator) Assign(pool string, h Holder) (*Lease, error) {
	return a.assign(pool, addresses, h)
}

// AssignPrefix leases an IPv6 prefix of /64 of a pool, or of its backup. The error is an *ExhaustedError if none is
// free.
func (a *Allocator) AssignPrefix(pool string, h Holder) (*Lease, error) {
	return a.assign(pool, prefixes, h)
}

func (a *Allocator) assign(name string, f family, h Holder) (*Lease, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.pools[name] == nil {
		return nil, fmt.Errorf("no pool is called %q; pools: %s", name, a.config.list())
	}
	now := a.now()
	for try := name; try != ""; try = a.config.find(try).backup {
		s := a.pools[try][f]
		if n, ok := a.choose(s, h.User, now); ok {
			return a.lease(f.unit(n), try, h, now), nil
		}
		if s.size > 0 {
			s.exhausted = now
		}
	}
	e := &ExhaustedError{Family: f.String()}
	for try := name; try != ""; try = a.config.find(try).backup {
		e.Tried = append(e.Tried, Tried{Pool: try, Usage: a.usage(a.pools[try][f], now)})
	}
	return nil, e
}

// choose returns the unit of s that user gets: see Order in the package documentation.
func (a *Allocator) choose(s *space, user string, now time.Time) (unit uint64, ok bool) {
	if r := s.latest(user); r != nil {
		return r.unit, true
	}
	for n, ok := s.nextFresh(); ok; n, ok = s.nextFresh() {
		if a.records[s.family][n] == nil && a.holderOf(s.family.unit(n)) == nil {
			return n, true
		}
	}
	if r := s.oldest(now); r != nil {
		return r.unit, true
	}
	return 0, false
}

// Claim leases a particular address or prefix that AAA granted (Framed-IP-Address, Framed-IPv6-Prefix), in a pool or
// not. A prefix that overlaps a lease is rejected with an *InUseError, even if the user is the same. What is held
// back can be claimed, because AAA decides about its own addresses.
func (a *Allocator) Claim(p netip.Prefix, h Holder) (*Lease, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.claim(p, h, a.now())
}

// Choose leases an address that the caller chose, because AAA allows it to (Framed-IP-Address 255.255.255.255). It is
// a Claim, except that an address which is held back for another user is rejected with a *HeldBackError.
func (a *Allocator) Choose(addr netip.Addr, h Holder) (*Lease, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	p := netip.PrefixFrom(addr, addr.BitLen())
	if addr.IsValid() && a.holderOf(p) == nil {
		f, n := number(addr)
		r := a.records[f][n]
		if r != nil && r.left(now) > 0 && (r.user != h.User || h.User == "") {
			return nil, &HeldBackError{Claimed: p, User: r.user, Left: r.left(now)}
		}
	}
	return a.claim(p, h, now)
}

func (a *Allocator) claim(p netip.Prefix, h Holder, now time.Time) (*Lease, error) {
	if err := a.claimable(p); err != nil {
		return nil, err
	}
	if l := a.holderOf(p); l != nil {
		return nil, &InUseError{Claimed: p, Held: l.prefix, Holder: l.holder, Since: l.since}
	}
	return a.lease(p, "", h, now), nil
}

// claimable returns an error if nobody can have p.
func (a *Allocator) claimable(p netip.Prefix) error {
	if !p.IsValid() || p.Addr().Is4In6() || p != p.Masked() {
		return fmt.Errorf("%s is not an address or prefix that can be assigned", p)
	}
	if err := usable(spanOf(p)); err != nil {
		return fmt.Errorf("%s: %w", describe(p), err)
	}
	for _, own := range a.config.own {
		if p.Contains(own) {
			return fmt.Errorf("%s: %s is an address of this access server", describe(p), own)
		}
	}
	return nil
}

// lease records that p, which is free, is in use.
func (a *Allocator) lease(p netip.Prefix, pool string, h Holder, now time.Time) *Lease {
	f, s := spanOf(p)
	for _, at := range a.placesOf(f, s) {
		for n := at.first; n <= at.last; n++ {
			if r := a.records[f][n]; r != nil {
				at.space.remove(r)
				delete(a.records[f], n)
			}
		}
	}
	l := &Lease{allocator: a, prefix: p, last: last(p), pool: pool, holder: h, since: now}
	a.held = slices.Insert(a.held, a.search(p.Addr()), l)
	return l
}

func (a *Allocator) release(l *Lease) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.released {
		return
	}
	l.released = true
	i := a.search(l.prefix.Addr())
	a.held = slices.Delete(a.held, i, i+1)
	now := a.now()
	f, s := spanOf(l.prefix)
	for _, at := range a.placesOf(f, s) {
		for n := at.first; n <= at.last; n++ {
			if a.holderOf(f.unit(n)) != nil { // a part of the unit was claimed by somebody else
				continue
			}
			a.order++
			r := &record{unit: n, user: l.holder.User, at: now, order: a.order}
			at.space.add(r)
			a.records[f][n] = r
		}
	}
}
