package netdev

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/tcpip"
	gheader "gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// A userDevice is a session on a Userspace network.
type userDevice struct {
	network *Userspace
	id      tcpip.NICID
	link    *link
	nic     *nicEndpoint
	tcp     *tcp.Forwarder // takes the SYNs of this session, so that a flood of one does not stop the others
	closed  atomic.Bool

	configure sync.Mutex // one SetIPv4, SetIPv6 or Close at a time

	mu          sync.Mutex
	connections int            // open or being opened
	flows       []*flow        // UDP flows and pings
	families    [2]family      // IPv4, IPv6
	running     sync.WaitGroup // goroutines of connections and flows; Add needs mu and a family that is up
}

// A family is what ends with IPv4 or IPv6 of a session.
type family struct {
	ctx    context.Context // of its connections and flows; nil: down
	cancel context.CancelFunc
}

func newUserDevice(u *Userspace, id tcpip.NICID, s Session) *userDevice {
	d := &userDevice{network: u, id: id, link: newLink(s)}
	d.tcp = tcp.NewForwarder(u.stack, usualBuffer, u.options.Limits.HalfOpen, d.serveTCP)
	return d
}

func (d *userDevice) debug(text string) { d.network.options.Debug(d.link.name, text) }

// Write implements Device.
func (d *userDevice) Write(p []byte) error {
	if d.closed.Load() {
		return ErrClosed
	}
	h, p, ok := d.link.receive(p)
	if ok && !d.forward(p, h) {
		d.link.refused.Add(1)
	}
	return nil
}

// forward sends a packet of the caller on its way: pings to sockets or back, TCP and UDP into the stack. It returns
// false if the packet is dropped.
func (d *userDevice) forward(p []byte, h header) bool {
	local, isLocal := d.localFor(h)
	if !local.IsValid() || h.dst.IsMulticast() || h.options {
		return false
	}
	echo := isEcho(p, h)
	switch {
	case isLocal && echo:
		d.link.reply(echoReply(p, h))
		return true
	case h.hops <= 1:
		d.link.reply(icmpError(local, p, h, expired))
		return false
	case h.proto != protoTCP && h.proto != protoUDP && !echo,
		!h.fragment && d.network.options.Reach.decide(netip.AddrPortFrom(h.dst, h.dstPort(p))) == closed,
		echo && !d.ping(p, h):
		d.link.reply(icmpError(local, p, h, prohibited))
		return false
	case !echo:
		d.nic.inject(p[0]>>4, p)
	}
	return true
}

// localFor returns our address from which errors about a packet come, and whether the packet is for it. A packet from
// a link-local address goes no further than us.
func (d *userDevice) localFor(h header) (local netip.Addr, isLocal bool) {
	if h.src.Is4() {
		if v4 := d.link.v4.Load(); v4 != nil {
			return v4.Local, h.dst == v4.Local
		}
		return netip.Addr{}, false
	}
	v6 := d.link.v6.Load()
	if v6 == nil || h.src == v6.peer && h.dst != v6.local {
		return netip.Addr{}, false
	}
	return v6.local, h.dst == v6.local
}

// SetIPv4 implements Device.
func (d *userDevice) SetIPv4(a IPv4) error {
	return d.set(0, a.check(d.link.name), a.sources(), func(up bool) {
		if !up {
			a = IPv4{}
		}
		d.link.set4(a)
	})
}

// SetIPv6 implements Device.
func (d *userDevice) SetIPv6(a IPv6) error {
	err := d.set(1, a.check(d.link.name, d.link.mtu), a.sources(), func(up bool) {
		if !up {
			a = IPv6{}
		}
		d.link.set6(a)
	})
	if err == nil {
		d.link.advertise()
	}
	return err
}

// set ends a family and, unless invalid says why not, starts it again with other networks; record stores or clears its
// addresses.
func (d *userDevice) set(index int, invalid error, nets []netip.Prefix, record func(up bool)) error {
	d.configure.Lock()
	defer d.configure.Unlock()
	if d.closed.Load() {
		return ErrClosed
	}
	d.down(index)
	if invalid != nil {
		record(false)
		return invalid
	}
	if err := d.network.claim(d, nets, func() { record(true) }); err != nil {
		record(false)
		return err
	}
	if len(nets) > 0 {
		d.up(index, nets)
	}
	return nil
}

// up lets connections and flows of a family begin, with routes for the replies.
func (d *userDevice) up(index int, nets []netip.Prefix) {
	ctx, cancel := context.WithCancel(d.network.ctx)
	d.mu.Lock()
	d.families[index] = family{ctx: ctx, cancel: cancel}
	d.mu.Unlock()
	for _, n := range nets {
		d.network.stack.AddRoute(tcpip.Route{Destination: subnet(n), NIC: d.id})
	}
}

// subnet converts a network to the stack's type.
func subnet(p netip.Prefix) tcpip.Subnet {
	return tcpip.AddressWithPrefix{Address: tcpip.AddrFromSlice(p.Addr().AsSlice()), PrefixLen: p.Bits()}.Subnet()
}

// down ends the connections and flows of a family. Its routes go first: a handshake with the caller that begins now
// finds none and fails, and one that has begun is woken by the context.
func (d *userDevice) down(index int) {
	length := [2]int{gheader.IPv4AddressSize, gheader.IPv6AddressSize}[index]
	d.network.stack.RemoveRoutes(func(r tcpip.Route) bool {
		return r.NIC == d.id && r.Destination.ID().Len() == length
	})
	d.mu.Lock()
	f := d.families[index]
	d.families[index] = family{}
	d.mu.Unlock()
	if f.cancel != nil {
		f.cancel()
	}
}

// Stats implements Device.
func (d *userDevice) Stats() Stats { return d.link.stats() }

// Close implements Device. It waits for the goroutines of the session, which end at once.
func (d *userDevice) Close() error {
	d.configure.Lock()
	defer d.configure.Unlock()
	if d.closed.Swap(true) {
		return nil
	}
	d.link.close()
	_ = d.network.stack.RemoveNIC(d.id) // fails only if the network is closed
	d.down(0)
	d.down(1)
	d.running.Wait()
	d.network.forget(d)
	return nil
}

// familyLocked returns the context of the family of an address; nil if it is down.
func (d *userDevice) familyLocked(a netip.Addr) context.Context {
	if a.Is4() {
		return d.families[0].ctx
	}
	return d.families[1].ctx
}
