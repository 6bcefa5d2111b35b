package netdev

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// tunPath is the file that makes interfaces.
const tunPath = "/dev/net/tun"

// CheckTUN reports why a TUN network cannot work in this process, and how to mend it. It changes nothing.
func CheckTUN() error {
	fd, err := openTUN()
	if err != nil {
		return err
	}
	_ = unix.Close(fd)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("tun network: read the capabilities of this process: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return errors.New("tun network: this process has no CAP_NET_ADMIN (run ringback as root, or set " +
			"AmbientCapabilities=CAP_NET_ADMIN in its unit)")
	}
	return nil
}

// openTUN opens the file, without an interface.
func openTUN() (int, error) {
	fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	switch {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO):
		return -1, fmt.Errorf("tun network: open %s: %w (load the kernel module: modprobe tun)", tunPath, err)
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return -1, fmt.Errorf("tun network: open %s: %w (run ringback as root, or allow its user to open the file)",
			tunPath, err)
	case err != nil:
		return -1, fmt.Errorf("tun network: open %s: %w", tunPath, err)
	}
	return fd, nil
}

// TUN is the Network whose packets the kernel routes: each session has an interface of the kernel, named after it.
// Hosts beyond this machine are reached only if the kernel forwards (sysctl net.ipv4.ip_forward,
// net.ipv6.conf.all.forwarding). A session has one goroutine.
type TUN struct {
	mu      sync.Mutex
	devices map[*tunDevice]bool // nil once closed
}

// NewTUN makes the network. It returns the error of CheckTUN if it cannot work.
func NewTUN() (*TUN, error) {
	if err := CheckTUN(); err != nil {
		return nil, err
	}
	return &TUN{devices: map[*tunDevice]bool{}}, nil
}

// Open implements Network. The interface must not exist; it disappears with Close and with this process.
func (t *TUN) Open(s Session) (Device, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	file, err := createTUN(s.Name)
	if err != nil {
		return nil, err
	}
	d := &tunDevice{network: t, link: newLink(s), file: file}
	if err := d.start(s); err != nil {
		_ = file.Close()
		return nil, err
	}
	if err := errors.Join(d.SetIPv4(s.IPv4), d.SetIPv6(s.IPv6)); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// createTUN makes an interface. It lives as long as the file is open.
func createTUN(name string) (*os.File, error) {
	fd, err := openTUN()
	if err != nil {
		return nil, err
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		// Exclusive: never an interface that exists already.
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI | unix.IFF_TUN_EXCL)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		// Not before: the runtime's poller gets no events of a file that had no interface when it was registered.
		return os.NewFile(uintptr(fd), tunPath), nil
	}
	_ = unix.Close(fd)
	hint := ""
	switch {
	case errors.Is(err, unix.EPERM):
		hint = " (ringback needs CAP_NET_ADMIN)"
	case errors.Is(err, unix.EBUSY), errors.Is(err, unix.EINVAL):
		hint = " (is there an interface of this name already?)"
	}
	return nil, fmt.Errorf("interface %s: create it: %w%s", name, err, hint)
}

// Close implements Network.
func (t *TUN) Close() error {
	t.mu.Lock()
	devices := t.devices
	t.devices = nil
	t.mu.Unlock()
	for d := range devices {
		_ = d.Close()
	}
	return nil
}

// A tunDevice is a session on a TUN network.
type tunDevice struct {
	network *TUN
	link    *link
	file    *os.File
	kernel  netlink.Link // the interface
	reader  sync.WaitGroup

	mu     sync.Mutex // one SetIPv4, SetIPv6 or Close at a time
	closed bool
	undo   [2][]func() error // what takes IPv4 and IPv6 off the interface
}

// start brings the interface up, without addresses, and begins to read from it.
func (d *tunDevice) start(s Session) error {
	var err error
	if d.kernel, err = netlink.LinkByName(s.Name); err != nil {
		return fmt.Errorf("interface %s: find it: %w", s.Name, err)
	}
	if err := netlink.LinkSetMTU(d.kernel, s.MTU); err != nil {
		return fmt.Errorf("interface %s: set MTU %d: %w", s.Name, s.MTU, err)
	}
	// No link-local address besides the one that IPV6CP agreed on. A kernel without IPv6 refuses this.
	_ = netlink.LinkSetIP6AddrGenMode(d.kernel, nl.IN6_ADDR_GEN_MODE_NONE)
	if err := netlink.LinkSetUp(d.kernel); err != nil {
		return fmt.Errorf("interface %s: set it up: %w", s.Name, err)
	}
	d.network.mu.Lock()
	defer d.network.mu.Unlock()
	if d.network.devices == nil {
		return ErrClosed
	}
	d.network.devices[d] = true
	d.reader.Go(func() {
		if err := d.read(); !errors.Is(err, os.ErrClosed) && s.Gone != nil {
			s.Gone(fmt.Errorf("interface %s: was it deleted? %w", s.Name, err))
		}
	})
	return nil
}

