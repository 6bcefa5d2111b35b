package port

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// scripted is a connection to a server that sends octets in pieces and then closes. It keeps what it receives.
type scripted struct {
	net.Conn // nil: nothing else is called
	in       []byte
	piece    int
	got      bytes.Buffer
}

func (s *scripted) Read(b []byte) (int, error) {
	if len(s.in) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.in[:min(s.piece, len(s.in))])
	s.in = s.in[n:]
	return n, nil
}

func (s *scripted) Write(b []byte) (int, error)      { return s.got.Write(b) }
func (s *scripted) Close() error                     { return nil }
func (s *scripted) SetDeadline(time.Time) error      { return nil }
func (s *scripted) SetReadDeadline(time.Time) error  { return nil }
func (s *scripted) SetWriteDeadline(time.Time) error { return nil }

// served opens a port on a server that sends these octets, reads until the server closes, and returns the data, the
// port, and what the server has received. A port that cannot be opened is nil.
func served(t *testing.T, in []byte, piece int) (data []byte, p *rfc2217, got []byte) {
	t.Helper()
	s := &scripted{in: in, piece: piece}
	p = newRFC2217(s, Address{Scheme: RFC2217, Host: "server:7001", Speed: 115200}, Options{Timeout: time.Minute,
		FlowControl: "hardware", Log: slog.New(slog.DiscardHandler)})
	if p.negotiate(t.Context()) != nil {
		p.Close()
		return nil, nil, s.got.Bytes()
	}
	b := make([]byte, 64)
	for {
		n, err := p.Read(b)
		data = append(data, b[:n]...)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	if err := p.SetDTR(false); err != nil && p.HasSignals() && !errors.Is(err, net.ErrClosed) {
		t.Errorf("drop DTR: %v", err)
	}
	p.Close()
	return data, p, s.got.Bytes()
}

// FuzzRFC2217: whatever a server sends, the client neither panics nor hangs; the data and the signals do not depend on
// the pieces in which it arrives; the client sends a bounded number of well-formed commands, and after the end no
// modem signal is on.
func FuzzRFC2217(f *testing.F) {
	accepts := []byte{255, 253, 44, 255, 251, 0, 255, 253, 0, 255, 251, 3, 255, 253, 3}
	state := []byte{255, 250, 44, 107, 0xb0, 255, 240}
	dtr := []byte{255, 250, 44, 105, 8, 255, 240}
	f.Add(bytes.Join([][]byte{accepts, state, dtr, []byte("\r\nRING\r\n")}, nil), byte(3))
	f.Add(bytes.Join([][]byte{accepts, dtr, state, {255, 250, 44, 108, 255, 240}, []byte("x"),
		{255, 250, 44, 109, 255, 240}}, nil), byte(1))
	f.Add([]byte{255, 254, 44, 255, 252, 0, 'O', 'K', 13, 0}, byte(2))
	f.Add([]byte{255, 250, 44, 101, 0, 0, 0, 0, 255, 240, 255, 250, 44}, byte(5))
	f.Fuzz(func(t *testing.T, in []byte, cut byte) {
		if len(in) > 4<<10 {
			return
		}
		began := time.Now()
		data, p, got := served(t, in, len(in)+1)
		data2, p2, got2 := served(t, in, int(cut%16)+1)
		if took := time.Since(began); took > 30*time.Second {
			t.Fatalf("took %v", took)
		}
		if (p == nil) != (p2 == nil) {
			return // it was closed before or after the negotiation was over
		}
		if !bytes.Equal(data, data2) {
			t.Fatalf("cut into pieces of %d it reads differently: % d / % d", cut%16+1, data, data2)
		}
		for _, sent := range [][]byte{got, got2} {
			if len(sent) > 1<<10+6*len(in) {
				t.Fatalf("%d octets were answered with %d", len(in), len(sent))
			}
			if text, _, _, _ := decoded(true, 0, sent); len(text) > 0 {
				t.Fatalf("the client has sent data: % d", text)
			}
		}
		if p != nil && p.Signals()&(lines.DCD|lines.RI|lines.DSR|lines.CTS) != 0 {
			t.Fatalf("signals %v after the end", p.Signals())
		}
	})
}
