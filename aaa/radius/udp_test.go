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

// On real UDP a closed port is told by ICMP, which anybody can forge: the wait goes on, and the reason says what was told.
func TestClosedPort(t *testing.T) {
	l, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.LocalAddr().String()
	l.Close()
	c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Address: address, Secret: secret, Timeout: 20 * time.Millisecond, Retries: 1, Source: "127.0.0.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		begun := time.Now()
		_, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: canary})
		if res.Kind != aaa.Silent || !strings.Contains(res.Reason, "connection refused") || !strings.Contains(res.Reason, "2 transmissions") || time.Since(begun) < 50*time.Millisecond {
			t.Errorf("%+v after %v", res, time.Since(begun))
		}
	}
}
