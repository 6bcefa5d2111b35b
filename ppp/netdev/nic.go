package netdev

import (
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

// A nicEndpoint is the link layer of a session's interface in the stack. It holds no packets.
type nicEndpoint struct {
	link       *link
	dispatcher atomic.Pointer[stack.NetworkDispatcher] // nil: detached
}

var _ stack.LinkEndpoint = (*nicEndpoint)(nil)

// inject gives a packet of the caller to the stack.
func (n *nicEndpoint) inject(version byte, p []byte) {
	d := n.dispatcher.Load()
	if d == nil {
		return
	}
	proto := gheader.IPv4ProtocolNumber
	if version == 6 {
		proto = gheader.IPv6ProtocolNumber
	}
	pkt := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(p)})
	defer pkt.DecRef()
	(*d).DeliverNetworkPacket(proto, pkt)
}

// WritePackets implements stack.LinkEndpoint. A packet that the caller does not take is lost, as on any link; TCP
// sends it again.
func (n *nicEndpoint) WritePackets(list stack.PacketBufferList) (int, tcpip.Error) {
	for _, pkt := range list.AsSlice() {
		view := pkt.ToView()
		n.link.send(view.AsSlice())
		view.Release()
	}
	return list.Len(), nil
}

// Attach implements stack.LinkEndpoint.
func (n *nicEndpoint) Attach(d stack.NetworkDispatcher) {
	if d == nil {
		n.dispatcher.Store(nil)
		return
	}
	n.dispatcher.Store(&d)
}

// IsAttached implements stack.LinkEndpoint.
func (n *nicEndpoint) IsAttached() bool { return n.dispatcher.Load() != nil }

// MTU implements stack.LinkEndpoint.
func (n *nicEndpoint) MTU() uint32 { return uint32(n.link.mtu) }

// The rest of stack.LinkEndpoint: a link without addresses and headers.

func (n *nicEndpoint) SetMTU(uint32)                                {}
func (n *nicEndpoint) MaxHeaderLength() uint16                      { return 0 }
func (n *nicEndpoint) LinkAddress() tcpip.LinkAddress               { return "" }
func (n *nicEndpoint) SetLinkAddress(tcpip.LinkAddress)             {}
func (n *nicEndpoint) Capabilities() stack.LinkEndpointCapabilities { return 0 }
func (n *nicEndpoint) Wait()                                        {}
func (n *nicEndpoint) ARPHardwareType() gheader.ARPHardwareType     { return gheader.ARPHardwareNone }
func (n *nicEndpoint) AddHeader(*stack.PacketBuffer)                {}
func (n *nicEndpoint) ParseHeader(*stack.PacketBuffer) bool         { return true }
func (n *nicEndpoint) Close()                                       {}
func (n *nicEndpoint) SetOnCloseAction(func())                      {}
