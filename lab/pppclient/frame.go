package pppclient

// Protocol numbers (IANA, "PPP DLL Protocol Numbers").
const (
	protoIPv4   = 0x0021
	protoIPv6   = 0x0057
	protoIPCP   = 0x8021
	protoIPV6CP = 0x8057
	protoLCP    = 0xc021
	protoPAP    = 0xc023
	protoCBCP   = 0xc029
	protoCHAP   = 0xc223
	protoEAP    = 0xc227
)

// A frame is the contents of a PPP frame: the protocol number and the information field.
type frame struct {
	protocol uint16
	info     []byte
}

const (
	flag    = 0x7e
	escape  = 0x7d
	flip    = 0x20 // an escaped octet has this bit flipped
	goodFCS = 0xf0b8

	defaultMap = 0xffffffff // the control characters that are escaped before LCP is open (RFC 1662 §7.1)
)

// fcs is the frame check sequence of RFC 1662 §C.2, bit by bit and not yet complemented.
func fcs(b []byte) uint16 {
	sum := uint16(0xffff)
	for _, octet := range b {
		for bit := range 8 {
			carry := sum&1 ^ uint16(octet>>bit)&1
			sum >>= 1
			if carry == 1 {
				sum ^= 0x8408
			}
		}
	}
	return sum
}

// framing is how frames are sent to the peer, as it has asked for it.
type framing struct {
	escapes       uint32 // the peer's Async-Control-Character-Map
	shortHeader   bool   // without address and control (ACFC)
	shortProtocol bool   // protocol numbers in one octet where possible (PFC)
}

// encode returns a frame with a flag at each end. LCP is sent as if nothing had been negotiated (RFC 1661 §6.5, §6.6).
func (m framing) encode(f frame) []byte {
	if f.protocol == protoLCP {
		m = framing{escapes: defaultMap}
	}
	var body []byte
	if !m.shortHeader {
		body = append(body, 0xff, 0x03)
	}
	if !m.shortProtocol || f.protocol > 0xff {
		body = append(body, byte(f.protocol>>8))
	}
	body = append(append(body, byte(f.protocol)), f.info...)
	sum := ^fcs(body)
	out := []byte{flag}
	for _, c := range append(body, byte(sum), byte(sum>>8)) {
		if c == flag || c == escape || c < 0x20 && m.escapes>>c&1 == 1 {
			out = append(out, escape)
			c ^= flip
		}
		out = append(out, c)
	}
	return append(out, flag)
}

// longest is the length of the longest frame that is kept: an MRU of 1500 with its header and FCS, and some room.
const longest = 2048

// deframer finds the frames in what a line sends. Its zero value waits for the first flag.
type deframer struct {
	ignore  uint32 // control characters that are not the peer's (RFC 1662 §4.2): our map, as far as it is in force
	begun   bool   // a flag has come
	escaped bool
	tooLong bool
	body    []byte
	bad     int // frames that were damaged
}

// octet takes one octet, and returns the frame that it ends. An octet before the first flag is text.
func (d *deframer) octet(c byte) (f frame, isFrame, isText bool) {
	switch {
	case c == flag:
		f, isFrame = d.end()
		d.begun, d.escaped, d.tooLong, d.body = true, false, false, nil
	case !d.begun:
		return frame{}, false, true
	case c < 0x20 && d.ignore>>c&1 == 1:
	case c == escape:
		d.escaped = true
	case len(d.body) >= longest:
		d.tooLong = true
	default:
		if d.escaped {
			c ^= flip
		}
		d.body, d.escaped = append(d.body, c), false
	}
	return f, isFrame, false
}

// end checks the octets between two flags. Fewer than four are no frame (RFC 1662 §4.3).
func (d *deframer) end() (f frame, ok bool) {
	b := d.body
	if d.escaped || len(b) < 4 {
		return f, false
	}
	if d.tooLong || fcs(b) != goodFCS {
		d.bad++
		return f, false
	}
	b = b[:len(b)-2]
	if b[0] == 0xff && b[1] == 0x03 {
		b = b[2:]
	}
	if len(b) > 0 && b[0]&1 == 1 {
		return frame{uint16(b[0]), b[1:]}, true
	}
	if len(b) < 2 || b[1]&1 == 0 {
		d.bad++
		return f, false
	}
	return frame{uint16(b[0])<<8 | uint16(b[1]), b[2:]}, true
}
