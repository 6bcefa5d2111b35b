package netdev

import (
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"

	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
)

// fuzzReach opens one server of loopback and nothing else, so that random packets reach no host.
func fuzzReach(server, dns netip.AddrPort) Reach {
	return Reach{
		Allow: []Target{
			{Net: netip.PrefixFrom(server.Addr(), 32), Port: server.Port()},
			{Net: netip.PrefixFrom(dns.Addr(), 32), Port: dns.Port()},
		},
		Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	}
}

// fuzzSeeds are packets of all kinds that a device looks at.
func fuzzSeeds(server, dns netip.AddrPort) [][]byte {
	v4, v6 := callerIPv4(1), callerIPv6
	query := append([]byte{4, 0, byte(dns.Port() >> 8), byte(dns.Port()), 0, 12, 0, 0}, 0, 4, 0, 0)
	fragment6 := append([]byte{6, 0, 0, 1, 0, 0, 0, 9}, make([]byte, 40)...)
	return [][]byte{
		syn(v4, server, 64),
		syn(v4, server, 1),
		syn(v6, netip.MustParseAddrPort("[2001:db8:1::1]:80"), 64),
		ip(v4, dns.Addr(), gheader.UDPProtocolNumber, 64, query),
		ip(v6, netip.MustParseAddr("2001:db8:1::1"), gheader.IPv6FragmentHeader, 64, fragment6),
		ping(v4, ourIPv4, 1, 2, []byte("data")),
		ping(v6, netip.MustParseAddr("fe80::1"), 1, 2, []byte("data")),
		ping(netip.MustParseAddr("fe80::2"), netip.MustParseAddr("fe80::1"), 1, 2, nil),
		solicitation(netip.MustParseAddr("fe80::2"), netip.MustParseAddr("ff02::2"), 255),
	}
}

// repair makes the lengths and the IPv4 header checksum of a packet right, so that more of them are looked at.
func repair(p []byte) {
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		h := gheader.IPv4(p)
		h.SetTotalLength(uint16(len(p)))
		if n := int(p[0]&15) * 4; n >= 20 && n <= len(p) {
			h.SetChecksum(0)
			h.SetChecksum(^h.CalculateChecksum())
		}
	case len(p) >= 40 && p[0]>>4 == 6:
		gheader.IPv6(p).SetPayloadLength(uint16(len(p) - 40))
	}
}

// FuzzWrite writes arbitrary packets, as they are and repaired: nothing panics, and the counters are right.
func FuzzWrite(f *testing.F) {
	server := serve(f, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	dns := serveUDP(f, []byte("data"))
	u, err := NewUserspace(Options{Reach: fuzzReach(server, dns)})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = u.Close() })
	s := dualStack()
	s.Name, s.MTU, s.Deliver = "ppp1", 1500, func(p []byte) bool {
		if _, ok := parse(p); !ok || len(p) > 1500 {
			panic("a packet to the caller is not one")
		}
		return len(p)%2 == 0
	}
	d, err := u.Open(s)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = d.Close() })
	for _, p := range fuzzSeeds(server, dns) {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) > 2000 {
			return
		}
		before := d.Stats()
		_ = d.Write(p)
		q := append([]byte(nil), p...)
		repair(q)
		_ = d.Write(q)
		after := d.Stats()
		if after.FromCaller.Packets != before.FromCaller.Packets+2 ||
			after.FromCaller.Octets != before.FromCaller.Octets+2*uint64(len(p)) {
			t.Errorf("counters %+v after %+v", after, before)
		}
	})
}

// TestRandomPackets writes 60,000 packets that a seed determines, mutations of the seeds: the flows stay within their
// limits, memory does not grow, and Close frees everything.
func TestRandomPackets(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	dns := serveUDP(t, []byte("data"))
	u := newUserspace(t, Options{Reach: fuzzReach(server, dns), Limits: Limits{Connections: 8, HalfOpen: 4, Flows: 8}})
	d, packets := openRaw(t, u, dualStack())
	seeds := fuzzSeeds(server, dns)
	r := rand.New(rand.NewPCG(1, 2))
	var before int64
	for i := range 60_000 {
		if i == 10_000 {
			before = heap()
		}
		p := append([]byte(nil), seeds[r.IntN(len(seeds))]...)
		for range r.IntN(4) {
			p[r.IntN(len(p))] ^= byte(1 << r.IntN(8))
		}
		switch r.IntN(4) {
		case 0:
			p = p[:r.IntN(len(p)+1)]
		case 1:
			p = append(p, make([]byte, r.IntN(100))...)
		}
		if r.IntN(2) == 0 {
			repair(p)
		}
		if err := d.Write(p); err != nil {
			t.Fatal(err)
		}
		if len(packets) == cap(packets) {
			for len(packets) > 10 {
				<-packets
			}
		}
	}
	device := d.(*userDevice)
	device.mu.Lock()
	if device.connections > 8 || len(device.flows) > 8 {
		t.Errorf("%d connections and %d flows, want 8 of each at most", device.connections, len(device.flows))
	}
	device.mu.Unlock()
	// Fragments wait for the rest of their datagrams: gVisor keeps 4 MiB of them at most.
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap grew by %d octets", grown)
	}
	_ = d.Close()
	if n := u.flows.Load(); n != 0 {
		t.Errorf("%d connections and flows are left", n)
	}
}
