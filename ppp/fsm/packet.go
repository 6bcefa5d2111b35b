package fsm

import (
	"bytes"
	"encoding/binary"
)

// The codes that all control protocols have (RFC 1661 §5).
const (
	ConfigureRequest = 1
	ConfigureAck     = 2
	ConfigureNak     = 3
	ConfigureReject  = 4
	TerminateRequest = 5
	TerminateAck     = 6
	CodeReject       = 7
)

// headerLen is the length of code, identifier and length.
const headerLen = 4

// Packet is a packet of a control protocol (RFC 1661 §5), without the protocol number.
type Packet struct {
	Code byte
	ID   byte
	Data []byte
}

// ParsePacket reads the information field of a frame. Octets beyond the packet's length are padding and ignored; ok is
// false where the length is shorter than the header or longer than b, and such a packet is discarded (RFC 1661 §5).
// Data is part of b.
func ParsePacket(b []byte) (p Packet, ok bool) {
	if len(b) < headerLen {
		return Packet{}, false
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < headerLen || n > len(b) {
		return Packet{}, false
	}
	return Packet{Code: b[0], ID: b[1], Data: b[headerLen:n:n]}, true
}

// Bytes returns p as it is sent. Data beyond 65,531 octets is left out.
func (p Packet) Bytes() []byte {
	data := p.Data[:min(len(p.Data), 0xffff-headerLen)]
	b := make([]byte, headerLen, headerLen+len(data))
	b[0], b[1] = p.Code, p.ID
	binary.BigEndian.PutUint16(b[2:], uint16(headerLen+len(data)))
	return append(b, data...)
}

// Option is a configuration option (RFC 1661 §6): its type, and the data without type and length.
type Option struct {
	Type byte
	Data []byte
}

// ParseOptions reads the data of a Configure packet. ok is false where an option has a length below 2 or reaches beyond
// the end: the whole packet is discarded (RFC 1661 §6). The options' data is part of b.
func ParseOptions(b []byte) (opts []Option, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return nil, false
		}
		n := int(b[1])
		opts = append(opts, Option{Type: b[0], Data: b[2:n:n]})
		b = b[n:]
	}
	return opts, true
}

// AppendOptions appends opts to b as they are sent. Data beyond 253 octets of an option is left out.
func AppendOptions(b []byte, opts ...Option) []byte {
	for _, o := range opts {
		data := o.Data[:min(len(o.Data), 0xff-2)]
		b = append(b, o.Type, byte(2+len(data)))
		b = append(b, data...)
	}
	return b
}

// Equal reports whether o and p are the same octets.
func (o Option) Equal(p Option) bool { return o.Type == p.Type && bytes.Equal(o.Data, p.Data) }
