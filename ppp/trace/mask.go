package trace

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/lcp"
)

// The codes of the packets that this package reads.
const (
	papRequest = 1
	papNak     = 3

	chapChallenge = 1
	chapResponse  = 2
	chapSuccess   = 3
	chapFailure   = 4

	eapRequest  = 1
	eapResponse = 2
)

// headerLen is the length of code, identifier and length.
const headerLen = 4

// filler stands for an octet that is overwritten.
const filler = '*'

// User reports whether the frames of a protocol carry packets of users: those of a network protocol, compressed or not
// (RFC 1661 §2), rather than of PPP itself.
func User(protocol uint16) bool { return protocol < 0x8000 }

// Mask returns a copy of the information field of a frame in which what proves an identity is overwritten, octet by
// octet: passwords of PAP, responses of CHAP, MS-CHAP and EAP, and the proof of an AAA server. What cannot be read as a
// known packet of an authentication protocol is overwritten as a whole, except its header. Names, challenges and texts
// stay, and so do the packets of users, except copies of them in a Protocol-Reject: these stay only with payload.
func Mask(protocol uint16, info []byte, payload bool) []byte {
	b := bytes.Clone(info)
	mask(protocol, b, payload)
	return b
}

func mask(protocol uint16, b []byte, payload bool) {
	switch protocol {
	case lcp.Protocol:
		maskRejected(b, payload)
	case auth.PAPProtocol:
		maskPacket(b, maskPAP)
	case auth.CHAPProtocol:
		maskPacket(b, maskCHAP)
	case auth.EAPProtocol:
		maskPacket(b, maskEAP)
	case cbcp.Protocol:
	default:
		if protocol >= 0xc000 { // RFC 1661 §2: link layer protocols, such as Shiva's PAP, c027
			fill(b[min(headerLen, len(b)):])
		}
	}
}

func fill(b []byte) {
	for i := range b {
		b[i] = filler
	}
}

// maskPacket masks the data of a packet with a function, and what follows the packet: padding may have been a packet.
func maskPacket(b []byte, data func(code byte, data []byte)) {
	if len(b) < headerLen {
		return
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerLen {
		fill(b[headerLen:])
		return
	}
	n = min(n, len(b)) // a copy in a Protocol-Reject is cut off
	data(b[0], b[headerLen:n])
	fill(b[n:])
}

// maskRejected masks the copy of a frame in a Protocol-Reject (RFC 1661 §5.7).
func maskRejected(b []byte, payload bool) {
	const at = headerLen + 2
	if len(b) < at || b[0] != lcp.ProtocolReject {
		return
	}
	rejected := binary.BigEndian.Uint16(b[headerLen:])
	switch {
	case rejected == lcp.Protocol: // it is not nested further
		fill(b[at:])
	case User(rejected) && !payload:
		fill(b[at:])
	default:
		mask(rejected, b[at:], payload)
	}
}

// maskPAP leaves the name of a request, and the text of an answer (RFC 1334 §2.2).
func maskPAP(code byte, data []byte) {
	if code > papRequest && code <= papNak {
		return
	}
	_, rest, ok := field(data)
	if code != papRequest || !ok || len(rest) == 0 {
		fill(data)
		return
	}
	fill(rest[1:])
}

// maskCHAP leaves challenges, names and texts (RFC 1994 §4). The codes beyond them change passwords (RFC 2433 §9,
// RFC 2759 §7).
func maskCHAP(code byte, data []byte) {
	switch code {
	case chapChallenge, chapFailure:
	case chapResponse:
		value, _, ok := field(data)
		if !ok || !slices.Contains(responseLens, len(value)) {
			fill(data)
			return
		}
		fill(value)
	case chapSuccess:
		if proof, ok := bytes.CutPrefix(data, []byte("S=")); ok { // RFC 2759 §5
			text, _, _ := bytes.Cut(proof, []byte(" "))
			fill(text)
		}
	default:
		fill(data)
	}
}

// responseLens are the lengths of the responses of CHAP with MD5 and of MS-CHAP.
var responseLens = []int{16, 49}

// The types of EAP (RFC 3748 §5, RFC 5216, RFC 5281, PEAP).
const (
	eapIdentity     = 1
	eapNotification = 2
	eapNak          = 3
	eapMD5          = 4
	eapOTP          = 5
	eapGTC          = 6
	eapTLS          = 13
	eapTTLS         = 21
	eapPEAP         = 25
)

// openTypes are the types whose data is no secret, by the code of their packet: texts and challenges, and TLS, which
// hides what is.
var openTypes = map[byte][]byte{
	eapRequest:  {eapIdentity, eapNotification, eapMD5, eapOTP, eapGTC, eapTLS, eapTTLS, eapPEAP},
	eapResponse: {eapIdentity, eapNotification, eapNak, eapTLS, eapTTLS, eapPEAP},
}

func maskEAP(code byte, data []byte) {
	switch {
	case openTypes[code] == nil || len(data) == 0:
		fill(data)
	case !slices.Contains(openTypes[code], data[0]):
		fill(data[1:])
	}
}

// field splits b after a field that begins with its own length in one octet.
func field(b []byte) (value, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) >= len(b) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n:n], b[n:], true
}
