package port

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestUnsent: octets that a peer does not read are counted, and no longer counted once it has read them.
func TestUnsent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := Parse("tcp://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p, err := a.Open(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	peer, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	u := p.(interface{ Unsent() (int, error) })
	if n, err := u.Unsent(); n != 0 || err != nil {
		t.Errorf("nothing written: %d, %v", n, err)
	}
	written := 0
	for piece := bytes.Repeat([]byte("x"), 64<<10); ; {
		if err := p.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		n, err := p.Write(piece)
		if written += n; err != nil {
			break // all buffers are full
		}
	}
	if n, err := u.Unsent(); n == 0 || err != nil {
		t.Errorf("%d written to a peer that does not read: %d, %v", written, n, err)
	}
	peer.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.CopyN(io.Discard, peer, int64(written)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		n, err := u.Unsent()
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d octets never arrive", n)
		}
	}
}
