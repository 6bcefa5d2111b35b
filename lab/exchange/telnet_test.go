package exchange

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pipeListener is a net.Listener in memory, for bubbles.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func listenPipe() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// client is the far end of a connection, with a reader that collects everything.
type client struct {
	net.Conn
	mu   sync.Mutex
	got  []byte
	err  error
	done chan struct{}
}

func (l *pipeListener) dial() *client {
	near, far := net.Pipe()
	l.conns <- far
	c := &client{Conn: near, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		b := make([]byte, 4096)
		for {
			n, err := near.Read(b)
			c.mu.Lock()
			c.got = append(c.got, b[:n]...)
			c.err = err
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return c
}

// take returns what arrived since the last call.
func (c *client) take() string {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	s := string(c.got)
	c.got = nil
	return s
}

func hex(s string) string { return fmt.Sprintf("% x", s) }

// The octets of RFC 2217 in both directions. Client commands are 0 to 12, the server's answers 100 to 112.
func TestRFC2217Octets(t *testing.T) {
	const (
		iac = "\xff"
		sb  = "\xff\xfa\x2c"
		se  = "\xff\xf0"
	)
	tests := []struct{ name, sent, want string }{
		{"nothing before the option is agreed", sb + "\x01\x00\x00\x25\x80" + se, ""},
		{"WILL COM-PORT ends our DO, and brings the modem state", "\xff\xfb\x2c", sb + "\x6b\x30" + se},
		{"WILL again is not answered (RFC 1143)", "\xff\xfb\x2c", ""},
		{"DO BINARY, DO SGA, DO ECHO, WILL BINARY, WILL SGA end our offers",
			"\xff\xfd\x00\xff\xfd\x03\xff\xfd\x01\xff\xfb\x00\xff\xfb\x03", ""},
		{"WILL ECHO is refused", "\xff\xfb\x01", "\xff\xfe\x01"},
		{"an unknown option is refused both ways", "\xff\xfb\x18\xff\xfd\x06", "\xff\xfe\x18\xff\xfc\x06"},
		{"DONT and WONT of what is off are not answered", "\xff\xfe\x18\xff\xfc\x18", ""},
		{"SIGNATURE asked", sb + "\x00" + se, sb + "\x64ringback exchange bob" + se},
		{"SIGNATURE sent", sb + "\x00minicom" + se, ""},
		{"SET-BAUDRATE 9600", sb + "\x01\x00\x00\x25\x80" + se, sb + "\x65\x00\x00\x25\x80" + se},
		{"SET-BAUDRATE asked", sb + "\x01\x00\x00\x00\x00" + se, sb + "\x65\x00\x00\x25\x80" + se},
		{"SET-BAUDRATE with a doubled IAC", sb + "\x01\x00\x00\xff\xff\x00" + se, sb + "\x65\x00\x00\xff\xff\x00" + se},
		{"SET-BAUDRATE too short", sb + "\x01\x00\x25" + se, ""},
		{"SET-DATASIZE asked, 7, asked", sb + "\x02\x00" + se + sb + "\x02\x07" + se + sb + "\x02\x00" + se,
			sb + "\x66\x08" + se + sb + "\x66\x07" + se + sb + "\x66\x07" + se},
		{"SET-PARITY asked, even", sb + "\x03\x00" + se + sb + "\x03\x03" + se, sb + "\x67\x01" + se + sb + "\x67\x03" +
			se},
		{"SET-STOPSIZE asked, 2", sb + "\x04\x00" + se + sb + "\x04\x02" + se, sb + "\x68\x01" + se + sb + "\x68\x02" +
			se},
		{"SET-CONTROL flow asked, hardware, asked", sb + "\x05\x00" + se + sb + "\x05\x03" + se + sb + "\x05\x00" + se,
			sb + "\x69\x01" + se + sb + "\x69\x03" + se + sb + "\x69\x03" + se},
		{"SET-CONTROL inbound flow", sb + "\x05\x0d" + se + sb + "\x05\x10" + se, sb + "\x69\x0e" + se + sb +
			"\x69\x10" + se},
		{"SET-CONTROL BREAK on, asked, off", sb + "\x05\x05" + se + sb + "\x05\x04" + se + sb + "\x05\x06" + se,
			sb + "\x69\x05" + se + sb + "\x69\x05" + se + sb + "\x69\x06" + se},
		{"SET-CONTROL DTR off, asked, on", sb + "\x05\x09" + se + sb + "\x05\x07" + se + sb + "\x05\x08" + se,
			sb + "\x69\x09" + se + sb + "\x69\x09" + se + sb + "\x69\x08" + se},
		{"SET-CONTROL RTS off, asked, on", sb + "\x05\x0c" + se + sb + "\x05\x0a" + se + sb + "\x05\x0b" + se,
			sb + "\x69\x0c" + se + sb + "\x69\x0c" + se + sb + "\x69\x0b" + se},
		{"SET-LINESTATE-MASK", sb + "\x0a\xff\xff" + se, sb + "\x6e\xff\xff" + se},
		{"SET-MODEMSTATE-MASK, and the state", sb + "\x0b\x80" + se + sb + "\x0b\xff\xff" + se, sb + "\x6f\x80" + se +
			sb + "\x6b\x00" + se + sb + "\x6f\xff\xff" + se + sb + "\x6b\x30" + se},
		{"PURGE-DATA", sb + "\x0c\x02" + se + sb + "\x0c\x03" + se, sb + "\x70\x02" + se + sb + "\x70\x03" + se + sb +
			"\x6b\x30" + se},
		{"a command of the server, and an unknown one", sb + "\x65\x00\x00\x25\x80" + se + sb + "\x2a\x01" + se, ""},
		{"an empty and an unknown subnegotiation", "\xff\xfa\x2c" + se + "\xff\xfa\x18\x01" + se, ""},
		{"an endless subnegotiation", sb + "\x00" + strings.Repeat("x", 5000) + se, ""},
		{"AYT", iac + "\xf6", "\r\n[ringback exchange bob]\r\n"},
		{"NOP, and data around it", "A\xff\xf1T\r", "\r\nOK\r\n"},
		{"CR NUL in BINARY is CR and NUL", "AT\r\x00", "\r\nOK\r\n"},
		{"SUSPEND stops data, not answers; RESUME sends it", sb + "\x08" + se + "ATI0\r" + sb + "\x0a\x01" + se,
			sb + "\x6e\x01" + se},
		{"RESUME", sb + "\x09" + se, "\r\n560\r\n\r\nOK\r\n"},
		{"a subnegotiation cut short by a command", sb + "\x0a\xff\xfb\x18AT\r", "\xff\xfe\x18\r\nOK\r\n"},
		{"WONT COM-PORT", "\xff\xfc\x2c", "\xff\xfe\x2c"},
		{"nothing after it", sb + "\x02\x00" + se, ""},
		{"DONT BINARY is confirmed, and CR LF stays", "\xff\xfe\x00AT\r", "\xff\xfc\x00\r\nOK\r\n"},
	}
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{Profile: "E0"})
		w.dte["bob"].Close()
		l := listenPipe()
		served := make(chan error, 1)
		go func() { served <- w.bob.ServeRFC2217(l) }()
		c := l.dial()
		if got, want := c.take(),
			"\xff\xfb\x00\xff\xfb\x03\xff\xfb\x01\xff\xfd\x00\xff\xfd\x03\xff\xfd\x2c"; got != want {
			t.Errorf("offers %s, want %s", hex(got), hex(want))
		}
		for _, tt := range tests {
			c.Write([]byte(tt.sent))
			if got := c.take(); got != tt.want {
				t.Errorf("%s: sent %s, got %s, want %s", tt.name, hex(tt.sent), hex(got), hex(tt.want))
			}
		}
		l.Close()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		c.Write([]byte("AT\r"))
		if got := c.take(); got != "\r\nOK\r\n" {
			t.Errorf("the client of that moment got %q", got)
		}
		c.Close()
	})
}

