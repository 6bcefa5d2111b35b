// Package ppptest has a PPP client for tests. It shares no code with the packages that it tests: its framing and its
// FCS work octet by octet and bit by bit, and it has its own numbers.
package ppptest

import "fmt"

// Protocol numbers.
const (
	LCP    = 0xc021
	PAP    = 0xc023
	CHAP   = 0xc223
	EAP    = 0xc227
	CBCP   = 0xc029
	IPCP   = 0x8021
	IPV6CP = 0x8057
	IPv4   = 0x0021
	IPv6   = 0x0057
)

// Frame is a packet of PPP: its protocol number and its information field.
type Frame struct {
	Protocol uint16
	Info     []byte
}

// String is the frame in hex.
func (f Frame) String() string { return fmt.Sprintf("%04x % x", f.Protocol, f.Info) }

// Encode returns a frame with all its flags. Everything that may be escaped is, except letters and digits.
func (f Frame) Encode() []byte {
	body := append([]byte{0xff, 0x03, byte(f.Protocol >> 8), byte(f.Protocol)}, f.Info...)
	fcs := ^checksum(body)
	body = append(body, byte(fcs), byte(fcs>>8))
	out := []byte{0x7e}
	for _, c := range body {
		if c < 0x20 || c == 0x7d || c == 0x7e {
			out = append(out, 0x7d, c^0x20)
		} else {
			out = append(out, c)
		}
	}
	return append(out, 0x7e)
}

// checksum is the FCS of RFC 1662 appendix C, bit by bit.
func checksum(b []byte) uint16 {
	fcs := uint16(0xffff)
	for _, c := range b {
		for bit := range 8 {
			in := uint16(c>>bit)&1 ^ fcs&1
			fcs >>= 1
			if in == 1 {
				fcs ^= 0x8408
			}
		}
	}
	return fcs
}

// Decoder takes frames from octets.
type Decoder struct {
	body    []byte
	escaped bool
	Bad     int // frames with a wrong FCS
}

// Feed returns the frames that end in b.
func (d *Decoder) Feed(b []byte) (frames []Frame) {
	for _, c := range b {
		switch {
		case c == 0x7e:
			if f, ok := d.frame(); ok {
				frames = append(frames, f)
			}
			d.body, d.escaped = nil, false
		case c == 0x7d:
			d.escaped = true
		case d.escaped:
			d.body, d.escaped = append(d.body, c^0x20), false
		default:
			d.body = append(d.body, c)
		}
	}
	return frames
}

func (d *Decoder) frame() (f Frame, ok bool) {
	b := d.body
	if len(b) < 4 {
		return f, false
	}
	if checksum(b) != 0xf0b8 {
		d.Bad++
		return f, false
	}
	b = b[:len(b)-2]
	if b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
	}
	if b[0]&1 == 1 {
		return Frame{uint16(b[0]), b[1:]}, true
	}
	if len(b) < 2 {
		return f, false
	}
	return Frame{uint16(b[0])<<8 | uint16(b[1]), b[2:]}, true
}

// Packet returns the information field of a control packet: code, identifier, length, data.
func Packet(code, id byte, data ...byte) []byte {
	n := len(data) + 4
	return append([]byte{code, id, byte(n >> 8), byte(n)}, data...)
}

// Option returns a configuration option.
func Option(kind byte, data ...byte) []byte {
	return append([]byte{kind, byte(len(data) + 2)}, data...)
}

// Options splits the data of a Configure packet into its options, each with type and length.
func Options(b []byte) (out [][]byte) {
	for len(b) >= 2 && int(b[1]) >= 2 && int(b[1]) <= len(b) {
		out = append(out, b[:b[1]])
		b = b[b[1]:]
	}
	return out
}

// IPv4Packet returns an IPv4 packet of protocol 1 with a payload. Its checksum is zero.
func IPv4Packet(from, to [4]byte, payload []byte) []byte {
	n := 20 + len(payload)
	p := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 1, 0, 0}
	p = append(append(p, from[:]...), to[:]...)
	return append(p, payload...)
}
