package netdev

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
)

// inNamespace is the variable that says that the process runs in a network namespace of its own.
const inNamespace = "RINGBACK_TEST_NAMESPACE"

// TestPeerNamespace runs the tests that need rights in a new network namespace, in a process of their own.
func TestPeerNamespace(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		t.Run("TUN", testTUN)
		t.Run("deleted", testDeletedTUN)
		t.Run("own address", testOwnAddressOfTUN)
		t.Run("traffic", testTUNTraffic)
		t.Run("many", testManyTUN)
		return
	}
	if _, err := os.Stat(tunPath); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("needs %s: modprobe tun", tunPath)
	}
	runtime.LockOSThread() // Pdeathsig is sent at the end of the thread that started the child
	defer runtime.UnlockOSThread()
	command := exec.Command("/proc/self/exe", "-test.v", "-test.timeout=60s",
		"-test.run=^(TestPeerNamespace|TestPing|TestOwnAddress)$")
	command.Env = append(os.Environ(), inNamespace+"=1", "RINGBACK_PING=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	out, err := command.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		text := "needs root: a network namespace and " + tunPath
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	case err != nil || !strings.Contains(string(out), "--- PASS: TestPeerNamespace/many"):
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
}

// setUpNamespace brings loopback up, gives it an address, and permits pings.
func setUpNamespace() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr("198.51.100.1/32")
	if err != nil {
		return err
	}
	return errors.Join(netlink.LinkSetUp(lo), netlink.AddrAdd(lo, addr),
		os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte("0 0"), 0))
}

// newTUN makes the network in the namespace.
func newTUN(t *testing.T) *TUN {
	t.Helper()
	network, err := NewTUN()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = network.Close() })
	return network
}

