package netdev

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

// The addresses of the test sessions; session n has the caller's address 10.8.0.10+n.
var ourIPv4 = netip.MustParseAddr("10.8.0.1")

func callerIPv4(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, 8, byte((n + 10) >> 8), byte(n + 10)})
}

// A caller is the far end of a session: a stack of its own.
type caller struct {
	Device
	stack *stack.Stack
	ip    netip.Addr
	ndp   *ndpEvents
}

// newCaller opens a session on a network and connects a stack to it. The test's cleanup closes both.
func newCaller(t testing.TB, network Network, s Session) *caller {
	t.Helper()
	return newSlowCaller(t, network, s, 0)
}

// newSlowCaller is newCaller on a line that takes a time for each packet to the caller.
func newSlowCaller(t testing.TB, network Network, s Session, each time.Duration) *caller {
	t.Helper()
	c := &caller{ip: s.IPv4.Peer, ndp: &ndpEvents{address: make(chan netip.Addr, 4),
		dns: make(chan []tcpip.Address, 4)}}
	if s.Name == "" {
		s.Name = "ppp1"
	}
	if s.MTU == 0 {
		s.MTU = 1500
	}
	queue := make(chan []byte, 1024) // more than a window of TCP: nothing is lost
	s.Deliver = func(p []byte) bool {
		select {
		case queue <- append([]byte(nil), p...):
			return true
		default:
			return false
		}
	}
	wire := channel.New(512, uint32(s.MTU), "\x02\x00\x00\x00\x00\x01") // for its IPv6 address
	c.stack = callerStack(t, wire, s, c.ndp)
	ctx, cancel := context.WithCancel(context.Background())
	var pumps sync.WaitGroup
	pumps.Go(func() { pumpToCaller(ctx, queue, wire, each) })
	device, err := network.Open(s)
	if err != nil {
		cancel()
		pumps.Wait()
		t.Fatal(err)
	}
	c.Device = device
	pumps.Go(func() { pumpToDevice(ctx, wire, device) })
	t.Cleanup(func() {
		if err := device.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		pumps.Wait()
		c.stack.Destroy()
	})
	return c
}

func pumpToCaller(ctx context.Context, queue <-chan []byte, wire *channel.Endpoint, each time.Duration) {
	for {
		select {
		case p := <-queue:
			if each > 0 {
				select {
				case <-time.After(each):
				case <-ctx.Done():
					return
				}
			}
			proto := gheader.IPv4ProtocolNumber
			if p[0]>>4 == 6 {
				proto = gheader.IPv6ProtocolNumber
			}
			pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
			wire.InjectInbound(proto, pkt)
			pkt.DecRef()
		case <-ctx.Done():
			return
		}
	}
}

func pumpToDevice(ctx context.Context, wire *channel.Endpoint, d Device) {
	for {
		pkt := wire.ReadContext(ctx)
		if pkt == nil {
			return
		}
		view := pkt.ToView()
		_ = d.Write(view.AsSlice())
		view.Release()
		pkt.DecRef()
	}
}

func callerStack(t testing.TB, wire *channel.Endpoint, s Session, events *ndpEvents) *stack.Stack {
	t.Helper()
	st := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			ipv4.NewProtocolWithOptions(ipv4.Options{AllowExternalLoopbackTraffic: true}),
			ipv6.NewProtocolWithOptions(ipv6.Options{
				AllowExternalLoopbackTraffic: true, NDPDisp: events,
				NDPConfigs: ipv6.NDPConfigurations{
					HandleRAs: ipv6.HandlingRAsEnabledWhenForwardingDisabled, AutoGenGlobalAddresses: true,
				},
			}),
		},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6,
		},
	})
	check := func(err tcpip.Error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(st.CreateNIC(1, wire))
	check(st.SetSpoofing(1, true))
	if s.IPv4.Peer.IsValid() {
		addr := tcpip.AddrFromSlice(s.IPv4.Peer.AsSlice()).WithPrefix()
		check(st.AddProtocolAddress(1, tcpip.ProtocolAddress{Protocol: ipv4.ProtocolNumber, AddressWithPrefix: addr},
			stack.AddressProperties{}))
	}
	if s.IPv6.PeerID != [8]byte{} {
		ll := append([]byte{0: 0xfe, 1: 0x80, 7: 0}, s.IPv6.PeerID[:]...)
		check(st.AddProtocolAddress(1, tcpip.ProtocolAddress{
			Protocol: ipv6.ProtocolNumber, AddressWithPrefix: tcpip.AddrFromSlice(ll).WithPrefix(),
		}, stack.AddressProperties{}))
	}
	st.SetRouteTable([]tcpip.Route{
		{Destination: gheader.IPv4EmptySubnet, NIC: 1}, {Destination: gheader.IPv6EmptySubnet, NIC: 1},
	})
	return st
}

// dial connects from the caller's address.
func (c *caller) dial(ctx context.Context, to netip.AddrPort) (*gonet.TCPConn, error) {
	proto, from := ipv4.ProtocolNumber, c.ip
	if to.Addr().Is6() {
		proto = ipv6.ProtocolNumber
	}
	return gonet.DialTCPWithBind(ctx, c.stack,
		tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(from.AsSlice())},
		tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(to.Addr().AsSlice()), Port: to.Port()}, proto)
}

// udp opens a UDP socket of the caller.
func (c *caller) udp(t testing.TB, to netip.AddrPort) *gonet.UDPConn {
	t.Helper()
	proto := ipv4.ProtocolNumber
	if to.Addr().Is6() {
		proto = ipv6.ProtocolNumber
	}
	conn, err := gonet.DialUDP(c.stack, &tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(c.ip.AsSlice())},
		&tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(to.Addr().AsSlice()), Port: to.Port()}, proto)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// session returns the session of caller n with IPv4.
func session(n int) Session {
	return Session{IPv4: IPv4{Local: ourIPv4, Peer: callerIPv4(n)}}
}

// numbered returns session n with addresses of its own in everything.
func numbered(name string, n int) Session {
	s := dualStack()
	s.Name, s.MTU = name, 1400
	s.IPv4.Peer = callerIPv4(n)
	s.IPv4.Routes = []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("172.%d.%d.0/24", 16+n>>8, n&255))}
	s.IPv6.Prefix = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 6: byte(n >> 8), 7: byte(n)}), 64)
	return s
}
