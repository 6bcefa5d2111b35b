package listener

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/nvt"
	"github.com/ringback/ringback/tty"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is a network in memory.
type network struct {
	mu   sync.Mutex
	open map[string]*memListener
	next int
}

type memListener struct {
	n       *network
	address string
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// memConn is a pipe with addresses.
type memConn struct {
	net.Conn
	local, remote *net.TCPAddr
}

func (c memConn) LocalAddr() net.Addr  { return c.local }
func (c memConn) RemoteAddr() net.Addr { return c.remote }

func (n *network) listen(_ context.Context, _, address string) (net.Listener, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.open[address] != nil {
		return nil, &net.OpError{Op: "listen", Err: os.ErrExist}
	}
	l := &memListener{n: n, address: address, conns: make(chan net.Conn), closed: make(chan struct{})}
	if n.open == nil {
		n.open = map[string]*memListener{}
	}
	n.open[address] = l
	return l, nil
}

// dial connects a client with this address.
func (n *network) dial(t *testing.T, client, address string) net.Conn {
	t.Helper()
	n.mu.Lock()
	l := n.open[address]
	n.next++
	port := 40000 + n.next
	n.mu.Unlock()
	if l == nil {
		t.Fatalf("nothing listens on %s", address)
	}
	ours, theirs := net.Pipe()
	remote := &net.TCPAddr{IP: net.ParseIP(client), Port: port}
	select {
	case l.conns <- memConn{ours, l.Addr().(*net.TCPAddr), remote}:
	case <-l.closed:
		t.Fatalf("%s is closed", address)
	}
	return theirs
}

func (l *memListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memListener) Close() error {
	l.once.Do(func() {
		l.n.mu.Lock()
		delete(l.n.open, l.address)
		l.n.mu.Unlock()
		close(l.closed)
	})
	return nil
}

func (l *memListener) Addr() net.Addr {
	a, _ := net.ResolveTCPAddr("tcp", l.address)
	return a
}

// fixture is a Set on a network in memory, whose sessions serve what a test says.
type fixture struct {
	*network
	set *Set

	mu     sync.Mutex
	events []events.Event
}

// newFixture runs a Set until the end of the test. serve is called with each stream; it returns when the session is
// over.
func newFixture(t *testing.T, serve func(c *Conn, s *Stream), all ...Config) *fixture {
	t.Helper()
	f := &fixture{network: &network{}}
	f.set = New(Options{Listen: f.listen,
		Serve: func(ctx context.Context, c *Conn) error {
			s := NewStream(c.Conn, c.Config.Protocol, false)
			serve(c, s)
			err := s.Broken()
			return errors.Join(err, s.Hangup(ctx))
		},
		Happened: func(e events.Event) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.events = append(f.events, e)
		}})
	f.configure(t, all...)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		f.set.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-over
	})
	return f
}

