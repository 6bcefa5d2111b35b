package hdlc

import "bytes"

// A Frame is a received packet.
type Frame struct {
	Protocol uint16
	Info     []byte // the information field, with its padding; in the Decoder's Buffer
}

// Counters counts what a Decoder received.
type Counters struct {
	Frames   uint64 // returned
	Removed  uint64 // octets removed because the receive ACCM contains them
	BadFCS   uint64 // frames with a wrong FCS
	Aborted  uint64 // frames that end with an escape: RFC 1662 §4.3
	TooShort uint64 // frames without a protocol, or of less than four octets: RFC 1662 §4.3
	TooLong  uint64 // frames longer than the Buffer or than the MRU
	BadField uint64 // frames whose address is FF and whose control is not 03: RFC 1662 §3.1
}

// A Decoder finds the frames in the octets of one line. It uses no more memory than its Buffer, whatever arrives.
type Decoder struct {
	// Buffer holds the frame that is being received. Its length is the maximum size of an information field (the MRU)
	// and Overhead. A caller that replaces it calls Reset.
	Buffer []byte
	// ACCM has the octets that are removed where they arrive unescaped, because the line may have inserted them. It may
	// be changed between two Decodes. Zero removes none, which reads every peer on a line that inserts nothing.
	ACCM ACCM
	// Counters may be read and reset between two Decodes.
	Counters Counters

	n       int  // octets of the frame in the Buffer
	escaped bool // the last octet was an escape
	long    bool // the frame did not fit
}

// Reset discards the frame that is being received.
func (d *Decoder) Reset() { d.n, d.escaped, d.long = 0, false, false }

// Decode reads octets from p up to the end of the first valid frame, and returns it and the number of octets read. If
// ok is false, all of p was read. The frame is valid until the next Decode. A caller decodes a chunk with
//
//	for len(chunk) > 0 {
//		frame, n, ok := d.Decode(chunk)
//		chunk = chunk[n:]
//		if ok { … }
//	}
//
// The first octet that a Decoder reads may be that of a frame: the flag before it may have been lost. A flag may be
// shared by two frames, and frames of no octets are ignored. Address and control may always be left out, and the
// protocol may have one octet (RFC 1661 §6.5, §6.6). A protocol number whose last bit is 0 is returned like others: it
// is for LCP to reject (RFC 1661 §2). Invalid frames are discarded and counted.
func (d *Decoder) Decode(p []byte) (f Frame, n int, ok bool) {
	for n < len(p) {
		i := bytes.IndexByte(p[n:], flag)
		if i < 0 {
			d.fill(p[n:])
			break
		}
		d.fill(p[n : n+i])
		n += i + 1
		if f, ok = d.end(); ok {
			return f, n, true
		}
	}
	return Frame{}, len(p), false
}

// fill adds octets without a flag to the frame, in the order of RFC 1662 §4.2: octets of the ACCM are removed, even
// after an escape.
func (d *Decoder) fill(p []byte) {
	for len(p) > 0 {
		n := 1
		switch c := p[0]; {
		case d.ACCM.has(c):
			d.Counters.Removed++
		case d.escaped:
			d.escaped = false
			d.store([]byte{c ^ invert})
		case c != escape:
			n = d.ordinary(p)
			d.store(p[:n])
		case len(p) == 1 || d.ACCM.has(p[1]):
			d.escaped = true
		default:
			n = d.sequences(p)
		}
		p = p[n:]
	}
}

// ordinary returns the number of octets before the first that is not stored as it is.
func (d *Decoder) ordinary(p []byte) int {
	if d.ACCM == 0 {
		if i := bytes.IndexByte(p, escape); i >= 0 {
			return i
		}
		return len(p)
	}
	for i, c := range p {
		if c == escape || d.ACCM.has(c) {
			return i
		}
	}
	return len(p)
}

// store adds the octets of p to the frame.
func (d *Decoder) store(p []byte) {
	if d.long || len(p) > len(d.Buffer)-d.n {
		d.long = true
		return
	}
	d.n += copy(d.Buffer[d.n:], p)
}

// sequences adds the octets of the escape sequences that p begins with, and returns the length of those sequences.
func (d *Decoder) sequences(p []byte) int {
	n, at := d.n, 0
	for ; at+1 < len(p) && p[at] == escape && !d.ACCM.has(p[at+1]); at += 2 {
		if n >= len(d.Buffer) {
			d.long = true
			continue
		}
		d.Buffer[n] = p[at+1] ^ invert
		n++
	}
	d.n = n
	return at
}

// end is called at a flag. It returns the frame before it, if that is valid, and begins the next one.
func (d *Decoder) end() (f Frame, ok bool) {
	p, aborted, long := d.Buffer[:d.n], d.escaped, d.long
	d.Reset()
	switch {
	case aborted:
		d.Counters.Aborted++
	case long:
		d.Counters.TooLong++
	case len(p) == 0:
	case len(p) < 4:
		d.Counters.TooShort++
	case addFCS(fcsInit, p) != fcsGood:
		d.Counters.BadFCS++
	default:
		return d.open(p[:len(p)-fcsLen])
	}
	return Frame{}, false
}

// open separates the fields of a frame whose FCS is right.
func (d *Decoder) open(p []byte) (f Frame, ok bool) {
	if p[0] == address { // no protocol number begins with it
		if p[1] != control {
			d.Counters.BadField++
			return Frame{}, false
		}
		p = p[2:]
	}
	switch {
	case len(p) > 0 && p[0]&1 != 0:
		f = Frame{uint16(p[0]), p[1:]}
	case len(p) > 1:
		f = Frame{uint16(p[0])<<8 | uint16(p[1]), p[2:]}
	default:
		d.Counters.TooShort++
		return Frame{}, false
	}
	if len(f.Info) > len(d.Buffer)-Overhead {
		d.Counters.TooLong++
		return Frame{}, false
	}
	d.Counters.Frames++
	return f, true
}
