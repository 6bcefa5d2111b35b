package port

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
)

// server is the far end of an RFC 2217 port in a bubble: it keeps what it reads and sends what the test writes, octet
// by octet.
type server struct {
	net.Conn
	mu   sync.Mutex
	got  []byte
	deaf chan struct{} // received from before each read, if not nil: simulates a peer that stops reading
}

func (s *server) run() {
	b := make([]byte, 4096)
	for {
		if s.deaf != nil {
			<-s.deaf
		}
		n, err := s.Read(b)
		s.mu.Lock()
		s.got = append(s.got, b[:n]...)
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// took returns the data received since the last call, once all goroutines of the bubble are blocked.
func (s *server) took() []byte {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.got
	s.got = nil
	return b
}

var (
	// DO COM-PORT, DO and WILL BINARY, DO and WILL SGA
	agreed   = []byte{255, 253, 44, 255, 253, 0, 255, 251, 0, 255, 253, 3, 255, 251, 3}
	dsrCTS   = []byte{255, 250, 44, 107, 48, 255, 240}                                  // NOTIFY-MODEMSTATE DSR, CTS
	refused  = []byte{255, 254, 44, 255, 254, 0, 255, 252, 0, 255, 254, 3, 255, 252, 3} // DONT, WONT all
	anything = Address{Scheme: RFC2217, Host: "modems.example.net:2217"}
)

// connect opens a port whose server sends say as soon as it is connected.
func connect(t *testing.T, o Options, say ...byte) (*rfc2217, *server, error) {
	t.Helper()
	o, err := o.settle(anything)
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	s := &server{Conn: far}
	var done sync.WaitGroup
	done.Go(s.run)
	if len(say) > 0 {
		done.Go(func() { far.Write(say) })
	}
	p := newRFC2217(near, anything, o)
	t.Cleanup(func() { p.Close(); far.Close(); done.Wait() })
	return p, s, p.negotiate(t.Context())
}

// mustConnect is connect to a server with COM-PORT; the first octets from the port are already read.
func mustConnect(t *testing.T, o Options) (*rfc2217, *server) {
	t.Helper()
	p, s, err := connect(t, o, slices.Concat(agreed, dsrCTS)...)
	if err != nil {
		t.Fatal(err)
	}
	s.took()
	return p, s
}

func wantSent(t *testing.T, s *server, want ...byte) {
	t.Helper()
	if got := s.took(); !bytes.Equal(got, want) {
		t.Errorf("the server got % d, want % d", got, want)
	}
}

func wantRead(t *testing.T, p lines.Port, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if _, err := io.ReadFull(p, b); err != nil || string(b) != want {
		t.Errorf("read %q, %v; want %q", b, err, want)
	}
}

// TestRFC2217SetSpeed: SET-BAUDRATE, which the server's confirmation of it does not undo.
func TestRFC2217SetSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		if err := p.SetSpeed(2400); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		wantSent(t, s, 255, 250, 44, 1, 0, 0, 9, 96, 255, 240)
		if err := p.SetSpeed(65535); err != nil { // its octets of 255 are doubled
			t.Fatal(err)
		}
		synctest.Wait()
		wantSent(t, s, 255, 250, 44, 1, 0, 0, 255, 255, 255, 255, 255, 240)
		p.Close()
		if err := p.SetSpeed(300); err == nil {
			t.Error("the speed of a closed port was set")
		}
	})
}

func TestRFC2217Open(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p, s, err := connect(t, Options{}, slices.Concat(agreed, []byte("\r\nOK\r\n"), dsrCTS)...)
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 0 {
			t.Errorf("took %v though the server answered at once", d)
		}
		sent := s.took()
		if want := []byte{255, 251, 44, 255, 251, 0, 255, 253, 0, 255, 251, 3, 255, 253, 3}; !bytes.HasPrefix(sent,
			want) {
			t.Errorf("began with % d, want % d", sent[:min(15, len(sent))], want)
		}
		if want := []byte{255, 250, 44, 11, 255, 255, 255, 240}; bytes.Count(sent, want) != 1 {
			t.Errorf("sent % d: not once SET-MODEMSTATE-MASK 255", sent)
		}
		if !p.HasSignals() || p.Signals() != lines.DSR|lines.CTS|lines.DTR|lines.RTS {
			t.Errorf("HasSignals %v, Signals %b", p.HasSignals(), p.Signals())
		}
		wantRead(t, p, "\r\nOK\r\n") // data received during the negotiation is not lost
		if p.String() != "rfc2217://modems.example.net:2217" {
			t.Errorf("String = %s", p)
		}
	})
}

