package netdev

import (
	"bytes"
	"encoding/hex"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// ndpEvents receives what a caller's stack learns from router advertisements.
type ndpEvents struct {
	address chan netip.Addr
	dns     chan []tcpip.Address
}

var _ ipv6.NDPDispatcher = (*ndpEvents)(nil)

func (e *ndpEvents) OnAutoGenAddress(_ tcpip.NICID, a tcpip.AddressWithPrefix) stack.AddressDispatcher {
	addr, _ := netip.AddrFromSlice(a.Address.AsSlice())
	e.address <- addr
	return nil
}

func (e *ndpEvents) OnRecursiveDNSServerOption(_ tcpip.NICID, servers []tcpip.Address, _ time.Duration) {
	e.dns <- servers
}

func (*ndpEvents) OnDuplicateAddressDetectionResult(tcpip.NICID, tcpip.Address, stack.DADResult) {}
func (*ndpEvents) OnOffLinkRouteUpdated(tcpip.NICID, tcpip.Subnet, tcpip.Address, gheader.NDPRoutePreference) {
}
func (*ndpEvents) OnOffLinkRouteInvalidated(tcpip.NICID, tcpip.Subnet, tcpip.Address)   {}
func (*ndpEvents) OnOnLinkPrefixDiscovered(tcpip.NICID, tcpip.Subnet)                   {}
func (*ndpEvents) OnOnLinkPrefixInvalidated(tcpip.NICID, tcpip.Subnet)                  {}
func (*ndpEvents) OnAutoGenAddressDeprecated(tcpip.NICID, tcpip.AddressWithPrefix)      {}
func (*ndpEvents) OnAutoGenAddressInvalidated(tcpip.NICID, tcpip.AddressWithPrefix)     {}
func (*ndpEvents) OnDNSSearchListOption(tcpip.NICID, []string, time.Duration)           {}
func (*ndpEvents) OnDHCPv6Configuration(tcpip.NICID, ipv6.DHCPv6ConfigurationFromNDPRA) {}

// TestAdvertisement compares an advertisement with the octets of RFC 4861 §4.2, §4.6 and RFC 8106 §5.1.
func TestAdvertisement(t *testing.T) {
	a := dualStack().IPv6
	a.DNS = []netip.Addr{
		netip.MustParseAddr("192.0.2.53"), // cannot be in this option
		netip.MustParseAddr("2001:db8::53"), netip.MustParseAddr("2001:db8::54"),
	}
	got := advertisement(a, 1500, netip.MustParseAddr("fe80::2"))
	want := unhex(t, `
		60000000 0060 3a ff                      IPv6, 96 octets, ICMPv6, hop limit 255
		fe800000000000000000000000000001         from
		fe800000000000000000000000000002         to
		86 00 c5fb 40 00 0708 00000000 00000000  advertisement: hop limit 64, lifetime 1800 s
		05 01 0000 000005dc                      MTU 1500
		03 04 40 c0 00278d00 00093a80 00000000   /64, on-link and autonomous, 30 days, 7 days
		20010db8000800000000000000000000
		19 05 0000 00000708                      RDNSS, 1800 s
		20010db8000000000000000000000053
		20010db8000000000000000000000054`)
	copy(want[42:44], got[42:44]) // the checksum, which the next check covers
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	m := gheader.ICMPv6(got[40:])
	sum := gheader.ICMPv6Checksum(gheader.ICMPv6ChecksumParams{
		Header: m, Src: gheader.IPv6(got).SourceAddress(), Dst: gheader.IPv6(got).DestinationAddress(),
	})
	if m.Checksum() != sum {
		t.Errorf("checksum %#x, want %#x", m.Checksum(), sum)
	}
}

// unhex reads octets; what follows two spaces after them is a comment.
func unhex(t *testing.T, text string) []byte {
	t.Helper()
	var digits string
	for line := range strings.Lines(text) {
		octets, _, _ := strings.Cut(strings.TrimSpace(line), "   ")
		octets, _, _ = strings.Cut(octets, "  ")
		digits += strings.ReplaceAll(octets, " ", "")
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSLAAC lets a caller's stack make its address of the advertisement, learn the name server, and connect.
func TestSLAAC(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	_ = l.Close()
	server := serve(t, "[::1]:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	s := Session{IPv6: dualStack().IPv6}
	s.IPv6.DNS = []netip.Addr{netip.MustParseAddr("2001:db8::53")}
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), s)
	c.ip = wait(t, c.ndp.address)
	if !s.IPv6.Prefix.Contains(c.ip) {
		t.Errorf("address %v is not of the prefix", c.ip)
	}
	if dns := wait(t, c.ndp.dns); !slices.Equal(dns, []tcpip.Address{address(s.IPv6.DNS[0])}) {
		t.Errorf("name servers %v", dns)
	}
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn, random(1, 100000))
	_ = conn.Close()
}

// wait receives from a channel, or fails the test.
func wait[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-testContext(t).Done():
		t.Fatal("nothing arrived in 30 s")
	}
	return v
}

