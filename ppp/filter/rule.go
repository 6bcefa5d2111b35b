package filter

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// anyProtocol is the protocol "ip".
const anyProtocol = -1

// A rule is one rule of a list, ready to compare.
type rule struct {
	net         network
	protocol    int16 // anyProtocol, or a number
	pass        bool  // allow, count
	established bool
	later       bool    // it may match later fragments
	ports       []ports // nil: no condition
}

// network is the hosts of a rule. The zero value contains every address.
type network struct {
	first, mask address
	version     uint8 // 0: any
	bits        uint8 // the length of the prefix
}

// ports is a range of ports, both ends included.
type ports struct{ low, high uint16 }

// newNetwork returns the hosts of p, which is masked and valid.
func newNetwork(p netip.Prefix) network {
	n := network{version: 6, bits: uint8(p.Bits())}
	hi, lo := ^uint64(0), ^uint64(0)
	if p.Addr().Is4() {
		b := p.Addr().As4()
		n.version = 4
		n.first.lo = uint64(binary.BigEndian.Uint32(b[:]))
		n.mask.lo = uint64(uint32(lo << (32 - p.Bits())))
		return n
	}
	b := p.Addr().As16()
	n.first = address{binary.BigEndian.Uint64(b[:]), binary.BigEndian.Uint64(b[8:])}
	n.mask.hi = hi << max(0, 64-p.Bits()) // a shift by 64 gives 0
	n.mask.lo = lo << min(64, 128-p.Bits())
	return n
}

// prefix is what newNetwork was called with.
func (n *network) prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], n.first.hi)
	binary.BigEndian.PutUint64(b[8:], n.first.lo)
	if n.version == 4 {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte(b[12:])), int(n.bits))
	}
	return netip.PrefixFrom(netip.AddrFrom16(b), int(n.bits))
}

// contains says whether the address a of an IP version is in n.
func (n *network) contains(version uint8, a address) bool {
	return (n.version == 0 || n.version == version) && (a.hi^n.first.hi)&n.mask.hi|(a.lo^n.first.lo)&n.mask.lo == 0
}

// transport says whether r has a condition that needs the header of TCP or UDP.
func (r *rule) transport() bool { return r.ports != nil || r.established }

// matches says whether r matches p, whose remote host and port are given.
func (r *rule) matches(p *packet, remote address, port uint16) bool {
	if r.protocol != anyProtocol && r.protocol != int16(p.protocol) || !r.net.contains(p.version, remote) {
		return false
	}
	if p.later {
		return r.later
	}
	return (!r.established || p.established) && (r.ports == nil || r.hasPort(port))
}

func (r *rule) hasPort(port uint16) bool {
	for _, s := range r.ports {
		if s.low <= port && port <= s.high {
			return true
		}
	}
	return false
}

// matchesAll says whether r matches every packet.
func (r *rule) matchesAll() bool {
	return r.protocol == anyProtocol && r.net.version == 0
}

// covers says whether r certainly matches every packet that s matches. It compares each range of ports of s with
// single ranges of r.
func (r *rule) covers(s *rule) bool {
	if r.protocol != anyProtocol && r.protocol != s.protocol {
		return false
	}
	if n, m := &r.net, &s.net; n.version != 0 &&
		(m.bits < n.bits || !n.contains(m.version, m.first)) {
		return false
	}
	if r.established && !s.established || s.later && !r.later {
		return false
	}
	if r.ports == nil {
		return true
	}
	for _, b := range s.ports {
		if !r.hasRange(b) {
			return false
		}
	}
	return s.ports != nil
}

func (r *rule) hasRange(b ports) bool {
	for _, a := range r.ports {
		if a.low <= b.low && b.high <= a.high {
			return true
		}
	}
	return false
}

// text returns r as a rule of a list of kind k.
func (r *rule) text(k kind) string {
	var b strings.Builder
	b.WriteString(k.action(r.pass) + " " + protocolText(r.protocol) + " ")
	switch {
	case r.net.version == 0 && r.ports == nil:
		b.WriteString("any")
	case r.net.version == 0: // ":25" stands for any:25
	case r.net.version == 4:
		b.WriteString(r.net.text())
	default:
		b.WriteString("[" + r.net.text() + "]")
	}
	for i, s := range r.ports {
		b.WriteByte(":,"[min(i, 1)])
		b.WriteString(strconv.Itoa(int(s.low)))
		if s.high != s.low {
			b.WriteString("-" + strconv.Itoa(int(s.high)))
		}
	}
	if r.established {
		b.WriteString(" established")
	}
	return b.String()
}

func (n *network) text() string {
	p := n.prefix()
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

var protocolNames = []struct {
	name   string
	number int16
}{
	{"ip", anyProtocol},
	{"icmp", protoICMP},
	{"icmpv6", protoICMPv6},
	{"tcp", protoTCP},
	{"udp", protoUDP},
}

func protocolText(n int16) string {
	for _, p := range protocolNames {
		if p.number == n {
			return p.name
		}
	}
	return strconv.Itoa(int(n))
}
