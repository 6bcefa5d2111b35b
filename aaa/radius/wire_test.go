package radius

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"layeh.com/radius"
)

const wireSecret = "a secret of 24 octets..."

// made encodes a reply independently of the code under test: the Response Authenticator is right, and mac sets the
// value of each Message-Authenticator.
func made(at *slot, attrs []byte, mac func(sum []byte) []byte) []byte {
	b := append([]byte{2, byte(at.id), 0, 0}, at.auth[:]...)
	b = append(b, attrs...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	h := hmac.New(md5.New, []byte(wireSecret))
	h.Write(b)
	sum := h.Sum(nil)
	if mac != nil {
		sum = mac(sum)
	}
	for i := 20; i+2 <= len(b) && b[i+1] >= 2; i += int(b[i+1]) {
		if b[i] == 80 {
			copy(b[i+2:min(i+int(b[i+1]), len(b))], sum)
		}
	}
	digest := md5.Sum(append(bytes.Clone(b), wireSecret...))
	copy(b[4:], digest[:])
	return b
}

var (
	zeroMAC = append([]byte{80, 18}, make([]byte, 16)...)
	grant   = []byte{6, 6, 0, 0, 0, 6} // Service-Type Administrative
)

// TestForgedReplies sends what an attacker who breaks MD5 can send (CVE-2024-3596): ten thousand Accepts with the right
// Response Authenticator and no valid Message-Authenticator. None is accepted. A valid one is accepted at any position.
func TestForgedReplies(t *testing.T) {
	at := &slot{id: 7, auth: newAuthenticator(), keys: newKeyed([]byte(wireSecret))}
	p := newPeer(ServerConfig{Secret: wireSecret}.withDefaults(), "", Config{}.withDefaults())
	r := rand.New(rand.NewPCG(1, 2))
	random := func([]byte) []byte {
		b := make([]byte, 16)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	flip := func(sum []byte) []byte { sum[r.IntN(16)] ^= 1 << r.IntN(8); return sum }
	kinds := []struct {
		name  string
		attrs func() []byte
		mac   func([]byte) []byte
		want  flaw
	}{
		{"missing", func() []byte { return grant }, nil, noMAC},
		{"random", func() []byte { return append(bytes.Clone(zeroMAC), grant...) }, random, badMAC},
		{"one bit wrong", func() []byte { return append(bytes.Clone(zeroMAC), grant...) }, flip, badMAC},
		{"zeros", func() []byte { return append(bytes.Clone(zeroMAC), grant...) },
			func([]byte) []byte { return make([]byte, 16) }, badMAC},
		{"doubled, both good", func() []byte { return append(append(bytes.Clone(zeroMAC), grant...), zeroMAC...) }, nil,
			doubledMAC},
		{"truncated", func() []byte {
			n := r.IntN(16)
			return append(append([]byte{80, byte(2 + n)}, make([]byte, n)...), grant...)
		}, nil, badMAC},
		{"over-long", func() []byte {
			n := 17 + r.IntN(200)
			return append(append([]byte{80, byte(2 + n)}, make([]byte, n)...), grant...)
		}, nil, badMAC},
		{"cut by the end", func() []byte { return append(bytes.Clone(grant), 80, 18, 0, 0) }, nil, badLength},
		{"no length at the end", func() []byte { return append(bytes.Clone(grant), 80) }, nil, badLength},
		{"inside another attribute", func() []byte { return append([]byte{18, 20}, zeroMAC...) }, nil, noMAC},
	}
	for i := range 10_000 {
		k := kinds[i%len(kinds)]
		at.auth = newAuthenticator()
		b := made(at, k.attrs(), k.mac)
		if i%3 == 0 { // one after the packet's Length is not part of it
			b = append(b, zeroMAC...)
		}
		packet, ok := cut(b)
		if !ok {
			t.Fatalf("%s: the packet is cut", k.name)
		}
		if f := p.checkAccess(packet, at); f != k.want {
			t.Fatalf("%s: %v, want %v: %x", k.name, f, k.want, b)
		}
	}
	if p.latched.Load() {
		t.Error("a forged reply was accepted as signed")
	}
	filler := append([]byte{18, 30}, make([]byte, 28)...)
	for i := range 5 {
		attrs := bytes.Repeat(filler, 4)
		attrs = append(attrs[:i*len(filler):i*len(filler)], append(bytes.Clone(zeroMAC), attrs[i*len(filler):]...)...)
		if f := p.checkAccess(made(at, attrs, nil), at); f != good {
			t.Errorf("a good Message-Authenticator behind %d attributes: %v", i, f)
		}
	}
}

// A valid answer belongs to this request, has a code that answers it, and is complete.
func TestWrongReplies(t *testing.T) {
	at := &slot{id: 7, auth: newAuthenticator(), keys: newKeyed([]byte(wireSecret))}
	p := newPeer(ServerConfig{Secret: wireSecret}.withDefaults(), "", Config{}.withDefaults())
	right := made(at, append(bytes.Clone(zeroMAC), grant...), nil)
	if f := p.checkAccess(right, at); f != good {
		t.Fatal(f)
	}
	for i := range right {
		for bit := range 8 {
			b := bytes.Clone(right)
			b[i] ^= 1 << bit
			packet, ok := cut(b)
			if ok && p.checkAccess(packet, at) == good {
				t.Errorf("bit %d of octet %d changed, and it is good", bit, i)
			}
		}
	}
	for n := range right {
		if packet, ok := cut(right[:n]); ok && p.checkAccess(packet, at) == good {
			t.Errorf("cut to %d octets it is good", n)
		}
	}
	for code := range 256 {
		b := bytes.Clone(right)
		b[0] = byte(code)
		b = made(at, b[20:], nil)
		b[0] = byte(code)
		sum := md5.Sum(append(append(append(bytes.Clone(b[:4]), at.auth[:]...), b[20:]...), wireSecret...))
		copy(b[4:], sum[:])
		if code != 2 && p.checkAccess(b, at) == good {
			t.Errorf("code %d with the signature of an Accept is good", code)
		}
	}
	other := *at
	other.auth = newAuthenticator()
	if p.checkAccess(right, &other) == good {
		t.Error("an answer to another request is good")
	}
}

// The format of RADIUS/1.1, octet by octet as in RFC 9765 §4.1.
func TestRADIUS11Packet(t *testing.T) {
	at := &slot{id: 0x01020304, v11: true, tls: true, auth: newAuthenticator()}
	hidden, err := at.hidePassword("arctangent")
	if err != nil {
		t.Fatal(err)
	}
	b, err := encodeAccess(at, radius.Attributes{{Type: 1, Attribute: []byte("nemo")}, {Type: 2, Attribute: hidden}})
	if want := unhex(t,
		`01 00 00 26 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 01 06 6e 65 6d 6f 02 0c 61 72 63 74 61 6e 67 65 6e 74`); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%v\n got %x\nwant %x", err, b, want)
	}
	b, err = encodeAccounting(at, radius.Attributes{{Type: 40, Attribute: []byte{0, 0, 0, 1}}})
	if want := unhex(t, `04 00 00 1a 01 02 03 04 00 00 00 00 00 00 00 00 00 00 00 00 28 06 00 00 00 01`); err != nil ||
		!bytes.Equal(b, want) {
		t.Errorf("%v\n got %x\nwant %x", err, b, want)
	}
	// The reserved fields and a Message-Authenticator, even a wrong one, are ignored.
	reply := unhex(t,
		`02 ff 00 2c 01 02 03 04 ff ff ff ff ff ff ff ff ff ff ff ff 06 06 00 00 00 06 50 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`)
	p := newPeer(ServerConfig{Transport: TLS}.withDefaults(), "", Config{}.withDefaults())
	if f := p.checkAccess(reply, at); f != good || token(reply) != at.id {
		t.Errorf("%v, token %x", f, token(reply))
	}
	if f := p.checkAccess(reply[:43], at); f != badLength {
		t.Errorf("cut: %v", f)
	}
	if err := protocolError(unhex(t,
		`34 00 00 25 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 65 06 00 00 01 96 12 0b 6e 6f 20 72 6f 6f 6d 0d 0a`)); !strings.Contains(err.Error(), `Error-Cause 406, "no room\r\n"`) {
		t.Error(err)
	}
}

// FuzzStream checks that readPacket returns only complete packets, and all packets before an invalid one.
func FuzzStream(f *testing.F) {
	whole := append([]byte{2, 1, 0, 22}, make([]byte, 18)...)
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), whole...))
	f.Add(whole[:21])
	f.Add([]byte{2, 1, 0, 19})
	f.Add([]byte{2, 1, 16, 1})
	f.Add([]byte{2, 1, 255, 255})
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, buf, rest := bufio.NewReaderSize(iotestOne{bytes.NewReader(b)}, replyBuf), make([]byte, maxLen), b
		for {
			p, err := readPacket(r, buf)
			if err == nil {
				if len(p) < headerLen || len(p) > maxLen || int(binary.BigEndian.Uint16(p[2:])) != len(p) ||
					!bytes.HasPrefix(rest, p) {
					t.Fatalf("%x out of %x", p, rest)
				}
				rest = rest[len(p):]
				continue
			}
			var bad badFrame
			switch {
			case err == io.EOF && len(rest) != 0, err == io.ErrUnexpectedEOF && len(rest) == 0:
				t.Fatalf("%v with %d octets left", err, len(rest))
			case errors.As(err, &bad) && int(bad) != int(binary.BigEndian.Uint16(rest[2:])):
				t.Fatalf("%v at %x", err, rest)
			case err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &bad):
				t.Fatal(err)
			}
			return
		}
	})
}

// iotestOne returns one octet per Read, because a stream has no packet boundaries.
type iotestOne struct{ io.Reader }

func (r iotestOne) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(1, len(b))]) }

// An attribute must not be empty (RFC 2865 §5), so that an empty password has octets in each version.
func TestEmptyPassword(t *testing.T) {
	for _, v11 := range []bool{false, true} {
		at := &slot{v11: v11, auth: newAuthenticator(), secret: []byte("s")}
		a, err := at.hidePassword("")
		if err != nil || len(a) == 0 {
			t.Errorf("RADIUS/1.1 %v: %q, %v", v11, a, err)
		}
	}
}
