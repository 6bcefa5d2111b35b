package netdev

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A link is the caller's side of a device, the same for all kinds: it checks sources, counts, delivers, and answers
// router solicitations.
type link struct {
	name string
	mtu  int

	v4 atomic.Pointer[addresses4] // nil: IPv4 is down
	v6 atomic.Pointer[addresses6] // nil: IPv6 is down

	icmp *rate.Limiter // errors and advertisements that the caller causes

	fromPackets, fromOctets, toPackets, toOctets, refused, dropped atomic.Uint64

	mu       sync.Mutex // guards the fields below and is held during deliver
	deliver  func(packet []byte) bool
	closed   bool
	announce *time.Timer // sends the next unsolicited advertisement; nil if there is no prefix
}

type addresses4 struct {
	IPv4
	nets []netip.Prefix // sources
}

type addresses6 struct {
	IPv6
	local, peer netip.Addr // link-local
	nets        []netip.Prefix
}

func newLink(s Session) *link {
	return &link{name: s.Name, mtu: s.MTU, deliver: s.Deliver, icmp: rate.NewLimiter(10, 10)}
}

// set4 changes the addresses that receive accepts.
func (l *link) set4(a IPv4) {
	if !a.up() {
		l.v4.Store(nil)
		return
	}
	l.v4.Store(&addresses4{IPv4: a, nets: a.sources()})
}

// set6 changes the addresses that receive accepts.
func (l *link) set6(a IPv6) {
	if !a.up() {
		l.v6.Store(nil)
		return
	}
	l.v6.Store(&addresses6{IPv6: a, local: linkLocal(a.LocalID), peer: linkLocal(a.PeerID), nets: a.sources()})
}

// advertise delivers an unsolicited advertisement and schedules the next one, if there is a prefix. It is called once
// after set6.
func (l *link) advertise() { l.advertiseFor(l.v6.Load()) }

// advertiseFor is advertise as long as v6 is in force.
func (l *link) advertiseFor(v6 *addresses6) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || v6 == nil || l.v6.Load() != v6 || !v6.Prefix.IsValid() {
		return
	}
	l.sendLocked(advertisement(v6.IPv6, l.mtu, allNodes))
	if l.announce != nil {
		l.announce.Stop() // of earlier addresses
	}
	l.announce = time.AfterFunc(advertiseEvery, func() { l.advertiseFor(v6) })
}

// receive counts a packet of the caller and checks that it is one. It returns its header and the packet without
// padding; false means that nothing is left to do, because the packet was refused or answered.
func (l *link) receive(p []byte) (header, []byte, bool) {
	l.fromPackets.Add(1)
	l.fromOctets.Add(uint64(len(p)))
	h, ok := parse(p)
	if !ok || !l.owns(h.src) {
		l.refused.Add(1)
		return h, nil, false
	}
	p = p[:h.total]
	if v6 := l.v6.Load(); v6 != nil && h.src == v6.peer && isSolicitation(p, h) {
		if v6.Prefix.IsValid() && (h.dst == allRouters || h.dst == v6.local) {
			l.reply(advertisement(v6.IPv6, l.mtu, h.src))
		}
		return h, nil, false
	}
	return h, p, true
}

// owns reports whether an address belongs to the caller.
func (l *link) owns(src netip.Addr) bool {
	var nets []netip.Prefix
	if src.Is4() {
		if v4 := l.v4.Load(); v4 != nil {
			nets = v4.nets
		}
	} else if v6 := l.v6.Load(); v6 != nil {
		if src == v6.peer {
			return true
		}
		nets = v6.nets
	}
	for _, n := range nets {
		if n.Contains(src) {
			return true
		}
	}
	return false
}

// reply sends a packet that the caller caused, unless it causes too many. Nil is ignored.
func (l *link) reply(p []byte) {
	if p != nil && l.icmp.Allow() {
		l.send(p)
	}
}

// send delivers a packet to the caller, unless the device is closed.
func (l *link) send(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sendLocked(p)
}

func (l *link) sendLocked(p []byte) {
	if l.closed || !l.deliver(p) {
		l.dropped.Add(1)
		return
	}
	l.toPackets.Add(1)
	l.toOctets.Add(uint64(len(p)))
}

// close ends delivery. When it returns, deliver is not running.
func (l *link) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.announce != nil {
		l.announce.Stop()
	}
}

func (l *link) isClosed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *link) stats() Stats {
	return Stats{
		FromCaller: Count{Packets: l.fromPackets.Load(), Octets: l.fromOctets.Load()},
		ToCaller:   Count{Packets: l.toPackets.Load(), Octets: l.toOctets.Load()},
		Refused:    l.refused.Load(),
		Dropped:    l.dropped.Load(),
	}
}

// nets lists the networks of the caller, without the link-local one.
func (l *link) nets() []netip.Prefix {
	var nets []netip.Prefix
	if v4 := l.v4.Load(); v4 != nil {
		nets = append(nets, v4.nets...)
	}
	if v6 := l.v6.Load(); v6 != nil {
		nets = append(nets, v6.nets...)
	}
	return nets
}
