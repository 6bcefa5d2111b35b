//go:build !linux

package netdev

import (
	"fmt"
	"net"
	"net/netip"
)

// isOwn reports whether dst is an address of an interface of this machine, or the broadcast address of one.
func isOwn(dst netip.Addr) (bool, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false, fmt.Errorf("list the addresses of this machine: %w", err)
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && (p.Addr() == dst || dst.Is4() && p.Contains(dst) && !p.Masked().Contains(dst.Next())) {
			return true, nil
		}
	}
	return false, nil
}
