package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
)

// spec describes a packet to build.
type spec struct {
	src, dst     string
	protocol     byte
	sport, dport uint16
	flags        byte   // TCP
	offset       uint16 // of a fragment, in units of 8 octets
	more         bool   // more fragments follow
	options      []byte // IPv4, a multiple of 4 octets
	extTypes     []byte // IPv6: the types of extension headers
	ext          []byte // IPv6: the octets of these headers, 8 of each; build sets the first one
	fragment     bool   // IPv6: with a fragment header even if it is not a fragment
	hop          byte   // 0: 64
	payload      []byte // of other protocols
	cut          int    // octets removed from the end, with the length field unchanged
}

// build returns the octets of s.
func (s spec) build() []byte {
	body := s.payload
	if s.offset == 0 && body == nil {
		switch s.protocol {
		case 6:
			body = make([]byte, 20)
			body[12], body[13] = 0x50, s.flags
		default:
			body = make([]byte, 8)
		}
		if s.protocol == 6 || s.protocol == 17 {
			binary.BigEndian.PutUint16(body, s.sport)
			binary.BigEndian.PutUint16(body[2:], s.dport)
		}
	}
	if body == nil {
		body = make([]byte, 16)
	}
	if s.hop == 0 {
		s.hop = 64
	}
	src, dst := netip.MustParseAddr(s.src), netip.MustParseAddr(s.dst)
	b := s.build6(src, dst, body)
	if src.Is4() {
		b = s.build4(src, dst, body)
	}
	return b[:len(b)-s.cut]
}

func (s spec) build4(src, dst netip.Addr, body []byte) []byte {
	header := 20 + len(s.options)
	b := make([]byte, 20, header+len(body))
	b[0] = 0x40 | byte(header/4)
	binary.BigEndian.PutUint16(b[2:], uint16(header+len(body)))
	f := s.offset
	if s.more {
		f |= 0x2000
	}
	binary.BigEndian.PutUint16(b[6:], f)
	b[8], b[9] = s.hop, s.protocol
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	return append(append(b, s.options...), body...)
}

func (s spec) build6(src, dst netip.Addr, body []byte) []byte {
	types, ext := slices.Clone(s.extTypes), slices.Clone(s.ext)
	if s.fragment || s.offset > 0 || s.more {
		f := make([]byte, 8)
		binary.BigEndian.PutUint16(f[2:], s.offset<<3)
		if s.more {
			f[3] |= 1
		}
		types, ext = append(types, 44), append(ext, f...)
	}
	b := make([]byte, 40)
	b[0], b[6], b[7] = 0x60, s.protocol, s.hop
	if len(types) > 0 {
		b[6] = types[0]
	}
	for i := range types {
		ext[i*8] = s.protocol
		if i+1 < len(types) {
			ext[i*8] = types[i+1]
		}
	}
	binary.BigEndian.PutUint16(b[4:], uint16(len(ext)+len(body)))
	copy(b[8:], src.AsSlice())
	copy(b[24:], dst.AsSlice())
	return append(append(b, ext...), body...)
}

var (
	hosts4 = []string{"10.8.0.10", "192.0.2.25", "192.0.2.26", "198.51.100.1", "0.0.0.0", "127.0.0.1", "224.0.0.1"}
	hosts6 = []string{"2001:db8:8::1", "2001:db8::25", "2001:db8:1::25", "fe80::1", "ff02::1", "::", "::1"}
	nets   = []string{"10.8.0.0/16", "192.0.2.25/32", "192.0.2.24/31", "0.0.0.0/0", "128.0.0.0/1", "::/0",
		"2001:db8::/32", "2001:db8::/63", "2001:db8::/64", "2001:db8::/65", "2001:db8::25/128", "fe80::/10",
		"2001:db8:1::24/127"}
	somePorts = []int{0, 22, 25, 53, 123, 1023, 1024, 65535}
)

func one[T any](r *rand.Rand, s []T) T { return s[r.IntN(len(s))] }

// randomRules returns 1 to 8 rules that Parse accepts as a list.
func randomRules(r *rand.Rand, idle bool) []modelRule {
	yes, no := "allow", "deny"
	if idle {
		yes, no = "count", "ignore"
	}
	var rules []modelRule
	for range r.IntN(7) {
		rules = append(rules, randomRule(r, one(r, []string{yes, no})))
	}
	needed := yes
	if idle {
		needed = no
	}
	return append(rules, randomRule(r, needed))
}

func randomRule(r *rand.Rand, action string) modelRule {
	m := modelRule{action: action, protocol: one(r, []int{-1, 1, 6, 6, 6, 17, 17, 58, 89})}
	for r.IntN(3) > 0 {
		m.host = netip.MustParsePrefix(one(r, nets))
		if v4 := m.host.Addr().Is4(); (m.protocol != 1 || v4) && (m.protocol != 58 || !v4) {
			break
		}
		m.host = netip.Prefix{}
	}
	if (m.protocol == 6 || m.protocol == 17) && r.IntN(2) == 0 {
		for range 1 + r.IntN(3) {
			a, b := one(r, somePorts), one(r, somePorts)
			m.ports = append(m.ports, [2]int{min(a, b), max(a, b)})
		}
	}
	m.established = m.protocol == 6 && r.IntN(3) == 0
	return m
}

// randomPacket returns a packet that is often valid.
func randomPacket(r *rand.Rand) []byte {
	hosts := one(r, [][]string{hosts4, hosts6})
	s := spec{src: one(r, hosts), dst: one(r, hosts), protocol: one(r, []byte{1, 6, 6, 17, 17, 58, 58, 89}),
		sport: uint16(one(r, somePorts)), dport: uint16(one(r, somePorts)), flags: one(r, []byte{0, 2, 4, 16, 18}),
		hop: one(r, []byte{64, 255})}
	if r.IntN(4) == 0 {
		s.offset, s.more = one(r, []uint16{0, 1, 2, 100}), r.IntN(2) == 0
	}
	if r.IntN(4) == 0 {
		s.options = one(r, [][]byte{{1, 1, 1, 0}, {131, 4, 4, 0}, {7, 4, 4, 0}, {137, 3, 4, 0}, {7, 5, 0, 0},
			{7, 1, 0, 0}})
	}
	for range r.IntN(3) {
		h := make([]byte, 8)
		h[3] = byte(r.IntN(8) / 7)
		s.ext, s.extTypes = append(s.ext, h...), append(s.extTypes, one(r, []byte{0, 43, 60, 60, 44}))
	}
	b := s.build()
	if s.protocol == 58 && len(b) >= 8 {
		b[len(b)-8] = byte(132 + r.IntN(6))
	}
	switch r.IntN(8) {
	case 0:
		b = b[:r.IntN(len(b)+1)]
	case 1:
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	case 2:
		b = append(b, 0, 0, 0)
	}
	return b
}
