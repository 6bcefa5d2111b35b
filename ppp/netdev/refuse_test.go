package netdev

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
)

// openRaw opens a session whose packets arrive in a channel.
func openRaw(t *testing.T, network Network, s Session) (Device, chan []byte) {
	t.Helper()
	packets := make(chan []byte, 100)
	s.Name, s.MTU = "ppp1", 1500
	s.Deliver = func(p []byte) bool {
		select {
		case packets <- bytes.Clone(p):
			return true
		default:
			return false
		}
	}
	d, err := network.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d, packets
}

// dualStack is a session with IPv4 and IPv6.
func dualStack() Session {
	s := session(1)
	s.IPv6 = IPv6{LocalID: [8]byte{7: 1}, PeerID: [8]byte{7: 2}, Prefix: netip.MustParsePrefix("2001:db8:8::/64")}
	return s
}

var callerIPv6 = netip.MustParseAddr("2001:db8:8::2")

// TestRefused sends packets that must not be forwarded and looks at what comes back.
func TestRefused(t *testing.T) {
	v4, v6 := callerIPv4(1), callerIPv6
	to := netip.MustParseAddrPort
	const (
		silence = iota
		prohibited4
		prohibited6
		expired4
		expired6
	)
	deny := Reach{Deny: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"),
		netip.MustParsePrefix("2001:db8:dead::/48")}}
	fragment := syn(v4, to("198.51.100.1:80"), 64)
	fragment[6], fragment[7] = 0, 100 // offset 800
	gheader.IPv4(fragment).SetChecksum(0)
	gheader.IPv4(fragment).SetChecksum(^gheader.IPv4(fragment).CalculateChecksum())
	damaged := syn(v4, to("127.0.0.1:80"), 64)
	damaged[19] ^= 1
	for _, c := range []struct {
		name   string
		packet []byte
		want   int
	}{
		{"loopback", syn(v4, to("127.0.0.1:80"), 64), prohibited4},
		{"loopback, UDP port", syn(v4, to("127.8.9.10:53"), 64), prohibited4},
		{"IPv6 loopback", syn(v6, to("[::1]:80"), 64), prohibited6},
		{"this host", syn(v4, to("0.0.0.0:80"), 64), prohibited4},
		{"unspecified", syn(v6, to("[::]:80"), 64), prohibited6},
		{"IPv4-compatible", syn(v6, to("[::127.0.0.1]:80"), 64), prohibited6},
		{"IPv4-mapped", ip(v6, netip.MustParseAddr("::ffff:127.0.0.1"), 6, 64, make([]byte, 20)), prohibited6},
		{"link-local", syn(v4, to("169.254.169.254:80"), 64), prohibited4},
		{"IPv6 link-local", syn(v6, to("[fe80::9]:80"), 64), prohibited6},
		{"broadcast", syn(v4, to("255.255.255.255:80"), 64), prohibited4},
		{"reserved", syn(v4, to("240.0.0.1:80"), 64), prohibited4},
		{"multicast", syn(v4, to("224.0.0.251:80"), 64), silence},
		{"IPv6 multicast", syn(v6, to("[ff02::fb]:80"), 64), silence},
		{"denied", syn(v4, to("192.0.2.1:80"), 64), prohibited4},
		{"denied IPv6", syn(v6, to("[2001:db8:dead::1]:80"), 64), prohibited6},
		{"denied ping", ping(v4, netip.MustParseAddr("192.0.2.1"), 1, 1, nil), prohibited4},
		{"loopback ping", ping(v4, netip.MustParseAddr("127.0.0.1"), 1, 1, nil), prohibited4},
		{"IPv6 loopback ping", ping(v6, netip.MustParseAddr("::1"), 1, 1, nil), prohibited6},
		{"foreign source", syn(netip.MustParseAddr("10.8.0.99"), to("192.0.2.1:80"), 64), silence},
		{"our address as the source", syn(ourIPv4, to("192.0.2.1:80"), 64), silence},
		{"foreign IPv6 source", syn(netip.MustParseAddr("2001:db8:9::1"), to("[::1]:80"), 64), silence},
		{"link-local source", syn(netip.MustParseAddr("fe80::2"), to("[2001:db8:1::1]:80"), 64), silence},
		{"TTL 1", syn(v4, to("198.51.100.1:80"), 1), expired4},
		{"hop limit 1", syn(v6, to("[2001:db8:1::1]:80"), 1), expired6},
		{"protocol 47", ip(v4, netip.MustParseAddr("198.51.100.1"), 47, 64, make([]byte, 20)), prohibited4},
		{"ICMP redirect", ip(v4, netip.MustParseAddr("198.51.100.1"), 1, 64, []byte{5, 0, 0xfa, 0xff, 0, 0, 0, 0}),
			silence},
		{"later fragment, TTL 1", append(bytes.Clone(fragment[:8]), fragment[8:]...), silence},
		{"damaged header", damaged, silence},
		{"short", damaged[:19], silence},
		{"empty", nil, silence},
		{"not IP", []byte(strings.Repeat("x", 60)), silence},
	} {
		d, packets := openRaw(t, newUserspace(t, Options{Reach: deny}), dualStack())
		<-packets // the first router advertisement
		if err := d.Write(c.packet); err != nil {
			t.Fatal(err)
		}
		got := silence
		if len(packets) > 0 {
			p := <-packets
			got = classify(t, p)
		}
		if got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
		if n := d.Stats(); c.name != "later fragment, TTL 1" && n.Refused != 1 || n.FromCaller.Packets != 1 {
			t.Errorf("%s: counters %+v, want one refused packet", c.name, n)
		}
		_ = d.Close()
	}
}

