package syslog

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// ample is how long a test waits for what takes milliseconds on an idle machine.
const ample = time.Minute

// running is a sender with a logger to it, and what it has reported.
type running struct {
	*Sender
	log  *zap.Logger
	down chan error
	up   chan uint64
	stop func()
}

func run(t *testing.T, v Server) *running {
	t.Helper()
	r := &running{down: make(chan error, 100), up: make(chan uint64, 10000)}
	r.Sender = New(Options{
		Server: v, Origin: origin,
		Classify: func(level zapcore.Level, kind string) Class { return Class{6, "LOG", "log." + kind} },
		Down:     func(err error) { r.down <- err },
		Up: func(c zapcore.Core, dropped uint64) {
			r.up <- dropped
			zap.New(c).Info("up", zap.Uint64("dropped", dropped))
		},
	})
	r.log = zap.New(r.Core(zapcore.InfoLevel))
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { r.Run(ctx) })
	r.stop = func() { cancel(); ended.Wait() }
	t.Cleanup(r.stop)
	return r
}

func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(ample):
		t.Fatalf("%s: not within %v", what, ample)
		panic("unreachable")
	}
}

// accepted passes on the connections of a listener until it is closed.
func accepted(l net.Listener) <-chan net.Conn {
	conns := make(chan net.Conn, 10)
	go func() {
		defer close(conns)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns <- c
		}
	}()
	return conns
}

func listen(t *testing.T, network, address string) (net.Listener, <-chan net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, accepted(l)
}

// next reads one message with octet counting.
func next(t *testing.T, c net.Conn) parsed {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(ample))
	n := 0
	for b := []byte{0}; ; {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
		if b[0] == ' ' {
			break
		}
		if b[0] < '0' || b[0] > '9' || n == 0 && b[0] == '0' {
			t.Fatalf("MSG-LEN with %q", b)
		}
		n = 10*n + int(b[0]-'0')
	}
	data := make([]byte, n)
	if _, err := io.ReadFull(c, data); err != nil {
		t.Fatal(err)
	}
	p, err := parse(string(data))
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return p
}

// The connection is made before there is a record; the records come in order, with their fields. A server that closes
// the connection gets the next record on a new one.
func TestTCP(t *testing.T) {
	l, conns := listen(t, "tcp", "127.0.0.1:0")
	r := run(t, Server{Network: TCP, Address: l.Addr().String()})
	c := within(t, "a connection", conns)
	r.log.Debug("not for the server")
	log := r.log.With(zap.String("call", "c1"))
	log.Info("one", zap.String("event", "call.began"), zap.Int("line", 65), zap.Duration("duration", time.Second),
		zap.Error(fmt.Errorf("a\nb")), zap.Ints("lines", []int{1, 2}), zap.Time("until", time.Unix(0, 0)),
		zap.Bool("enable", true))
	log.Info("two")
	p := next(t, c)
	const want = `%RINGBACK-6-LOG: one call=c1 line=65 duration=1s error="a\nb" lines="[1,2]" ` +
		`until=1970-01-01T00:00:00Z enable=true`
	if p.message != want || p.id != "log.call.began" {
		t.Errorf("%s %q, want %q", p.id, p.message, want)
	}
	if call, _ := p.param("ringback@32473", "call"); call != "c1" {
		t.Errorf("%+v", p)
	}
	if p := next(t, c); p.message != "%RINGBACK-6-LOG: two call=c1" {
		t.Errorf("%q", p.message)
	}
	c.Close()
	// What was written before the end was seen is lost, without a word of the protocol; what follows is not.
	for n := 0; ; n++ {
		log.Info("again", zap.Int("n", n))
		select {
		case c = <-conns:
		case <-time.After(time.Millisecond):
			continue
		}
		break
	}
	if p := next(t, c); !strings.Contains(p.message, "again") {
		t.Errorf("%q", p.message)
	}
}

// TestStalled: a server that reads nothing stops no logger. When it reads again, each record has arrived or is counted,
// and the count comes by syslog too.
func TestStalled(t *testing.T) {
	l, conns := listen(t, "tcp", "127.0.0.1:0")
	r := run(t, Server{Network: TCP, Address: l.Addr().String()})
	c := within(t, "a connection", conns)
	text := strings.Repeat("x", 900)
	logged := 0
	for r.Health().Dropped < 100 { // the buffers of the system are full, then the queue
		r.log.Info(text, zap.Int("n", logged))
		logged++
	}
	var read, dropped int
	for told := false; !told || read+dropped < logged; {
		p := next(t, c)
		if strings.Contains(p.message, ": up dropped=") {
			var n int
			fmt.Sscanf(p.message, "%%RINGBACK-6-LOG: up dropped=%d", &n)
			dropped += n
			told = true
			continue
		}
		read++
	}
	if read+dropped != logged || dropped < 100 || read < queueLength || uint64(dropped) != r.Health().Dropped {
		t.Errorf("%d logged, %d read, %d dropped, %+v", logged, read, dropped, r.Health())
	}
}

