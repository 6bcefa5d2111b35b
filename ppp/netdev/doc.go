// Package netdev carries the IP packets of callers to a network and back. A session opens a Device, writes the
// packets of the caller to it, and gets the packets for the caller through a function. The package knows IP, not PPP:
// a packet begins with its IP header, and all counters are of IP octets.
//
// There are two kinds of Network, and configuration selects one. Neither ever stands in for the other, because they
// give callers different rights:
//
//   - Userspace needs no privilege. It ends the callers' TCP connections and UDP flows in a stack of its own (gVisor)
//     and continues them with sockets of this process, as a proxy does. Hosts see the addresses of this machine, and
//     cannot connect to callers. Loopback, link-local, multicast and broadcast addresses and those of this machine are
//     closed unless listed in Reach.Allow.
//   - TUN makes an interface per session. The kernel routes the packets, so the callers have addresses of their own
//     and can be reached. What callers may reach is decided by the kernel's routes and firewall. It needs
//     CAP_NET_ADMIN and /dev/net/tun.
//
// Both drop packets whose source does not belong to the caller, and answer IPv6 router solicitations themselves.
// Neither forwards multicast.
//
// A caller that reads nothing costs nothing more than one that reads: packets that Deliver does not take are dropped
// and counted, and connections stall until their idle timeout.
package netdev
