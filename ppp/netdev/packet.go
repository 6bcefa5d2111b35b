package netdev

import (
	"encoding/binary"
	"net/netip"
)

// Protocol numbers (IANA).
const (
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoFragment = 44
	protoICMPv6   = 58
)

// header is what is read of the IP header of a packet.
type header struct {
	src, dst netip.Addr
	proto    byte // of an IPv6 fragment: the protocol that the fragment header names
	hops     byte // TTL or hop limit
	length   int  // octets before the payload
	total    int  // octets of the packet; what follows is padding
	fragment bool // not a whole packet
	first    bool // begins with the transport header
	options  bool // IPv4 options
}

// parse reads an IP header. It returns false for a packet that is shorter than its header says, or that has a wrong
// IPv4 header checksum.
func parse(p []byte) (header, bool) {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		return parse4(p)
	case len(p) >= 40 && p[0]>>4 == 6:
		return parse6(p)
	}
	return header{}, false
}

func parse4(p []byte) (header, bool) {
	h := header{length: int(p[0]&15) * 4, total: int(binary.BigEndian.Uint16(p[2:])), hops: p[8], proto: p[9]}
	if h.length < 20 || h.total < h.length || h.total > len(p) || checksum(0, p[:h.length]) != 0 {
		return header{}, false
	}
	h.src, h.dst = netip.AddrFrom4([4]byte(p[12:])), netip.AddrFrom4([4]byte(p[16:]))
	offset := binary.BigEndian.Uint16(p[6:])
	h.fragment, h.first = offset&0x3fff != 0, offset&0x1fff == 0
	h.options = h.length > 20
	return h, true
}

func parse6(p []byte) (header, bool) {
	h := header{length: 40, total: 40 + int(binary.BigEndian.Uint16(p[4:])), proto: p[6], hops: p[7], first: true}
	if h.total > len(p) {
		return header{}, false
	}
	h.src, h.dst = netip.AddrFrom16([16]byte(p[8:])), netip.AddrFrom16([16]byte(p[24:]))
	if h.proto == protoFragment {
		if h.total < 48 {
			return header{}, false
		}
		h.proto, h.length, h.fragment = p[40], 48, true
		h.first = binary.BigEndian.Uint16(p[42:])&^7 == 0
	}
	return h, true
}

// dstPort returns the destination port of a whole TCP or UDP packet, 0 if it has none.
func (h header) dstPort(p []byte) uint16 {
	if h.fragment || (h.proto != protoTCP && h.proto != protoUDP) || h.total < h.length+4 {
		return 0
	}
	return binary.BigEndian.Uint16(p[h.length+2:])
}

// checksum returns the Internet checksum (RFC 1071) of p and of what sum already has.
func checksum(sum uint32, p []byte) uint16 {
	for ; len(p) >= 2; p = p[2:] {
		sum += uint32(p[0])<<8 | uint32(p[1])
	}
	if len(p) == 1 {
		sum += uint32(p[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// pseudo returns the sum of the IPv6 pseudo-header (RFC 8200 §8.1), to which checksum adds.
func pseudo(src, dst netip.Addr, proto byte, length int) uint32 {
	sum := uint32(length) + uint32(proto)
	s, d := src.As16(), dst.As16()
	for i := 0; i < 16; i += 2 {
		sum += uint32(s[i])<<8 | uint32(s[i+1])
		sum += uint32(d[i])<<8 | uint32(d[i+1])
	}
	return sum
}

// packICMP puts an ICMP message (ICMPv6 if the addresses are IPv6) into an IP packet and computes the checksums. The
// checksum field of the message must be zero.
func packICMP(src, dst netip.Addr, hops byte, message []byte) []byte {
	if src.Is4() {
		return pack4(src, dst, hops, message)
	}
	p := make([]byte, 40, 40+len(message))
	p[0], p[6], p[7] = 6<<4, protoICMPv6, hops
	binary.BigEndian.PutUint16(p[4:], uint16(len(message)))
	s, d := src.As16(), dst.As16()
	copy(p[8:], s[:])
	copy(p[24:], d[:])
	p = append(p, message...)
	binary.BigEndian.PutUint16(p[42:], checksum(pseudo(src, dst, protoICMPv6, len(message)), message))
	return p
}

func pack4(src, dst netip.Addr, hops byte, message []byte) []byte {
	p := make([]byte, 20, 20+len(message))
	p[0], p[8], p[9] = 4<<4|5, hops, protoICMP
	binary.BigEndian.PutUint16(p[2:], uint16(20+len(message)))
	s, d := src.As4(), dst.As4()
	copy(p[12:], s[:])
	copy(p[16:], d[:])
	binary.BigEndian.PutUint16(p[10:], checksum(0, p))
	p = append(p, message...)
	binary.BigEndian.PutUint16(p[22:], checksum(0, message))
	return p
}
