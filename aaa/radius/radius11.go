package radius

import (
	"encoding/binary"
	"errors"
	"fmt"

	"layeh.com/radius"
)

// Protocol-Error (RFC 7930 §4): the server cannot answer. Over RADIUS/1.1 it counts as silence, told at once (RFC 9765
// §6.1).
const (
	codeProtocolError radius.Code = 52
	errorCauseType    radius.Type = 101 // Error-Cause, RFC 5176 §3.5
	replyMessageType  radius.Type = 18
)

// encode11 makes a RADIUS/1.1 packet (RFC 9765 §4.1): the Token stands where the authenticator began, all else of the
// two reserved fields is zero. No signature: attributes that only sign or correlate packets must not be sent (§5.2,
// §5.3, §5.5).
func encode11(code radius.Code, at *slot, attrs radius.Attributes) ([]byte, error) {
	var auth authenticator
	binary.BigEndian.PutUint32(auth[:], at.id)
	return encodePacket(code, 0, auth, attrs, false)
}

// token is what a reply of RADIUS/1.1 answers. The reserved fields are not looked at (RFC 9765 §4.1).
func token(packet []byte) uint32 { return binary.BigEndian.Uint32(packet[4:]) }

// walk checks that the attributes fill the packet: all that RADIUS/1.1 leaves to check, since TLS protects the rest.
func walk(packet []byte) flaw {
	for i := headerLen; i < len(packet); i += int(packet[i+1]) {
		if len(packet)-i < 2 || packet[i+1] < 2 || int(packet[i+1]) > len(packet)-i {
			return badLength
		}
	}
	return good
}

// protocolError reads what a Protocol-Error says.
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
