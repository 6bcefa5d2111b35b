package pool

import (
	"net/netip"
	"time"
)

// Snapshot is the state of an Allocator at one moment, for `show ppp pools`.
type Snapshot struct {
	Pools   []Status // in the order of the configuration
	Outside []Held   // leases outside of all pools: claimed, or of a pool that was removed; sorted by address
}

// Status is the state of a pool.
type Status struct {
	Name      string
	Backup    string
	Holdback  time.Duration
	Addresses Usage
	Prefixes  Usage
	// AddressesExhausted and PrefixesExhausted are when an assignment last found nothing free in the pool; zero: never.
	AddressesExhausted time.Time
	PrefixesExhausted  time.Time
	Holders            []Held // leases that overlap the pool, sorted by address
}

// Usage counts addresses, or prefixes of /64. Size is the sum of the others.
type Usage struct {
	Size     int
	InUse    int
	HeldBack int // given back, and not yet assigned to another user
	Free     int
}

// Held is a lease.
type Held struct {
	Prefix netip.Prefix
	Holder Holder
	Since  time.Time
}

// Snapshot returns the state of a.
func (a *Allocator) Snapshot() Snapshot {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	holders := make(map[*space][]Held)
	var s Snapshot
	for _, l := range a.held {
		h := Held{l.prefix, l.holder, l.since}
		places := a.placesOf(spanOf(l.prefix))
		for _, at := range places {
			if hs := holders[at.space]; len(hs) == 0 || hs[len(hs)-1] != h {
				holders[at.space] = append(hs, h)
			}
		}
		if len(places) == 0 {
			s.Outside = append(s.Outside, h)
		}
	}
	for _, d := range a.config.pools {
		v4, v6 := a.pools[d.name][addresses], a.pools[d.name][prefixes]
		s.Pools = append(s.Pools, Status{
			Name: d.name, Backup: d.backup, Holdback: d.holdback,
			Addresses: a.usage(v4, now), Prefixes: a.usage(v6, now),
			AddressesExhausted: v4.exhausted, PrefixesExhausted: v6.exhausted,
			Holders: append(holders[v4], holders[v6]...),
		})
	}
	return s
}

// usage counts the units of s.
func (a *Allocator) usage(s *space, now time.Time) Usage {
	u := Usage{Size: s.size, HeldBack: s.heldBack(now)}
	var next uint64 // units before it are counted: several leases can be in one prefix of /64
	for _, l := range a.held {
		for _, at := range a.placesOf(spanOf(l.prefix)) {
			if at.space == s && at.first >= next {
				u.InUse += int(at.size())
				next = at.last + 1
			}
		}
	}
	u.Free = u.Size - u.InUse - u.HeldBack
	return u
}