// testTUN looks at the interface of a session through netlink, and sees it disappear.
func testTUN(t *testing.T) {
	network := newTUN(t)
	s := numbered("ppp65", 1)
	c := newCaller(t, network, s)
	l, err := netlink.LinkByName("ppp65")
	if err != nil {
		t.Fatal(err)
	}
	if a := l.Attrs(); a.MTU != 1400 || a.Flags&net.FlagUp == 0 {
		t.Errorf("interface: %+v", a)
	}
	want := "10.8.0.1/32 10.8.0.11/32, 10.8.0.11/32, 172.16.1.0/24, fe80::1/64 <nil>, 2001:db8:0:1::/64, fe80::/64"
	if got := describe(t, l); got != want {
		t.Errorf("addresses and routes\n%s, want\n%s", got, want)
	}
	s.Deliver = func([]byte) bool { return true }
	if _, err := network.Open(s); err == nil ||
		!strings.Contains(err.Error(), "is there an interface of this name already?") {
		t.Errorf("the name again: %v", err)
	}
	if err := c.SetIPv4(IPv4{}); err != nil {
		t.Fatal(err)
	}
	if got := describe(t, l); got != ", , fe80::1/64 <nil>, 2001:db8:0:1::/64, fe80::/64" {
		t.Errorf("addresses and routes without IPv4: %s", got)
	}
	bad := s.IPv4
	bad.Routes = []netip.Prefix{netip.MustParsePrefix("172.16.1.0/24"), netip.MustParsePrefix("172.16.1.0/24")}
	if err := c.SetIPv4(bad); err == nil || !strings.Contains(err.Error(), "add the route 172.16.1.0/24: file exists") {
		t.Errorf("a route twice: %v", err)
	}
	if got := describe(t, l); got != ", , fe80::1/64 <nil>, 2001:db8:0:1::/64, fe80::/64" {
		t.Errorf("addresses and routes after an error: %s", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := netlink.LinkByName("ppp65"); err == nil {
		t.Error("the interface is still there")
	}
	if err := c.Write([]byte{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}

// testDeletedTUN: a session whose interface somebody deletes is told so, once, and one that is closed is not.
func testDeletedTUN(t *testing.T) {
	network := newTUN(t)
	gone := make(chan error, 2)
	s := numbered("ppp65", 1)
	s.Deliver, s.Gone = func([]byte) bool { return true }, func(err error) { gone <- err }
	for _, deleted := range []bool{false, true} {
		d, err := network.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		if deleted {
			l, err := netlink.LinkByName("ppp65")
			if err == nil {
				err = netlink.LinkDel(l)
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := <-gone; !strings.HasPrefix(err.Error(), "interface ppp65: was it deleted?") {
				t.Error(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(gone) > 0 {
		t.Error(<-gone)
	}
}

// testOwnAddressOfTUN: a caller does not get an address of this machine, with which no packet would pass.
func testOwnAddressOfTUN(t *testing.T) {
	s := numbered("ppp65", 1)
	s.Deliver = func([]byte) bool { return true }
	s.IPv4.Peer = netip.MustParseAddr("198.51.100.1")
	const want = "interface ppp65: the caller's address 198.51.100.1 is an address of this machine"
	if _, err := newTUN(t).Open(s); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// describe lists the addresses with their peers, and the routes that are not multicast or local.
func describe(t *testing.T, l netlink.Link) string {
	t.Helper()
	var parts []string
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		addrs, err := netlink.AddrList(l, family)
		if err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, a := range addrs {
			text = append(text, fmt.Sprintf("%v %v", a.IPNet, a.Peer))
		}
		parts = append(parts, strings.Join(text, " and "))
		routes, err := netlink.RouteList(l, family)
		if err != nil {
			t.Fatal(err)
		}
		text = nil
		for _, r := range routes {
			text = append(text, r.Dst.String())
		}
		parts = append(parts, strings.Join(text, ", "))
	}
	return strings.Join(parts, ", ")
}

// testTUNTraffic exchanges data with the kernel: TCP in both directions, UDP, IPv6, pings of the kernel.
func testTUNTraffic(t *testing.T) {
	network := newTUN(t)
	c := newCaller(t, network, numbered("ppp66", 2))
	data := random(4, 1<<20)
	server := serve(t, "10.8.0.1:0", func(conn *net.TCPConn) { _, _ = conn.Write(data) })
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || sha256.Sum256(got) != sha256.Sum256(data) {
		t.Errorf("downloaded %d octets, %v", len(got), err)
	}
	_ = conn.Close()

	c.ip = wait(t, c.ndp.address)
	server6 := serve(t, "[::]:0", func(conn *net.TCPConn) { _, _ = io.Copy(conn, conn) })
	local := netip.MustParseAddr("fe80::1")
	if conn, err = c.dial(testContext(t), netip.AddrPortFrom(local, server6.Port())); err == nil {
		echo(t, conn, random(5, 100000))
		_ = conn.Close()
	} else {
		t.Errorf("IPv6: %v", err)
	}
	fromKernel(t, c, callerIPv4(2), ipv4.ProtocolNumber)
	fromKernel(t, c, c.ip, ipv6.ProtocolNumber)

	before := c.Stats()
	_ = c.Write(syn(netip.MustParseAddr("10.8.0.99"), server, 64))
	if after := c.Stats(); after.Refused != before.Refused+1 {
		t.Error("a packet with a foreign source was written to the kernel")
	}
}

// fromKernel connects from the kernel to the caller.
func fromKernel(t *testing.T, c *caller, to netip.Addr, proto tcpip.NetworkProtocolNumber) {
	t.Helper()
	l, err := gonet.ListenTCP(c.stack, tcpip.FullAddress{NIC: 1, Addr: address(to), Port: 80}, proto)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if conn, err := l.Accept(); err == nil {
			_, _ = io.Copy(conn, conn)
			_ = conn.Close()
		}
	}()
	conn, err := net.Dial("tcp", netip.AddrPortFrom(to, 80).String())
	if err != nil {
		t.Errorf("from the kernel: %v", err)
		return
	}
	echo(t, conn, random(6, 100000))
	_ = conn.Close()
}

// testManyTUN opens and closes 60 sessions, some with the network: no descriptor and no interface is left.
func testManyTUN(t *testing.T) {
	network := newTUN(t)
	open := func(name string, n int) Device {
		s := numbered(name, n)
		s.Deliver = func([]byte) bool { return true }
		d, err := network.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	_ = open("first", 3).Close()
	before := descriptors(t)
	for i := range 60 {
		d := open(fmt.Sprintf("ppp%d", i), i)
		if i%2 == 0 {
			_ = d.Close()
		} else {
			defer d.Close()
			network.mu.Lock()
			n := len(network.devices)
			network.mu.Unlock()
			if n > 20 {
				_ = network.Close()
				network = newTUN(t)
			}
		}
	}
	_ = network.Close()
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
	links, err := netlink.LinkList()
	if err != nil || len(links) != 1 {
		t.Errorf("%d interfaces are left (%v), want only lo", len(links), err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestCheckTUN refuses a process without the capability, with a hint. It runs as nobody if it can.
func TestCheckTUN(t *testing.T) {
	if os.Getenv("RINGBACK_TEST_CHECK") == "1" {
		fmt.Println(CheckTUN())
		return
	}
	if os.Geteuid() != 0 {
		if err := CheckTUN(); err == nil || !strings.Contains(err.Error(), "(") {
			t.Errorf("CheckTUN without rights: %v, want an error with a hint", err)
		}
		return
	}
	runtime.LockOSThread() // Pdeathsig is sent at the end of the thread that started the child
	defer runtime.UnlockOSThread()
	command := exec.Command("/proc/self/exe", "-test.run=^TestCheckTUN$")
	command.Env = append(os.Environ(), "RINGBACK_TEST_CHECK=1")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := command.CombinedOutput()
	if err != nil {
		t.Skipf("run as nobody: %v", err) // the directory of the test binary is closed to others
	}
	if !strings.Contains(string(out), "tun network: ") || !strings.Contains(string(out), "(") {
		t.Errorf("as nobody: %s", out)
	}
}
