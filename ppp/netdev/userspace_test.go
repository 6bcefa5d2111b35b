package netdev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
)

// loopback opens the addresses on which the tests' servers listen.
var loopback = Reach{Allow: []Target{{Net: netip.MustParsePrefix("127.0.0.0/8")},
	{Net: netip.MustParsePrefix("::1/128")}}}

func newUserspace(t testing.TB, o Options) *Userspace {
	t.Helper()
	u, err := NewUserspace(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := u.Close(); err != nil {
			t.Error(err)
		}
	})
	return u
}

// serve accepts connections on a free port of loopback until the test ends.
func serve(t testing.TB, address string, handle func(*net.TCPConn)) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			handlers.Go(func() {
				defer conn.Close()
				handle(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		handlers.Wait()
	})
	return netip.MustParseAddrPort(l.Addr().String())
}

// random returns n octets that a seed determines.
func random(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// TestTransfer downloads 1 MiB over TCP, uploads, and compares all octets. The upload with small packets is short: at
// the speed of memory they fill the stack's buffer, which counts their overhead, and TCP then waits for its timers.
func TestTransfer(t *testing.T) {
	for _, c := range []struct{ mtu, upload int }{{296, 8 << 10}, {576, 8 << 10}, {1500, 1 << 20}} {
		data, up := random(1, 1<<20), random(2, c.upload)
		received := make(chan [32]byte, 1)
		server := serve(t, "127.0.0.1:0", func(conn *net.TCPConn) {
			_, _ = conn.Write(data)
			_ = conn.CloseWrite()
			up, _ := io.ReadAll(conn)
			received <- sha256.Sum256(up)
		})
		s := session(1)
		s.MTU = c.mtu
		caller := newCaller(t, newUserspace(t, Options{Reach: loopback}), s)
		conn, err := caller.dial(testContext(t), server)
		if err != nil {
			t.Fatal(err)
		}
		down, err := io.ReadAll(conn)
		if err != nil || !bytes.Equal(down, data) {
			t.Errorf("MTU %d: downloaded %d octets (%v), want %d equal ones", c.mtu, len(down), err, len(data))
		}
		if _, err := conn.Write(up); err != nil {
			t.Fatal(err)
		}
		_ = conn.CloseWrite()
		if got := <-received; got != sha256.Sum256(up) {
			t.Errorf("MTU %d: the upload arrived changed", c.mtu)
		}
		_ = conn.Close()
		n := caller.Stats()
		if n.ToCaller.Octets < 1<<20 || n.FromCaller.Octets < uint64(c.upload) || n.Refused != 0 {
			t.Errorf("MTU %d: counters %+v, want more than the transfers, none refused", c.mtu, n)
		}
	}
}

// TestConnections opens as many connections as a session may have; the next one is reset, and one more is possible
// after one has ended.
func TestConnections(t *testing.T) {
	const limit = 20
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	closed := make(chan struct{}, limit)
	u := newUserspace(t, Options{Reach: loopback, Limits: Limits{Connections: limit, HalfOpen: limit},
		Debug: func(_, text string) {
			if strings.HasSuffix(text, ": closed") {
				closed <- struct{}{}
			}
		}})
	c := newCaller(t, u, session(1))
	ctx := testContext(t)
	conns := make([]*gonet.TCPConn, limit)
	var dials sync.WaitGroup
	for i := range conns {
		dials.Go(func() {
			conn, err := c.dial(ctx, server)
			if err != nil {
				t.Errorf("connection %d: %v", i, err)
				return
			}
			conns[i] = conn
			echo(t, conn, random(uint64(i), 5000))
		})
	}
	dials.Wait()
	if t.Failed() {
		return
	}
	if conn, err := c.dial(ctx, server); err == nil {
		t.Error("a connection above the limit was accepted")
		_ = conn.Close()
	}
	_ = conns[0].Close()
	<-closed
	conn, err := c.dial(ctx, server)
	if err != nil {
		t.Fatalf("after a connection has ended: %v", err)
	}
	echo(t, conn, []byte("again"))
	for _, conn := range append(conns[1:], conn) {
		_ = conn.Close()
	}
}

// echo sends data to an echo server and compares what comes back.
func echo(t *testing.T, conn io.ReadWriter, data []byte) {
	t.Helper()
	if _, err := conn.Write(data); err != nil {
		t.Error(err)
		return
	}
	got := make([]byte, len(data))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("echo of %d octets: %v, equal: %v", len(data), err, bytes.Equal(got, data))
	}
}

