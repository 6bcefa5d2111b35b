package radius

import (
	"encoding/binary"
	"errors"
	"fmt"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// EAP over RADIUS (RFC 3579): the access server forwards the packets and does not take part in the EAP method.
const (
	eapMessageType radius.Type = 79
	// maxEAP is the maximum length of an EAP packet: the RADIUS packet of 4,096 octets also needs space for its other
	// attributes.
	maxEAP = 3000
	// eapMTU is sent as Framed-MTU, so that the server sends no EAP packet that is too long for PPP (RFC 3579 §2.4).
	eapMTU = 1500

	eapRequest  = 1 // codes of RFC 3748 §4
	eapResponse = 2
	eapSuccess  = 3
	eapFailure  = 4
)

// eapCredential returns a peer's EAP packet as EAP-Messages. An empty packet is EAP-Start (RFC 3579 §2.1): it asks the
// server to begin.
func eapCredential(packet []byte) (credential, error) {
	var attrs radius.Attributes
	attrs.Add(rfc2865.FramedMTU_Type, radius.NewInteger(eapMTU))
	if len(packet) == 0 {
		attrs.Add(eapMessageType, radius.Attribute{})
		return credential{attrs: attrs, eap: true}, nil
	}
	packet, err := cutEAP(packet)
	switch {
	case err != nil:
		return credential{}, err
	case packet[0] != eapResponse:
		return credential{}, fmt.Errorf("EAP code %d from the peer, expected a response (%d)", packet[0], eapResponse)
	case len(packet) > maxEAP:
		return credential{}, fmt.Errorf("EAP packet of %d octets: longer than %d", len(packet), maxEAP)
	}
	id := packet[1]
	for len(packet) > 0 {
		n := min(len(packet), maxAttrLen)
		attrs.Add(eapMessageType, append(radius.Attribute(nil), packet[:n]...))
		packet = packet[n:]
	}
	return credential{attrs: attrs, eap: true, eapID: id}, nil
}

// cutEAP checks an EAP packet's header and removes link padding after its Length (RFC 3748 §4).
func cutEAP(b []byte) ([]byte, error) {
	if len(b) < 4 {
		return nil, fmt.Errorf("EAP packet of %d octets: shorter than its header (4)", len(b))
	}
	n, least := int(binary.BigEndian.Uint16(b[2:])), 4
	if b[0] == eapRequest || b[0] == eapResponse {
		least = 5 // a type follows
	}
	switch {
	case n < least:
		return nil, fmt.Errorf("EAP length %d: less than %d", n, least)
	case n > len(b):
		return nil, fmt.Errorf("EAP length %d, but the packet has %d octets", n, len(b))
	}
	return b[:n], nil
}

// eapOf joins the EAP-Messages of a reply, which must be consecutive (RFC 3579 §3.1). It returns nil if there are none.
func eapOf(attrs radius.Attributes) ([]byte, error) {
	var packet []byte
	last := -1
	for i, a := range attrs {
		if a.Type != eapMessageType {
			continue
		}
		if last >= 0 && last != i-1 {
			return nil, errors.New("EAP-Message: other attributes between its parts")
		}
		packet, last = append(packet, a.Attribute...), i
	}
	if last < 0 {
		return nil, nil
	}
	whole, err := cutEAP(packet)
	if err != nil {
		return nil, fmt.Errorf("EAP-Message: %w", err)
	}
	return whole, nil
}

// eapReply returns the EAP packet of an Accept or Challenge for the peer. Only the code of the RADIUS packet decides
// about access (RFC 3579 §2.6.3), so an EAP packet that contradicts it is an error.
func eapReply(code radius.Code, attrs radius.Attributes, id byte) ([]byte, error) {
	packet, err := eapOf(attrs)
	switch {
	case err != nil:
		return nil, err
	case code == radius.CodeAccessAccept && packet == nil:
		return eapEnd(eapSuccess, id), nil
	case packet == nil:
		return nil, errors.New("an Access-Challenge without EAP-Message")
	case code == radius.CodeAccessAccept && packet[0] != eapSuccess:
		return nil, fmt.Errorf("an Access-Accept whose EAP packet has code %d, not %d (success)", packet[0], eapSuccess)
	case code == radius.CodeAccessChallenge && packet[0] != eapRequest:
		return nil, fmt.Errorf("an Access-Challenge whose EAP packet has code %d, not %d (request)", packet[0],
			eapRequest)
	}
	return packet, nil
}

// eapEnd returns a Success or Failure for the peer's packet id (RFC 3748 §4.2).
func eapEnd(code, id byte) []byte { return []byte{code, id, 0, 4} }
