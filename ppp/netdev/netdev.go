package netdev

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// ErrClosed is returned by the methods of a closed Device or Network.
var ErrClosed = errors.New("the network device is closed")

// A Network opens a Device per session. Its methods may be called from several goroutines.
type Network interface {
	// Open makes the device of a session. It opens nothing if it returns an error. The caller closes the Device.
	Open(Session) (Device, error)

	// Close closes all devices and frees what they share. It waits until all goroutines have ended.
	Close() error
}

// A Device carries the packets of one session. Its methods may be called from several goroutines, but not from Deliver.
type Device interface {
	// Write takes one IP packet of the caller. It does not keep the slice and does not wait for the network. A packet
	// that cannot be carried is dropped and counted, not an error; the only error is ErrClosed.
	Write(packet []byte) error

	// SetIPv4 sets the addresses once IPCP is open; the zero IPv4 takes IPv4 down and ends its connections. If it
	// returns an error, IPv4 is down.
	SetIPv4(IPv4) error

	// SetIPv6 does for IPv6 what SetIPv4 does for IPv4. If there is a prefix, the first router advertisement is
	// delivered before SetIPv6 returns.
	SetIPv6(IPv6) error

	// Stats returns the counters. It may be called after Close, for the accounting Stop.
	Stats() Stats

	// Close ends all connections of the session and frees everything. Deliver is not called after Close has returned.
	// A second Close does nothing.
	Close() error
}

// Session describes the device of one session.
type Session struct {
	// Name names the session in messages; it is the interface's name on a TUN network, for example "ppp65". It has
	// 1 to 15 octets.
	Name string

	// MTU is the greatest length of a packet to the caller, in octets: the caller's MRU. It is 68 or more; IPv6 needs
	// 1280.
	MTU int

	// IPv4 and IPv6 are what is known when the device opens; SetIPv4 and SetIPv6 change it.
	IPv4 IPv4
	IPv6 IPv6

	// Deliver gets each packet for the caller, one at a time, from any goroutine, also during Write, SetIPv6 and Open.
	// It copies what it keeps, returns at once, calls no method of the Device, and waits for no lock that may be held
	// while a method of the Device is called. False drops the packet, which is then counted as dropped; senders slow
	// down, as they do for any link that is full.
	Deliver func(packet []byte) bool

	// Gone is called at most once, from any goroutine, if the device ends by itself and carries nothing more: its
	// interface was deleted. It returns at once. It may be nil. The Device must be closed all the same.
	Gone func(err error)
}

// IPv4 has the addresses of a session. The zero value means no IPv4.
type IPv4 struct {
	Local  netip.Addr     // our end of the link; it answers pings
	Peer   netip.Addr     // the caller's address
	Routes []netip.Prefix // further networks behind the caller (Framed-Route)
}

// IPv6 has the addresses of a session. The zero value means no IPv6.
type IPv6 struct {
	LocalID [8]byte        // our interface identifier
	PeerID  [8]byte        // the caller's
	Prefix  netip.Prefix   // the /64 that is advertised to the caller; the zero value: link-local addresses only
	DNS     []netip.Addr   // name servers in the advertisement; IPv4 addresses are left out
	Routes  []netip.Prefix // further networks behind the caller (Framed-IPv6-Route, Delegated-IPv6-Prefix)
}

// Stats are the counters of a session since it was opened. Octets are those of IP packets, without PPP headers.
type Stats struct {
	FromCaller Count  // packets passed to Write, whatever became of them
	ToCaller   Count  // packets that Deliver took
	Refused    uint64 // of FromCaller: malformed, foreign source, closed destination, over a limit
	Dropped    uint64 // packets that Deliver did not take
}

// Count is a number of packets and of their octets.
type Count struct{ Packets, Octets uint64 }

// up reports whether the session has IPv4.
func (a IPv4) up() bool { return a.Peer.IsValid() }

// up reports whether the session has IPv6.
func (a IPv6) up() bool { return a.PeerID != [8]byte{} }

