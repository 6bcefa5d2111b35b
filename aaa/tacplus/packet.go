package tacplus

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"fmt"
)

// RFC 8907 §4.1
const (
	headerLen  = 12
	maxBody    = 1 << 16 // octets of an accepted body: the RFC's recommended limit
	flagPlain  = byte(0x01)
	flagSingle = byte(0x04)
	major      = byte(0xc0)
	minorOne   = byte(0x01)
	lastSeq    = 253 // a reply to 255 would need 256, so the session ends before it (§4.1)
)

// flaw is why a packet is rejected. It ends the connection.
type flaw struct {
	what  string
	hint  string
	plain bool // the unencrypted flag is wrong, which RFC 8907 §10.5.2 requires to be a refusal
}

func (f *flaw) Error() string { return f.what }

// header is the 12 octets before each body.
type header struct {
	version byte
	kind    packetType
	seq     byte
	flags   byte
	session uint32
	length  uint32
}

// readHeader decodes a header and rejects one that no TACACS+ packet has.
func readHeader(b []byte) (header, error) {
	if len(b) < headerLen {
		return header{}, &flaw{what: fmt.Sprintf("header of %d octets, expected %d", len(b), headerLen)}
	}
	h := header{b[0], packetType(b[1]), b[2], b[3], binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
	switch {
	case h.version&0xf0 != major:
		return h, &flaw{what: fmt.Sprintf("version %#02x is not TACACS+", h.version),
			hint: "Is a TACACS+ server without TLS listening on this port?"}
	case !h.kind.known():
		return h, &flaw{what: fmt.Sprintf("unknown packet type %d", byte(h.kind))}
	case h.length > maxBody:
		return h, &flaw{what: fmt.Sprintf("body of %d octets: the limit is %d", h.length, maxBody)}
	}
	return h, nil
}

// encode returns the octets of a packet. It does not change body.
func (h header) encode(body, secret []byte) ([]byte, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("body of %d octets: the limit is %d", len(body), maxBody)
	}
	b := make([]byte, 0, headerLen+len(body))
	b = append(b, h.version, byte(h.kind), h.seq, h.flags)
	b = binary.BigEndian.AppendUint32(b, h.session)
	b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	h.obfuscate(b[headerLen:], secret)
	return b, nil
}

// obfuscate XORs body with the pad of its header (RFC 8907 §4.5); a second call restores it. It does nothing if the
// header says that the body is not obfuscated.
func (h header) obfuscate(body, secret []byte) {
	if h.flags&flagPlain != 0 {
		return
	}
	var space [128]byte // enough for most secrets
	seed := space[:0]
	seed = binary.BigEndian.AppendUint32(seed, h.session)
	seed = append(seed, secret...)
	seed = append(seed, h.version, h.seq)
	n := len(seed)
	for at := 0; at < len(body); at += md5.Size {
		sum := md5.Sum(seed)
		for i := range min(md5.Size, len(body)-at) {
			body[at+i] ^= sum[i]
		}
		seed = append(seed[:n], sum[:]...)
	}
}

// newSessionID returns an unpredictable identifier, as RFC 8907 §4.1 requires.
func newSessionID() uint32 {
	var b [4]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}

// hintSecret is the first thing to check if a reply cannot be decoded.
const hintSecret = "Is the secret the same on both sides?"
