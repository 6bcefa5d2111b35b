package netdev

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// ping forwards an echo request by an ICMP socket, which the kernel gives to the groups in the sysctl
// net.ipv4.ping_group_range. It returns false if there is no such socket or the destination is closed.
func (d *userDevice) ping(p []byte, h header) bool {
	message := p[h.length:h.total]
	key := flowKey{
		proto: h.proto,
		src:   netip.AddrPortFrom(h.src, echoID(message)),
		dst:   netip.AddrPortFrom(h.dst, 0),
	}
	f := d.findFlow(key)
	if f == nil {
		var err error
		if f, err = d.openPing(key); err != nil {
			d.debug(fmt.Sprintf("ping %v: refused: %v", h.dst, err))
			return false
		}
	}
	f.idle.touch()
	_, _ = f.socket.Write(message) // the kernel sets its own identifier and the checksum
	return true
}

// openPing starts a flow of echo requests with one identifier to one destination.
func (d *userDevice) openPing(key flowKey) (*flow, error) {
	if _, err := d.network.resolve(key.dst); err != nil {
		return nil, err
	}
	socket, err := pingSocket(key.dst.Addr())
	if err != nil {
		return nil, err
	}
	f := &flow{key: key, socket: socket}
	ctx, err := d.beginFlow(f)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	go f.readReplies(ctx)
	return f, nil
}

// pingSocket opens an ICMP socket that sends to one address and receives from it alone.
func pingSocket(dst netip.Addr) (*os.File, error) {
	domain, proto := unix.AF_INET, unix.IPPROTO_ICMP
	var to unix.Sockaddr = &unix.SockaddrInet4{Addr: as4(dst)}
	if dst.Is6() {
		domain, proto, to = unix.AF_INET6, unix.IPPROTO_ICMPV6, &unix.SockaddrInet6{Addr: dst.As16()}
	}
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return nil, fmt.Errorf("open an ICMP socket: %w (is a group of ringback in net.ipv4.ping_group_range?)", err)
	}
	if err := unix.Connect(fd, to); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("connect an ICMP socket to %v: %w", dst, err)
	}
	return os.NewFile(uintptr(fd), "ping"), nil
}

func as4(a netip.Addr) [4]byte {
	if a.Is4() {
		return a.As4()
	}
	return [4]byte{}
}

// readReplies sends the replies that arrive to the caller, with the caller's identifier, until the socket is closed.
func (f *flow) readReplies(ctx context.Context) {
	defer f.device.endFlow(f)
	defer context.AfterFunc(ctx, func() { _ = f.socket.Close() })()
	defer f.socket.Close()
	b := make([]byte, f.device.link.mtu)
	for {
		n, err := f.socket.Read(b)
		if err != nil {
			if !isTransient(err) {
				return
			}
			continue
		}
		if reply := f.reply(b[:n]); reply != nil {
			f.idle.touch()
			f.device.link.send(reply)
		}
	}
}

// reply returns the IP packet for an echo reply, or nil for another message or one that is longer than the link's MTU.
func (f *flow) reply(message []byte) []byte {
	kind, ip := byte(echoReply4), 20
	if f.key.dst.Addr().Is6() {
		kind, ip = echoReply6, 40
	}
	if len(message) < 8 || message[0] != kind || ip+len(message) > f.device.link.mtu {
		return nil
	}
	id := f.key.src.Port()
	message[2], message[3], message[4], message[5] = 0, 0, byte(id>>8), byte(id)
	return packICMP(f.key.dst.Addr(), f.key.src.Addr(), 64, message)
}
