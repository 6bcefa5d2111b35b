// Package network is the ppp.Network of an access server: callers get the addresses that AAA granted or that are free
// in a pool, the filters that AAA named apply to their packets, and a network device (netdev) carries these.
//
// # Addresses
//
// The IPv4 address of a caller is that of AAA (Framed-IP-Address), or one of AAA's pool, or else of the profile's pool.
// If AAA lets the caller choose (255.255.255.255), the caller may have any address that nobody has; one without an
// address gets one of the pool. IPv6 has AAA's interface identifier and prefixes, or else a /64 of AAA's IPv6 pool or
// the profile's pool; the first /64 is advertised to the caller. A pool without addresses of a family gives none of it.
// AAA's name servers replace those of the profile.
//
// Everything that belongs to a caller is leased: a prefix or a route of AAA too. What overlaps the lease of another
// session ends the link, and the reason names the holder. An address within a network that AAA routes to the same
// caller needs no lease of its own.
//
// The pool of the group's policy (Holder.Pool) replaces that of the profile, and whatever AAA grants outside of it ends
// the link; a caller that chooses its address is offered one of the pool instead.
//
// A family that the profile does not have is not given, whatever AAA granted. Framed-IP-Netmask routes nothing, only
// Framed-Route does: most servers send a mask to hosts too.
package network

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/netdev"
	"github.com/ringback/ringback/ppp/pool"
)

// Config is what a Network is made of. The Allocator and the Device are those of the process: the Networks of all
// configurations share them, so that a reload touches no session.
type Config struct {
	// Profile returns the profile of a line; ok is false if it has none.
	Profile func(tty int) (p Profile, ok bool)
	Pools   *pool.Pools // of this configuration
	// Allocator has the leases. Its pools are those of the latest configuration.
	Allocator *pool.Allocator
	Filters   *filter.Set
	// Group reports whether a name is that of a policy group: a Filter-Id may name one, and then is no filter.
	Group  func(name string) bool
	Device netdev.Network // nil: every caller is refused after the login
}

// Profile is what the callers of a line have in common.
type Profile struct {
	Name    string
	Address netip.Addr // our end of the link; the zero Addr: no IPv4
	IPv6    bool
	Pool    string // of IPv4 addresses, of IPv6 prefixes, or of both; "" none
	DNS     []netip.Addr
	WINS    []netip.Addr
}

// Network implements ppp.Network.
type Network struct{ config Config }

// New returns a Network.
func New(c Config) *Network {
	if c.Group == nil {
		c.Group = func(string) bool { return false }
	}
	return &Network{c}
}

// Unservable returns why an authorization cannot be applied; "" if it can: a filter or a pool that is not configured,
// a route that is none. Without this, a caller would be called back and then get no network, or more than AAA granted.
func (n *Network) Unservable(auth aaa.Authorization) string { return n.Unfit(auth, "", "") }

// Unfit is Unservable for a session with the pool and the filter of the site's policy; "": none. It needs the Pools,
// the Filters and the Group of the Config alone.
func (n *Network) Unfit(auth aaa.Authorization, pool, filter string) string {
	if _, err := n.readWithin(auth, pool, filter); err != nil {
		return err.Error()
	}
	return ""
}

var errNoDevice = errors.New("the network device is not running: a change of ppp.netdev needs a restart")

// Assign implements ppp.Network. It does not block.
func (n *Network) Assign(_ context.Context, h ppp.Holder) (ppp.Lease, error) {
	p, ok := n.config.Profile(h.TTY)
	switch {
	case !ok:
		return nil, fmt.Errorf("tty %d has no PPP profile", h.TTY)
	case n.config.Device == nil:
		return nil, errNoDevice
	}
	g, err := n.readWithin(h.Auth, h.Pool, h.Filter)
	if err != nil {
		return nil, err
	}
	if h.Pool != "" {
		p.Pool = h.Pool
	}
	l := &lease{
		network: n, within: h.Pool,
		name: fmt.Sprintf("ppp%d", h.TTY), holder: pool.Holder{User: h.Identity.User, TTY: h.TTY},
		with: ppp.Assignment{MTU: g.mtu, Filter: g.filter, DNS: first(g.dns, p.DNS), WINS: first(g.wins, p.WINS)},
	}
	if err := errors.Join(l.assignIPv4(p, g), l.assignIPv6(p, g)); err != nil {
		l.Release()
		return nil, err
	}
	if !l.with.IPv4 && !l.with.IPv6 {
		return nil, fmt.Errorf("there is no address: AAA granted none, and neither AAA nor profile %s names a pool "+
			"that has any", p.Name)
	}
	return l, nil
}

// first returns the list of AAA, or that of the profile if AAA has none.
func first(granted, profile []netip.Addr) []netip.Addr {
	if len(granted) > 0 {
		return granted
	}
	return profile
}
