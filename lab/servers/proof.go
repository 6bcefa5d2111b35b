package servers

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// proof is the result of checking a password, for every authentication protocol.
type proof struct {
	why   string      // "" if it is proven
	attrs []Attribute // of the reply
}

const microsoft = 311

// proven checks the User-Password, CHAP-Password or MS-CHAP response of a request.
func proven(p *radius.Packet, u User, secret aaa.Secret) proof {
	chap := p.Get(3)
	challenge := vendorValue(p, microsoft, 11)
	switch v1, v2 := vendorValue(p, microsoft, 1), vendorValue(p, microsoft, 25); {
	case u.Accept:
		return proof{}
	case u.Password == "":
		return proof{why: "the user has no password"}
	case chap != nil:
		return provenCHAP(p, chap, u.Password)
	case v1 != nil:
		return provenMSCHAP1(challenge, v1, u.Password)
	case v2 != nil:
		return provenMSCHAP2(u.Name, challenge, v2, u.Password)
	}
	got := aaa.Secret(unhide(p.Get(2), p.Authenticator[:], secret))
	switch {
	case p.Get(2) == nil:
		return proof{why: "no password in the request"}
	case got == "" || got != u.Password:
		return proof{why: "wrong password"}
	}
	return proof{}
}

// provenCHAP is RFC 2865 §5.3: the challenge is CHAP-Challenge's or else the Request Authenticator.
func provenCHAP(p *radius.Packet, chap []byte, password aaa.Secret) proof {
	challenge := p.Get(60)
	if challenge == nil {
		challenge = p.Authenticator[:]
	}
	if len(chap) != 17 || !sameOctets(chap[1:], chapResponse(chap[0], password, challenge)) {
		return proof{why: "wrong CHAP-Password"}
	}
	return proof{}
}

// provenMSCHAP1 checks MS-CHAP-Response (RFC 2548 §2.1.3): ident, flags, LM, NT.
func provenMSCHAP1(challenge, v []byte, password aaa.Secret) proof {
	if len(v) != 50 || !mschap1(password, challenge, append(append([]byte(nil), v[2:]...), v[1])) {
		return mschapError(v, 1)
	}
	return proof{}
}

// provenMSCHAP2 checks MS-CHAP2-Response (RFC 2548 §2.3.2): ident, flags, peer challenge, reserved, response.
func provenMSCHAP2(user string, challenge, v []byte, password aaa.Secret) proof {
	if len(v) != 50 {
		return mschapError(v, 2)
	}
	success, ok := mschap2(user, password, challenge, append(append([]byte(nil), v[2:]...), v[1]))
	if !ok {
		return mschapError(v, 2)
	}
	return proof{attrs: []Attribute{{"MS-CHAP2-Success", "0x" + hex.EncodeToString(append([]byte{v[0]}, success...))}}}
}

// mschapError is RFC 2433 §6 and RFC 2759 §6, in RFC 2548 §2.1.5: 691 is a failed authentication, without a retry.
func mschapError(v []byte, version int) proof {
	text := "E=691 R=0"
	if version == 2 {
		var c [16]byte
		rand.Read(c[:])
		text = fmt.Sprintf("E=691 R=0 C=%X V=3", c)
	}
	ident := byte(0)
	if len(v) > 0 {
		ident = v[0]
	}
	return proof{why: fmt.Sprintf("wrong MS-CHAPv%d response", version),
		attrs: []Attribute{{"MS-CHAP-Error", string([]byte{ident}) + text}}}
}

// vendorValue is the value of the first vendor attribute of that number; nil if there is none.
func vendorValue(p *radius.Packet, vendor, n uint32) []byte {
	for _, a := range p.Attributes {
		if a.Type != 26 || len(a.Attribute) <= 4 {
			continue
		}
		if e, v := unwrap(a.Attribute); e != nil && e.vendor == vendor && e.number == n {
			return v
		}
	}
	return nil
}

// EAP's codes and types (RFC 3748 §4, §5)
const (
	eapRequest  = 1
	eapResponse = 2
	eapSuccess  = 3
	eapFailure  = 4

	eapIdentity = 1
	eapNak      = 3
	eapMD5      = 4
)

// eapMessage joins a request's EAP-Message attributes (RFC 3579 §3.1); nil if there are none.
func eapMessage(p *radius.Packet) ([]byte, error) {
	var b []byte
	for _, a := range p.Attributes {
		if a.Type == 79 {
			b = append(b, a.Attribute...)
		}
	}
	if b == nil {
		return nil, nil
	}
	if len(b) < 5 || int(b[2])<<8|int(b[3]) != len(b) || b[0] != eapResponse {
		return nil, errors.New("the EAP-Message is not a Response")
	}
	return b, nil
}

func eapAttribute(packet []byte) Attribute {
	packet[2], packet[3] = byte(len(packet)>>8), byte(len(packet))
	return Attribute{"EAP-Message", "0x" + hex.EncodeToString(packet)}
}

// eap continues an EAP-MD5 conversation (RFC 3748 §5.4).
func (s *RADIUS) eap(u User, b []byte, state string, f Faults) (User, radius.Code, []Attribute, string) {
	fail := func(why string) (User, radius.Code, []Attribute, string) {
		delete(s.states, state)
		return u, radius.CodeAccessReject, append(rejection(u, f), eapAttribute([]byte{eapFailure, b[1], 0, 0})), why
	}
	c, known := s.states[state]
	switch {
	case state == "" && b[4] == eapIdentity:
		value := make([]byte, 16)
		rand.Read(value)
		c = challenge{eap: value, id: b[1] + 1}
		packet := append([]byte{eapRequest, c.id, 0, 0, eapMD5, 16}, value...)
		return u, radius.CodeAccessChallenge, append(s.challenge(u, "", c), eapAttribute(packet)), ""
	case !known || c.user != u.Name || c.eap == nil:
		return fail("an EAP response without a request")
	case b[4] == eapNak:
		return fail("the peer requires an EAP method other than MD5")
	case b[4] != eapMD5 || b[1] != c.id || len(b) < 22 || b[5] != 16:
		return fail("an EAP response of another type")
	case u.Password == "":
		return fail("the user has no password")
	}
	want := md5.Sum(append(append([]byte{c.id}, u.Password...), c.eap...))
	if !sameOctets(want[:], b[6:22]) {
		return fail("wrong EAP-MD5 response")
	}
	delete(s.states, state)
	return u, radius.CodeAccessAccept, append(u.Reply, eapAttribute([]byte{eapSuccess, c.id, 0, 0})), ""
}