// TestGoneAndBack: a server that is not there is reported once, the records wait, and are sent when it is there.
func TestGoneAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	r := run(t, Server{Network: Unix, Address: path})
	if err := within(t, "Down", r.down); !strings.Contains(err.Error(), path) || !r.Health().Down {
		t.Errorf("%v", err)
	}
	for n := range queueLength + 3 {
		r.log.Info("early", zap.Int("n", n))
	}
	if h := r.Health(); h.Dropped != 3 || h.Server != "unix://"+path {
		t.Errorf("%+v", h)
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	want := []string{"early n=0", "up dropped=3"}
	for n := 1; n < queueLength; n++ {
		want = append(want, fmt.Sprint("early n=", n))
	}
	buf := make([]byte, 1<<16)
	for n, want := range want {
		conn.SetReadDeadline(time.Now().Add(ample))
		size, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(buf[:size]); !strings.HasSuffix(got, " ringback[4711]: %RINGBACK-6-LOG: "+want) {
			t.Fatalf("record %d: %q, want %q", n, got, want)
		}
	}
	if dropped := within(t, "Up", r.up); dropped != 3 || r.Health().Down {
		t.Errorf("%d dropped", dropped)
	}
	if len(r.down) > 0 {
		t.Errorf("Down was called again: %v", <-r.down)
	}
}

// A socket of streams gets records that end with NUL, as from syslog(3).
func TestUnixStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	_, conns := listen(t, "unix", path)
	r := run(t, Server{Network: Unix, Address: path})
	r.log.Info("one\x00\n")
	c := within(t, "a connection", conns)
	defer c.Close()
	var got []byte
	for b := []byte{1}; b[0] != 0; got = append(got, b[0]) {
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasSuffix(got, []byte(` %RINGBACK-6-LOG: one\x00\n`+"\x00")) {
		t.Errorf("%q", got)
	}
}

// Datagrams to a port that nobody listens to are counted, and reported once somebody does.
func TestUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Server{Network: UDP, Address: conn.LocalAddr().String()})
	buf := make([]byte, 1<<16)
	read := func() parsed {
		conn.SetReadDeadline(time.Now().Add(ample))
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parse(string(buf[:n]))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	r.log.Info("one", zap.String("user", strings.Repeat("x", 64<<10)))
	if p := read(); !strings.HasPrefix(p.message, "%RINGBACK-6-LOG: one user=") || p.octets > maxDatagram {
		t.Errorf("%+v", p)
	}
	address := conn.LocalAddr().String()
	conn.Close()
	for r.Health().Dropped == 0 {
		r.log.Info("into the void")
		flush(t, r)
	}
	if err := within(t, "Down", r.down); !strings.Contains(err.Error(), "refused") {
		t.Error(err)
	}
	if conn, err = net.ListenPacket("udp", address); err != nil {
		t.Skip("another process took the port: ", err)
	}
	defer conn.Close()
	r.log.Info("two")
	for p := read(); !strings.Contains(p.message, "up dropped="); p = read() {
	}
}

func flush(t *testing.T, r *running) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), ample)
	defer cancel()
	r.Flush(ctx)
	if ctx.Err() != nil {
		t.Fatal("not flushed")
	}
}

// TestTLS: certificates of both sides are checked, and read again for each connection.
func TestTLS(t *testing.T) {
	ca, err := servers.NewAuthority("syslog")
	if err != nil {
		t.Fatal(err)
	}
	other, err := servers.NewAuthority("other")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	issue := func(name string, c servers.Certificate) (cert, key string) {
		cp, kp, err := ca.Issue(c)
		if err != nil {
			t.Fatal(err)
		}
		return file(name+".pem", cp), file(name+".key", kp)
	}
	cert, key := issue("server", servers.Certificate{Hosts: []string{"127.0.0.1"}, Server: true})
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair},
		ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan string, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 1000)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					got <- string(b[:n])
				}
			}()
		}
	}()
	files := certs.Files{CAFile: file("ca.pem", other.PEM())}
	files.CertFile, files.KeyFile = issue("client", servers.Certificate{Name: "nas", Client: true})
	r := run(t, Server{Network: TLS, Address: l.Addr().String(), TLS: files})
	if err := within(t, "Down", r.down); !strings.Contains(err.Error(), "check ca_file") {
		t.Error(err)
	}
	r.log.Info("one")
	file("ca.pem", ca.PEM())
	within(t, "Up", r.up)
	text := within(t, "a record", got)
	if all, err := frames(text); err != nil || len(all) == 0 || !strings.HasSuffix(all[0], "%RINGBACK-6-LOG: one") {
		t.Errorf("%q: %v", text, err)
	}
}

// A flush ends with its context while the server is away, and so does the sender.
func TestFlushIsBounded(t *testing.T) {
	r := run(t, Server{Network: Unix, Address: filepath.Join(t.TempDir(), "none")})
	r.log.Info("one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.Flush(ctx)
	r.stop()
}
