package pppclient

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
)

// Network has the addresses that were negotiated. What is not there was not agreed.
type Network struct {
	Address, Peer netip.Addr // ours and the server's, by IPCP
	DNS           []netip.Addr
	ID, PeerID    [8]byte // the interface identifiers, by IPV6CP
	MTU           int     // the longest packet that the server takes, in octets
}

func (n Network) equal(o Network) bool {
	return slices.Equal(n.DNS, o.DNS) && n.Address == o.Address && n.Peer == o.Peer && n.ID == o.ID &&
		n.PeerID == o.PeerID && n.MTU == o.MTU
}

// The options of IPCP (RFC 1332 §3.3, RFC 1877) and IPV6CP (RFC 5072 §4.1).
const (
	optAddress = 3
	optDNS1    = 129
	optDNS2    = 131
	optID      = 1
)

// connect opens IPCP, and IPV6CP if it is wanted.
func (c *Client) connect(ctx context.Context) error {
	c.network = Network{MTU: c.mtu}
	ip := c.ipcp()
	c.ncps = []*negotiation{ip}
	if c.config.IPv6 {
		c.ncps = append(c.ncps, c.ipv6cp())
	}
	if err := c.negotiate(ctx, c.ncps...); err != nil {
		return err
	}
	up := false
	for _, n := range c.ncps {
		up = up || !n.closed
	}
	if !up {
		return errors.New("the server has no network protocol for us")
	}
	if !ip.closed {
		if err := c.takeAddresses(ip); err != nil {
			return err
		}
		c.config.Tell("address " + c.network.Address.String())
	}
	if c.config.IPv6 && !c.ncps[1].closed {
		c.network.ID = [8]byte(c.ncps[1].value(optID))
		c.config.Tell("IPv6 is up")
	}
	c.mu.Lock()
	c.carries = true
	c.mu.Unlock()
	return nil
}

// takeAddresses takes what the server has accepted.
func (c *Client) takeAddresses(ip *negotiation) error {
	a, _ := netip.AddrFromSlice(ip.value(optAddress))
	if !a.Is4() || a.IsUnspecified() {
		return errors.New("IPCP: the server gives no address")
	}
	c.network.Address = a
	for _, kind := range []byte{optDNS1, optDNS2} {
		if a, ok := netip.AddrFromSlice(ip.value(kind)); ok && !a.IsUnspecified() {
			c.network.DNS = append(c.network.DNS, a)
		}
	}
	return nil
}

// ipcp asks for an address and for name servers. The server's own address is accepted, and nothing else.
func (c *Client) ipcp() *negotiation {
	address := netip.IPv4Unspecified()
	if c.config.Address.Is4() {
		address = c.config.Address
	}
	return &negotiation{
		protocol: protoIPCP, name: "IPCP",
		asks: []option{{optAddress, address.AsSlice()}, {optDNS1, make([]byte, 4)}, {optDNS2, make([]byte, 4)}},
		judge: func(o option) (verdict, option) {
			a, _ := netip.AddrFromSlice(o.data)
			if o.kind != optAddress || !a.Is4() || a.IsUnspecified() { // we have none to give
				return reject, o
			}
			c.network.Peer = a
			return accept, o
		},
		refused: func(n *negotiation, o option, rejected bool) {
			if !rejected && len(o.data) == 4 {
				n.set(o)
			} else {
				n.drop(o.kind)
			}
		},
	}
}

// ipv6cp asks for an interface identifier of our own.
func (c *Client) ipv6cp() *negotiation {
	n := &negotiation{protocol: protoIPV6CP, name: "IPV6CP", asks: []option{{optID, newID()}}}
	n.judge = func(o option) (verdict, option) {
		switch {
		case o.kind != optID || len(o.data) != 8:
			return reject, o
		case binary.BigEndian.Uint64(o.data) == 0 || slices.Equal(o.data, n.value(optID)):
			return suggest, option{optID, newID()}
		}
		c.network.PeerID = [8]byte(o.data)
		return accept, o
	}
	n.refused = func(n *negotiation, o option, rejected bool) {
		if !rejected && len(o.data) == 8 && binary.BigEndian.Uint64(o.data) != 0 {
			n.set(o)
		} else {
			n.set(option{optID, newID()})
		}
	}
	return n
}

// newID returns a random identifier that claims not to be unique in the world (RFC 5072 §4.1: the bit u is 0).
func newID() []byte {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	b[0] &^= 2
	b[7] |= 1
	return b
}

// String is for messages.
func (n Network) String() string {
	return fmt.Sprintf("%v (peer %v, DNS %v)", n.Address, n.Peer, n.DNS)
}