// A call seen by an RFC 2217 client: every notification in order, IAC doubled in data, DTR hangs up.
func TestRFC2217Call(t *testing.T) {
	const notify = "\xff\xfa\x2c\x6b"
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{Profile: "S0=2E0", StaysOffHook: true})
		w.dte["bob"].Close()
		l := listenPipe()
		go w.bob.ServeRFC2217(l)
		c := l.dial()
		c.Write([]byte("\xff\xfb\x2c\xff\xfd\x00\xff\xfb\x00\xff\xfa\x2c\x0b\xff\xff\xff\xf0"))
		c.take()
		step := func(d time.Duration, want string) {
			t.Helper()
			pass(d)
			if got := c.take(); got != want {
				t.Errorf("got %s, want %s", hex(got), hex(want))
			}
		}
		w.types("alice", "ATE0DT5552\r")
		step(2260*time.Millisecond, notify+"\x70\xff\xf0\r\nRING\r\n") // RI DSR CTS
		step(2*time.Second, notify+"\x34\xff\xf0")                     // trailing edge of RI
		step(4*time.Second, notify+"\x70\xff\xf0\r\nRING\r\n")
		step(2*time.Second, notify+"\x34\xff\xf0")
		step(7*time.Second, notify+"\xb8\xff\xf0\r\nCONNECT\r\n") // DCD, delta DCD
		w.got("alice")
		w.types("alice", "\xffPPP\xff\xff\r")
		step(0, "\xff\xffPPP\xff\xff\xff\xff\r")
		c.Write([]byte("\xff\xff\x7e\xff\xff"))
		w.want("alice", "\xff\x7e\xff")

		other := l.dial() // rejected
		<-other.done
		if other.err != io.EOF || len(other.got) > 0 {
			t.Errorf("a second client got %q, %v", other.got, other.err)
		}

		c.Close() // the connection ends, the modem stays off hook
		synctest.Wait()
		if w.bob.State() != Connected {
			t.Fatalf("bob is %s", w.bob.State())
		}
		c = l.dial()
		c.Write([]byte("\xff\xfb\x2c"))
		if got := c.take(); !strings.HasSuffix(got, notify+"\xb0\xff\xf0") { // DCD, without delta
			t.Errorf("the next client got %s", hex(got))
		}
		c.Write([]byte("\xff\xfa\x2c\x05\x09\xff\xf0"))
		step(0, "\xff\xfa\x2c\x69\x09\xff\xf0"+notify+"\x38\xff\xf0\r\nNO CARRIER\r\n")
		pass(2 * time.Second)
		w.want("alice", "\r\nNO CARRIER\r\n")
		c.Close()
	})
}

