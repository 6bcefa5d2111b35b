package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/pool"
)

// lease implements ppp.Lease. Its device is opened with the first network protocol, and closed by Release.
type lease struct {
	network *Network
	name    string // of the device
	within  string // the only pool that the caller may have addresses of; "": any
	holder  pool.Holder
	with    ppp.Assignment

	routes4    []netip.Prefix // networks behind the caller
	routes6    []netip.Prefix
	advertised netip.Prefix  // of IPv6; the zero Prefix: none
	held       []*pool.Lease // until Release
	chosen     *pool.Lease   // the address that the caller chose; nil: none
	device     netdev.Device // nil: no network protocol was opened
}

func (l *lease) allocator() *pool.Allocator { return l.network.config.Allocator }

// assignIPv4 leases the networks and the address of IPv4, if there is one.
func (l *lease) assignIPv4(p Profile, g grant) error {
	if !p.Address.IsValid() {
		return nil
	}
	l.routes4 = only(g.routes, netip.Addr.Is4)
	if err := l.claim(outermost(l.routes4)); err != nil {
		return err
	}
	with := &l.with
	with.Local, with.Peer = p.Address, g.address
	from := l.poolOf(g.pool, p.Pool, func(v4, _ int) bool { return v4 > 0 })
	switch {
	case g.address.IsValid() && !contains(l.routes4, g.address):
		if err := l.claim([]netip.Prefix{single(g.address)}); err != nil {
			return err
		}
	case !g.address.IsValid() && from != "":
		held, err := l.allocator().Assign(from, l.holder)
		if err == nil {
			l.held = append(l.held, held)
			with.Peer = held.Addr()
		} else if !g.negotiate { // a caller that has an address needs none
			return err
		}
	}
	if g.negotiate {
		with.Permit = l.permit
	}
	with.IPv4 = with.Peer.IsValid() || g.negotiate
	with.Routes = append(with.Routes, l.routes4...)
	return nil
}

// assignIPv6 leases the prefixes of IPv6.
func (l *lease) assignIPv6(p Profile, g grant) error {
	if !p.IPv6 || g.noIPv6 {
		return nil
	}
	prefixes := g.prefixes
	routes := only(g.routes, func(a netip.Addr) bool { return !a.Is4() })
	if err := l.claim(outermost(slices.Concat(prefixes, routes))); err != nil {
		return err
	}
	from := l.poolOf(g.ipv6Pool, p.Pool, func(_, v6 int) bool { return v6 > 0 })
	if len(prefixes) == 0 && from != "" {
		held, err := l.allocator().AssignPrefix(from, l.holder)
		if err != nil {
			return err
		}
		l.held = append(l.held, held)
		prefixes = []netip.Prefix{held.Prefix()}
	}
	nets := slices.Concat(prefixes, routes)
	l.advertised = advertisedOf(prefixes)
	l.routes6 = slices.DeleteFunc(slices.Clone(nets), func(n netip.Prefix) bool { return n == l.advertised })
	l.with.IPv6, l.with.PeerID = true, g.id
	l.with.Prefixes, l.with.Routes = prefixes, append(l.with.Routes, routes...)
	return nil
}

// advertisedOf returns the first /64 of the caller's prefixes, with which hosts make addresses of their own.
func advertisedOf(prefixes []netip.Prefix) netip.Prefix {
	for _, p := range prefixes {
		if p.Bits() <= 64 {
			return netip.PrefixFrom(p.Addr(), 64)
		}
	}
	return netip.Prefix{}
}

// poolOf returns AAA's pool, or the profile's if it has any of the family.
func (l *lease) poolOf(granted, profile string, has func(v4, v6 int) bool) string {
	if granted != "" {
		return granted
	}
	if v4, v6, ok := l.network.config.Pools.Sizes(profile); ok && has(v4, v6) {
		return profile
	}
	return ""
}

// claim leases networks of AAA.
func (l *lease) claim(nets []netip.Prefix) error {
	for _, n := range nets {
		held, err := l.allocator().Claim(n, l.holder)
		if err != nil {
			return err
		}
		l.held = append(l.held, held)
	}
	return nil
}

// permit leases the address that the caller chose, in place of the one it chose before; see ncp.IPCPConfig.
func (l *lease) permit(a netip.Addr) error {
	if l.within != "" && !l.network.config.Pools.Contains(l.within, single(a)) {
		return fmt.Errorf("address %s is not in pool %s, the ppp.pool of the group's policy", a, l.within)
	}
	if l.chosen != nil && l.chosen.Addr() == a || contains(l.routes4, a) {
		return nil
	}
	chosen, err := l.allocator().Choose(a, l.holder)
	if err != nil {
		return err
	}
	l.unchoose()
	l.chosen = chosen
	return nil
}

func (l *lease) unchoose() {
	if l.chosen != nil {
		l.chosen.Release()
		l.chosen = nil
	}
}

// Assignment implements ppp.Lease.
func (l *lease) Assignment() ppp.Assignment { return l.with }

// Open implements ppp.Lease.
func (l *lease) Open(o ppp.Opening, send func(packet []byte) bool, gone func(error)) error {
	s := netdev.Session{Name: l.name, MTU: o.MTU, Deliver: send, Gone: gone}
	if o.Family == ppp.IPv6 {
		s.IPv6 = netdev.IPv6{LocalID: o.LocalID, PeerID: o.PeerID, Prefix: l.advertised, DNS: l.with.DNS,
			Routes: l.routes6}
		if s.IPv6.PeerID == ([8]byte{}) {
			return errors.New("the caller names no interface identifier, and AAA has none for it")
		}
	} else {
		s.IPv4 = netdev.IPv4{Local: o.Local, Peer: o.Peer, Routes: l.routes4}
	}
	var err error
	switch {
	case l.device == nil:
		l.device, err = l.network.config.Device.Open(s)
	case o.Family == ppp.IPv6:
		err = l.device.SetIPv6(s.IPv6)
	default:
		err = l.device.SetIPv4(s.IPv4)
	}
	return err
}

// Deliver implements ppp.Lease. What the device cannot carry is lost, as on any link; it counts that itself.
func (l *lease) Deliver(packet []byte) {
	if l.device != nil {
		_ = l.device.Write(packet)
	}
}

// Close implements ppp.Lease. If the device fails, the family is down all the same, and Release closes the device.
func (l *lease) Close(f ppp.Family) {
	switch {
	case l.device == nil:
	case f == ppp.IPv6:
		_ = l.device.SetIPv6(netdev.IPv6{})
	default:
		_ = l.device.SetIPv4(netdev.IPv4{})
	}
}

// Release implements ppp.Lease. The device is closed first, so that nobody else gets an address that still works here.
func (l *lease) Release() {
	if l.device != nil {
		_ = l.device.Close()
		l.device = nil
	}
	l.unchoose()
	for _, h := range l.held {
		h.Release()
	}
	l.held = nil
}

func single(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }

// only returns the networks of a family.
func only(nets []netip.Prefix, family func(netip.Addr) bool) []netip.Prefix {
	var out []netip.Prefix
	for _, n := range nets {
		if family(n.Addr()) {
			out = append(out, n)
		}
	}
	return out
}

func contains(nets []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(a) })
}

// outermost returns the networks that are within no other one of the list.
func outermost(nets []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for i, n := range nets {
		within := false
		for j, m := range nets {
			wider := m.Bits() < n.Bits() || m.Bits() == n.Bits() && j < i
			within = within || i != j && wider && m.Contains(n.Addr())
		}
		if !within {
			out = append(out, n)
		}
	}
	return out
}
