package netdev

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Reach says what callers reach through a Userspace network. The zero value opens everything except loopback,
// link-local, multicast, broadcast and reserved addresses, the addresses of this machine, and those of the sessions.
type Reach struct {
	// Allow opens addresses that are otherwise closed: loopback, link-local IPv4, addresses of this machine, and what
	// Deny closes. Multicast, broadcast and reserved addresses stay closed.
	Allow []Target

	// Deny closes further networks. 0.0.0.0/0 and ::/0 close all that Allow does not open.
	Deny []netip.Prefix

	// Services are addresses and ports, for TCP and UDP, that lead somewhere else, for example 10.8.0.1:53 to
	// 127.0.0.53:53: a caller's own kernel never sends packets for 127.0.0.1 to the line. What is listed is open.
	Services map[netip.AddrPort]netip.AddrPort
}

// Target is a network, or one port of it. Pings need an entry without a port.
type Target struct {
	Net  netip.Prefix
	Port uint16 // 0: every port
}

// ParseTarget reads a target: "192.0.2.1", "192.0.2.0/24", "127.0.0.1:80", "192.0.2.0/24:80", "[2001:db8::1]:80",
// "[2001:db8::/32]:80".
func ParseTarget(text string) (Target, error) {
	net, port, hasPort := splitPort(text)
	var t Target
	if hasPort {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || port[0] == '+' {
			return t, fmt.Errorf("target %q: port %q is not a number from 1 to 65535", text, port)
		}
		t.Port = uint16(n)
	}
	if addr, err := netip.ParseAddr(net); err == nil && addr.Zone() == "" {
		t.Net = netip.PrefixFrom(addr, addr.BitLen())
	} else if p, err := netip.ParsePrefix(net); err == nil {
		t.Net = p
	} else {
		return t, fmt.Errorf("target %q: %q is no address or network (write 192.0.2.1:80 or [2001:db8::/32]:80)",
			text, net)
	}
	if t.Net != t.Net.Masked() {
		return t, fmt.Errorf("target %q: the network is %v", text, t.Net.Masked())
	}
	if neverOpen(t.Net.Addr()) && t.Net.Bits() > 0 {
		return t, fmt.Errorf("target %q: multicast, broadcast and reserved addresses cannot be opened", text)
	}
	return t, nil
}

// splitPort separates the port of a target. An IPv6 address with a port is in brackets.
func splitPort(text string) (net, port string, ok bool) {
	if inner, found := strings.CutPrefix(text, "["); found {
		if net, port, ok = strings.Cut(inner, "]:"); ok {
			return net, port, true
		}
		return strings.TrimSuffix(inner, "]"), "", false
	}
	if strings.Count(text, ":") == 1 {
		return strings.Cut(text, ":")
	}
	return text, "", false
}

// String is the form that ParseTarget reads.
func (t Target) String() string {
	net := t.Net.String()
	if t.Net.IsSingleIP() {
		net = t.Net.Addr().String()
	}
	switch {
	case t.Port == 0:
		return net
	case t.Net.Addr().Is6():
		return fmt.Sprintf("[%s]:%d", net, t.Port)
	}
	return fmt.Sprintf("%s:%d", net, t.Port)
}

func (t Target) contains(dst netip.AddrPort) bool {
	return t.Net.Contains(dst.Addr()) && (t.Port == 0 || t.Port == dst.Port())
}

// closedNets are closed unless allowed. Connecting to an address of 0.0.0.0/8 or to :: reaches this machine.
var closedNets = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("::1/128"),
}

// neverNets cannot be opened: they have no host, or not one that a socket reaches without an interface.
var neverNets = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved, broadcast
	netip.MustParsePrefix("::ffff:0:0/96"),
	netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("fec0::/10"),
	netip.MustParsePrefix("ff00::/8"),
}

// compatibleNet has ::, ::1, and the IPv4-compatible addresses, of which only ::1 can be opened.
var compatibleNet = netip.MustParsePrefix("::/96")

// neverOpen reports whether no list can open an address.
func neverOpen(a netip.Addr) bool {
	return within(neverNets, a) || (compatibleNet.Contains(a) && a != netip.IPv6Loopback())
}

func within(nets []netip.Prefix, a netip.Addr) bool {
	for _, n := range nets {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// opening is what the lists alone say about a destination.
type opening int

const (
	closed  opening = iota
	open            // if it is not an address of this machine or of a session
	allowed         // listed in Allow or Services
)

// decide looks a destination up in the lists. Port 0 stands for a ping.
func (r Reach) decide(dst netip.AddrPort) opening {
	if _, ok := r.Services[dst]; ok && dst.Port() != 0 {
		return allowed
	}
	if neverOpen(dst.Addr()) {
		return closed
	}
	for _, t := range r.Allow {
		if t.contains(dst) {
			return allowed
		}
	}
	if within(closedNets, dst.Addr()) || within(r.Deny, dst.Addr()) {
		return closed
	}
	return open
}

// Check reports an entry that cannot work.
func (r Reach) Check() error {
	for _, t := range r.Allow {
		if _, err := ParseTarget(t.String()); err != nil {
			return err
		}
	}
	for from, to := range r.Services {
		a := from.Addr()
		if !from.IsValid() || from.Port() == 0 || neverOpen(a) || a.Zone() != "" || !to.IsValid() || to.Port() == 0 {
			return fmt.Errorf("service %v to %v: both need a unicast address and a port", from, to)
		}
	}
	for _, p := range r.Deny {
		if !p.IsValid() {
			return fmt.Errorf("deny: %v is not a network", p)
		}
	}
	return nil
}
