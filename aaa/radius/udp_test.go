package radius_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
)

// On real UDP a closed port is reported by ICMP, which anyone can forge: the wait continues, and the reason contains
// the error.
func TestClosedPort(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.LocalAddr().String()
	l.Close()
	c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Address: address, Secret: secret,
		Timeout: 20 * time.Millisecond, Retries: 1, Source: "127.0.0.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		begun := time.Now()
		_, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: canary})
		if res.Kind != aaa.Silent || !strings.Contains(res.Reason, "connection refused") ||
			!strings.Contains(res.Reason, "2 transmissions") ||
			!strings.HasSuffix(res.Reason, "Nothing listens there: is the server running, and on this port?") ||
			time.Since(begun) < 50*time.Millisecond {
			t.Errorf("%+v after %v", res, time.Since(begun))
		}
	}
}

// Replies from an address other than the configured one are ignored, and the reason names that address.
func TestReplyFromElsewhere(t *testing.T) {
	t.Parallel()
	asked, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer asked.Close()
	other, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	go func() {
		buf := make([]byte, 4096)
		for {
			n, from, err := asked.ReadFrom(buf)
			if err != nil {
				return
			}
			reject := append([]byte{3, buf[1], 0, 20}, buf[4:20]...)
			other.WriteTo(reject[:min(n, 20)], from)
			other.WriteTo([]byte("no reply"), from)
		}
	}()
	c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Address: asked.LocalAddr().String(),
		Secret: secret, Timeout: 200 * time.Millisecond, Retries: 2}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := "A reply came from " + other.LocalAddr().String() + ": the server must reply from its configured address"
	var res aaa.Result
	for range 20 { // on a busy machine the reply may arrive after the last wait
		if _, res = c.Start(context.Background(), aaa.Request{User: "bob", Password: canary}); res.Kind != aaa.Silent {
			t.Fatalf("%+v", res)
		}
		if strings.Contains(res.Reason, want) {
			return
		}
	}
	t.Errorf("%q, must say %q", res.Reason, want)
}
