package ppp

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/ppptest"
)

// TestProtocolReject: protocols that we do not have are rejected in the network phase.
func TestProtocolReject(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.begin()
	unknown := []uint16{0x80fd, 0x00fd, 0x002d, 0x002f, 0x003d, ppptest.IPV6CP, ppptest.IPv6, 0x8053}
	for _, p := range unknown {
		d.write(ppptest.Frame{Protocol: p, Info: ppptest.Packet(1, 1)})
		d.exchange()
	}
	if got := fmt.Sprintf("%04x", d.client.Rejected); got != fmt.Sprintf("%04x", unknown) {
		t.Error(got)
	}
	if d.ended() != "still network" {
		t.Error(d.ended())
	}
}

// TestOneNetworkProtocol: a peer that ends one keeps the other.
func TestOneNetworkProtocol(t *testing.T) {
	cfg := settings()
	cfg.IPv6 = true
	d := newDriver(t, cfg, &ppptest.Client{User: "kim", IPv6: true})
	d.begin()
	if !d.open[IPv4] || !d.open[IPv6] {
		t.Fatal(d.story())
	}
	d.write(ppptest.Frame{Protocol: ppptest.IPV6CP, Info: ppptest.Packet(5, 9)})
	d.exchange()
	d.pass(10 * time.Second)
	if d.open[IPv6] || !d.open[IPv4] || d.ended() != "still network" {
		t.Fatal(d.open, d.ended())
	}
	d.write(ppptest.Frame{Protocol: ppptest.IPCP, Info: ppptest.Packet(5, 9)})
	d.exchange()
	d.pass(4 * time.Second)
	if got := d.ended(); got != "1 no network protocol is left" {
		t.Error(got)
	}
}

// TestSmallMTU: a link whose packets are too short for IPv6 has IPv4 only.
func TestSmallMTU(t *testing.T) {
	for mtu, up := range map[int]bool{1279: false, 1280: true, 0: true} {
		cfg := settings()
		cfg.IPv6 = true
		d := newDriver(t, cfg, &ppptest.Client{User: "kim", IPv6: true})
		assign := d.assign
		d.assign = func() Assignment { a := assign(); a.MTU = mtu; return a }
		d.begin()
		if !d.open[IPv4] || d.open[IPv6] != up || d.ended() != "still network" {
			t.Errorf("MTU %d: %v, %s", mtu, d.open, d.ended())
		}
	}
}