// sources lists the networks whose packets belong to the caller.
func (a IPv4) sources() []netip.Prefix {
	if !a.up() {
		return nil
	}
	return append([]netip.Prefix{netip.PrefixFrom(a.Peer, 32)}, a.Routes...)
}

// sources lists the networks whose packets belong to the caller, without the link-local address.
func (a IPv6) sources() []netip.Prefix {
	var nets []netip.Prefix
	if a.Prefix.IsValid() {
		nets = append(nets, a.Prefix)
	}
	return append(nets, a.Routes...)
}

// linkLocal returns the link-local address with an interface identifier.
func linkLocal(id [8]byte) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: id[0], 9: id[1], 10: id[2], 11: id[3],
		12: id[4], 13: id[5], 14: id[6], 15: id[7]})
}

// check reports what is wrong with a session.
func (s Session) check() error {
	switch {
	case s.Name == "" || len(s.Name) > 15 || s.Name == "." || s.Name == ".." ||
		strings.ContainsAny(s.Name, "/:% \t\r\n\x00"):
		return fmt.Errorf("interface name %q: need 1 to 15 octets without spaces and without / : %%", s.Name)
	case s.MTU < 68 || s.MTU > 65535:
		return fmt.Errorf("interface %s: MTU %d is outside 68 to 65535", s.Name, s.MTU)
	case s.Deliver == nil:
		return fmt.Errorf("interface %s: Deliver is not set", s.Name)
	}
	return nil
}

// check reports what is wrong with the addresses; name is the session's.
func (a IPv4) check(name string) error {
	if !a.up() && !a.Local.IsValid() && len(a.Routes) == 0 {
		return nil
	}
	for _, addr := range []netip.Addr{a.Local, a.Peer} {
		if !addr.Is4() || addr.IsUnspecified() || addr.IsMulticast() || addr.IsLoopback() || addr.As4()[0] >= 240 {
			return fmt.Errorf("interface %s: %v is not an IPv4 host address", name, addr)
		}
	}
	if a.Local == a.Peer {
		return fmt.Errorf("interface %s: %v is at both ends of the link; give the caller another address", name, a.Peer)
	}
	for _, p := range a.Routes {
		if !p.IsValid() || !p.Addr().Is4() || p != p.Masked() || p.Addr().IsLoopback() || p.Addr().IsMulticast() {
			return fmt.Errorf("interface %s: route %v is not an IPv4 network (write 192.0.2.0/24)", name, p)
		}
	}
	return nil
}

// check reports what is wrong with the addresses; name and mtu are the session's.
func (a IPv6) check(name string, mtu int) error {
	if !a.up() {
		if a.LocalID != [8]byte{} || a.Prefix.IsValid() || len(a.Routes) > 0 {
			return fmt.Errorf("interface %s: IPv6 without the caller's interface identifier", name)
		}
		return nil
	}
	switch {
	case a.LocalID == [8]byte{} || a.LocalID == a.PeerID:
		return fmt.Errorf("interface %s: our IPv6 interface identifier is zero or the caller's", name)
	case mtu < 1280:
		return fmt.Errorf("interface %s: IPv6 needs an MTU of 1280 or more, the link has %d", name, mtu)
	case a.Prefix.IsValid() && (a.Prefix.Bits() != 64 || !globalIPv6(a.Prefix)):
		return fmt.Errorf("interface %s: prefix %v cannot be advertised; it must be a global /64", name, a.Prefix)
	}
	for _, p := range a.Routes {
		if !globalIPv6(p) {
			return fmt.Errorf("interface %s: route %v is not a global IPv6 network (write 2001:db8:1::/56)", name, p)
		}
	}
	return nil
}

// globalIPv6 reports whether p is a network of IPv6 addresses that can be routed.
func globalIPv6(p netip.Prefix) bool {
	a := p.Addr()
	return p.IsValid() && a.Is6() && !a.Is4In6() && p == p.Masked() &&
		!a.IsMulticast() && !a.IsLinkLocalUnicast() && !a.IsLoopback()
}
