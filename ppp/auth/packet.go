package auth

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// headerLen is the length of code, identifier and length, which all protocols here have (RFC 1334 §2.2, RFC 1994 §4,
// RFC 3748 §4).
const headerLen = 4

// packet is a packet of one of the protocols.
type packet struct {
	code byte
	id   byte
	data []byte
}

// parsePacket reads the information field of a frame. Octets beyond the packet's length are padding. ok is false if the
// length is shorter than the header or longer than b: such a packet is discarded.
func parsePacket(b []byte) (p packet, ok bool) {
	if len(b) < headerLen {
		return packet{}, false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerLen || n > len(b) {
		return packet{}, false
	}
	return packet{code: b[0], id: b[1], data: b[headerLen:n:n]}, true
}

// bytes returns p as it is sent. All data of this package fits the length field.
func (p packet) bytes() []byte {
	b := make([]byte, headerLen, headerLen+len(p.data))
	b[0], b[1] = p.code, p.id
	binary.BigEndian.PutUint16(b[2:], uint16(headerLen+len(p.data)))
	return append(b, p.data...)
}

// prefixed splits b after a field that begins with its own length in one octet.
func prefixed(b []byte) (field, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) >= len(b) {
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n:n], b[n:], true
}

// maxText limits a text for the peer. Each packet with one fits PAP's field of 255 octets and an MRU of 256.
const maxText = 192

// text makes a text of AAA fit to be shown by a peer: one line of UTF-8 without control characters.
func text(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	for len(s) > maxText {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}

// describe returns a packet's code, identifier and length for debugging, never its data.
func describe(protocol uint16, b []byte) string {
	p, ok := parsePacket(b)
	if !ok {
		return fmt.Sprintf("a damaged packet of %d octets", len(b))
	}
	name := fmt.Sprintf("code %d", p.code)
	if n := names[protocol]; int(p.code) < len(n) && n[p.code] != "" {
		name = n[p.code]
	}
	return fmt.Sprintf("%s id %d len %d", name, p.id, headerLen+len(p.data))
}

// names has the names of the codes, by protocol.
var names = map[uint16][]string{
	PAPProtocol: {papRequest: "Authenticate-Request", papAck: "Authenticate-Ack", papNak: "Authenticate-Nak"},
	CHAPProtocol: {chapChallenge: "Challenge", chapResponse: "Response", chapSuccess: "Success",
		chapFailure: "Failure"},
	EAPProtocol: {eapRequest: "Request", eapResponse: "Response", eapSuccess: "Success", eapFailure: "Failure"},
}