// serveUDP answers each datagram with as many octets of data as its first two octets say, until the test ends.
func serveUDP(t testing.TB, data []byte) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	var server sync.WaitGroup
	server.Go(func() {
		b := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			want := 0
			if n >= 2 {
				want = min(len(data), int(binary.BigEndian.Uint16(b)))
			}
			_, _ = conn.WriteToUDPAddrPort(data[:want], from)
		}
	})
	t.Cleanup(func() {
		_ = conn.Close()
		server.Wait()
	})
	return netip.MustParseAddrPort(conn.LocalAddr().String())
}

// TestUDP asks a server for answers of many lengths, as a resolver does; the greatest are fragmented on the link.
func TestUDP(t *testing.T) {
	data := random(3, 9000)
	server := serveUDP(t, data)
	s := session(1)
	s.MTU = 576
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), s)
	for _, n := range []int{0, 1, 512, 1232, 4096, 8192} {
		conn := c.udp(t, server)
		query := make([]byte, 4000) // fragmented by the caller
		binary.BigEndian.PutUint16(query, uint16(n))
		if _, err := conn.Write(query); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		got := make([]byte, 10000)
		m, err := conn.Read(got)
		if err != nil || !bytes.Equal(got[:m], data[:n]) {
			t.Errorf("answer of %d octets: got %d, %v", n, m, err)
		}
	}
}

// TestFlowLimit opens more flows than a session may have: the oldest ends, the latest work.
func TestFlowLimit(t *testing.T) {
	server := serveUDP(t, []byte("data"))
	u := newUserspace(t, Options{Reach: loopback, Limits: Limits{Flows: 3}})
	c := newCaller(t, u, session(1))
	for range 10 {
		conn := c.udp(t, server)
		_, _ = conn.Write([]byte{0, 4})
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := conn.Read(make([]byte, 10)); n != 4 {
			t.Fatalf("answer: %d octets, %v", n, err)
		}
	}
	d := c.Device.(*userDevice)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.flows) != 3 {
		t.Errorf("the session has %d flows, want 3", len(d.flows))
	}
}

// TestIdle lets a TCP connection and a UDP flow be idle: both end, and the descriptors are free.
func TestIdle(t *testing.T) {
	ended := make(chan struct{})
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		_, _ = io.Copy(io.Discard, c)
		close(ended)
	})
	u := newUserspace(t, Options{Reach: loopback,
		Limits: Limits{Idle: 50 * time.Millisecond, FlowIdle: 50 * time.Millisecond}})
	c := newCaller(t, u, session(1))
	_, _ = c.udp(t, serveUDP(t, []byte("data"))).Write([]byte{0, 0})
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read from an idle connection: %v, want a reset", err)
	}
	<-ended
	d := c.Device.(*userDevice)
	d.running.Wait() // ends only if the flow does, too
	if n := u.flows.Load(); n != 0 {
		t.Errorf("%d connections and flows are left", n)
	}
}

// TestHalfClose closes the caller's writing side first; the host then still sends.
func TestHalfClose(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		question, _ := io.ReadAll(c)
		_, _ = c.Write(append(question, " answered"...))
	})
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), session(1))
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte("question"))
	_ = conn.CloseWrite()
	if got, err := io.ReadAll(conn); string(got) != "question answered" {
		t.Errorf("got %q, %v", got, err)
	}
	_ = conn.Close()
}

// TestSlowLine downloads from a host that closes at once, over a line that needs longer for the rest than a connection
// may be idle: nothing is cut off.
func TestSlowLine(t *testing.T) {
	data := random(7, 60<<10)
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = c.Write(data) })
	u := newUserspace(t, Options{Reach: loopback, Limits: Limits{HalfClosed: 500 * time.Millisecond}})
	c := newSlowCaller(t, u, session(1), 40*time.Millisecond)
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.CloseWrite()
	if got, err := io.ReadAll(conn); !bytes.Equal(got, data) {
		t.Errorf("got %d of %d octets, %v", len(got), len(data), err)
	}
	_ = conn.Close()
}

// lossy is a network that loses the packets to callers for which lose returns true.
type lossy struct {
	Network
	lose func(packet []byte) bool
}