// solicitation returns a router solicitation.
func solicitation(src netip.Addr, dst netip.Addr, hops byte) []byte {
	m := make([]byte, gheader.ICMPv6MinimumSize+4)
	h := gheader.ICMPv6(m)
	h.SetType(gheader.ICMPv6RouterSolicit)
	h.SetChecksum(gheader.ICMPv6Checksum(gheader.ICMPv6ChecksumParams{Header: h, Src: address(src), Dst: address(dst)}))
	return ip(src, dst, gheader.ICMPv6ProtocolNumber, hops, m)
}

// TestSolicitation answers valid solicitations of the caller, and no others.
func TestSolicitation(t *testing.T) {
	peer, routers := netip.MustParseAddr("fe80::2"), netip.MustParseAddr("ff02::2")
	damaged := solicitation(peer, routers, 255)
	damaged[43]++
	for _, c := range []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"all routers", solicitation(peer, routers, 255), true},
		{"our address", solicitation(peer, netip.MustParseAddr("fe80::1"), 255), true},
		{"routed here", solicitation(peer, routers, 254), false},
		{"another caller", solicitation(netip.MustParseAddr("fe80::3"), routers, 255), false},
		{"another group", solicitation(peer, netip.MustParseAddr("ff02::1"), 255), false},
		{"damaged", damaged, false},
		{"short", damaged[:45], false},
	} {
		d, packets := openRaw(t, newUserspace(t, Options{}), dualStack())
		if first := gheader.IPv6(<-packets); first.DestinationAddress() != address(netip.MustParseAddr("ff02::1")) {
			t.Errorf("the first advertisement is to %v", first.DestinationAddress())
		}
		_ = d.Write(c.packet)
		if got := len(packets) == 1; got != c.want {
			t.Errorf("%s: answered %v, want %v", c.name, got, c.want)
		} else if got {
			p := gheader.IPv6(<-packets)
			if p.DestinationAddress() != address(peer) ||
				gheader.ICMPv6(p.Payload()).Type() != gheader.ICMPv6RouterAdvert {
				t.Errorf("%s: answer %x", c.name, []byte(p))
			}
		}
		_ = d.Close()
	}
}

// TestAdvertisements counts the unsolicited advertisements of an hour: one at once and one every ten minutes, none
// after IPv6 is down or the link is closed.
func TestAdvertisements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent int
		s := dualStack()
		s.MTU, s.Deliver = 1500, func([]byte) bool { sent++; return true }
		l := newLink(s)
		after := func(d time.Duration) int { <-time.After(d); synctest.Wait(); return sent }
		l.set6(s.IPv6)
		l.advertise()
		if n := after(time.Hour - time.Second); n != 6 {
			t.Errorf("%d advertisements in an hour, want 6", n)
		}
		l.set6(s.IPv6)
		l.advertise() // again: the earlier schedule ends
		if n := after(time.Hour - time.Second); n != 12 {
			t.Errorf("%d advertisements in two hours, want 12", n)
		}
		l.set6(IPv6{})
		if n := after(time.Hour); n != 12 {
			t.Errorf("%d advertisements while IPv6 is down", n-12)
		}
		l.set6(s.IPv6)
		l.advertise()
		l.close()
		if n := after(time.Hour); n != 13 {
			t.Errorf("%d advertisements after Close", n-13)
		}
	})
}