// TestNoUsableProtocol: where IPv6 is all that was assigned, a link whose packets are too short ends with the reason.
func TestNoUsableProtocol(t *testing.T) {
	cfg := settings()
	cfg.IPv6 = true
	for _, c := range []struct {
		assigned Assignment
		want     string
	}{
		{Assignment{IPv6: true, MTU: 1279},
			"15 network: IPv6 requires packets of 1280 octets, and the peer's MRU or AAA's MTU is 1279"},
		{Assignment{}, "15 network: no protocol that was assigned is configured"},
	} {
		d := newDriver(t, cfg, &ppptest.Client{User: "kim", IPv6: true})
		d.assign = func() Assignment { return c.assigned }
		d.begin()
		if got := d.ended(); got != c.want || d.assigned {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestPeerWithoutNetwork: nothing is left if the peer opens no network protocol.
func TestPeerWithoutNetwork(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim", NoIP: true})
	d.begin()
	d.client = nil
	d.pass(40 * time.Second)
	if got := d.ended(); got != "1 no network protocol is left" {
		t.Error(got)
	}
	d = newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.assign = func() Assignment { return Assignment{Reason: "pool dialin: all 3 addresses are in use"} }
	d.begin()
	if got := d.ended(); got != "15 addresses: pool dialin: all 3 addresses are in use" {
		t.Error(got)
	}
}

// TestEarlyRequest: a peer that begins IPCP before its address is known has its answer without a second request.
func TestEarlyRequest(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.auto = false
	d.begin()
	d.answer(1)
	d.answer(2)
	d.exchange()                                                               // its request arrives now
	d.write(ppptest.Frame{Protocol: ppptest.IPCP, Info: ppptest.Packet(9, 9)}) // it does not replace the request
	if d.count(ppptest.IPCP, 3) != 0 || len(d.asked) != 1 {
		t.Fatal(d.order(), d.asked)
	}
	d.answer(3)
	d.exchange()
	if !d.client.IPUp {
		t.Fatal(d.story())
	}
}

// TestSource: a caller sends only from its address and the networks behind it.
func TestSource(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.assign = func() Assignment {
		a := place()
		a.Routes = []netip.Prefix{netip.MustParsePrefix("10.9.0.0/24")}
		return a
	}
	d.begin()
	from := func(a, b, c, e byte) []byte { return ppptest.IPv4Packet([4]byte{a, b, c, e}, host, []byte("x")) }
	short := from(10, 8, 0, 10)
	short[3] = 200
	for _, c := range []struct {
		packet []byte
		passes bool
	}{
		{from(10, 8, 0, 10), true}, {append(from(10, 8, 0, 10), 0, 0, 0), true}, {from(10, 9, 0, 3), true},
		{from(10, 8, 0, 11), false}, {from(10, 8, 0, 1), false}, {from(127, 0, 0, 1), false}, {short, false},
		{[]byte{0x45}, false}, {nil, false}, {append([]byte{0x60}, make([]byte, 60)...), false},
	} {
		before := len(d.delivered)
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: c.packet})
		if got := len(d.delivered) > before; got != c.passes {
			t.Errorf("% x: passes %v", c.packet, got)
		}
	}
	if last := d.delivered[1]; len(last) != 21 {
		t.Errorf("with padding: % x", last)
	}
	if got := d.engine.Traffic(); got.PacketsIn != 3 || got.OctetsIn != 63 || got.Dropped != 7 {
		t.Errorf("%+v", got)
	}
}

// TestOwnAddress: the peer chooses where it is permitted.
func TestOwnAddress(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim", Address: [4]byte{10, 7, 7, 7}})
	d.assign = func() Assignment {
		a := place()
		a.Peer = netip.Addr{}
		a.Permit = func(a netip.Addr) error {
			if a != netip.MustParseAddr("10.7.7.7") {
				return errors.New("in use by sam")
			}
			return nil
		}
		return a
	}
	d.begin()
	if !d.client.IPUp || d.client.IP != [4]byte{10, 7, 7, 7} {
		t.Fatal(d.story())
	}
}

// TestLimits: the peer hears of its session's end before it, and an idle link ends.
func TestLimits(t *testing.T) {
	d := newDriver(t, settings(), &ppptest.Client{User: "kim"})
	d.aaa = func(q Effect) aaa.Result {
		res := grant(q)
		res.Auth.SessionTimeout = 20 * time.Minute
		return res
	}
	d.begin()
	d.pass(20*time.Minute - time.Second)
	if got := fmt.Sprint(d.client.Remains); got != "[1200 300 60]" || d.end != nil {
		t.Fatal(got, d.ended())
	}
	d.pass(time.Second)
	if got := d.ended(); got != "5 session timeout" || d.client.EndText != "Session timeout" {
		t.Error(got, d.client.EndText)
	}

	cfg := settings()
	cfg.IdleTimeout = 10 * time.Minute
	d = newDriver(t, cfg, &ppptest.Client{User: "kim"})
	d.begin()
	for range 3 {
		d.pass(9 * time.Minute)
		d.engine.SendIP(ppptest.IPv4Packet(host, own, nil))
		d.exchange()
	}
	d.pass(10*time.Minute - time.Second)
	if d.end != nil {
		t.Fatal(d.ended())
	}
	d.pass(time.Minute + 2*time.Second)
	if got := d.ended(); got != "4 idle timeout" {
		t.Error(got)
	}
}

// TestFilter: the filter of a session drops packets in both directions, and says which of them keep it from being idle.
func TestFilter(t *testing.T) {
	f, err := filter.Parse(filter.Config{Name: "mail", In: []string{"deny icmp 192.0.2.7", "allow ip any"},
		Out: []string{"deny icmp 192.0.2.8", "allow ip any"}, Idle: []string{"ignore icmp"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := settings()
	cfg.IdleTimeout = 10 * time.Minute
	d := newDriver(t, cfg, &ppptest.Client{User: "kim"})
	d.assign = func() Assignment { a := place(); a.Filter = f; return a }
	d.begin()
	ping := []byte{8, 0, 0, 0, 0, 1, 0, 1}
	for last, passes := range map[byte]bool{7: false, 8: true} {
		before := len(d.delivered)
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, [4]byte{192, 0, 2, last}, ping)})
		if got := len(d.delivered) > before; got != passes {
			t.Errorf("to .%d: passes %v", last, got)
		}
		if got := d.engine.SendIP(ppptest.IPv4Packet([4]byte{192, 0, 2, last}, own, ping)); got == passes {
			t.Errorf("from .%d: passes %v", last, got)
		}
	}
	d.exchange()
	for range 3 {
		d.pass(4 * time.Minute)
		d.engine.SendIP(ppptest.IPv4Packet(host, own, ping))
		d.exchange()
	}
	if got := d.ended(); got != "4 idle timeout" {
		t.Error(got)
	}
}

// TestIPv6Source: a caller sends from its link-local address and from its prefixes.
func TestIPv6Source(t *testing.T) {
	cfg := settings()
	cfg.IPv6 = true
	d := newDriver(t, cfg, &ppptest.Client{User: "kim", IPv6: true})
	d.assign = func() Assignment {
		a := place()
		a.Prefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:8:1::/64")}
		return a
	}
	d.begin()
	if !d.open[IPv6] {
		t.Fatal(d.story())
	}
	for from, passes := range map[string]bool{"2001:db8:8:1::5": true, "fe80::9": true, "2001:db8:8:2::5": false,
		"fe80::8": false, "::1": false} {
		packet := make([]byte, 48) // UDP
		packet[0], packet[5], packet[6], packet[7] = 0x60, 8, 17, 64
		copy(packet[8:], netip.MustParseAddr(from).AsSlice())
		copy(packet[24:], netip.MustParseAddr("2001:db8::1").AsSlice())
		before := len(d.delivered)
		d.write(ppptest.Frame{Protocol: ppptest.IPv6, Info: packet})
		if got := len(d.delivered) > before; got != passes {
			t.Errorf("from %s: passes %v", from, got)
		}
	}
}