func (n lossy) Open(s Session) (Device, error) {
	deliver := s.Deliver
	s.Deliver = func(p []byte) bool { return !n.lose(p) && deliver(p) }
	return n.Network.Open(s)
}

// TestLastSegmentLost: the line loses the last octets of a host once, and not the FIN that follows them.
func TestLastSegmentLost(t *testing.T) {
	data := random(9, 8<<10)
	last := data[len(data)-1000:]
	lost := make(chan struct{})
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		_, _ = c.Write(data[:len(data)-len(last)])
		_, _ = c.Read(make([]byte, 1)) // the caller has it
		_, _ = c.Write(last)
		<-lost
	})
	once := new(sync.Once)
	network := lossy{newUserspace(t, Options{Reach: loopback}), func(p []byte) (lose bool) {
		if bytes.Contains(p, last[:100]) {
			once.Do(func() { lose = true; close(lost) })
		}
		return lose
	}}
	conn, err := newCaller(t, network, session(1)).dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	got := make([]byte, len(data)-len(last))
	if _, err := io.ReadFull(conn, got); err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte{1})
	rest, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(append(got, rest...), data) {
		t.Errorf("got %d of the last %d octets, %v", len(rest), len(last), err)
	}
	_ = conn.Close()
}

// TestReset passes a reset of the host on to the caller.
func TestReset(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		_, _ = c.Read(make([]byte, 1))
		_ = c.SetLinger(0)
	})
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), session(1))
	conn, err := c.dial(testContext(t), server)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = conn.Write([]byte{1})
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read: %v, want a reset", err)
	}
}

// TestService reaches a server of loopback by another address, over TCP and UDP.
func TestService(t *testing.T) {
	web := netip.MustParseAddrPort("10.8.0.1:80")
	dns := netip.MustParseAddrPort("192.0.2.53:53")
	reach := Reach{Services: map[netip.AddrPort]netip.AddrPort{
		web: serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) }),
		dns: serveUDP(t, []byte("data")),
	}}
	c := newCaller(t, newUserspace(t, Options{Reach: reach}), session(1))
	conn, err := c.dial(testContext(t), web)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn, []byte("page"))
	_ = conn.Close()
	query := c.udp(t, dns)
	_, _ = query.Write([]byte{0, 4})
	_ = query.SetReadDeadline(time.Now().Add(20 * time.Second))
	if n, err := query.Read(make([]byte, 10)); n != 4 {
		t.Errorf("answer: %d octets, %v", n, err)
	}
}

