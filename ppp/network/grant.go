package network

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/ncp"
)

// grant is what AAA granted, read and checked.
type grant struct {
	address   netip.Addr // of IPv4; the zero Addr: none
	negotiate bool       // the caller chooses it
	pool      string     // "" none
	ipv6Pool  string
	noIPv6    bool
	prefixes  []netip.Prefix // of IPv6
	routes    []netip.Prefix // of both
	id        ncp.InterfaceID
	mtu       int // 0: none
	dns, wins []netip.Addr
	filter    *filter.Filter // nil: none
}

// leastMTU is the largest packet that every host of IPv4 takes (RFC 791).
const leastMTU = 68

// read returns what an authorization grants, with the filter of the site's policy, if any. Its error is why it cannot
// be applied.
func (n *Network) read(auth aaa.Authorization, also string) (grant, error) {
	f := auth.Framed
	if f == nil {
		f = &aaa.Framed{}
	}
	g := grant{pool: f.Pool, ipv6Pool: f.IPv6Pool, noIPv6: f.NoIPv6, mtu: f.MTU}
	var err error
	g.filter, err = n.config.Filters.Select(
		filter.Grant{FilterIDs: auth.FilterIDs, InACL: f.InACL, OutACL: f.OutACL, Also: also}, n.config.Group)
	if err != nil {
		return g, err
	}
	if g.mtu != 0 && g.mtu < leastMTU {
		return g, fmt.Errorf("an MTU of %d is less than the %d that IPv4 needs", g.mtu, leastMTU)
	}
	for _, name := range []string{g.pool, g.ipv6Pool} {
		if err := n.exists(name); err != nil {
			return g, err
		}
	}
	return g, g.addresses(f)
}

// readWithin is read for a session that the site's policy keeps to a pool, if any.
func (n *Network) readWithin(auth aaa.Authorization, pool, filter string) (grant, error) {
	g, err := n.read(auth, filter)
	if err == nil && pool != "" {
		err = n.within(g, pool)
	}
	return g, err
}

// exists returns an error if there is no pool of a name that is not empty.
func (n *Network) exists(pool string) error {
	if _, _, ok := n.config.Pools.Sizes(pool); !ok && pool != "" {
		return fmt.Errorf("no pool is called %q; pools: %s", pool, list(n.config.Pools.Names()))
	}
	return nil
}

// within returns an error if AAA grants an address, a network or a pool that is not in the pool of the site's policy.
func (n *Network) within(g grant, pool string) error {
	if err := n.exists(pool); err != nil {
		return err
	}
	for _, name := range []string{g.pool, g.ipv6Pool} {
		if name != "" && name != pool {
			return fmt.Errorf("AAA grants pool %s, and the group's policy has ppp.pool: %s", name, pool)
		}
	}
	nets := slices.Concat(g.prefixes, g.routes)
	if g.address.IsValid() {
		nets = append(nets, single(g.address))
	}
	for _, p := range nets {
		if !n.config.Pools.Contains(pool, p) {
			return fmt.Errorf("AAA grants %s, which is not in pool %s, the ppp.pool of the group's policy", p, pool)
		}
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none is configured"
	}
	return strings.Join(names, ", ")
}

// addresses reads what is an address, a prefix or a route.
func (g *grant) addresses(f *aaa.Framed) error {
	var err error
	switch f.Address {
	case "", "assign":
	case "negotiate":
		g.negotiate = true
	default:
		if g.address, err = netip.ParseAddr(f.Address); err != nil || !g.address.Is4() {
			return fmt.Errorf("%q is not an IPv4 address for a caller", f.Address)
		}
	}
	if f.InterfaceID != "" {
		if g.id, err = ncp.ParseInterfaceID(f.InterfaceID); err != nil {
			return err
		}
	}
	for _, text := range f.IPv6Prefix {
		p, err := netip.ParsePrefix(text)
		if err != nil || !p.Addr().Is6() {
			return fmt.Errorf("%q is not an IPv6 prefix", text)
		}
		g.prefixes = append(g.prefixes, p.Masked())
	}
	if g.dns, err = servers("DNS", f.DNS); err != nil {
		return err
	}
	if g.wins, err = servers("WINS", f.WINS); err != nil {
		return err
	}
	for _, text := range f.Routes {
		p, err := g.route(text)
		if err != nil {
			return fmt.Errorf("route %q: %w", text, err)
		}
		if p != single(g.address) && !slices.Contains(g.routes, p) { // a route to the caller itself needs no other
			g.routes = append(g.routes, p)
		}
	}
	return nil
}

func servers(kind string, texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range texts {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("%s server %q is not an address", kind, text)
		}
		out = append(out, a)
	}
	return out, nil
}

// route reads a route as RADIUS has it (RFC 2865 §5.22, RFC 3162 §2.5), "192.168.1.0/24 10.8.0.7 1", or as an AV pair
// has it, "192.168.1.0 255.255.255.0 10.8.0.7". The metric is not used: a session has one way. A gateway must be the
// caller itself, 0.0.0.0 or ::.
func (g *grant) route(text string) (netip.Prefix, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return netip.Prefix{}, errors.New("it is empty")
	}
	to, err := destination(fields[0])
	if err != nil {
		return to, err
	}
	rest := fields[1:]
	if len(rest) > 0 && !strings.Contains(fields[0], "/") {
		if p, ok := masked(to.Addr(), rest[0]); ok {
			to, rest = p, rest[1:]
		}
	}
	if to != to.Masked() || to.Addr().Is4In6() {
		return to, fmt.Errorf("%s has bits after its length; write %s", to, to.Masked())
	}
	if len(rest) == 0 {
		return to, nil
	}
	gateway, err := netip.ParseAddr(rest[0])
	switch {
	case err != nil || gateway.Is4() != to.Addr().Is4():
		return to, fmt.Errorf("%q is not a gateway", rest[0])
	case !gateway.IsUnspecified() && gateway != g.address && !g.within(gateway):
		return to, fmt.Errorf("gateway %s is not the caller; write 0.0.0.0 or :: for its address", gateway)
	}
	return to, nil
}

// within reports whether an address is in a prefix of the caller, or its link-local address.
func (g *grant) within(a netip.Addr) bool {
	return a.Is6() && a.IsLinkLocalUnicast() ||
		slices.ContainsFunc(g.prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// destination reads a network. An IPv4 network without a length has that of its class (RFC 2865 §5.22).
func destination(text string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return netip.Prefix{}, fmt.Errorf("%q is not a network", text)
	}
	bits := 24
	switch first := a.As4()[0]; {
	case first < 128:
		bits = 8
	case first < 192:
		bits = 16
	}
	return netip.PrefixFrom(a, bits), nil
}

// masked returns the network with a mask, if the text is one that fits the address.
func masked(a netip.Addr, mask string) (netip.Prefix, bool) {
	m, err := netip.ParseAddr(mask)
	if err != nil || !m.Is4() {
		return netip.Prefix{}, false
	}
	for bits := 32; bits > 0; bits-- {
		p := netip.PrefixFrom(a, bits)
		if ones(bits) == m.As4() && p == p.Masked() {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// ones returns the mask of a length.
func ones(bits int) [4]byte {
	all := netip.PrefixFrom(netip.AddrFrom4([4]byte{255, 255, 255, 255}), bits)
	return all.Masked().Addr().As4()
}
