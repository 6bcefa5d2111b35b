package pool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// family is the kind of what a pool assigns. Its units have numbers: an IPv4 address is its own number, a prefix of
// /64 the number of its first 64 bits.
type family uint8

const (
	addresses family = iota
	prefixes
	families // their count
)

func (f family) String() string { return [...]string{"addresses", "prefixes"}[f] }

// unit returns unit n.
func (f family) unit(n uint64) netip.Prefix {
	var b [16]byte
	if f == addresses {
		binary.BigEndian.PutUint32(b[:], uint32(n))
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[:])), 32)
	}
	binary.BigEndian.PutUint64(b[:], n)
	return netip.PrefixFrom(netip.AddrFrom16(b), 64)
}

// number returns the number of the unit that contains a.
func number(a netip.Addr) (family, uint64) {
	if a.Is4() {
		b := a.As4()
		return addresses, uint64(binary.BigEndian.Uint32(b[:]))
	}
	b := a.As16()
	return prefixes, binary.BigEndian.Uint64(b[:])
}

// last returns the last address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b)
	return a
}

// span is consecutive units, both ends included.
type span struct{ first, last uint64 }

// spanOf returns the units that p overlaps.
func spanOf(p netip.Prefix) (family, span) {
	f, first := number(p.Addr())
	_, last := number(last(p))
	return f, span{first, last}
}

// size is the number of units of s. It is 0 for all of IPv6, which is no valid entry.
func (s span) size() uint64 { return s.last - s.first + 1 }

func (s span) overlaps(t span) bool { return s.first <= t.last && t.first <= s.last }

// common returns the units of both s and t, which overlap.
func (s span) common(t span) span { return span{max(s.first, t.first), min(s.last, t.last)} }

// maxUnits is the largest size of a pool, for each family.
const maxUnits = 1 << 16

// parseAddresses reads an entry of addresses.
func parseAddresses(s string) (span, error) {
	if strings.Contains(s, "/") {
		return parseNetwork(s)
	}
	from, to, isRange := strings.Cut(s, "-")
	first, err := parseAddress(strings.TrimSpace(from))
	if err != nil || !isRange {
		return span{first, first}, err
	}
	last, err := parseAddress(strings.TrimSpace(to))
	if err != nil {
		return span{}, err
	}
	if last < first {
		return span{}, errors.New("the range is reversed; the lower address stands first")
	}
	return span{first, last}, nil
}

func parseAddress(s string) (uint64, error) {
	a, err := netip.ParseAddr(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not an IPv4 address", s)
	}
	if !a.Is4() {
		return 0, fmt.Errorf("%s is not an IPv4 address; IPv6 prefixes stand under prefixes", a)
	}
	_, n := number(a)
	return n, nil
}

// parseNetwork reads an IPv4 prefix. The first and the last address of a network have a meaning of their own on a
// LAN, and some systems reject them, so they are left out.
func parseNetwork(s string) (span, error) {
	p, err := parsePrefix(s)
	if err != nil {
		return span{}, err
	}
	if !p.Addr().Is4() {
		return span{}, errors.New("this is not an IPv4 network; IPv6 prefixes stand under prefixes")
	}
	_, u := spanOf(p)
	if p.Bits() < 31 {
		u.first, u.last = u.first+1, u.last-1
	}
	return u, nil
}

// parsePrefixes reads an entry of prefixes.
func parsePrefixes(s string) (span, error) {
	p, err := parsePrefix(s)
	switch {
	case err != nil:
		return span{}, err
	case p.Addr().Is4():
		return span{}, errors.New("this is not an IPv6 prefix; IPv4 networks stand under addresses")
	case p.Bits() > 64:
		return span{}, errors.New("a prefix longer than /64 contains no /64 for a caller")
	case p.Bits() < 48:
		return span{}, fmt.Errorf("a prefix shorter than /48 has more than %d prefixes of /64", maxUnits)
	}
	_, u := spanOf(p)
	return u, nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("%q is not a prefix such as 10.8.0.0/24 or 2001:db8:8::/56", s)
	}
	if p != p.Masked() {
		return netip.Prefix{}, fmt.Errorf("%s has bits after its length; write %s", p, p.Masked())
	}
	return p, nil
}

// unusable are the addresses that no host on a PPP link is assigned (RFC 6890, RFC 4291 §2.4).
var unusable = []struct {
	prefix netip.Prefix
	why    string
}{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved"}, // with 255.255.255.255
	{netip.MustParsePrefix("::/8"), "reserved"},        // with ::, ::1 and IPv4 addresses in IPv6 form
	{netip.MustParsePrefix("fe80::/10"), "link-local"},
	{netip.MustParsePrefix("ff00::/8"), "multicast"},
}

// usable returns an error if units of s contain addresses that no caller can have.
func usable(f family, s span) error {
	for _, u := range unusable {
		if g, t := spanOf(u.prefix); f == g && s.overlaps(t) {
			return fmt.Errorf("%s addresses (%s) cannot be assigned", u.why, u.prefix)
		}
	}
	return nil
}
