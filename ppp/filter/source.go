package filter

import (
	"fmt"
	"net/netip"
)

// A Source is the addresses that a caller may send from. It is immutable; the zero value allows none.
type Source struct {
	networks []network
}

// NewSource returns the Source of a caller: its assigned address and prefixes, the networks that are routed to it,
// and the link-local address of its interface identifier. A prefix that has bits after its length, a zone, or an IPv4
// address in IPv6 form is an error.
func NewSource(prefixes ...netip.Prefix) (*Source, error) {
	s := &Source{}
	for _, p := range prefixes {
		if !p.IsValid() || p.Addr().Is4In6() || p != p.Masked() {
			return nil, fmt.Errorf("%s is not a prefix that a caller can send from", p)
		}
		s.networks = append(s.networks, newNetwork(p))
	}
	return s, nil
}

// Allows says whether an IP packet from the caller has a source address of s. It rejects invalid packets, and source
// addresses that no host has, even if a prefix of s contains them: 0.0.0.0/8, loopback, multicast and reserved
// addresses. The unspecified address of IPv6 is allowed for ICMPv6 to link-local multicast, which is what a host
// sends before it has an address (RFC 4861 §4.1, RFC 4862 §5.4.2, RFC 3590).
func (s *Source) Allows(b []byte) bool {
	var p packet
	if !p.read(b) {
		return false
	}
	if p.version == 6 && p.src == (address{}) {
		return p.protocol == protoICMPv6 && p.dst.hi>>48 == linkLocalMulticast
	}
	if !p.src.canSend(p.version) {
		return false
	}
	for i := range s.networks {
		if s.networks[i].contains(p.version, p.src) {
			return true
		}
	}
	return false
}

// canSend says whether a host can have a as its address.
func (a address) canSend(version uint8) bool {
	if version == 4 {
		net := a.lo >> 24
		return net != 0 && net != 127 && net < 224
	}
	return a.hi>>56 != 0xff && (a.hi != 0 || a.lo != 1 && a.lo>>32 != 0xffff)
}
