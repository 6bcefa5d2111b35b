package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"
	"net"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Numbers of RFC 2865 §3 and RFC 3579 §3.2.
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

// newAuthenticator is unpredictable, as RFC 2865 §3 wants a Request Authenticator. crypto/rand never returns an error.
func newAuthenticator() (a authenticator) {
	rand.Read(a[:])
	return a
}

// slot is the place of one packet on its connection, and the form that it takes there. Encoders ask it rather than the transport: what
// RADIUS/1.0 hides with MD5 goes in clear inside RADIUS/1.1's TLS (RFC 9765 §5.1).
type slot struct {
	id     uint32        // Identifier; in RADIUS/1.1 the Token
	v11    bool          // RADIUS/1.1
	tls    bool          // inside TLS, in either version
	auth   authenticator // the Request Authenticator, random until an encoder puts another; not on the wire in RADIUS/1.1
	local  net.Addr      // the connection's own address
	secret []byte
}

// hidePassword makes a User-Password of 1 to 128 octets: hidden as RFC 2865 §5.2 says, plain in RADIUS/1.1.
func (at *slot) hidePassword(password aaa.Secret) (radius.Attribute, error) {
	if at.v11 {
		return radius.Attribute(password), nil
	}
	return radius.NewUserPassword([]byte(password), at.secret, at.auth[:])
}

// encodeAccess makes an Access-Request with its Message-Authenticator as the first attribute, where draft-ietf-radext-deprecating-radius
// wants it against chosen-prefix collisions.
func encodeAccess(at *slot, attrs radius.Attributes) ([]byte, error) {
	return encodeSigned(radius.CodeAccessRequest, at, attrs)
}

func encodeSigned(code radius.Code, at *slot, attrs radius.Attributes) ([]byte, error) {
	if at.v11 {
		return encode11(code, at, attrs)
	}
	signed := append(radius.Attributes{{Type: macType, Attribute: make([]byte, macLen-2)}}, attrs...)
	p := &radius.Packet{Code: code, Identifier: byte(at.id), Authenticator: at.auth, Attributes: signed}
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	mac := hmac.New(md5.New, at.secret)
	mac.Write(b)
	mac.Sum(b[headerLen+2 : headerLen+2 : headerLen+macLen])
	return b, nil
}

// encodeAccounting makes an Accounting-Request; its Request Authenticator is a digest of it (RFC 2866 §3).
func encodeAccounting(at *slot, attrs radius.Attributes) ([]byte, error) {
	if at.v11 {
		return encode11(radius.CodeAccountingRequest, at, attrs)
	}
	p := &radius.Packet{Code: radius.CodeAccountingRequest, Identifier: byte(at.id), Secret: at.secret, Attributes: attrs}
	b, err := p.Encode()
	if err != nil {
		return nil, err
	}
	at.auth = authenticator(b[4:headerLen])
	return b, nil
}

// flaw is why a datagram is not the reply that is waited for.
type flaw int

const (
	good       flaw = iota
	badLength       // shorter than it says, or attributes that do not fit into it
	badCode         // not an answer to what was asked
	badDigest       // wrong Response Authenticator: another secret, or forged
	noMAC           // Message-Authenticator demanded and missing
	badMAC          // Message-Authenticator wrong
	doubledMAC      // more than one Message-Authenticator
	flaws
)

func (f flaw) String() string {
	return [...]string{"good", "with a bad length", "with an unexpected code", "with a wrong Response Authenticator",
		"without Message-Authenticator", "with a wrong Message-Authenticator", "with two Message-Authenticators"}[f]
}

// cut returns the packet that datagram holds: octets behind Length are padding (RFC 2865 §3) and count for nothing.
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

// responseDigest is the Response Authenticator that packet should carry (RFC 2865 §3).
func responseDigest(packet []byte, auth authenticator, secret []byte) authenticator {
	h := md5.New()
	h.Write(packet[:4])
	h.Write(auth[:])
	h.Write(packet[headerLen:])
	h.Write(secret)
	return authenticator(h.Sum(nil))
}

// findMAC walks the attributes and returns the offset of the one Message-Authenticator's value, 0 where there is none.
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

// checkMAC verifies the Message-Authenticator at offset at of a reply: HMAC-MD5 over the packet with the Request Authenticator in its
// header and zeros in the attribute (RFC 3579 §3.2).
func checkMAC(packet []byte, at int, auth authenticator, secret []byte) bool {
	mac := hmac.New(md5.New, secret)
	mac.Write(packet[:4])
	mac.Write(auth[:])
	mac.Write(packet[headerLen:at])
	var zero [16]byte
	mac.Write(zero[:])
	mac.Write(packet[at+16:])
	return hmac.Equal(mac.Sum(nil), packet[at:at+16])
}

// checkReply says whether packet, already cut to its Length, is an authentic reply to the request at. signed tells that it carried a
// good Message-Authenticator.
func checkReply(packet []byte, at *slot, needMAC bool) (f flaw, signed bool) {
	if at.v11 { // TLS vouches for it, and a Message-Authenticator means nothing (RFC 9765 §5.2)
		return walk(packet), false
	}
	mac, f := findMAC(packet)
	if f != good {
		return f, false
	}
	digest := responseDigest(packet, at.auth, at.secret)
	switch {
	case !hmac.Equal(digest[:], packet[4:headerLen]):
		return badDigest, false
	case mac == 0 && needMAC:
		return noMAC, false
	case mac == 0:
		return good, false
	case !checkMAC(packet, mac, at.auth, at.secret):
		return badMAC, false
	}
	return good, true
}

// checkAccounting says whether packet acknowledges the Accounting-Request at. It rests on its Response Authenticator alone: stock
// servers send nothing more.
func checkAccounting(packet []byte, at *slot) flaw {
	if radius.Code(packet[0]) != radius.CodeAccountingResponse {
		return badCode
	}
	if f := walk(packet); f != good || at.v11 {
		return f
	}
	if digest := responseDigest(packet, at.auth, at.secret); !hmac.Equal(digest[:], packet[4:headerLen]) {
		return badDigest
	}
	return good
}
