package pool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"
)

// This file has a second implementation of the package documentation. It keeps lists of units and looks through all of
// them at each step. It shares no code with the package.

// modelPool is a pool with its units written out, in the order of the configuration.
type modelPool struct {
	name, backup string
	holdback     time.Duration
	units        [2][]netip.Prefix // addresses, prefixes of /64
}

// past is what is known about a unit that was given back.
type past struct {
	user  string
	at    time.Time
	order int
}

type model struct {
	own    netip.Addr
	pools  []modelPool
	leases map[netip.Prefix]Held
	past   map[netip.Prefix]past
	order  int
	empty  map[string][2]time.Time // by pool: when nothing was free
}

// worlds are pairs of a configuration and what it means.
func worlds() (configs [][]Config, pools [][]modelPool) {
	a := []Config{
		{Name: "dialin", Addresses: []string{"10.8.0.3-10.8.0.5", "10.8.0.9"}, Prefixes: []string{"2001:db8:8::/62"},
			Backup: "spare", Holdback: 10 * time.Second},
		{Name: "spare", Addresses: []string{"10.9.0.0/29"}},
	}
	b := []Config{
		{Name: "spare", Addresses: []string{"10.8.0.4 - 10.8.0.8"}, Holdback: 5 * time.Second, Backup: "last"},
		{Name: "last", Addresses: []string{"10.9.0.6/31"}, Prefixes: []string{"2001:db8:8:1::/64", "2001:db8:9::/63"}},
	}
	v4 := func(network string, numbers ...int) (s []netip.Prefix) {
		for _, n := range numbers {
			s = append(s, netip.MustParsePrefix(fmt.Sprintf("%s.%d/32", network, n)))
		}
		return s
	}
	v6 := func(texts ...string) (s []netip.Prefix) {
		for _, t := range texts {
			s = append(s, netip.MustParsePrefix("2001:db8:"+t+"::/64"))
		}
		return s
	}
	ma := []modelPool{
		{"dialin", "spare", 10 * time.Second,
			[2][]netip.Prefix{v4("10.8.0", 3, 4, 5, 9), v6("8", "8:1", "8:2", "8:3")}},
		{"spare", "", 0, [2][]netip.Prefix{v4("10.9.0", 2, 3, 4, 5, 6), nil}}, // without 10.9.0.1, which is our own
	}
	mb := []modelPool{
		{"spare", "last", 5 * time.Second, [2][]netip.Prefix{v4("10.8.0", 4, 5, 6, 7, 8), nil}},
		{"last", "", 0, [2][]netip.Prefix{v4("10.9.0", 6, 7), v6("8:1", "9", "9:1")}},
	}
	return [][]Config{a, b}, [][]modelPool{ma, mb}
}

var ownAddress = netip.MustParseAddr("10.9.0.1")

func (m *model) pool(name string) *modelPool {
	for i := range m.pools {
		if m.pools[i].name == name {
			return &m.pools[i]
		}
	}
	return nil
}

func (m *model) busy(p netip.Prefix) bool {
	for held := range m.leases {
		if held.Overlaps(p) {
			return true
		}
	}
	return false
}

// poolOf returns the pool that has a unit, or nil.
func (m *model) poolOf(unit netip.Prefix) *modelPool {
	for i := range m.pools {
		if slices.Contains(m.pools[i].units[0], unit) || slices.Contains(m.pools[i].units[1], unit) {
			return &m.pools[i]
		}
	}
	return nil
}

func (m *model) assign(name string, family int, user string, now time.Time) (unit netip.Prefix, pool string) {
	for p := m.pool(name); p != nil; p = m.pool(p.backup) {
		var own, fresh, old netip.Prefix
		for _, u := range p.units[family] {
			if m.busy(u) {
				continue
			}
			k, known := m.past[u]
			switch {
			case !known:
				if !fresh.IsValid() {
					fresh = u
				}
			case k.user == user && user != "" && (!own.IsValid() || k.order > m.past[own].order):
				own = u
			case now.Sub(k.at) >= p.holdback && (!old.IsValid() || k.order < m.past[old].order):
				old = u
			}
		}
		for _, u := range []netip.Prefix{own, fresh, old} {
			if u.IsValid() {
				return u, p.name
			}
		}
		if len(p.units[family]) > 0 {
			at := m.empty[p.name]
			at[family] = now
			m.empty[p.name] = at
		}
	}
	return netip.Prefix{}, ""
}

func (m *model) take(p netip.Prefix, h Holder, now time.Time) {
	m.leases[p] = Held{p, h, now}
	for u := range m.past {
		if u.Overlaps(p) {
			delete(m.past, u)
		}
	}
}

