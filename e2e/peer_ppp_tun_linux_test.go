package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab/pppclient"
)

// TestPeerPPPTUN: with netdev tun the kernel of a new network namespace carries the packets of PPP callers.
func TestPeerPPPTUN(t *testing.T) {
	t.Parallel()
	if !enterNamespace(t) {
		return
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
