package netdev

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// isOwn reports whether this machine would receive a packet to dst itself, or send it as a broadcast. It asks the
// kernel's routing table, which also knows routes of type local that are no address of an interface.
func isOwn(dst netip.Addr) (bool, error) {
	routes, err := netlink.RouteGet(dst.AsSlice())
	if err != nil {
		return false, fmt.Errorf("look up the route to %v: %w", dst, err)
	}
	for _, r := range routes {
		if r.Type != unix.RTN_UNICAST {
			return true, nil
		}
	}
	return len(routes) == 0, nil
}