// Servers that do less than they should, or something else.
func TestRFC2217OpenWithoutSignals(t *testing.T) {
	tests := []struct {
		name string
		say  []byte
		wait time.Duration
		brk  []byte // what a BREAK sends; nil: ErrNoSignals
	}{
		{"silent", nil, 2 * time.Second, nil},
		{"no Telnet at all", []byte("login: "), 2 * time.Second, nil},
		{"refuses everything", refused, 0, []byte{255, 243}},
		{"refuses COM-PORT only", []byte{255, 254, 44, 255, 253, 0, 255, 251, 0}, 0, []byte{255, 243}},
		{"agrees, never reports the state", agreed, 2 * time.Second, []byte{255, 250, 44, 5, 5, 255, 240, 255, 250, 44,
			5,
			6, 255, 240}},
		{"a device without signals behind ser2net: all off, DTR not confirmed",
			slices.Concat(agreed, []byte{255, 250, 44, 107, 0, 255, 240}), 2 * time.Second, nil},
		{"cut message of the state", slices.Concat(agreed, []byte{255, 250, 44, 107, 255, 240}), 2 * time.Second, nil},
		{"message of the state that never ends", slices.Concat(agreed, []byte{255, 250, 44, 107, 128}), 2 * time.Second,
			nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				start := time.Now()
				p, s, err := connect(t, Options{Log: slog.New(slog.NewTextHandler(&log,
					&slog.HandlerOptions{Level: slog.LevelDebug}))}, tt.say...)
				if err != nil {
					t.Fatal(err)
				}
				if d := time.Since(start); d != tt.wait {
					t.Errorf("took %v, want %v", d, tt.wait)
				}
				if p.HasSignals() || p.Signals() != 0 || p.Changes() != nil {
					t.Error("it has signals")
				}
				if !strings.Contains(log.String(), "no modem signals") {
					t.Errorf("log %q", log.String())
				}
				if err := p.SetDTR(false); !errors.Is(err, lines.ErrNoSignals) {
					t.Errorf("SetDTR: %v", err)
				}
				s.took()
				err = p.Break(time.Second)
				if tt.brk == nil {
					if tt.name == "silent" && !errors.Is(err, lines.ErrNoSignals) {
						t.Errorf("Break: %v", err)
					}
					s.took()
				} else {
					wantSent(t, s, tt.brk...)
				}
				if n, err := p.Write([]byte("AT")); n != 2 || err != nil {
					t.Errorf("Write: %d, %v", n, err)
				}
				wantSent(t, s, []byte("AT")...)
			})
		})
	}
}

// A modem that is switched off has all signals off, but the server confirms DTR (RFC 2217 §3, 105).
func TestRFC2217ModemOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p, _, err := connect(t, Options{},
			slices.Concat(agreed, []byte{255, 250, 44, 107, 0, 255, 240, 255, 250, 44, 105, 8, 255, 240})...)
		if err != nil || !p.HasSignals() || p.Signals() != lines.DTR|lines.RTS || time.Since(start) != 0 {
			t.Errorf("%v, HasSignals %v, signals %b after %v", err, p.HasSignals(), p.Signals(), time.Since(start))
		}
	})
}

func TestRFC2217OpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		o, _ := Options{}.settle(anything)
		go func() { far.Read(make([]byte, 100)); far.Close() }()
		if err := newRFC2217(near, anything, o).negotiate(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "closed the connection immediately") {
			t.Errorf("a server that closes: %v", err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		o, _ := Options{}.settle(anything)
		start := time.Now()
		if err := newRFC2217(near, anything, o).negotiate(t.Context()); err == nil ||
			!strings.Contains(err.Error(), "does not read") {
			t.Errorf("a server that reads nothing: %v", err)
		}
		if d := time.Since(start); d != 2*time.Second {
			t.Errorf("gave up after %v", d)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		go io.Copy(io.Discard, far)
		o, _ := Options{}.settle(anything)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := newRFC2217(near, anything, o).negotiate(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an ended context: %v", err)
		}
		near.Close()
	})
}