func (f *fixture) configure(t *testing.T, all ...Config) {
	t.Helper()
	place, _, err := f.set.Prepare(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	place()
}

// rejections returns the reasons of the connections that were rejected, with their number.
func (f *fixture) rejections() (all []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.events {
		if r, ok := e.(events.ConnectionRejected); ok {
			all = append(all, fmt.Sprintf("%s: %s", r.Client, r.Reason))
		}
	}
	return all
}

func vty(address string) Config { return Config{Address: address, Protocol: Telnet, Sessions: 16} }

const door = "192.0.2.1:2023"

// echo sends back what it reads, until the end.
func echo(_ *Conn, s *Stream) {
	buf := make([]byte, 100)
	for {
		n, err := s.Read(buf)
		if err != nil {
			return
		}
		if _, err := s.Write(buf[:n]); err != nil {
			return
		}
	}
}

// readText reads what the server sends until text has come, and fails the test if the connection ends before.
func readText(t *testing.T, c net.Conn, text string) {
	t.Helper()
	var got []byte
	buf := make([]byte, 512)
	for !bytes.Contains(got, []byte(text)) {
		n, err := c.Read(buf)
		if got = append(got, buf[:n]...); err != nil {
			t.Fatalf("%v after %q, want %q", err, got, text)
		}
	}
}

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []int
		f := newFixture(t, func(c *Conn, s *Stream) {
			lines = append(lines, c.Line)
			echo(c, s)
		}, vty(door))
		c := f.dial(t, "198.51.100.7", door)
		readText(t, c, "\xff\xfb\x01\xff\xfb\x03") // WILL ECHO, WILL SGA
		go func() { _, _ = io.WriteString(c, "\xff\xfd\x01show\r\n") }()
		readText(t, c, "show\r")
		if s := f.set.List(); len(s) != 1 || s[0].Sessions != 1 || s[0].Accepted != 1 || f.set.BeforeLogin() != 1 {
			t.Errorf("with a session: %+v, %d before a login", s, f.set.BeforeLogin())
		}
		_ = c.Close()
		synctest.Wait()
		if s := f.set.List(); s[0].Sessions != 0 || f.set.BeforeLogin() != 0 {
			t.Errorf("after the session: %+v, %d before a login", s, f.set.BeforeLogin())
		}
		d := f.dial(t, "198.51.100.7", door)
		synctest.Wait()
		_ = d.Close()
		synctest.Wait()
		if !slices.Equal(lines, []int{tty.VTY(0), tty.VTY(0)}) {
			t.Errorf("the sessions were on %v: a vty is used again", lines)
		}
	})
}

// TestReload closes a listener that is no longer configured: its session goes on, and new settings are for new
// sessions.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, echo, vty(door))
		c := f.dial(t, "198.51.100.7", door)
		readText(t, c, "\xff\xfb\x01")
		const other = "192.0.2.1:2024"
		raw := Config{Address: other, Protocol: Raw, Sessions: 1}
		f.configure(t, raw)
		if f.open[door] != nil || f.open[other] == nil {
			t.Fatalf("after the reload, %v listen", f.open)
		}
		go func() { _, _ = io.WriteString(c, "still here") }()
		readText(t, c, "still here")
		_ = c.Close()

		d := f.dial(t, "198.51.100.7", other)
		go func() { _, _ = io.WriteString(d, "\xff\xffraw") }()
		readText(t, d, "\xff\xffraw")
		raw.Protocol = Telnet
		f.configure(t, raw)
		go func() { _, _ = io.WriteString(d, "\xff\xfb\x01") }()
		readText(t, d, "\xff\xfb\x01") // as it began
		_ = d.Close()
		synctest.Wait()
		e := f.dial(t, "198.51.100.7", other)
		readText(t, e, "\xff\xfb\x01") // WILL ECHO
		_ = e.Close()
	})
}

func TestBusyAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := New(Options{Happened: func(events.Event) {}})
	_, _, err = s.Prepare(t.Context(), []Config{vty("127.0.0.1:0"), vty(l.Addr().String())})
	if err == nil || !strings.Contains(err.Error(), l.Addr().String()) || !strings.Contains(err.Error(),
		"another program uses it") {
		t.Errorf("a busy address: %v", err)
	}
	if open := s.List(); len(open) != 0 {
		t.Errorf("after the error, %v are open", open)
	}
}