// A client that never agrees to BINARY is an NVT: CR NUL for a bare CR, in both directions.
func TestTelnetNVT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, Config{}, ModemConfig{})
		w.dte["bob"].Close()
		l := listenPipe()
		go w.bob.ServeRFC2217(l)
		c := l.dial()
		c.take()
		c.Write([]byte("AT\r"))
		c.Write([]byte{0})
		c.Write([]byte("AT\r\n"))
		if got, want := c.take(), "AT\r\x00\r\nOK\r\nAT\r\x00\r\nOK\r\n\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		c.Close()
	})
}

// collector is a telnetUser that records its calls.
type collector struct{ data, reply bytes.Buffer }

func (c *collector) telnetData(b []byte)  { c.data.Write(b) }
func (c *collector) telnetReply(b []byte) { c.reply.Write(b) }
func (c *collector) telnetDTR(bool)       {}
func (c *collector) telnetRTS(bool)       {}
func (c *collector) telnetBreak()         {}
func (c *collector) telnetPurge()         {}
func (c *collector) telnetSignals() Signals {
	return DSR | CTS
}

// The decoded stream does not depend on how it is divided; answers are complete commands, and data survives encode and
// decode.
func FuzzTelnet(f *testing.F) {
	f.Add([]byte("\xff\xfb\x2c\xff\xfa\x2c\x01\x00\x00\x25\x80\xff\xf0AT\r\x00"), uint8(3))
	f.Add([]byte("\xff\xfa\x2c\xff\xff\xff\xf0\xff\xff"), uint8(1))
	f.Add([]byte("\xff\xfb\x00\xff\xfd\x00\r\n\xff\xfe\x00"), uint8(2))
	f.Fuzz(func(t *testing.T, in []byte, cut uint8) {
		var whole, parts collector
		a, b := newTelnet("x"), newTelnet("x")
		a.begin(nil)
		b.begin(nil)
		a.feed(in, &whole)
		step := int(cut)%7 + 1
		for rest := in; len(rest) > 0; {
			n := min(step, len(rest))
			b.feed(rest[:n], &parts)
			rest = rest[n:]
		}
		if !bytes.Equal(whole.data.Bytes(), parts.data.Bytes()) ||
			!bytes.Equal(whole.reply.Bytes(), parts.reply.Bytes()) {
			t.Fatalf("cut by %d: data %q and %q, replies %x and %x", step, whole.data.Bytes(), parts.data.Bytes(),
				whole.reply.Bytes(), parts.reply.Bytes())
		}
		if len(a.sub) > maxSubnegotiation+1 {
			t.Fatalf("%d bytes of subnegotiation kept", len(a.sub))
		}
		for _, agreed := range []bool{false, true} {
			var back collector
			enc, dec := newTelnet("x"), newTelnet("x")
			if agreed {
				enc.us[optBinary], dec.them[optBinary] = optYes, optYes
			}
			dec.feed(enc.encode(nil, in), &back)
			if !bytes.Equal(back.data.Bytes(), in) || back.reply.Len() != 0 {
				t.Fatalf("binary %v: %q came back as %q", agreed, in, back.data.Bytes())
			}
		}
	})
}
