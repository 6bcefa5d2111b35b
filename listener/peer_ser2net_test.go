package listener

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// TestPeerSer2net has ser2net connect to our listeners, as a client of RFC 2217 and of raw TCP, for a program that
// sends all octets.
func TestPeerSer2net(t *testing.T) {
	program, err := exec.LookPath("ser2net")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/ser2net")
	}
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs ser2net: apt-get install ser2net")
		}
		t.Skip("needs ser2net: apt-get install ser2net")
	}
	for _, c := range []struct {
		protocol  Protocol
		connector string
		agreed    bool // the client drives the port
	}{
		{RFC2217, "telnet(rfc2217),tcp,%s", true},
		{Telnet, "telnet,tcp,%s", false},
		{Raw, "tcp,%s", false},
	} {
		t.Run(string(c.protocol), func(t *testing.T) {
			ready, gone := make(chan bool, 1), make(chan struct{}, 1)
			set := New(Options{Happened: func(events.Event) {}, Serve: func(ctx context.Context, conn *Conn) error {
				s := NewStream(conn, c.protocol, true)
				conn.Admit()
				s.Admit()
				first := make([]byte, 1)
				if _, err := io.ReadFull(s, first); err == nil {
					ready <- s.com != nil && s.comReady()
					err = errors.Join(s.Circuits(lines.DSR|lines.DCD), s.Raw(true))
					if err == nil {
						_, err = s.Write(first)
					}
					if err != nil {
						t.Error(err)
					}
					echo(conn, s)
				}
				gone <- struct{}{}
				return s.Hangup(ctx)
			}})
			place, _, err := set.Prepare(t.Context(), []Config{{Address: "127.0.0.1:0", Protocol: c.protocol,
				Sessions: 5, Target: Target{Line: 65}}})
			if err != nil {
				t.Fatal(err)
			}
			place()
			ctx, stop := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() {
				defer close(over)
				set.Run(ctx)
			}()
			defer func() {
				stop()
				<-over
			}()
			_, port, _ := net.SplitHostPort(set.List()[0].Address)
			conn := dialSer2net(t, program, fmt.Sprintf(c.connector, "127.0.0.1,"+port))
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
			all := []byte{'A'}
			for b := range 256 {
				all = append(all, byte(b))
			}
			all = append(all, "\r\n\r\x00\xff\xff\xf4\xff"...)
			if _, err := conn.Write(all[:1]); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(all))
			if _, err := io.ReadFull(conn, got[:1]); err != nil {
				t.Fatal(err)
			}
			if agreed := <-ready; agreed != c.agreed {
				t.Errorf("COM-PORT-OPTION is agreed: %v", agreed)
			}
			if c.protocol == Telnet { // text until the client has agreed to octets
				all = bytes.ReplaceAll(all, []byte("\r\n\r\x00"), nil)
				all = bytes.ReplaceAll(all, []byte("\r"), nil)
				got = got[:len(all)]
			}
			if _, err := conn.Write(all[1:]); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, got[1:]); err != nil || !bytes.Equal(got, all) {
				t.Errorf("%v: got\n%q, want\n%q", err, got, all)
			}
			_ = conn.Close()
			<-gone
		})
	}
}

// comReady reports whether the client drives the port.
func (s *Stream) comReady() bool {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.com.Ready()
}

// dialSer2net runs ser2net, which leads to connector, and connects to it.
func dialSer2net(t *testing.T, program, connector string) net.Conn {
	t.Helper()
	for range 5 { // another program may take the port before ser2net does
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := free.Addr().String()
		_ = free.Close()
		_, port, _ := net.SplitHostPort(address)
		config := filepath.Join(t.TempDir(), "ser2net.yaml")
		text := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &door\n  accepter: tcp,127.0.0.1,%s\n  connector: %s\n", port,
			connector)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		cmd := exec.CommandContext(ctx, program, "-n", "-c", config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			stop()
			_ = cmd.Wait()
		})
		for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
			if conn, err := net.Dial("tcp", address); err == nil {
				return conn
			}
			<-time.After(20 * time.Millisecond)
		}
		stop()
	}
	t.Fatal("ser2net did not come up on any of five ports")
	return nil
}