// TestLimits opens more connections than there may be.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name     string
		clients  []string // each connects once and says nothing
		sessions int
		want     []string
	}{
		{"one client", slices.Repeat([]string{"198.51.100.7"}, 5), 16,
			[]string{"198.51.100.7: " + errOfClient.Error()}},
		{"a client with IPv6 chooses its addresses", []string{"2001:db8::1", "2001:db8::2", "2001:db8::3",
			"2001:db8::4", "2001:db8::5", "2001:db8:0:1::1"}, 16, []string{"2001:db8::5: " + errOfClient.Error()}},
		{"the sessions of a listener", []string{"198.51.100.1", "198.51.100.2", "198.51.100.3"}, 2,
			[]string{"198.51.100.3: " + errSessions.Error()}},
		{"connections before a login", func() (all []string) {
			for i := range maxWaiting + 1 {
				all = append(all, fmt.Sprintf("198.51.100.%d", i))
			}
			return all
		}(), 1000, []string{fmt.Sprintf("198.51.100.%d: %v", maxWaiting, errWaiting)}},
	} {
		synctest.Test(t, func(t *testing.T) {
			config := vty(door)
			config.Sessions = c.sessions
			f := newFixture(t, echo, config)
			var open []net.Conn
			for _, client := range c.clients {
				conn := f.dial(t, client, door)
				go func() { _, _ = io.Copy(io.Discard, conn) }()
				open = append(open, conn)
				synctest.Wait()
			}
			if got := f.rejections(); !slices.Equal(got, c.want) {
				t.Errorf("%s: rejected %q, want %q", c.name, got, c.want)
			}
			for _, conn := range open {
				_ = conn.Close()
			}
			synctest.Wait()
			if n := f.set.BeforeLogin(); n != 0 {
				t.Errorf("%s: %d connections are still counted", c.name, n)
			}
			conn := f.dial(t, "203.0.113.9", door)
			readText(t, conn, "\xff\xfb\x01")
			_ = conn.Close()
		})
	}
}

// TestAdmitted users do not count before a login any more.
func TestAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, func(c *Conn, s *Stream) {
			c.Admit()
			s.Admit()
			echo(c, s)
		}, vty(door))
		for range maxOfClient + 2 {
			conn := f.dial(t, "198.51.100.7", door)
			defer conn.Close()
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			synctest.Wait()
		}
		if got := f.rejections(); len(got) != 0 || f.set.BeforeLogin() != 0 {
			t.Errorf("rejected %q, %d before a login", got, f.set.BeforeLogin())
		}
	})
}

// TestFlood connects again and again; another client is served all the while.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, echo, vty(door))
		for range 1000 {
			_ = f.dial(t, "198.51.100.7", door).Close()
			synctest.Wait()
		}
		s := f.set.List()[0]
		if s.Accepted > burst || s.Rejected < 1000-burst {
			t.Errorf("of 1000 connections at once, %d were accepted and %d rejected", s.Accepted, s.Rejected)
		}
		if got := f.rejections(); len(got) != 1 || !strings.Contains(got[0], errRate.Error()) {
			t.Errorf("reported: %q, want one report", got)
		}
		c := f.dial(t, "203.0.113.9", door)
		readText(t, c, "\xff\xfb\x01")
		_ = c.Close()
		<-time.After(time.Minute)
		_ = f.dial(t, "198.51.100.7", door).Close()
		synctest.Wait()
		if got := f.set.List()[0].Accepted; got != s.Accepted+2 {
			t.Errorf("a minute later, %d connections were accepted, want %d", got, s.Accepted+2)
		}
		if n := len(f.set.limits.clients); n > 2 {
			t.Errorf("%d clients are remembered", n)
		}
	})
}

// TestClientsAreForgotten: an attacker with many addresses does not fill the memory.
func TestClientsAreForgotten(t *testing.T) {
	var l limits
	now := time.Now()
	for i := range 3 * maxClients {
		a, err := l.enter(netipOf(i), now)
		if err != nil {
			t.Fatal(err)
		}
		a.leave()
	}
	if len(l.clients) > maxClients {
		t.Errorf("%d clients are remembered", len(l.clients))
	}
}