func TestRFC2217Signals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{FlowControl: FlowNone})
		<-p.Changes() // from the set-up
		lastRead := make(chan error, 1)
		go func() { // like the driver, which always reads
			b := make([]byte, 100)
			for {
				if _, err := p.Read(b); err != nil {
					lastRead <- err
					return
				}
			}
		}()
		s.Write([]byte{255, 250, 44, 107, 0b1111_1000, 255, 240}) // all on, RLSD changed
		<-p.Changes()
		if got := p.Signals(); !got.Has(lines.DCD | lines.RI | lines.DSR | lines.CTS) {
			t.Errorf("signals %b, want all", got)
		}
		s.Write([]byte{255, 250, 44, 107, 0b0011_1000, 255, 240})
		<-p.Changes()
		if got := p.Signals(); got != lines.DSR|lines.CTS|lines.DTR|lines.RTS {
			t.Errorf("signals %b, want DSR CTS DTR RTS", got)
		}
		s.took()
		if err := p.SetDTR(false); err != nil || p.Signals().Has(lines.DTR) || p.Signals().Has(lines.RTS) {
			t.Errorf("SetDTR(false): %v, signals %b", err, p.Signals())
		}
		wantSent(t, s, 255, 250, 44, 5, 9, 255, 240, 255, 250, 44, 5, 12, 255, 240) // DTR off, RTS off
		if err := p.SetDTR(true); err != nil {
			t.Error(err)
		}
		wantSent(t, s, 255, 250, 44, 5, 8, 255, 240, 255, 250, 44, 5, 11, 255, 240)
		start := time.Now()
		if err := p.Break(700 * time.Millisecond); err != nil || time.Since(start) != 700*time.Millisecond {
			t.Errorf("Break took %v, %v", time.Since(start), err)
		}
		wantSent(t, s, 255, 250, 44, 5, 5, 255, 240, 255, 250, 44, 5, 6, 255, 240)

		s.Write([]byte{255, 250, 44, 100, 255, 240}) // RFC 2217 §2: an empty SIGNATURE asks for ours
		wantSent(t, s, slices.Concat([]byte{255, 250, 44, 0}, []byte("ringback"), []byte{255, 240})...)

		s.Close()
		if err := <-lastRead; err != io.EOF {
			t.Errorf("the read ended with %v", err)
		}
		if p.Signals()&fromModem != 0 {
			t.Errorf("signals %b after the connection's end", p.Signals())
		}
	})
}

// With hardware flow control, the server drives RTS.
func TestRFC2217HardwareFlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		if err := p.SetDTR(false); err != nil || p.Signals() != lines.DSR|lines.CTS|lines.RTS {
			t.Errorf("%v, signals %b", err, p.Signals())
		}
		wantSent(t, s, 255, 250, 44, 5, 9, 255, 240)
	})
}

// All octets pass unchanged in both directions, whatever their values and however they are cut.
func TestRFC2217Transparent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		all := make([]byte, 0, 1024)
		for range 4 {
			for c := range 256 {
				all = append(all, byte(c))
			}
		}
		doubled := bytes.ReplaceAll(all, []byte{255}, []byte{255, 255})
		if n, err := p.Write(all); n != len(all) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
		wantSent(t, s, doubled...)
		go func() {
			for piece := range slices.Chunk(doubled, 3) {
				s.Write(piece)
			}
		}()
		got := make([]byte, len(all))
		if _, err := io.ReadFull(p, got); err != nil || !bytes.Equal(got, all) {
			t.Errorf("read %v, equal %v", err, bytes.Equal(got, all))
		}
	})
}

// RFC 854: to a server that rejects BINARY, a CR is sent as CR NUL.
func TestRFC2217NVT(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, err := connect(t, Options{}, refused...)
		if err != nil {
			t.Fatal(err)
		}
		s.took()
		p.Write([]byte("ATZ\r"))
		wantSent(t, s, []byte("ATZ\r\x00")...)
		go s.Write([]byte("OK\r\x00\r\n"))
		wantRead(t, p, "OK\r\r\n")
	})
}

