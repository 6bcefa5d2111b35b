package hdlc

import "slices"

// Framing is what LCP negotiated for frames in one direction.
type Framing struct {
	ACCM ACCM // octets to escape; the receiver removes them where they arrive unescaped
	ACFC bool // leave address and control out (RFC 1661 §6.6)
	PFC  bool // send protocol numbers below 256 as one octet (RFC 1661 §6.5)
}

// An Encoder builds the frames that are sent on one line. The zero value is ready for use, with the framing that is in
// force before LCP is opened. The frames of an Encoder must be written to the line in the order of the Appends.
type Encoder struct {
	// Escapes are the characters that the line's modem may take for its escape (S2); the eighth bit is ignored. It may
	// be changed only before the first Append. Six characters cannot be protected: NUL, XON and XOFF, which do not
	// interrupt a sequence, and - ] ^, whose escaped forms are CR, the escape and the flag of the framing.
	Escapes []byte
	// Plain leaves out the escapes that RFC 1662 does not require, for peers that cannot read them. The driver then
	// delays frames as it delays text. It may be changed only before the first Append.
	Plain bool

	opened  bool // framing is in force, otherwise the default
	framing Framing
	flagged bool // the line ends with the closing flag of the last frame
	wire    wire

	classes    classes
	send, peer ACCM // what classes was filled for
	filled     bool
}

// SetFraming sets the framing of the frames that follow. The caller sets it when LCP is opened (RFC 1661 §5.1).
func (e *Encoder) SetFraming(f Framing) { e.framing, e.opened = f, true }

// Idle makes the next frame begin with a flag, which ends what noise may have put on the line. The caller calls it
// before a frame that follows a pause of a second or more (RFC 1662 §4.4.2). The first frame always begins with a
// flag; others share the closing flag of the frame before.
func (e *Encoder) Idle() { e.flagged = false }

// MaxFrame is the maximum number of octets that an Append adds for an information field of n octets: every octet
// escaped, two flags and a CR.
func MaxFrame(n int) int { return 2*(n+Overhead) + 3 }

// Append appends the frame of a packet to dst and returns the result. The information field is the concatenation of
// info. If dst has room for MaxFrame octets, Append allocates nothing.
//
// LCP packets always have address, control and the whole protocol number; those with the codes 1 to 7 also have the
// default ACCM, so that a peer in any state can read them (RFC 1661 §5, §6.5, §6.6).
func (e *Encoder) Append(dst []byte, protocol uint16, info ...[]byte) []byte {
	n := 0
	for _, p := range info {
		n += len(p)
	}
	dst = slices.Grow(dst, MaxFrame(n))
	var buf [headerLen]byte
	head := e.header(buf[:0], protocol, info, n)
	fcs := addFCS(fcsInit, head)
	for _, p := range info {
		fcs = addFCS(fcs, p)
	}
	fcs = ^fcs
	dst = e.begin(dst)
	dst = e.octets(dst, head)
	for _, p := range info {
		dst = e.field(dst, p)
	}
	tail := [fcsLen]byte{byte(fcs), byte(fcs >> 8)} // least significant octet first
	dst = e.octets(dst, tail[:])
	e.flagged = true
	return e.raw(dst, flag)
}

// header appends the address, control and protocol of a packet to dst and prepares e.classes for its frame. n is the
// length of info.
func (e *Encoder) header(dst []byte, protocol uint16, info [][]byte, n int) []byte {
	f := Framing{ACCM: DefaultACCM}
	if e.opened {
		f = e.framing
	}
	send := f.ACCM
	if protocol == lcp {
		f.ACFC, f.PFC = false, false
		if code := first(info); code >= 1 && code <= 7 {
			send = DefaultACCM
		}
	}
	e.prepare(send, f.ACCM)
	if !f.ACFC {
		dst = append(dst, address, control)
	}
	if f.PFC && protocol < 0x100 && protocol&1 != 0 && n > 0 { // less than four octets are no frame: RFC 1662 §4.3
		return append(dst, byte(protocol))
	}
	return append(dst, byte(protocol>>8), byte(protocol))
}

