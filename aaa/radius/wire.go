package radius

import (
	"cmp"
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"hash"
	"net"
	"sync"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Constants of RFC 2865 §3 and RFC 3579 §3.2.
const (
	headerLen  = 20
	maxLen     = 4096
	macType    = 80
	macLen     = 18
	maxSecret  = 128 // User-Password, RFC 2865 §5.2
	replyBuf   = 8192
	maxAttrLen = 253
)

type authenticator [16]byte

// newAuthenticator returns an unpredictable Request Authenticator, as RFC 2865 §3 requires. crypto/rand never returns
// an error.
func newAuthenticator() (a authenticator) {
	rand.Read(a[:])
	return a
}

// slot describes one packet on its connection: its identifier and its format. Encoders use it instead of the transport:
// what RADIUS/1.0 encrypts with MD5 is sent in clear inside the TLS of RADIUS/1.1 (RFC 9765 §5.1).
type slot struct {
	id  uint32 // Identifier; in RADIUS/1.1 the Token
	v11 bool   // RADIUS/1.1
	tls bool   // over TLS, in both versions
	// the Request Authenticator, random unless an encoder replaces it; not sent in RADIUS/1.1
	auth   authenticator
	local  net.Addr // the connection's local address
	secret []byte
	keys   *keyed // of secret
}

// hidePassword returns the User-Password of a password of up to 128 octets: encrypted as in RFC 2865 §5.2, in clear in
// RADIUS/1.1. There, an empty one is a NUL, as an encrypted one is padded with NULs: an attribute must not be empty
// (RFC 2865 §5), and a server closes the connection of a client that sends one.
func (at *slot) hidePassword(password aaa.Secret) (radius.Attribute, error) {
	if at.v11 {
		return radius.Attribute(cmp.Or(password, "\x00")), nil
	}
	return radius.NewUserPassword([]byte(password), at.secret, at.auth[:])
}

// encodeAccess encodes an Access-Request. The Message-Authenticator is the first attribute, as
// draft-ietf-radext-deprecating-radius requires against chosen-prefix collisions.
func encodeAccess(at *slot, attrs radius.Attributes) ([]byte, error) {
	return encodeSigned(radius.CodeAccessRequest, at, attrs)
}

func encodeSigned(code radius.Code, at *slot, attrs radius.Attributes) ([]byte, error) {
	if at.v11 {
		return encode11(code, at, attrs)
	}
	b, err := encodePacket(code, byte(at.id), at.auth, attrs, true)
	if err != nil {
		return nil, err
	}
	mac := at.keys.hmac(b)
	copy(b[headerLen+2:], mac[:])
	return b, nil
}

// encodeAccounting encodes an Accounting-Request; its Request Authenticator is a digest of the packet (RFC 2866 §3).
func encodeAccounting(at *slot, attrs radius.Attributes) ([]byte, error) {
	if at.v11 {
		return encode11(radius.CodeAccountingRequest, at, attrs)
	}
	b, err := encodePacket(radius.CodeAccountingRequest, byte(at.id), authenticator{}, attrs, false)
	if err != nil {
		return nil, err
	}
	at.auth = at.keys.digest(b)
	copy(b[4:], at.auth[:])
	return b, nil
}

// encodePacket encodes the header and attrs. If signed, an empty Message-Authenticator is the first attribute.
func encodePacket(code radius.Code, id byte, auth authenticator, attrs radius.Attributes, signed bool) ([]byte, error) {
	size := headerLen
	if signed {
		size += macLen
	}
	for _, a := range attrs {
		if len(a.Attribute) > maxAttrLen {
			return nil, fmt.Errorf("attribute %d of %d octets: the limit is %d", a.Type, len(a.Attribute), maxAttrLen)
		}
		size += 2 + len(a.Attribute)
	}
	if size > maxLen {
		return nil, fmt.Errorf("request of %d octets: the limit is %d", size, maxLen)
	}
	b := make([]byte, headerLen, size)
	b[0], b[1] = byte(code), id
	binary.BigEndian.PutUint16(b[2:], uint16(size))
	copy(b[4:], auth[:])
	if signed {
		b = append(append(b, macType, macLen), make([]byte, macLen-2)...)
	}
	for _, a := range attrs {
		b = append(append(b, byte(a.Type), byte(2+len(a.Attribute))), a.Attribute...)
	}
	return b, nil
}

// parseAttributes returns the attributes of a packet that walk accepted. Their values share the packet's memory.
func parseAttributes(packet []byte) radius.Attributes {
	n := 0
	for i := headerLen; i < len(packet); i += int(packet[i+1]) {
		n++
	}
	pairs, attrs := make([]radius.AVP, 0, n), make(radius.Attributes, 0, n)
	for i := headerLen; i < len(packet); i += int(packet[i+1]) {
		end := i + int(packet[i+1])
		pairs = append(pairs, radius.AVP{Type: radius.Type(packet[i]), Attribute: packet[i+2 : end : end]})
		attrs = append(attrs, &pairs[len(pairs)-1])
	}
	return attrs
}

// keyed computes digests with one shared secret. It reuses its hashes, because creating them dominates the cost of a
// packet.
type keyed struct {
	secret []byte
	pool   sync.Pool // of *hashes
}

type hashes struct {
	mac, md5 hash.Hash
	sum      [16]byte
}

func newKeyed(secret []byte) *keyed {
	return &keyed{secret: secret, pool: sync.Pool{New: func() any {
		return &hashes{mac: hmac.New(md5.New, secret),
			md5: md5.New()}
	}}}
}

// hmac returns HMAC-MD5 over the parts (RFC 3579 §3.2).
func (k *keyed) hmac(parts ...[]byte) authenticator {
	h := k.pool.Get().(*hashes)
	defer k.pool.Put(h)
	h.mac.Reset()
	for _, p := range parts {
		h.mac.Write(p)
	}
	h.mac.Sum(h.sum[:0])
	return h.sum
}

// digest returns MD5 over the parts and the secret (RFC 2865 §3).
func (k *keyed) digest(parts ...[]byte) authenticator {
	h := k.pool.Get().(*hashes)
	defer k.pool.Put(h)
	h.md5.Reset()
	for _, p := range parts {
		h.md5.Write(p)
	}
	h.md5.Write(k.secret)
	h.md5.Sum(h.sum[:0])
	return h.sum
}

// flaw is the reason why a datagram is not the expected reply.
type flaw int

const (
	good       flaw = iota
	badLength       // shorter than its Length, or attributes that do not fit
	badCode         // not an answer to the request
	badDigest       // wrong Response Authenticator: another secret, or forged
	noMAC           // Message-Authenticator required but missing
	badMAC          // Message-Authenticator wrong
	doubledMAC      // more than one Message-Authenticator
	flaws
)

func (f flaw) String() string {
	return [...]string{"good", "with a bad length", "with an unexpected code", "with a wrong Response Authenticator",
		"without Message-Authenticator", "with a wrong Message-Authenticator", "with two Message-Authenticators"}[f]
}

// cut returns the packet in datagram: octets after Length are padding and are ignored (RFC 2865 §3).
func cut(datagram []byte) ([]byte, bool) {
	if len(datagram) < headerLen {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(datagram[2:]))
	if n < headerLen || n > maxLen || n > len(datagram) {
		return nil, false
	}
	return datagram[:n], true
}

// rightDigest reports whether packet has the correct Response Authenticator for an answer to at (RFC 2865 §3).
func rightDigest(packet []byte, at *slot) bool {
	want := at.keys.digest(packet[:4], at.auth[:], packet[headerLen:])
	return subtle.ConstantTimeCompare(want[:], packet[4:headerLen]) == 1
}

// findMAC returns the offset of the value of the only Message-Authenticator, 0 if there is none.
func findMAC(packet []byte) (int, flaw) {
	at := 0
	for i := headerLen; i < len(packet); {
		if len(packet)-i < 2 || packet[i+1] < 2 || int(packet[i+1]) > len(packet)-i {
			return 0, badLength
		}
		n := int(packet[i+1])
		if packet[i] == macType {
			switch {
			case at != 0:
				return 0, doubledMAC
			case n != macLen:
				return 0, badMAC
			}
			at = i + 2
		}
		i += n
	}
	return at, good
}

// noMACYet is the value of a Message-Authenticator during its computation.
var noMACYet [16]byte

// rightMAC verifies the Message-Authenticator at offset i of an answer to at: HMAC-MD5 over the packet with the Request
// Authenticator in its header and zeros in the attribute (RFC 3579 §3.2).
func rightMAC(packet []byte, i int, at *slot) bool {
	want := at.keys.hmac(packet[:4], at.auth[:], packet[headerLen:i], noMACYet[:], packet[i+16:])
	return subtle.ConstantTimeCompare(want[:], packet[i:i+16]) == 1
}

// checkReply checks whether packet, already cut to its Length, is an authentic reply to the request at. signed reports
// a valid Message-Authenticator.
func checkReply(packet []byte, at *slot, needMAC bool) (f flaw, signed bool) {
	if at.v11 { // TLS authenticates it, and a Message-Authenticator is ignored (RFC 9765 §5.2)
		return walk(packet), false
	}
	mac, f := findMAC(packet)
	if f != good {
		return f, false
	}
	switch {
	case !rightDigest(packet, at):
		return badDigest, false
	case mac == 0 && needMAC:
		return noMAC, false
	case mac == 0:
		return good, false
	case !rightMAC(packet, mac, at):
		return badMAC, false
	}
	return good, true
}

// checkAccounting checks whether packet acknowledges the Accounting-Request at. It checks only the Response
// Authenticator, because stock servers send nothing else.
func checkAccounting(packet []byte, at *slot) flaw {
	if radius.Code(packet[0]) != radius.CodeAccountingResponse {
		return badCode
	}
	if f := walk(packet); f != good || at.v11 {
		return f
	}
	if !rightDigest(packet, at) {
		return badDigest
	}
	return good
}
