package netdev

import (
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip"
	gchecksum "gvisor.dev/gvisor/pkg/tcpip/checksum"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
)

// The packets here are made by gVisor's encoders, not by those of this package.

func address(a netip.Addr) tcpip.Address { return tcpip.AddrFromSlice(a.AsSlice()) }

// ip returns an IP packet with a payload.
func ip(src, dst netip.Addr, proto tcpip.TransportProtocolNumber, hops byte, payload []byte) []byte {
	if src.Is4() {
		p := make([]byte, gheader.IPv4MinimumSize, gheader.IPv4MinimumSize+len(payload))
		gheader.IPv4(p).Encode(&gheader.IPv4Fields{
			TotalLength: uint16(cap(p)), TTL: hops, Protocol: uint8(proto), SrcAddr: address(src),
			DstAddr: address(dst),
		})
		gheader.IPv4(p).SetChecksum(^gheader.IPv4(p).CalculateChecksum())
		return append(p, payload...)
	}
	p := make([]byte, gheader.IPv6MinimumSize, gheader.IPv6MinimumSize+len(payload))
	gheader.IPv6(p).Encode(&gheader.IPv6Fields{
		PayloadLength: uint16(len(payload)), TransportProtocol: proto, HopLimit: hops,
		SrcAddr: address(src), DstAddr: address(dst),
	})
	return append(p, payload...)
}

// syn returns the first packet of a TCP connection.
func syn(src netip.Addr, dst netip.AddrPort, hops byte) []byte {
	t := make([]byte, gheader.TCPMinimumSize)
	gheader.TCP(t).Encode(&gheader.TCPFields{
		SrcPort: 1024, DstPort: dst.Port(), SeqNum: 7, DataOffset: gheader.TCPMinimumSize, Flags: gheader.TCPFlagSyn,
		WindowSize: 1000,
	})
	sum := gheader.PseudoHeaderChecksum(gheader.TCPProtocolNumber, address(src), address(dst.Addr()), uint16(len(t)))
	gheader.TCP(t).SetChecksum(^gheader.TCP(t).CalculateChecksum(sum))
	return ip(src, dst.Addr(), gheader.TCPProtocolNumber, hops, t)
}

// ping returns an echo request.
func ping(src, dst netip.Addr, id, seq uint16, data []byte) []byte {
	if src.Is4() {
		m := append(make([]byte, gheader.ICMPv4MinimumSize), data...)
		h := gheader.ICMPv4(m)
		h.SetType(gheader.ICMPv4Echo)
		h.SetIdent(id)
		h.SetSequence(seq)
		h.SetChecksum(^gchecksum.Checksum(m, 0))
		return ip(src, dst, gheader.ICMPv4ProtocolNumber, 64, m)
	}
	m := append(make([]byte, gheader.ICMPv6EchoMinimumSize), data...)
	h := gheader.ICMPv6(m)
	h.SetType(gheader.ICMPv6EchoRequest)
	h.SetIdent(id)
	h.SetSequence(seq)
	h.SetChecksum(gheader.ICMPv6Checksum(gheader.ICMPv6ChecksumParams{Header: h, Src: address(src), Dst: address(dst)}))
	return ip(src, dst, gheader.ICMPv6ProtocolNumber, 64, m)
}
