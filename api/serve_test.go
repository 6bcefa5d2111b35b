package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// queue is a listener whose connections a test makes.
type queue struct {
	net.Listener
	conns chan net.Conn
}

func (q *queue) Accept() (net.Conn, error) {
	c, ok := <-q.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (q *queue) Close() error   { close(q.conns); return nil }
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }

// far is a connection from an address.
type far struct {
	net.Conn
	address string
	closed  chan struct{}
}

func (f *far) RemoteAddr() net.Addr {
	a, err := net.ResolveTCPAddr("tcp", f.address)
	if err != nil {
		panic(err)
	}
	return a
}

func (f *far) Close() error {
	close(f.closed)
	if f.Conn != nil {
		return f.Conn.Close()
	}
	return nil
}

// TestConnectionsOfAnAddress: one address cannot use up the connections, and those that end make room.
func TestConnectionsOfAnAddress(t *testing.T) {
	q := &queue{conns: make(chan net.Conn, 2*maxOthers)}
	l := newLimited(q)
	made := 0
	offer := func(host string) *far {
		made++
		c := &far{address: fmt.Sprintf("%s:%d", host, 1000+made), closed: make(chan struct{})}
		q.conns <- c
		return c
	}
	accept := func(host string) net.Conn {
		t.Helper()
		want := offer(host)
		got, err := l.Accept()
		if err != nil || got.(*conn).Conn != want {
			t.Fatalf("%s: %v", host, err)
		}
		return got
	}
	var first net.Conn
	for range maxConnsEach {
		first = accept("192.0.2.1")
	}
	refused := offer("192.0.2.1")
	accept("192.0.2.2")
	<-refused.closed
	first.Close()
	accept("192.0.2.1")
	for i := range maxOthers - maxConnsEach - 1 {
		accept(fmt.Sprintf("198.51.%d.%d", i/200, i%200+1))
	}
	refused = offer("203.0.113.1")
	close(q.conns)
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v", err)
	}
	<-refused.closed
	// Root and the user of the daemon still get in.
	if l.admit(&peer{known: true, uid: uint32(os.Geteuid())}) == nil {
		t.Error("the user of the daemon is shut out by others")
	}
	if l.admit(&peer{known: true, uid: stranger}) != nil {
		t.Error("a stranger is not")
	}
}

// TestTooManyOfAUser: the client reads why it is not served.
func TestTooManyOfAUser(t *testing.T) {
	_, path := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}})
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConns {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%+v, %v", resp, err)
	}
	if text, _ := io.ReadAll(resp.Body); !strings.Contains(string(text), "too many connections of this user") {
		t.Errorf("%s", text)
	}
}

// TestSlowClients: a client that sends no header, or does not take its answer, is disconnected.
func TestSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, remote := net.Pipe()
		defer remote.Close()
		c := &conn{Conn: near, release: func() {}}
		began := time.Now()
		n, err := c.Write(make([]byte, 3*writePiece))
		var late net.Error
		if n != 0 || !errors.As(err, &late) || !late.Timeout() || time.Since(began) != writeTime {
			t.Errorf("nothing is read: %d octets written, %v after %v", n, err, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, remote := net.Pipe()
		defer remote.Close()
		c := &conn{Conn: near, release: func() {}}
		go func() { // a slow one, which reads a piece in almost the time that it has
			buf := make([]byte, writePiece)
			for range 3 {
				<-time.After(writeTime - time.Second)
				io.ReadFull(remote, buf)
			}
		}()
		if n, err := c.Write(make([]byte, 3*writePiece)); n != 3*writePiece || err != nil {
			t.Errorf("a slow reader: %d octets written, %v", n, err)
		}
		near.Close()
	})
	synctest.Test(t, func(t *testing.T) {
		near, remote := net.Pipe()
		q := &queue{conns: make(chan net.Conn, 1)}
		q.conns <- &far{Conn: near, address: "192.0.2.1:1", closed: make(chan struct{})}
		s := &Server{Daemon: fake{}, Feed: &Feed{}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.ServeListener(ctx, q) }()
		began := time.Now()
		fmt.Fprint(remote, "GET /v1/lines HTTP/1.1\r\nHost: x\r\n") // and nothing more
		text, err := io.ReadAll(remote)
		if d := time.Since(began); d != headerTime || len(text) > 0 || err != nil {
			t.Errorf("a header that does not end: %q, %v, after %v", text, err, d)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, remote := net.Pipe()
		defer remote.Close()
		q := &queue{conns: make(chan net.Conn, 1)}
		root := &peer{known: true}
		q.conns <- &conn{Conn: near, peer: root, release: func() {}}
		s := &Server{Daemon: fake{}, Feed: &Feed{}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.ServeListener(ctx, q) }()
		began := time.Now()
		fmt.Fprint(remote, "POST /v1/lines/65/clear HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
			"Content-Length: 10\r\n\r\n")
		var writer sync.WaitGroup
		writer.Go(func() { // an octet each 5 s
			for {
				if _, err := remote.Write([]byte(" ")); err != nil {
					return
				}
				<-time.After(5 * time.Second)
			}
		})
		resp, err := http.ReadResponse(bufio.NewReader(remote), nil)
		if err != nil || resp.StatusCode != http.StatusRequestTimeout || time.Since(began) != bodyTime {
			t.Errorf("a body that does not end: %+v, %v, after %v", resp, err, time.Since(began))
		}
		remote.Close()
		writer.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
