package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// This file has a second implementation of the package documentation, written for clarity: it shares no code with the
// package.

// modelRule is a rule as a person reads it.
type modelRule struct {
	action      string
	protocol    int          // -1: ip
	host        netip.Prefix // invalid: any
	ports       [][2]int
	established bool
}

// modelPacket is a packet as a person reads it.
type modelPacket struct {
	version      int
	src, dst     netip.Addr
	hop          int
	protocol     int
	offset       int // in octets
	sport, dport int
	flags        int
	kind         int // the first octet of ICMPv6
}

var errInvalid = errors.New("invalid")

// cursor takes octets from the front of a packet and panics with errInvalid at its end.
type cursor struct{ b []byte }

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		panic(errInvalid)
	}
	x := c.b[:n]
	c.b = c.b[n:]
	return x
}

func (c *cursor) octet() int { return int(c.take(1)[0]) }
func (c *cursor) word() int  { return int(binary.BigEndian.Uint16(c.take(2))) }

func require(ok bool) {
	if !ok {
		panic(errInvalid)
	}
}

func modelDecode(b []byte) (m modelPacket, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != errInvalid {
				panic(r)
			}
			err = errInvalid
		}
	}()
	c := &cursor{b}
	first := c.octet()
	m.version = first / 16
	require(m.version == 4 || m.version == 6)
	if m.version == 4 {
		m.decode4(c, len(b), first%16*4)
	} else {
		m.decode6(c)
	}
	return m, nil
}

func (m *modelPacket) decode4(c *cursor, length, header int) {
	c.take(1)
	total := c.word()
	require(header >= 20 && total >= header && total <= length)
	c.take(2)
	m.offset = c.word() % 8192 * 8
	m.hop = c.octet()
	m.protocol = c.octet()
	c.take(2)
	m.src, _ = netip.AddrFromSlice(c.take(4))
	m.dst, _ = netip.AddrFromSlice(c.take(4))
	options := &cursor{c.take(header - 20)}
	for len(options.b) > 0 {
		kind := options.octet()
		if kind == 0 {
			break
		}
		require(kind != 131 && kind != 137)
		if kind != 1 {
			n := options.octet()
			require(n >= 2)
			options.take(n - 2)
		}
	}
	m.decodeTransport(&cursor{c.take(total - header)})
}

func (m *modelPacket) decode6(c *cursor) {
	c.take(3)
	length := c.word()
	next := c.octet()
	m.hop = c.octet()
	m.src, _ = netip.AddrFromSlice(c.take(16))
	m.dst, _ = netip.AddrFromSlice(c.take(16))
	p := &cursor{c.take(length)}
	extension := map[int]bool{0: true, 43: true, 44: true, 60: true}
	fragment := false
	for count := 0; extension[next]; count++ {
		require(count < 8 && !fragment && len(p.b) >= 8)
		header := next
		next = p.octet()
		size := p.octet()
		if header == 44 {
			m.offset = p.word() / 8 * 8
			p.take(4)
			require(m.offset != 8)
			fragment = true
			continue
		}
		p.take(1)
		left := p.octet()
		require(header != 43 || left == 0)
		p.take(4 + size*8)
	}
	m.protocol = next
	if next == 58 && len(p.b) >= 8 && !fragment {
		m.kind = int(p.b[0])
	}
	m.decodeTransport(p)
}

func (m *modelPacket) decodeTransport(c *cursor) {
	if m.offset > 0 {
		require(m.protocol != 6 || m.offset != 8)
		return
	}
	if m.protocol != 6 && m.protocol != 17 {
		return
	}
	m.sport = c.word()
	m.dport = c.word()
	if m.protocol == 17 {
		c.take(4)
		return
	}
	c.take(9)
	m.flags = c.octet()
	c.take(6)
}

func (m *modelPacket) discovery(d Direction) bool {
	onLink := netip.MustParsePrefix("ff02::/16").Contains(m.dst) || netip.MustParsePrefix("fe80::/10").Contains(m.dst)
	if m.hop != 255 || !onLink {
		return false
	}
	return m.kind == 135 || m.kind == 136 || m.kind == 133 && d == FromCaller || m.kind == 134 && d == ToCaller
}

