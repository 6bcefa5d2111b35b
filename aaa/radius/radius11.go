package radius

import (
	"encoding/binary"
	"errors"
	"fmt"

	"layeh.com/radius"
)

// Protocol-Error (RFC 7930 §4): the server cannot answer. In RADIUS/1.1 it counts as silence, without a timeout (RFC
// 9765 §6.1).
const (
	codeProtocolError radius.Code = 52
	errorCauseType    radius.Type = 101 // Error-Cause, RFC 5176 §3.5
	replyMessageType  radius.Type = 18
)

// encode11 encodes a RADIUS/1.1 packet (RFC 9765 §4.1): the Token takes the first octets of the authenticator, and both
// reserved fields are zero. There is no signature: attributes that only sign or correlate packets must not be sent
// (§5.2, §5.3, §5.5).
func encode11(code radius.Code, at *slot, attrs radius.Attributes) ([]byte, error) {
	var auth authenticator
	binary.BigEndian.PutUint32(auth[:], at.id)
	return encodePacket(code, 0, auth, attrs, false)
}

// token returns the Token of a RADIUS/1.1 packet. The reserved fields are ignored (RFC 9765 §4.1).
func token(packet []byte) uint32 { return binary.BigEndian.Uint32(packet[4:]) }

// walk checks that the attributes fill the packet exactly. RADIUS/1.1 needs no other check, because TLS protects the
// rest.
func walk(packet []byte) flaw {
	for i := headerLen; i < len(packet); i += int(packet[i+1]) {
		if len(packet)-i < 2 || packet[i+1] < 2 || int(packet[i+1]) > len(packet)-i {
			return badLength
		}
	}
	return good
}

// protocolError returns the content of a Protocol-Error as an error.
func protocolError(packet []byte) error {
	text := "the server sent Protocol-Error"
	for i := headerLen; i < len(packet); i += int(packet[i+1]) {
		value := packet[i+2 : i+int(packet[i+1])]
		switch radius.Type(packet[i]) {
		case errorCauseType:
			if len(value) == 4 {
				text += fmt.Sprintf(", Error-Cause %d", binary.BigEndian.Uint32(value))
			}
		case replyMessageType:
			text += fmt.Sprintf(", %q", value)
		}
	}
	return errors.New(text)
}