// read delivers the kernel's packets until the file is closed or the interface is deleted.
func (d *tunDevice) read() error {
	b := make([]byte, d.link.mtu+1)
	for {
		n, err := d.file.Read(b)
		if err != nil {
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
				continue
			}
			return err
		}
		if h, ok := parse(b[:n]); ok && n <= d.link.mtu && !h.dst.IsMulticast() {
			d.link.send(b[:n])
		}
	}
}

// Write implements Device.
func (d *tunDevice) Write(p []byte) error {
	_, p, ok := d.link.receive(p)
	if !ok {
		return d.closedErr()
	}
	if _, err := d.file.Write(p); err != nil {
		d.link.refused.Add(1)
		return d.closedErr()
	}
	return nil
}

// closedErr returns ErrClosed if the device is closed.
func (d *tunDevice) closedErr() error {
	if d.link.isClosed() {
		return ErrClosed
	}
	return nil
}

// SetIPv4 implements Device.
func (d *tunDevice) SetIPv4(a IPv4) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link.set4(IPv4{})
	if err := d.down(0); err != nil {
		return err
	}
	if err := a.check(d.link.name); err != nil || !a.up() {
		return err
	}
	// The kernel drops packets from an address of its own. An error of the look-up says that there is no route to it.
	if own, err := isOwn(a.Peer); err == nil && own {
		return fmt.Errorf("interface %s: the caller's address %v is an address of this machine", d.link.name, a.Peer)
	}
	local := netlink.Addr{IPNet: netlink.NewIPNet(a.Local.AsSlice()), Peer: netlink.NewIPNet(a.Peer.AsSlice())}
	if err := d.configure(0, &local, a.Routes); err != nil {
		return err
	}
	d.link.set4(a)
	return nil
}

// SetIPv6 implements Device.
func (d *tunDevice) SetIPv6(a IPv6) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.link.set6(IPv6{})
	if err := d.down(1); err != nil {
		return err
	}
	if err := a.check(d.link.name, d.link.mtu); err != nil || !a.up() {
		return err
	}
	local := netlink.Addr{IPNet: ipNet(netip.PrefixFrom(linkLocal(a.LocalID), 64)), Flags: unix.IFA_F_NODAD}
	if err := d.configure(1, &local, a.sources()); err != nil {
		return err
	}
	d.link.set6(a)
	d.link.advertise()
	return nil
}

// configure puts an address and routes of a family on the interface, or nothing if one of them fails.
func (d *tunDevice) configure(index int, local *netlink.Addr, nets []netip.Prefix) error {
	if err := netlink.AddrAdd(d.kernel, local); err != nil {
		return fmt.Errorf("interface %s: add the address %v: %w", d.link.name, local, err)
	}
	d.undo[index] = append(d.undo[index], func() error { return netlink.AddrDel(d.kernel, local) })
	for _, n := range nets {
		route := netlink.Route{LinkIndex: d.kernel.Attrs().Index, Dst: ipNet(n), Scope: netlink.SCOPE_LINK}
		if err := netlink.RouteAdd(&route); err != nil {
			_ = d.down(index)
			return fmt.Errorf("interface %s: add the route %v: %w", d.link.name, n, err)
		}
		d.undo[index] = append(d.undo[index], func() error { return netlink.RouteDel(&route) })
	}
	return nil
}

// down takes a family off the interface.
func (d *tunDevice) down(index int) error {
	if d.closed {
		return ErrClosed
	}
	var errs []error
	for len(d.undo[index]) > 0 {
		last := len(d.undo[index]) - 1
		errs = append(errs, d.undo[index][last]())
		d.undo[index] = d.undo[index][:last]
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("interface %s: remove addresses and routes: %w", d.link.name, err)
	}
	return nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// Stats implements Device.
func (d *tunDevice) Stats() Stats { return d.link.stats() }

// Close implements Device. The kernel removes the interface with its addresses and routes.
func (d *tunDevice) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	d.link.close()
	err := d.file.Close()
	d.reader.Wait()
	d.network.mu.Lock()
	defer d.network.mu.Unlock()
	delete(d.network.devices, d)
	if err != nil {
		return fmt.Errorf("interface %s: close it: %w", d.link.name, err)
	}
	return nil
}