// modelDecide judges a packet by the rules of a list that is present.
func modelDecide(idle bool, rules []modelRule, b []byte, d Direction) Verdict {
	m, err := modelDecode(b)
	if err != nil {
		return Verdict{Invalid: true}
	}
	for i, r := range rules {
		if r.matches(m, d) {
			return Verdict{Pass: r.action == "allow" || r.action == "count", Rule: i + 1}
		}
	}
	if m.discovery(d) {
		return Verdict{Pass: !idle}
	}
	return Verdict{Pass: idle}
}

func (r modelRule) matches(m modelPacket, d Direction) bool {
	remote, port := m.dst, m.dport
	if d == ToCaller {
		remote, port = m.src, m.sport
	}
	if r.protocol >= 0 && r.protocol != m.protocol {
		return false
	}
	if r.host.IsValid() && !r.host.Contains(remote) {
		return false
	}
	if m.offset > 0 {
		free := r.ports == nil && !r.established
		return free || r.action == "allow" || r.action == "ignore"
	}
	if r.established && m.flags&0x14 == 0 {
		return false
	}
	found := r.ports == nil
	for _, p := range r.ports {
		found = found || p[0] <= port && port <= p[1]
	}
	return found
}

// modelSource says whether a packet comes from one of the prefixes.
func modelSource(prefixes []netip.Prefix, b []byte) bool {
	m, err := modelDecode(b)
	if err != nil {
		return false
	}
	if m.src == netip.IPv6Unspecified() {
		return m.protocol == 58 && netip.MustParsePrefix("ff02::/16").Contains(m.dst)
	}
	for _, never := range []string{"0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "ff00::/8", "::1/128"} {
		if netip.MustParsePrefix(never).Contains(m.src) {
			return false
		}
	}
	if m.src.Is4In6() {
		return false
	}
	for _, p := range prefixes {
		if p.Contains(m.src) {
			return true
		}
	}
	return false
}

// text writes r in one of the ways that the grammar allows.
func (r modelRule) text(rnd *rand.Rand) string {
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	space := func() string { return pick(" ", " ", "  ", "\t") }
	protocol := []string{fmt.Sprint(r.protocol)}
	if name := map[int]string{-1: "ip", 1: "icmp", 6: "tcp", 17: "udp", 58: "icmpv6"}[r.protocol]; r.protocol < 0 {
		protocol[0] = name
	} else if name != "" {
		protocol = append(protocol, name)
	}
	host := ""
	switch {
	case !r.host.IsValid():
		host = pick("", "any")
	case r.host.Addr().Is4():
		host = r.host.String()
		if r.host.IsSingleIP() {
			host = pick(host, r.host.Addr().String())
		}
	case r.host.IsSingleIP():
		host = "[" + pick(r.host.String(), r.host.Addr().String(), r.host.Addr().StringExpanded()) + "]"
	case r.ports == nil:
		host = pick(r.host.String(), "["+r.host.String()+"]")
	default:
		host = "[" + r.host.String() + "]"
	}
	if r.ports != nil {
		host += ":" + r.portText(pick)
	}
	s := r.action + space() + pick(protocol...)
	if host != "" {
		s += space() + host
	}
	if r.established {
		s += space() + "established"
	}
	return s
}

func (r modelRule) portText(pick func(...string) string) string {
	var list []string
	for _, p := range r.ports {
		s := fmt.Sprintf("%d-%d", p[0], p[1])
		switch {
		case p[0] == p[1]:
			s = pick(s, fmt.Sprint(p[0]))
		case p[1] == 65535 && p[0] > 0:
			s = pick(s, fmt.Sprintf(">%d", p[0]-1))
		case p[0] == 0 && p[1] < 65535:
			s = pick(s, fmt.Sprintf("<%d", p[1]+1))
		}
		list = append(list, s)
	}
	return strings.Join(list, ",")
}
