package radius

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"encoding/binary"

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

// encodeAccess makes an Access-Request with its Message-Authenticator as the first attribute, where draft-ietf-radext-deprecating-radius
// wants it against chosen-prefix collisions.
func encodeAccess(id byte, auth authenticator, secret []byte, attrs radius.Attributes) ([]byte, error) {
	signed := append(radius.Attributes{{Type: macType, Attribute: make([]byte, macLen-2)}}, attrs...)
	p := &radius.Packet{Code: radius.CodeAccessRequest, Identifier: id, Authenticator: auth, Attributes: signed}
	b, err := p.MarshalBinary()
	if err != nil {
		return nil, err
	}
	mac := hmac.New(md5.New, secret)
	mac.Write(b)
	mac.Sum(b[headerLen+2 : headerLen+2 : headerLen+macLen])
	return b, nil
}

// encodeAccounting makes an Accounting-Request; its Request Authenticator is a digest of it (RFC 2866 §3).
func encodeAccounting(id byte, secret []byte, attrs radius.Attributes) ([]byte, authenticator, error) {
	p := &radius.Packet{Code: radius.CodeAccountingRequest, Identifier: id, Secret: secret, Attributes: attrs}
	b, err := p.Encode()
	if err != nil {
		return nil, authenticator{}, err
	}
	return b, authenticator(b[4:headerLen]), nil
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

// checkReply says whether packet, already cut to its Length, is an authentic reply to the request with auth. signed tells that it
// carried a good Message-Authenticator.
func checkReply(packet []byte, auth authenticator, secret []byte, needMAC bool) (f flaw, signed bool) {
	at, f := findMAC(packet)
	if f != good {
		return f, false
	}
	digest := responseDigest(packet, auth, secret)
	switch {
	case !hmac.Equal(digest[:], packet[4:headerLen]):
		return badDigest, false
	case at == 0 && needMAC:
		return noMAC, false
	case at == 0:
		return good, false
	case !checkMAC(packet, at, auth, secret):
		return badMAC, false
	}
	return good, true
}

// checkAccounting says whether packet acknowledges the Accounting-Request with auth. It rests on its Response Authenticator alone:
// stock servers send nothing more.
func checkAccounting(packet []byte, auth authenticator, secret []byte) flaw {
	if radius.Code(packet[0]) != radius.CodeAccountingResponse {
		return badCode
	}
	if _, f := findMAC(packet); f == badLength {
		return badLength
	}
	if digest := responseDigest(packet, auth, secret); !hmac.Equal(digest[:], packet[4:headerLen]) {
		return badDigest
	}
	return good
}
