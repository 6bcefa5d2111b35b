package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lab/pppclient"
)

// inNamespace is the variable that says that the process runs in a network namespace of its own.
const inNamespace = "TEST_NAMESPACE" // not RINGBACK_…, which names keys

// TestPeerPPPTUN: with netdev tun the kernel of a new network namespace carries the packets of PPP callers.
func TestPeerPPPTUN(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		testPPPTUN(t)
		return
	}
	t.Parallel()
	if _, err := os.Stat("/dev/net/tun"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs /dev/net/tun: modprobe tun")
	}
	command := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.timeout=10m",
		"-test.run=^TestPeerPPPTUN$")
	command.Env = append(os.Environ(), inNamespace+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: unix.SIGKILL}
	out, err := command.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES):
		text := "needs root: a network namespace and /dev/net/tun"
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(text)
		}
		t.Skip(text)
	case err != nil || !strings.Contains(string(out), "--- PASS: TestPeerPPPTUN"):
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
}

func testPPPTUN(t *testing.T) {
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	var from string
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from = r.RemoteAddr
		fmt.Fprint(w, strings.Repeat("page ", 10_000))
	})}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	l := pppTownOn(t, "netdev: tun")
	p := sitDown(t, l, "austin-01")
	p.enter("atdt 55555")
	p.see("CONNECT")
	h, _ := p.online(p.client(pppclient.Config{User: "paul", Password: "maui-ppp", IPv6: true}))
	if _, err := net.InterfaceByName("ppp65"); err != nil {
		t.Error(err)
	}
	url := fmt.Sprintf("http://10.8.0.1:%d/", listener.Addr().(*net.TCPAddr).Port)
	if page, err := fetch(t, h, url); len(page) != 50_000 || err != nil || !strings.HasPrefix(from, "10.8.0.10:") {
		t.Errorf("%d octets for %s, %v", len(page), from, err)
	}
	p.leave(h)
	eventually(t, "the end of the interface", func() bool {
		_, err := net.InterfaceByName("ppp65")
		return err != nil
	})
}