// classify reads an ICMP error with gVisor's decoders: 1 and 2 prohibited, 3 and 4 time exceeded, for IPv4 and IPv6.
func classify(t *testing.T, p []byte) int {
	t.Helper()
	if p[0]>>4 == 4 {
		h := gheader.IPv4(p)
		m := gheader.ICMPv4(h.Payload())
		if !h.IsChecksumValid() || h.SourceAddress() != address(ourIPv4) ||
			h.DestinationAddress() != address(callerIPv4(1)) {
			t.Errorf("bad header of the error: %x", p)
		}
		switch {
		case m.Type() == gheader.ICMPv4DstUnreachable && m.Code() == gheader.ICMPv4AdminProhibited:
			return 1
		case m.Type() == gheader.ICMPv4TimeExceeded:
			return 3
		}
		return -1
	}
	h := gheader.IPv6(p)
	m := gheader.ICMPv6(h.Payload())
	sum := m.Checksum()
	want := gheader.ICMPv6Checksum(gheader.ICMPv6ChecksumParams{
		Header: m, Src: h.SourceAddress(), Dst: h.DestinationAddress(),
	})
	if sum != want || h.SourceAddress() != address(netip.MustParseAddr("fe80::1")) {
		t.Errorf("bad header of the error: %x", p)
	}
	switch {
	case m.Type() == gheader.ICMPv6DstUnreachable && m.Code() == gheader.ICMPv6Prohibited:
		return 2
	case m.Type() == gheader.ICMPv6TimeExceeded:
		return 4
	}
	return -1
}

// TestErrorsAreLimited floods a closed destination: only some of the packets are answered.
func TestErrorsAreLimited(t *testing.T) {
	d, packets := openRaw(t, newUserspace(t, Options{}), session(1))
	p := syn(callerIPv4(1), netip.MustParseAddrPort("127.0.0.1:80"), 64)
	for range 1000 {
		_ = d.Write(p)
	}
	if n := len(packets); n < 10 || n > 20 {
		t.Errorf("%d answers to 1000 packets, want about 10", n)
	}
}

// TestOwnAddress dials an address of this machine that is not loopback, and addresses of sessions.
func TestOwnAddress(t *testing.T) {
	targets := []netip.AddrPort{netip.MustParseAddrPort("10.8.0.1:80"), netip.MustParseAddrPort("10.8.0.12:80")}
	if own, ok := ownAddress(); ok {
		l, err := net.Listen("tcp", netip.AddrPortFrom(own, 0).String())
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		targets = append(targets, netip.MustParseAddrPort(l.Addr().String()))
	} else {
		t.Log("this machine has no address besides loopback: TestNamespace covers it")
	}
	refused := make(chan string, 10)
	u := newUserspace(t, Options{Debug: func(_, text string) { refused <- text }})
	d, packets := openRaw(t, u, session(1))
	newCaller(t, u, session(2))
	for _, to := range targets {
		_ = d.Write(syn(callerIPv4(1), to, 64))
		if text := <-refused; !strings.Contains(text, "refused: this is an address of") {
			t.Errorf("%v: %s", to, text)
		}
		if h := gheader.TCP(gheader.IPv4(<-packets).Payload()); !h.Flags().Contains(gheader.TCPFlagRst) {
			t.Errorf("%v: flags %v, want a reset", to, h.Flags())
		}
	}
}

// ownAddress returns an IPv4 address of this machine that is not loopback.
func ownAddress() (netip.Addr, bool) {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && p.Addr().Is4() && !p.Addr().IsLoopback() && !p.Addr().IsLinkLocalUnicast() {
			return p.Addr(), true
		}
	}
	return netip.Addr{}, false
}