// A deadline in the middle of a subnegotiation loses nothing.
func TestRFC2217ReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		message := []byte{255, 250, 44, 107, 176, 255, 240, 'x'}
		for _, c := range message[:7] {
			p.SetReadDeadline(time.Now().Add(time.Second))
			go s.Write([]byte{c})
			start := time.Now()
			if n, err := p.Read(make([]byte, 10)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) ||
				time.Since(start) != time.Second {
				t.Fatalf("read %d, %v after %v", n, err, time.Since(start))
			}
		}
		if !p.Signals().Has(lines.DCD) {
			t.Error("the message was lost")
		}
		p.SetReadDeadline(time.Time{})
		go s.Write(message[7:])
		wantRead(t, p, "x")
	})
}

// A deadline in the middle of a write keeps the Telnet stream intact: the second half of a doubled IAC is sent before
// anything else.
func TestRFC2217WriteDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		p.conn = &slowConn{Conn: p.conn, room: 2} // one plain octet and half of the IAC
		p.SetWriteDeadline(time.Now().Add(time.Second))
		n, err := p.Write([]byte{'a', 255, 'b'})
		if n != 2 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("wrote %d, %v; want 2 and a timeout", n, err)
		}
		wantSent(t, s, 'a', 255)
		p.SetWriteDeadline(time.Time{})
		if err := p.SetDTR(false); err != nil {
			t.Error(err)
		}
		wantSent(t, s, 255, 255, 250, 44, 5, 9, 255, 240)
	})
}

// slowConn accepts room octets and then lets one write run into its deadline.
type slowConn struct {
	net.Conn
	room int
}

func (c *slowConn) Write(b []byte) (int, error) {
	if c.room < 0 || len(b) <= c.room {
		return c.Conn.Write(b)
	}
	n, err := c.Conn.Write(b[:c.room])
	c.room = -1
	if err == nil {
		err = os.ErrDeadlineExceeded
	}
	return n, err
}

// A server that sends requests but does not read delays neither Read beyond its limit nor SetDTR, and gets the
// answers later.
func TestRFC2217DeafServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		s := &server{Conn: far, deaf: make(chan struct{}, 100)}
		for range 10 {
			s.deaf <- struct{}{}
		}
		var done sync.WaitGroup
		done.Go(s.run)
		done.Go(func() { far.Write(slices.Concat(agreed, dsrCTS)) })
		o, _ := Options{}.settle(anything)
		p := newRFC2217(near, anything, o)
		if err := p.negotiate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.took()
		for len(s.deaf) > 0 {
			<-s.deaf
		}
		p.Write([]byte("x")) // the pending read receives it
		s.took()

		start := time.Now()
		done.Go(func() { far.Write([]byte{255, 253, 31, 'x'}) }) // DO NAWS
		wantRead(t, p, "x")
		if d := time.Since(start); d != answerLimit {
			t.Errorf("Read was held up for %v", d)
		}
		start = time.Now()
		if err := p.SetDTR(false); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("SetDTR: %v after %v", err, time.Since(start))
		}
		close(s.deaf)
		p.Write([]byte("y"))
		got := s.took()
		if !bytes.Contains(got, []byte{255, 252, 31}) || !bytes.Contains(got, []byte("y")) {
			t.Errorf("the server got % d at last", got)
		}
		p.Close()
		far.Close()
		done.Wait()
	})
}

// RFC 2217 §5: FLOWCONTROL-SUSPEND holds back data, but not commands.
func TestRFC2217Suspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		var reader sync.WaitGroup
		reader.Go(func() { io.Copy(io.Discard, p) })
		s.Write([]byte{255, 250, 44, 108, 255, 240})
		synctest.Wait()
		p.SetWriteDeadline(time.Now().Add(3 * time.Second))
		start := time.Now()
		if n, err := p.Write([]byte("data")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) ||
			time.Since(start) != 3*time.Second {
			t.Errorf("wrote %d, %v after %v", n, err, time.Since(start))
		}
		p.SetWriteDeadline(time.Time{})
		written := make(chan error, 1)
		go func() { _, err := p.Write([]byte("data")); written <- err }()
		if err := p.SetDTR(false); err != nil {
			t.Error(err)
		}
		wantSent(t, s, 255, 250, 44, 5, 9, 255, 240)
		s.Write([]byte{255, 250, 44, 109, 255, 240})
		if err := <-written; err != nil {
			t.Error(err)
		}
		wantSent(t, s, []byte("data")...)

		s.Write([]byte{255, 250, 44, 108, 255, 240})
		synctest.Wait()
		go func() { _, err := p.Write([]byte("data")); written <- err }()
		synctest.Wait()
		p.Close()
		if err := <-written; err == nil {
			t.Error("Close did not end the suspended write")
		}
		reader.Wait()
	})
}