// TestAttacks plays clients that break the protocol before a login.
func TestAttacks(t *testing.T) {
	for _, c := range []struct {
		name, sent string
		times      int
		want       string
	}{
		{"a megabyte before the login", strings.Repeat("a", 4096), 256, ErrTooMuch.Error()},
		{"a megabyte of lines", strings.Repeat("aaaaaaa\r", 512), 256, ErrTooMuch.Error()},
		{"an option on and off", strings.Repeat("\xff\xfb\x00\xff\xfc\x00", 512), 256, nvt.ErrEndless.Error()},
		{"a subnegotiation without end", "\xff\xfa" + strings.Repeat("a", 4094), 256, nvt.ErrSub.Error()},
		{"NOP for ever", strings.Repeat("\xff\xf1", 2048), 256, ErrTooMuch.Error()},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture(t, func(_ *Conn, s *Stream) {
				buf := make([]byte, 100)
				for {
					if _, err := s.Read(buf); err != nil {
						return
					}
				}
			}, vty(door))
			conn := f.dial(t, "198.51.100.7", door)
			go func() { _, _ = io.Copy(io.Discard, conn) }()
			sent := 0
			for range c.times {
				n, err := io.WriteString(conn, c.sent)
				if sent += n; err != nil {
					break
				}
			}
			_ = conn.Close()
			synctest.Wait()
			if got := f.rejections(); len(got) != 1 || got[0] != "198.51.100.7: "+c.want {
				t.Errorf("%s: reported %q, want %q", c.name, got, c.want)
			}
			if sent > 2*MaxBeforeLogin {
				t.Errorf("%s: the client could send %d octets", c.name, sent)
			}
		})
	}
}

// TestNobodyReads: a client that sends and does not read is stopped, and its session can be ended.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var wrote error
		f := newFixture(t, func(_ *Conn, s *Stream) {
			_ = s.SetWriteDeadline(time.Now().Add(30 * time.Second))
			_, wrote = s.Write([]byte(strings.Repeat("x", 1<<20)))
		}, Config{Address: door, Protocol: Raw, Sessions: 1})
		conn := f.dial(t, "198.51.100.7", door)
		<-time.After(time.Minute)
		synctest.Wait()
		if !errors.Is(wrote, os.ErrDeadlineExceeded) {
			t.Errorf("a write to a client that does not read: %v", wrote)
		}
		_ = conn.Close()
	})
}

func TestStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, ours := net.Pipe()
		s := NewStream(ours, Raw, false)
		buf := make([]byte, 10)
		_ = s.SetReadDeadline(time.Now().Add(time.Second))
		begun := time.Now()
		if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("the read ended after %v: %v", time.Since(begun), err)
		}
		_ = s.SetReadDeadline(time.Time{})
		ended := make(chan error, 1)
		go func() {
			_, err := s.Read(buf)
			ended <- err
		}()
		synctest.Wait()
		_ = s.SetReadDeadline(time.Unix(1, 0))
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a deadline in the past ends a read with %v", err)
		}
		_ = s.SetReadDeadline(time.Time{})

		_, _ = io.WriteString(client, "logout\r")
		synctest.Wait()
		if n := s.Buffered(); n != 7 {
			t.Errorf("%d octets can be read, want 7", n)
		}
		_ = client.Close() // what came before is still read
		synctest.Wait()
		select {
		case <-s.Done():
			t.Error("the session ends before it has read what came")
		default:
		}
		if n, err := io.ReadFull(s, buf[:7]); err != nil || string(buf[:n]) != "logout\r" {
			t.Errorf("read %q, %v", buf[:n], err)
		}
		if _, err := s.Read(buf); !errors.Is(err, io.EOF) {
			t.Errorf("after the end, a read returns %v", err)
		}
		<-s.Done()
		if _, err := s.Write([]byte("x")); !errors.Is(err, io.EOF) {
			t.Errorf("after the end, a write returns %v", err)
		}
		for range 2 {
			if err := s.Hangup(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// netipOf returns the n-th of many addresses.
func netipOf(n int) netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], 0x0a000000+uint32(n))
	return netip.AddrFrom4(a)
}