func (m *model) release(p netip.Prefix, now time.Time) {
	h := m.leases[p]
	delete(m.leases, p)
	var units []netip.Prefix
	for _, d := range m.pools {
		for _, u := range append(slices.Clone(d.units[0]), d.units[1]...) {
			if u.Overlaps(p) && !m.busy(u) {
				units = append(units, u)
			}
		}
	}
	slices.SortFunc(units, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	for _, u := range units {
		m.order++
		m.past[u] = past{h.Holder.User, now, m.order}
	}
}

func (m *model) reload(pools []modelPool) {
	m.pools = pools
	for name := range m.empty {
		if m.pool(name) == nil {
			delete(m.empty, name)
		}
	}
	for u := range m.past {
		if m.poolOf(u) == nil {
			delete(m.past, u)
		}
	}
}

func (m *model) snapshot(now time.Time) Snapshot {
	var s Snapshot
	sorted := func(keep func(netip.Prefix) bool) (held []Held) {
		for p, h := range m.leases {
			if keep(p) {
				held = append(held, h)
			}
		}
		slices.SortFunc(held, func(a, b Held) int { return a.Prefix.Addr().Compare(b.Prefix.Addr()) })
		return held
	}
	touches := func(d modelPool, p netip.Prefix) bool {
		return slices.ContainsFunc(append(slices.Clone(d.units[0]), d.units[1]...), p.Overlaps)
	}
	for _, d := range m.pools {
		t := Status{Name: d.name, Backup: d.backup, Holdback: d.holdback,
			AddressesExhausted: m.empty[d.name][0], PrefixesExhausted: m.empty[d.name][1]}
		for f, usage := range []*Usage{&t.Addresses, &t.Prefixes} {
			for _, u := range d.units[f] {
				usage.Size++
				k, known := m.past[u]
				switch {
				case m.busy(u):
					usage.InUse++
				case known && now.Sub(k.at) < d.holdback:
					usage.HeldBack++
				default:
					usage.Free++
				}
			}
		}
		t.Holders = sorted(func(p netip.Prefix) bool { return touches(d, p) })
		s.Pools = append(s.Pools, t)
	}
	s.Outside = sorted(func(p netip.Prefix) bool {
		return !slices.ContainsFunc(m.pools, func(d modelPool) bool { return touches(d, p) })
	})
	return s
}

// pair is an Allocator and a model that do the same.
type pair struct {
	t       *testing.T
	m       *model
	a       *Allocator
	now     time.Time
	configs [][]Config
	pools   [][]modelPool
	leases  []*Lease
	ended   []*Lease
	counts  map[string]int // what happened
}

func newPair(t *testing.T) *pair {
	p := &pair{t: t, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), counts: map[string]int{}}
	p.configs, p.pools = worlds()
	p.m = &model{own: ownAddress, pools: p.pools[0], leases: map[netip.Prefix]Held{}, past: map[netip.Prefix]past{},
		empty: map[string][2]time.Time{}}
	p.a = New(p.parse(0), func() time.Time { return p.now })
	return p
}

func (p *pair) parse(i int) *Pools {
	pools, err := Parse(p.configs[i], ownAddress)
	if err != nil {
		p.t.Fatal(err)
	}
	return pools
}

var claims = []string{"10.8.0.4/32", "10.8.0.9/32", "10.9.0.1/32", "10.9.0.6/32", "10.8.0.0/29", "10.1.1.1/32",
	"10.1.1.0/30", "127.0.0.1/32", "2001:db8:8::/62", "2001:db8:8::/64", "2001:db8:8::5/128", "2001:db8:8::6/128",
	"2001:db8:8:4::/62", "2001:db8::/32"}

// step does one thing with both, selected by three numbers.
func (p *pair) step(what, which, who int) {
	h := Holder{User: []string{"", "ann", "bob", "eve"}[who%4], TTY: who}
	switch what % 10 {
	case 0, 1, 2:
		p.assign([]string{"dialin", "spare", "last"}[which%3], which/3%2, h)
	case 3:
		p.claim(netip.MustParsePrefix(claims[which%len(claims)]), h)
	case 4:
		p.choose(netip.MustParsePrefix(claims[which%len(claims)]).Addr(), h)
	case 5, 6, 7:
		p.release(which)
	case 8:
		p.now = p.now.Add(time.Duration(which%7) * time.Second)
	case 9:
		if which%5 == 0 {
			p.counts["reload"]++
			p.a.Reload(p.parse(who % 2))
			p.m.reload(p.pools[who%2])
		}
	}
	if got, want := p.a.Snapshot(), p.m.snapshot(p.now); !reflect.DeepEqual(got, want) {
		p.t.Fatalf("snapshot %+v\nthe model says %+v", got, want)
	}
}