// TestStalledCaller lets a caller read nothing while a host sends: the host stalls, and memory does not grow.
func TestStalledCaller(t *testing.T) {
	var sent atomic.Int64
	stalled := make(chan struct{})
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		defer close(stalled)
		b := make([]byte, 64<<10)
		for {
			_ = c.SetWriteDeadline(time.Now().Add(300 * time.Millisecond))
			n, err := c.Write(b)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), session(1))
	before := heap()
	if _, err := c.dial(testContext(t), server); err != nil {
		t.Fatal(err)
	}
	<-stalled
	// The kernel's buffers hold some MiB, the caller's stack in this process as much as it advertises: 1 MiB.
	if n := sent.Load(); n > 32<<20 {
		t.Errorf("the host sent %d octets to a caller that reads nothing", n)
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("the heap grew by %d octets", grown)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCloseDuringTransfers closes sessions while they transfer in both directions; Close returns, and the hosts notice.
func TestCloseDuringTransfers(t *testing.T) {
	var ended sync.WaitGroup
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) {
		defer ended.Done()
		go func() { _, _ = io.Copy(io.Discard, c) }()
		b := make([]byte, 1000)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	u := newUserspace(t, Options{Reach: loopback})
	ctx := testContext(t)
	for i := range 5 {
		c := newCaller(t, u, session(1)) // the same address again
		for range 4 {
			ended.Add(1)
			conn, err := c.dial(ctx, server)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(conn, make([]byte, 5000)); err != nil {
				t.Fatal(err)
			}
			_, _ = conn.Write(random(uint64(i), 20000))
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if err := c.Write([]byte{1}); !errors.Is(err, ErrClosed) {
			t.Errorf("Write after Close: %v, want ErrClosed", err)
		}
	}
	ended.Wait()
	if n := u.flows.Load(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// TestCloseDuringHandshake closes a session between our SYN and ACK and the caller's ACK, which never comes.
func TestCloseDuringHandshake(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	u := newUserspace(t, Options{Reach: loopback})
	for range 50 {
		answered := make(chan []byte, 10)
		s := session(1)
		s.Name, s.MTU = "ppp1", 1500
		s.Deliver = func(p []byte) bool { answered <- bytes.Clone(p); return true }
		d, err := u.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Write(syn(s.IPv4.Peer, server, 64))
		<-answered
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 { // and without waiting for the answer
		s := session(1)
		s.Name, s.MTU, s.Deliver = "ppp1", 1500, func([]byte) bool { return true }
		d, err := u.Open(s)
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Write(syn(s.IPv4.Peer, server, 64))
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n := u.flows.Load(); n != 0 {
		t.Errorf("%d connections are left", n)
	}
}

// TestSetIPv4 takes IPv4 down and up again: connections end, and new ones are possible with the new address only.
func TestSetIPv4(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	c := newCaller(t, newUserspace(t, Options{Reach: loopback}), session(1))
	ctx := testContext(t)
	conn, err := c.dial(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	echo(t, conn, []byte("open"))
	d := c.Device.(*userDevice)
	if err := c.SetIPv4(IPv4{}); err != nil {
		t.Fatal(err)
	}
	d.running.Wait()
	before := c.Stats()
	_ = c.Write(syn(callerIPv4(1), server, 64))
	if after := c.Stats(); after.Refused != before.Refused+1 {
		t.Errorf("a packet while IPv4 is down was not refused: %+v", after)
	}
	if err := c.SetIPv4(session(2).IPv4); err != nil {
		t.Fatal(err)
	}
	c.ip = callerIPv4(2)
	if conn, err = c.dial(ctx, server); err != nil {
		t.Fatal(err)
	}
	echo(t, conn, []byte("open again"))
}

// TestAddressInUse refuses the address of another session, until that session ends.
func TestAddressInUse(t *testing.T) {
	u := newUserspace(t, Options{})
	first := newCaller(t, u, session(1))
	s := session(1)
	s.Name, s.MTU, s.Deliver = "ppp2", 1500, func([]byte) bool { return true }
	_, err := u.Open(s)
	if err == nil || !strings.Contains(err.Error(), "ppp2: 10.8.0.11/32 is in use by the session on ppp1") {
		t.Errorf("the same address again: %v", err)
	}
	s.IPv4.Peer = callerIPv4(2)
	s.IPv4.Routes = []netip.Prefix{netip.MustParsePrefix("10.8.0.8/29")}
	if _, err := u.Open(s); err == nil {
		t.Error("a route over another session's address was accepted")
	}
	_ = first.Close()
	d, err := u.Open(s)
	if err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
}

// TestManySessions opens and closes 200 sessions, each with a connection and a UDP flow; nothing is left.
func TestManySessions(t *testing.T) {
	server := serve(t, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = io.Copy(c, c) })
	dns := serveUDP(t, []byte("data"))
	u := newUserspace(t, Options{Reach: loopback})
	ctx := testContext(t)
	var before int64
	for i := range 220 {
		if i == 20 { // pools and tables have their size
			before = heap()
		}
		t.Run("", func(t *testing.T) {
			c := newCaller(t, u, session(i))
			conn, err := c.dial(ctx, server)
			if err != nil {
				t.Fatal(err)
			}
			echo(t, conn, []byte("hello"))
			_, _ = c.udp(t, dns).Write([]byte{0, 4})
		})
	}
	if n := u.flows.Load(); n != 0 {
		t.Errorf("%d connections and flows are left", n)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("200 sessions left %d octets", grown)
	}
	if n := len(u.stack.NICInfo()); n != 0 {
		t.Errorf("%d interfaces are left", n)
	}
}

// TestClosedNetwork refuses to open a session.
func TestClosedNetwork(t *testing.T) {
	u := newUserspace(t, Options{})
	c := newCaller(t, u, session(1))
	_ = u.Close()
	if err := c.Write([]byte{1}); !errors.Is(err, ErrClosed) {
		t.Errorf("Write: %v, want ErrClosed", err)
	}
	s := session(2)
	s.Name, s.MTU, s.Deliver = "ppp2", 1500, func([]byte) bool { return true }
	if _, err := u.Open(s); !errors.Is(err, ErrClosed) {
		t.Errorf("Open: %v, want ErrClosed", err)
	}
}
