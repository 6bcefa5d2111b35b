package netdev

import (
	"encoding/binary"
	"net/netip"
)

// Types and codes of ICMP (RFC 792, RFC 1812 §5.2.7) and ICMPv6 (RFC 4443).
const (
	echoReply4, echoRequest4 = 0, 8
	unreachable4             = 3
	prohibited4              = 13 // code of unreachable4
	timeExceeded4            = 11

	unreachable6             = 1
	prohibited6              = 1 // code of unreachable6
	timeExceeded6            = 3
	echoRequest6, echoReply6 = 128, 129
)

// problem is why a packet is returned to its sender.
type problem int

const (
	prohibited problem = iota
	expired
)

// icmpError returns the ICMP error for a packet that is not forwarded, sent from our address, or nil if the packet
// must not be answered: fragments other than the first, ICMP other than echo requests, multicast (RFC 1122 §3.2.2,
// RFC 4443 §2.4).
func icmpError(from netip.Addr, p []byte, h header, why problem) []byte {
	if !h.first || h.dst.IsMulticast() || h.src.IsMulticast() || h.src.IsUnspecified() {
		return nil
	}
	if (h.proto == protoICMP || h.proto == protoICMPv6) && !isEcho(p, h) {
		return nil
	}
	types, quoted := [2]byte{unreachable4, prohibited4}, min(h.total, h.length+8)
	switch {
	case from.Is4() && why == expired:
		types = [2]byte{timeExceeded4, 0}
	case from.Is6() && why == prohibited:
		types = [2]byte{unreachable6, prohibited6}
	case from.Is6():
		types = [2]byte{timeExceeded6, 0}
	}
	if from.Is6() {
		quoted = min(h.total, 1280-48) // as much as fits the least MTU
	}
	message := append([]byte{types[0], types[1], 7: 0}, p[:quoted]...)
	return packICMP(from, h.src, 64, message)
}

// isEcho reports whether p is a whole echo request with a right checksum.
func isEcho(p []byte, h header) bool {
	if h.fragment || h.total < h.length+8 {
		return false
	}
	m := p[h.length:h.total]
	if h.src.Is4() {
		return h.proto == protoICMP && m[0] == echoRequest4 && m[1] == 0 && checksum(0, m) == 0
	}
	return h.proto == protoICMPv6 && m[0] == echoRequest6 && m[1] == 0 &&
		checksum(pseudo(h.src, h.dst, protoICMPv6, len(m)), m) == 0
}

// echoReply returns the reply to the echo request p, whose destination is an address of ours.
func echoReply(p []byte, h header) []byte {
	m := append([]byte(nil), p[h.length:h.total]...)
	m[0], m[2], m[3] = echoReply4, 0, 0
	if h.src.Is6() {
		m[0] = echoReply6
	}
	return packICMP(h.dst, h.src, 64, m)
}

// echoID returns the identifier of an echo request or reply.
func echoID(message []byte) uint16 { return binary.BigEndian.Uint16(message[4:]) }
