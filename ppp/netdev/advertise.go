package netdev

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Types of ICMPv6 messages and options of neighbor discovery (RFC 4861 §4, RFC 8106 §5.1).
const (
	routerSolicitation  = 133
	routerAdvertisement = 134
	optPrefix           = 3
	optMTU              = 5
	optRDNSS            = 25
)

const (
	// advertiseEvery is the time between unsolicited advertisements: MaxRtrAdvInterval of RFC 4861 §6.2.1.
	advertiseEvery = 600 * time.Second

	// routerLifetime is for the router and its name servers, three times the interval.
	routerLifetime = 1800

	// Lifetimes of the prefix in seconds, the defaults of RFC 4861 §6.2.1. The caller's interface ends with the
	// session.
	validLifetime, preferredLifetime = 2592000, 604800
)

var (
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
)

// advertisement returns the router advertisement for a session, an IPv6 packet from our link-local address to dst.
func advertisement(a IPv6, mtu int, dst netip.Addr) []byte {
	m := []byte{0: routerAdvertisement, 4: 64 /* hop limit */, 15: 0}
	binary.BigEndian.PutUint16(m[6:], routerLifetime)

	m = append(m, optMTU, 1, 0, 0)
	m = binary.BigEndian.AppendUint32(m, uint32(mtu))

	m = append(m, optPrefix, 4, 64, 0xc0 /* on-link, autonomous */)
	m = binary.BigEndian.AppendUint32(m, validLifetime)
	m = binary.BigEndian.AppendUint32(m, preferredLifetime)
	m = binary.BigEndian.AppendUint32(m, 0)
	prefix := a.Prefix.Addr().As16()
	m = append(m, prefix[:]...)

	return packICMP(linkLocal(a.LocalID), dst, 255, appendRDNSS(m, a.DNS))
}

// appendRDNSS appends the option with the IPv6 name servers, at most three as resolvers use no more.
func appendRDNSS(m []byte, dns []netip.Addr) []byte {
	var servers []byte
	for _, addr := range dns {
		if addr.Is6() && !addr.Is4In6() && len(servers) < 3*16 {
			octets := addr.As16()
			servers = append(servers, octets[:]...)
		}
	}
	if len(servers) == 0 {
		return m
	}
	m = append(m, optRDNSS, byte(1+len(servers)/8), 0, 0)
	m = binary.BigEndian.AppendUint32(m, routerLifetime)
	return append(m, servers...)
}

// isSolicitation reports whether a packet is a valid router solicitation (RFC 4861 §6.1.1).
func isSolicitation(p []byte, h header) bool {
	if h.proto != protoICMPv6 || !h.src.Is6() || h.fragment || h.hops != 255 || h.total < h.length+8 {
		return false
	}
	m := p[h.length:h.total]
	return m[0] == routerSolicitation && m[1] == 0 && checksum(pseudo(h.src, h.dst, protoICMPv6, len(m)), m) == 0
}