func TestRFC2217Close(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := mustConnect(t, Options{})
		ended := make(chan error, 2)
		go func() { _, err := p.Read(make([]byte, 1)); ended <- err }()
		go func() { ended <- p.Break(time.Hour) }()
		synctest.Wait()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		for range 2 {
			if err := <-ended; err == nil {
				t.Error("Read or Break did not notice Close")
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := p.Write([]byte("x")); err == nil {
			t.Error("Write after Close")
		}
		if err := p.SetDTR(true); err == nil {
			t.Error("SetDTR after Close")
		}
	})
}

// Commands from other goroutines are never inserted into a doubled IAC or another command.
func TestRFC2217Interleaving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		var all sync.WaitGroup
		all.Go(func() {
			for range 200 {
				p.Write(bytes.Repeat([]byte{255}, 700))
			}
		})
		all.Go(func() {
			for i := range 200 {
				p.SetDTR(i%2 == 0)
			}
		})
		all.Go(func() {
			for range 50 {
				p.Break(time.Millisecond)
			}
		})
		all.Go(func() {
			for range 50 {
				s.Write([]byte{255, 253, 31}) // DO NAWS makes the reader answer
			}
		})
		read := make(chan struct{})
		go func() { io.Copy(io.Discard, p); close(read) }()
		all.Wait()
		got := s.took()
		p.Close()
		<-read
		// Remove the known units; the rest must be only the data.
		for _, unit := range [][]byte{{255, 252, 31}, {255, 250, 44, 5, 8, 255, 240}, {255, 250, 44, 5, 9, 255, 240},
			{255, 250, 44, 5, 5, 255, 240}, {255, 250, 44, 5, 6, 255, 240}} {
			got = bytes.ReplaceAll(got, unit, nil)
		}
		if want := bytes.Repeat([]byte{255}, 2*200*700); !bytes.Equal(got, want) {
			t.Errorf("%d octets are left, want %d of 255 alone", len(got), len(want))
		}
	})
}

func TestRFC2217WarnsOfSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		near, far := net.Pipe()
		s := &server{Conn: far}
		go s.run()
		go far.Write(slices.Concat(agreed, []byte{255, 250, 44, 101, 0, 0, 37, 128, 255, 240}, dsrCTS)) // 9600
		a := Address{Scheme: RFC2217, Host: "h:1", Speed: 115200}
		o, _ := Options{Log: slog.New(slog.NewTextHandler(&log, nil))}.settle(a)
		p := newRFC2217(near, a, o)
		if err := p.negotiate(t.Context()); err != nil || !strings.Contains(log.String(), "speed=9600") {
			t.Errorf("%v, log %q", err, log.String())
		}
		p.Close()
		far.Close()
	})
}

// A server that sends only option requests does not keep Read from its deadline.
func TestRFC2217Flood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s := mustConnect(t, Options{})
		var flood sync.WaitGroup
		flood.Go(func() {
			for {
				if _, err := s.Write([]byte{255, 253, 31}); err != nil {
					return
				}
				<-time.After(time.Millisecond)
			}
		})
		p.SetReadDeadline(time.Now().Add(time.Minute))
		start := time.Now()
		if n, err := p.Read(make([]byte, 100)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) ||
			time.Since(start) != time.Minute {
			t.Errorf("read %d, %v after %v", n, err, time.Since(start))
		}
		if got := s.took(); len(got) != 3*maxAnswers {
			t.Errorf("%d octets of answers, want %d", len(got), 3*maxAnswers)
		}
		p.Close()
		flood.Wait()
	})
}
