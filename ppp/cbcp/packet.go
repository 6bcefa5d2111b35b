package cbcp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"
)

// Protocol is the PPP protocol number of CBCP.
const Protocol = 0xc029

// The codes of CBCP (MS-CBCP §2.2.4).
const (
	codeRequest  = 1
	codeResponse = 2
	codeAck      = 3
)

// Type is a type of callback (MS-CBCP §2.2.2).
type Type uint8

// The types that are offered.
const (
	TypeNone  Type = 1 // no callback
	TypeUser  Type = 2 // the caller gives the number
	TypeAdmin Type = 3 // the number is set beforehand
)

// String is the type's name.
func (t Type) String() string {
	switch t {
	case TypeNone:
		return "none"
	case TypeUser:
		return "user"
	case TypeAdmin:
		return "admin"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// pstn is the only type of address: a telephone number (MS-CBCP §2.2.3).
const pstn = 1

// headerLen is the length of code, identifier and length.
const headerLen = 4

// message returns a message of CBCP.
func message(code, id byte, options []byte) []byte {
	b := []byte{code, id, 0, 0}
	binary.BigEndian.PutUint16(b[2:], uint16(headerLen+len(options)))
	return append(b, options...)
}

// parseMessage reads the information field of a frame. Octets beyond the message's length are padding. ok is false if
// the length is shorter than the header or longer than b: such a message is dropped.
func parseMessage(b []byte) (code, id byte, options []byte, ok bool) {
	if len(b) < headerLen {
		return 0, 0, nil, false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerLen || n > len(b) {
		return 0, 0, nil, false
	}
	return b[0], b[1], b[headerLen:n:n], true
}

// request returns the options of a Request (MS-CBCP §2.2.2, §4.2): types 1 and 3 alone, type 2 with a place for a
// number.
func (o Offer) request() []byte {
	var b []byte
	for _, t := range o.types() {
		switch t {
		case TypeUser:
			b = append(b, byte(t), 5, 0, pstn, 0)
		case TypeAdmin:
			b = append(b, byte(t), 3, 0)
		default:
			b = append(b, byte(t), 2)
		}
	}
	return b
}

// answer is what a caller answers to an offer.
type answer struct {
	kind   Type
	wish   Wish
	option []byte // as received, for the Ack; part of what was parsed
}

// parseResponse reads the options of a Response. Only the first counts. why is what is wrong with it, for the operator;
// "" if the offer allows it.
func parseResponse(options []byte, o Offer) (a answer, why string) {
	if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
		return answer{}, "a damaged option"
	}
	n := int(options[1])
	a = answer{kind: Type(options[0]), wish: Wish{Way: ByCBCP}, option: options[:n:n]}
	if !o.has(a.kind) {
		return answer{}, fmt.Sprintf("%v was not offered", a.kind)
	}
	if a.kind == TypeNone {
		a.wish.Decline = true
		if n != 2 {
			return answer{}, "no callback, but more octets"
		}
		return a, ""
	}
	if n < 3 {
		return answer{}, fmt.Sprintf("%v without a delay", a.kind)
	}
	a.wish.Delay = time.Duration(options[2]) * time.Second
	number, why := parseNumber(options[3:n])
	switch {
	case why != "":
		return answer{}, why
	case a.kind == TypeAdmin && number != "":
		return answer{}, "a number, but it is set beforehand"
	case a.kind == TypeUser:
		why = unusable(number)
	}
	if why != "" {
		return answer{}, why
	}
	a.wish.Number = number
	return a, ""
}

// parseNumber reads an address: its type, and a number up to a NUL. The NUL may be missing; no address is no number.
func parseNumber(b []byte) (number, why string) {
	if len(b) == 0 {
		return "", ""
	}
	if b[0] != pstn {
		return "", fmt.Sprintf("an address of type %d", b[0])
	}
	digits, rest, _ := bytes.Cut(b[1:], []byte{0})
	if len(rest) > 0 {
		return "", "octets after the number"
	}
	return string(digits), ""
}
