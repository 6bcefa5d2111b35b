package filter

import "encoding/binary"

// IP protocol numbers.
const (
	hopByHop    = 0
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	routing     = 43
	fragment    = 44
	protoICMPv6 = 58
	destOptions = 60
)

// maxExtensions is the number of IPv6 extension headers that are skipped. RFC 8200 §4.1 lists seven.
const maxExtensions = 8

// Least sizes of the headers whose fields rules look at.
const (
	ipv4Header = 20
	ipv6Header = 40
	tcpHeader  = 20
	udpHeader  = 8
)

// The first bits of IPv6 addresses.
const (
	linkLocalMulticast = 0xff02      // 16 bits: ff02::/16
	linkLocal          = 0xfe80 >> 6 // 10 bits: fe80::/10
)

// address is an IP address as a number; IPv4 has its address in lo.
type address struct{ hi, lo uint64 }

// packet is what rules look at.
type packet struct {
	version          uint8 // 4 or 6
	protocol         uint8
	later            bool  // a fragment without the header of the protocol; what follows is then unset
	established      bool  // TCP: ACK or RST
	discovery        uint8 // the ICMPv6 type of Neighbor Discovery on the link; 0: something else
	src, dst         address
	srcPort, dstPort uint16
}

// read fills p from an IP packet. It returns false if the packet is invalid: see the package documentation.
func (p *packet) read(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	switch p.version = b[0] >> 4; p.version {
	case 4:
		return p.readIPv4(b)
	case 6:
		return p.readIPv6(b)
	}
	return false
}

// readIPv4 reads a header of RFC 791 §3.1.
func (p *packet) readIPv4(b []byte) bool {
	if len(b) < ipv4Header {
		return false
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if header < ipv4Header || total < header || len(b) < total {
		return false
	}
	if !validOptions(b[ipv4Header:header]) {
		return false
	}
	p.src.lo = uint64(binary.BigEndian.Uint32(b[12:]))
	p.dst.lo = uint64(binary.BigEndian.Uint32(b[16:]))
	offset := binary.BigEndian.Uint16(b[6:]) & 0x1fff
	return p.readTransport(b[9], b[header:total], offset)
}

// validOptions says whether the options of an IPv4 header parse and none of them is a source route (RFC 791 §3.1).
func validOptions(o []byte) bool {
	const end, noOperation, looseRoute, strictRoute = 0, 1, 131, 137
	for len(o) > 0 {
		switch o[0] {
		case end:
			return true
		case noOperation:
			o = o[1:]
			continue
		case looseRoute, strictRoute:
			return false
		}
		if len(o) < 2 || o[1] < 2 || int(o[1]) > len(o) {
			return false
		}
		o = o[o[1]:]
	}
	return true
}

// readIPv6 reads a header of RFC 8200 §3 and its extension headers.
func (p *packet) readIPv6(b []byte) bool {
	if len(b) < ipv6Header {
		return false
	}
	payload := int(binary.BigEndian.Uint16(b[4:]))
	if len(b)-ipv6Header < payload {
		return false
	}
	p.src = address{binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])}
	p.dst = address{binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])}
	next, rest := b[6], b[ipv6Header:ipv6Header+payload]
	for n := 0; isExtension(next); n++ {
		if n == maxExtensions || len(rest) < 8 {
			return false
		}
		if next == fragment {
			offset := binary.BigEndian.Uint16(rest[2:]) >> 3
			// The protocol of a later fragment is not proven, so offset 8 is rejected for all.
			return !isExtension(rest[0]) && offset != 1 && p.readTransport(rest[0], rest[8:], offset)
		}
		segmentsLeft := rest[3]
		if next == routing && segmentsLeft > 0 {
			return false
		}
		size := (int(rest[1]) + 1) * 8
		if len(rest) < size {
			return false
		}
		next, rest = rest[0], rest[size:]
	}
	p.discovery = discovery(next, rest, b[7], p.dst)
	return p.readTransport(next, rest, 0)
}

// Types of ICMPv6 (RFC 4861 §4.1–4.4).
const (
	routerSolicitation    = 133
	routerAdvertisement   = 134
	neighborSolicitation  = 135
	neighborAdvertisement = 136
)

// discovery returns the type of a message of Neighbor Discovery that stays on the link. RFC 4861 §6.1 and §7.1
// require a hop limit of 255; the destination, link-local or link-local multicast, keeps it from being forwarded.
func discovery(protocol uint8, b []byte, hopLimit uint8, dst address) uint8 {
	onLink := dst.hi>>48 == linkLocalMulticast || dst.hi>>54 == linkLocal
	if protocol != protoICMPv6 || len(b) < 8 || hopLimit != 255 || !onLink {
		return 0
	}
	if t := b[0]; t >= routerSolicitation && t <= neighborAdvertisement {
		return t
	}
	return 0
}

// isDiscovery says whether p is a message of Neighbor Discovery that belongs to the session itself.
func (p *packet) isDiscovery(d Direction) bool {
	switch p.discovery {
	case routerSolicitation:
		return d == FromCaller
	case routerAdvertisement:
		return d == ToCaller
	}
	return p.discovery != 0
}

// isExtension says whether an IPv6 next header is an extension header, which rules skip.
func isExtension(next uint8) bool {
	return next == hopByHop || next == routing || next == fragment || next == destOptions
}

// readTransport reads the header of TCP or UDP; offset is the place of b in its datagram, in units of 8 octets.
func (p *packet) readTransport(protocol uint8, b []byte, offset uint16) bool {
	p.protocol, p.later = protocol, offset > 0
	if p.later {
		return protocol != protoTCP || offset > 1
	}
	switch protocol {
	case protoTCP:
		if len(b) < tcpHeader {
			return false
		}
		const rst, ack = 0x04, 0x10
		p.established = b[13]&(rst|ack) != 0
	case protoUDP:
		if len(b) < udpHeader {
			return false
		}
	default:
		return true
	}
	p.srcPort, p.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	return true
}
