package pppclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const (
	nic       = 1
	wireQueue = 512 // packets that wait for the line: more than the windows of a few TCP connections
)

// A Host is the computer above a link that is connected: it has TCP over IPv4 and IPv6.
type Host struct {
	client  *Client
	network Network
	stack   *stack.Stack
	wire    *channel.Endpoint
	ctx     context.Context // ends with the link
	cancel  context.CancelCauseFunc
	wg      sync.WaitGroup
	done    chan struct{}
	err     error // valid when done is closed
}

var errClosed = errors.New("the computer is offline")

// Online returns the computer above a Client that is connected, and runs Serve. Close ends it; the end of ctx, when the
// carrier is lost, ends it without a word to the server.
func (c *Client) Online(ctx context.Context) (*Host, error) {
	h := &Host{client: c, network: c.network, done: make(chan struct{})}
	// The address of the wire is there for the interface identifier of addresses by router advertisements.
	h.wire = channel.New(wireQueue, uint32(c.network.MTU), "\x02\x00\x00\x00\x00\x01")
	h.stack = stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{ipv4.NewProtocol,
			ipv6.NewProtocolWithOptions(ipv6.Options{NDPConfigs: ipv6.NDPConfigurations{
				HandleRAs: ipv6.HandlingRAsEnabledWhenForwardingDisabled, AutoGenGlobalAddresses: true,
				// as RFC 4861 §10 has it: the server's first advertisement may have come before there was a host
				MaxRtrSolicitations: 3, RtrSolicitationInterval: 4 * time.Second,
				MaxRtrSolicitationDelay: time.Second}})},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	if err := h.configure(); err != nil {
		h.stack.Destroy()
		return nil, err
	}
	h.ctx, h.cancel = context.WithCancelCause(ctx)
	h.wg.Go(func() {
		h.err = c.Serve(h.ctx, h.receive)
		close(h.done)
		h.cancel(h.err)
		h.stack.Close() // nobody waits for what cannot come any more
	})
	h.wg.Go(h.send)
	return h, nil
}

// configure gives the interface its addresses and the routes.
func (h *Host) configure() error {
	if err := h.stack.CreateNIC(nic, h.wire); err != nil {
		return fmt.Errorf("network of the computer: %v", err)
	}
	add := func(protocol tcpip.NetworkProtocolNumber, a tcpip.Address) error {
		address := tcpip.ProtocolAddress{Protocol: protocol, AddressWithPrefix: a.WithPrefix()}
		err := h.stack.AddProtocolAddress(nic, address, stack.AddressProperties{})
		if err != nil {
			return fmt.Errorf("address %v of the computer: %v", a, err)
		}
		return nil
	}
	var routes []tcpip.Route
	if h.network.Address.IsValid() {
		if err := add(ipv4.ProtocolNumber, tcpip.AddrFromSlice(h.network.Address.AsSlice())); err != nil {
			return err
		}
		routes = append(routes, tcpip.Route{Destination: header.IPv4EmptySubnet, NIC: nic})
	}
	if h.network.ID != [8]byte{} {
		if err := add(ipv6.ProtocolNumber, tcpip.AddrFromSlice(linkLocal(h.network.ID))); err != nil {
			return err
		}
		routes = append(routes, tcpip.Route{Destination: header.IPv6EmptySubnet, NIC: nic})
	}
	h.stack.SetRouteTable(routes)
	return nil
}

func linkLocal(id [8]byte) []byte { return append([]byte{0xfe, 0x80, 0, 0, 0, 0, 0, 0}, id[:]...) }

// receive gives a packet of the server to the stack.
func (h *Host) receive(packet []byte) {
	if len(packet) == 0 {
		return
	}
	protocol := ipv4.ProtocolNumber
	if packet[0]>>4 == 6 {
		protocol = ipv6.ProtocolNumber
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	h.wire.InjectInbound(protocol, p)
	p.DecRef()
}

// send gives the packets of the stack to the line. An error of the line ends Serve too, with this error.
func (h *Host) send() {
	for {
		p := h.wire.ReadContext(h.ctx)
		if p == nil {
			return
		}
		v := p.ToView()
		err := h.client.Send(v.AsSlice())
		v.Release()
		p.DecRef()
		if err != nil {
			h.cancel(err)
			return
		}
	}
}

// DialContext connects by TCP to an address with a port, as net.Dialer does. There is no DNS: names are not looked up.
func (h *Host) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: give an address and a port: %w", address, err)
	}
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, fmt.Errorf("connect to %s: there is TCP only, not %s", address, network)
	}
	protocol := ipv4.ProtocolNumber
	if to.Addr().Is6() {
		protocol = ipv6.ProtocolNumber
	}
	full := tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFromSlice(to.Addr().AsSlice()), Port: to.Port()}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(h.ctx, cancel) // a connection does not wait for a link that is gone
	defer stop()
	conn, err := gonet.DialContextTCP(ctx, h.stack, full, protocol)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return conn, nil
}

// Done is closed when the link has ended; Err says why.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err returns why the link has ended; nil while it is up, or if Close ended it.
func (h *Host) Err() error {
	select {
	case <-h.done:
	default:
		return nil
	}
	if errors.Is(h.err, errClosed) {
		return nil
	}
	return h.err
}

// Close ends all connections, and the link in order unless it has ended. It waits for the server's answer for 6 seconds
// at most, or until ctx ends.
func (h *Host) Close(ctx context.Context) {
	h.cancel(errClosed)
	h.wg.Wait()
	h.client.Terminate(ctx, "The subscriber hangs up")
	h.stack.Destroy()
}