// TestPingOurs pings our ends of the link, which answer with the caller's data.
func TestPingOurs(t *testing.T) {
	d, packets := openRaw(t, newUserspace(t, Options{}), dualStack())
	<-packets // the first router advertisement
	_ = d.Write(ping(callerIPv4(1), ourIPv4, 5, 6, []byte("data")))
	h := gheader.ICMPv4(gheader.IPv4(<-packets).Payload())
	if h.Type() != gheader.ICMPv4EchoReply || h.Ident() != 5 || h.Sequence() != 6 || string(h.Payload()) != "data" {
		t.Errorf("answer %x", []byte(h))
	}
	_ = d.Write(ping(netip.MustParseAddr("fe80::2"), netip.MustParseAddr("fe80::1"), 5, 6, []byte("data")))
	p := gheader.IPv6(<-packets)
	h6 := gheader.ICMPv6(p.Payload())
	want := gheader.ICMPv6Checksum(gheader.ICMPv6ChecksumParams{Header: h6, Src: p.SourceAddress(),
		Dst: p.DestinationAddress()})
	if h6.Type() != gheader.ICMPv6EchoReply || h6.Ident() != 5 || h6.Sequence() != 6 || h6.Checksum() != want {
		t.Errorf("answer %x", []byte(h6))
	}
}

// TestPing pings a host where the kernel permits it; elsewhere it is refused, and never answered by us.
func TestPing(t *testing.T) {
	d, packets := openRaw(t, newUserspace(t, Options{Reach: loopback}), session(1))
	_ = d.Write(ping(callerIPv4(1), netip.MustParseAddr("127.0.0.1"), 0x1234, 6, []byte("data")))
	p := <-packets
	h := gheader.ICMPv4(gheader.IPv4(p).Payload())
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP)
	if err != nil {
		if os.Getenv("RINGBACK_PING") == "1" {
			t.Fatal(err)
		}
		if classify(t, p) != 1 {
			t.Errorf("answer %x without ICMP sockets, want prohibited", p)
		}
		return
	}
	_ = unix.Close(fd)
	if h.Type() != gheader.ICMPv4EchoReply || h.Ident() != 0x1234 || h.Sequence() != 6 ||
		string(h.Payload()) != "data" ||
		gheader.IPv4(p).SourceAddress() != address(netip.MustParseAddr("127.0.0.1")) {
		t.Errorf("answer %x", p)
	}
}

// TestBadSessions refuses sessions that cannot work, each with its reason.
func TestBadSessions(t *testing.T) {
	u := newUserspace(t, Options{})
	base := func(change func(*Session)) Session {
		s := dualStack()
		s.Name, s.MTU, s.Deliver = "ppp1", 1500, func([]byte) bool { return true }
		change(&s)
		return s
	}
	for _, c := range []struct {
		want string
		s    Session
	}{
		{`interface name ""`, base(func(s *Session) { s.Name = "" })},
		{`interface name "ppp%d"`, base(func(s *Session) { s.Name = "ppp%d" })},
		{`interface name "sixteen-octets-x"`, base(func(s *Session) { s.Name = "sixteen-octets-x" })},
		{"MTU 67", base(func(s *Session) { s.MTU = 67 })},
		{"Deliver", base(func(s *Session) { s.Deliver = nil })},
		{"IPv6 needs an MTU of 1280", base(func(s *Session) { s.MTU = 576 })},
		{"0.0.0.0 is not an IPv4 host address", base(func(s *Session) { s.IPv4.Peer = netip.IPv4Unspecified() })},
		{"255.255.255.254 is not", base(func(s *Session) { s.IPv4.Peer = netip.MustParseAddr("255.255.255.254") })},
		{"invalid IP is not", base(func(s *Session) { s.IPv4.Local = netip.Addr{} })},
		{"at both ends", base(func(s *Session) { s.IPv4.Peer = s.IPv4.Local })},
		{"route 192.0.2.1/24",
			base(func(s *Session) { s.IPv4.Routes = []netip.Prefix{netip.MustParsePrefix("192.0.2.1/24")} })},
		{"a global /64", base(func(s *Session) { s.IPv6.Prefix = netip.MustParsePrefix("2001:db8::/56") })},
		{"a global /64", base(func(s *Session) { s.IPv6.Prefix = netip.MustParsePrefix("fe80::/64") })},
		{"identifier is zero or the caller's", base(func(s *Session) { s.IPv6.LocalID = s.IPv6.PeerID })},
		{"without the caller's interface identifier", base(func(s *Session) { s.IPv6.PeerID = [8]byte{} })},
		{"route ff00::/8",
			base(func(s *Session) { s.IPv6.Routes = []netip.Prefix{netip.MustParsePrefix("ff00::/8")} })},
	} {
		if d, err := u.Open(c.s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
			if err == nil {
				_ = d.Close()
			}
		}
	}
	if n := len(u.stack.NICInfo()); n != 0 {
		t.Errorf("%d interfaces are left of sessions that did not open", n)
	}
	d, err := u.Open(base(func(*Session) {}))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Error(err)
	}
}