func (p *pair) assign(pool string, family int, h Holder) {
	get := []func(string, Holder) (*Lease, error){p.a.Assign, p.a.AssignPrefix}[family]
	l, err := get(pool, h)
	unit, from := p.m.assign(pool, family, h.User, p.now)
	var exhausted *ExhaustedError
	switch {
	case err == nil && (l.Prefix() != unit || l.Pool() != from):
		p.t.Fatalf("%s for %+v: %s of %s, the model says %s of %s", pool, h, l.Prefix(), l.Pool(), unit, from)
	case err == nil:
		p.took(l, h, "assigned")
	case unit.IsValid():
		p.t.Fatalf("%s for %+v: %v, the model says %s", pool, h, err, unit)
	case p.m.pool(pool) != nil && !errors.As(err, &exhausted):
		p.t.Fatalf("%s for %+v: %v", pool, h, err)
	default:
		p.counts["exhausted"]++
	}
}

func (p *pair) took(l *Lease, h Holder, how string) {
	if l.Holder() != h || !l.Since().Equal(p.now) {
		p.t.Fatalf("holder %+v since %s", l.Holder(), l.Since())
	}
	p.counts[how]++
	p.m.take(l.Prefix(), h, p.now)
	p.leases = append(p.leases, l)
}

// never says whether nobody can claim a prefix.
func never(p netip.Prefix) bool {
	return p.Contains(ownAddress) || p.Contains(netip.MustParseAddr("127.0.0.1"))
}

func (p *pair) claim(c netip.Prefix, h Holder) {
	l, err := p.a.Claim(c, h)
	var inUse *InUseError
	switch {
	case never(c):
		if err == nil || errors.As(err, &inUse) {
			p.t.Fatalf("claim of %s: %v", c, err)
		}
	case p.m.busy(c):
		if !errors.As(err, &inUse) || p.m.leases[inUse.Held].Holder != inUse.Holder || !inUse.Held.Overlaps(c) {
			p.t.Fatalf("claim of %s, in use: %v", c, err)
		}
		p.counts["in use"]++
	case err != nil:
		p.t.Fatalf("claim of %s: %v", c, err)
	default:
		p.took(l, h, "claimed")
	}
}

func (p *pair) choose(addr netip.Addr, h Holder) {
	l, err := p.a.Choose(addr, h)
	c := netip.PrefixFrom(addr, addr.BitLen())
	heldBack := false
	for u, k := range p.m.past {
		left := p.m.poolOf(u).holdback - p.now.Sub(k.at)
		heldBack = heldBack || u.Overlaps(c) && left > 0 && (k.user != h.User || h.User == "")
	}
	var other *HeldBackError
	switch {
	case errors.As(err, &other) != (heldBack && !never(c) && !p.m.busy(c)):
		p.t.Fatalf("choice of %s by %+v: %v, held back: %v", addr, h, err, heldBack)
	case other != nil:
		p.counts["held back"]++
	case (err == nil) == (never(c) || p.m.busy(c)):
		p.t.Fatalf("choice of %s by %+v: %v", addr, h, err)
	case err == nil:
		p.took(l, h, "chosen")
	}
}

func (p *pair) release(which int) {
	if which%4 == 0 && len(p.ended) > 0 {
		p.ended[which%len(p.ended)].Release()
		return
	}
	if len(p.leases) == 0 {
		return
	}
	i := which % len(p.leases)
	l := p.leases[i]
	l.Release()
	p.m.release(l.Prefix(), p.now)
	p.leases = slices.Delete(p.leases, i, i+1)
	p.ended = append(p.ended, l)
}

// TestModel compares an Allocator with the model.
func TestModel(t *testing.T) {
	total := map[string]int{}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(9, seed))
		p := newPair(t)
		for range 300 {
			p.step(r.IntN(10), r.IntN(1000), r.IntN(1000))
		}
		for k, n := range p.counts {
			total[k] += n
		}
	}
	for _, k := range []string{"assigned", "exhausted", "claimed", "in use", "chosen", "held back", "reload"} {
		if total[k] < 50 {
			t.Errorf("%s happened %d times: %v", k, total[k], total)
		}
	}
}

func FuzzAllocator(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0, 0, 2, 5, 1, 0, 8, 6, 0, 0, 0, 2})
	f.Add([]byte{3, 8, 1, 9, 5, 1, 5, 1, 0, 1, 3, 3, 4, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		p := newPair(t)
		for len(ops) >= 3 && len(p.ended) < 100 {
			p.step(int(ops[0]), int(ops[1]), int(ops[2]))
			ops = ops[3:]
		}
	})
}