// first returns the first octet of info, 0 if there is none.
func first(info [][]byte) byte {
	for _, p := range info {
		if len(p) > 0 {
			return p[0]
		}
	}
	return 0
}

// prepare fills e.classes, unless it is filled for the same maps.
func (e *Encoder) prepare(send, peer ACCM) {
	if e.filled && e.send == send && e.peer == peer {
		return
	}
	e.filled, e.send, e.peer = true, send, peer
	if e.Plain {
		e.classes.fillPlain(send)
		return
	}
	e.classes.fill(send, peer, e.Escapes)
}

// begin appends what a frame needs before its first octet.
func (e *Encoder) begin(dst []byte) []byte {
	if e.wire.command {
		e.wire.command = false
		dst = e.raw(dst, '\r')
		e.flagged = false
	}
	if e.flagged {
		return dst
	}
	return e.raw(dst, flag)
}

// field appends p, escaped where necessary. Stretches that need no attention are copied.
func (e *Encoder) field(dst, p []byte) []byte {
	for len(p) >= 8 {
		n, last := e.classes.clean(p, e.wire.firsts())
		if n > 0 {
			dst = append(dst, p[:n]...)
			e.wire.set(last, p[n-1])
			p = p[n:]
		}
		if n = e.classes.musts(p); n > 0 {
			dst = e.escapes(dst, p[:n])
		} else if len(p) > 0 { // perhaps the second of a pair
			n = 1
			dst = e.octets(dst, p[:1])
		}
		p = p[n:]
	}
	return e.octets(dst, p)
}

// escapes appends p, of which all octets must be escaped.
func (e *Encoder) escapes(dst, p []byte) []byte {
	n := len(dst)
	dst = dst[:n+2*len(p)] // Append has made room
	out := dst[n:]
	for i, c := range p {
		out[2*i], out[2*i+1] = escape, c^invert
	}
	e.wire.a, e.wire.run = false, 0 // what came before the last octet is over with the escape before it
	last := out[len(out)-1]
	e.wire.add(last, e.classes[last])
	return dst
}

// octets appends p, escaped where necessary.
func (e *Encoder) octets(dst, p []byte) []byte {
	for _, c := range p {
		k := e.classes[c]
		if k&mustEscape != 0 || k&mayEscape != 0 && e.wire.completes(c, k) {
			dst = e.raw(dst, escape)
			c ^= invert
		}
		dst = e.raw(dst, c)
	}
	return dst
}

// raw appends c as it is.
func (e *Encoder) raw(dst []byte, c byte) []byte {
	e.wire.add(c, e.classes[c])
	return append(dst, c)
}

// wire is what the modem may make of the octets sent so far.
type wire struct {
	a       bool // the octets end with an A, and perhaps octets that modems remove
	command bool // A/ was sent: the modem driver delays all data up to a CR
	char    byte // the escape character that the octets end with, without its eighth bit
	run     int  // how often it was sent in a row
}

// completes reports whether c completes a command or an escape sequence.
func (w *wire) completes(c byte, k class) bool {
	return w.a && k&secondA != 0 && k&removed == 0 || k&firstEsc != 0 && w.run >= 2 && w.char == c&0x7f
}

// add adds an octet.
func (w *wire) add(c byte, k class) {
	switch {
	case k&firstEsc == 0:
		if k&removed == 0 {
			w.run = 0
		}
	case w.run > 0 && w.char == c&0x7f:
		w.run++
	default:
		w.char, w.run = c&0x7f, 1
	}
	if k&removed == 0 {
		w.command = w.command || w.a && k&secondA != 0
		w.a = k&firstA != 0
	}
}

// set is add for many octets that need no attention. c is the last of them and has the given first bits.
func (w *wire) set(firsts class, c byte) {
	w.a, w.char, w.run = firsts&firstA != 0, c&0x7f, 0
	if firsts&firstEsc != 0 {
		w.run = 1
	}
}

// firsts returns the first bits of an octet in the state of w.
func (w *wire) firsts() (k class) {
	if w.a {
		k |= firstA
	}
	if w.run > 0 {
		k |= firstEsc
	}
	return k
}
