package netdev

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// handleUDP gets the datagrams that belong to no flow. If it returns false, the stack answers "port unreachable".
func (u *Userspace) handleUDP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	d := u.device(pkt.NICID)
	if d == nil {
		return false
	}
	src, dst := endpoints(id)
	if err := d.openUDP(src, dst, id, pkt); err != nil {
		d.debug(fmt.Sprintf("udp %v: %v", dst, err))
		return false
	}
	return true
}

// openUDP starts a flow with its first datagram. Nothing here waits: to connect a UDP socket sends nothing.
func (d *userDevice) openUDP(src, dst netip.AddrPort, id stack.TransportEndpointID, pkt *stack.PacketBuffer) error {
	to, err := d.network.resolve(dst)
	if err != nil {
		return fmt.Errorf("refused: %w", err)
	}
	host, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(to))
	if err != nil {
		return err
	}
	f := &flow{key: flowKey{proto: protoUDP, src: src, dst: dst}, socket: host}
	ctx, err := d.beginFlow(f)
	if err != nil {
		_ = host.Close()
		return err
	}
	queue := new(waiter.Queue)
	clone := pkt.Clone()
	ep, terr := udp.NewForwarderRequest(d.network.stack, id, clone).CreateEndpoint(queue)
	if terr != nil {
		_ = host.Close()
		d.endFlow(f)
		return fmt.Errorf("open a flow to the caller: %v", terr)
	}
	d.debug(fmt.Sprintf("udp %v: open", dst))
	go f.relayUDP(ctx, host, gonet.NewUDPConn(queue, ep))
	return nil
}

// relayUDP copies datagrams both ways until either side is closed.
func (f *flow) relayUDP(ctx context.Context, host *net.UDPConn, caller *gonet.UDPConn) {
	defer f.device.endFlow(f)
	defer context.AfterFunc(ctx, func() { _ = host.Close() })()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.copyDatagrams(host, caller)
		_ = host.Close()
	}()
	f.copyDatagrams(caller, host)
	_ = caller.Close()
	_ = host.Close()
	<-done
}

// copyDatagrams copies until src is closed. A datagram that dst does not take is lost; so is one that is too long.
func (f *flow) copyDatagrams(dst io.Writer, src io.Reader) {
	b := make([]byte, maxDatagram+1)
	for {
		n, err := src.Read(b)
		switch {
		case isTransient(err):
			continue // an ICMP error for an earlier datagram; the flow stays as it would on a router
		case err != nil:
			return
		case n > maxDatagram:
			continue
		}
		f.idle.touch()
		_, _ = dst.Write(b[:n])
	}
}
