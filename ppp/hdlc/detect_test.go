package hdlc

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"
)

// parities are what a line with seven data bits makes of an octet.
var parities = map[string]func(c byte) byte{
	"none": func(c byte) byte { return c & 0x7f },
	"mark": func(c byte) byte { return c | 0x80 },
	"even": func(c byte) byte { return c&0x7f | byte(bits.OnesCount8(c&0x7f)%2<<7) },
	"odd":  func(c byte) byte { return c&0x7f | byte((bits.OnesCount8(c&0x7f)+1)%2<<7) },
}

func through(parity func(byte) byte, b []byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = parity(c)
	}
	return out
}

func TestDetect(t *testing.T) {
	for _, tc := range []struct {
		octets string
		pass   int
		want   Verdict
	}{
		{"", 0, Text},
		{"austin\r", 7, Text},
		{"~", 0, NeedMore},
		{"~a", 2, Text},
		{"~~", 1, NeedMore},
		{"a~b~", 3, NeedMore},
		{"}", 1, Text}, // form 3 without its flag: a person may type it
		{"\xff", 0, NeedMore},
		{"\xfe", 0, NeedMore}, // a flag with odd parity
		{"\xff\xff\x03\xc0", 1, NeedMore},
		{"~}", 0, NeedMore},
		{"~}_}#@", 0, NeedMore},
		{"~}_}#@?", 7, Text},
		{"~\x7f\x03@!", 5, Text}, // form 1 without the eighth bit: FreeBSD does not recognize it either

		{"~\xff\x03\xc0!", 0, PPP},              // RFC 1662 Appendix B
		{"~\xff}#\xc0!", 0, PPP},                // the same
		{"~}\xdf}#\xc0!", 0, PPP},               // the same
		{"\xff\x03\xc0!", 0, PPP},               // without the flag
		{"\xff}#\xc0!", 0, PPP},                 // the same
		{"~\x7f}#@!", 0, SevenBit},              // FreeBSD's ppp
		{"~}_}#@!", 0, SevenBit},                // the same
		{"~\xff}\xa3\xc0!", 0, SevenBit},        // with even parity
		{"\xfe\xff}#\xc0!", 1, PPP},             // only the flag is disturbed
		{"\r\nlog~\xff}#\xc0!}!}!} ", 5, PPP},   // during the login
		{"~~~\xff}#\xc0!", 2, PPP},              // flags between frames
		{"~\xff~\xff}#\xc0!", 2, PPP},           // a pattern that began before
		{"\xff\x03\xc0~\xff\x03\xc0!", 3, PPP},  // the same
		{"~\x7f}#~\xff}#\xc0!~\x7f}#@", 4, PPP}, // the first decides
	} {
		if pass, got := Detect([]byte(tc.octets)); pass != tc.pass || got != tc.want {
			t.Errorf("%q: %d octets pass, %v, want %d, %v", tc.octets, pass, got, tc.pass, tc.want)
		}
	}
}

// TestDetectPeers: the first frame of each peer is recognized and reaches the Decoder whole; on a line with seven bits
// it is recognized as useless.
func TestDetectPeers(t *testing.T) {
	for _, tc := range captured {
		wire := unhex(t, tc.wire)
		for n := 1; n <= len(wire); n++ {
			var d Detector
			text, replay, v := feed(&d, append([]byte("~.~\r"), wire...), n)
			if string(text) != "~.~\r" || !bytes.Equal(replay, wire) || v != PPP {
				t.Errorf("%s, chunks of %d: text %q, replay % x, %v", tc.source, n, text, replay, v)
			}
		}
		for name, parity := range parities {
			var d Detector
			if text, _, v := feed(&d, through(parity, wire), 3); v != SevenBit || len(text) > 0 {
				t.Errorf("%s, parity %s: %v, text %q", tc.source, name, v, text)
			}
		}
	}
}

// feed gives octets to d in chunks of n until it has a verdict. What it has not taken by then is part of the replay.
func feed(d *Detector, octets []byte, n int) (text, replay []byte, v Verdict) {
	for len(octets) > 0 {
		chunk := octets[:min(n, len(octets))]
		octets = octets[len(chunk):]
		var more []byte
		more, replay, v = d.Feed(nil, chunk)
		text = append(text, more...)
		if v == PPP || v == SevenBit {
			return text, append(replay, octets...), v
		}
	}
	return text, replay, v
}

func TestDetectorRelease(t *testing.T) {
	var d Detector
	text, replay, v := d.Feed([]byte("kept"), []byte("ab~\xff"))
	if string(text) != "ab" || replay != nil || v != NeedMore || d.Held() != 2 {
		t.Errorf("%q, %q, %v, %d held", text, replay, v, d.Held())
	}
	if _, _, v := d.Feed(nil, nil); v != NeedMore {
		t.Errorf("nothing more: %v", v)
	}
	if got := d.Release([]byte("ab")); string(got) != "ab~\xff" || d.Held() != 0 {
		t.Errorf("%q, %d held", got, d.Held())
	}
	// what was released does not begin a pattern any more
	if text, _, v := d.Feed(nil, []byte("}#\xc0!")); string(text) != "}#\xc0!" || v != Text {
		t.Errorf("%q, %v", text, v)
	}
}

func TestVerdictString(t *testing.T) {
	if got := fmt.Sprint(Text, NeedMore, PPP, SevenBit, Verdict(9)); got != "text need more ppp seven-bit ppp unknown" {
		t.Error(got)
	}
}

// maxPattern is the length of the longest pattern.
const maxPattern = 7

// A Detector calls Detect octet by octet, and keeps what is held back. The zero value is ready for
// use. It serves the first octets of a call and those of a login alike: a caller that needs a decision on the first
// octets takes Text for one. After the verdict PPP or SevenBit it is not used again.
type Detector struct {
	held [maxPattern]byte
	n    int
}

// Feed takes octets from the line. It appends to dst what it does not hold back and returns that in two parts: text for
// the login, and, if the verdict is PPP or SevenBit, the octets that a Decoder reads first. After the verdict NeedMore
// the caller calls Release if no octet has arrived for a second at most.
func (d *Detector) Feed(dst, octets []byte) (text, replay []byte, v Verdict) {
	dst = dst[len(dst):]
	if d.n > 0 {
		v = NeedMore
	}
	for i, c := range octets {
		d.held[d.n] = c
		d.n++
		pass := 0
		pass, v = Detect(d.held[:d.n])
		dst = append(dst, d.held[:pass]...)
		d.n = copy(d.held[:], d.held[pass:d.n])
		if v == PPP || v == SevenBit {
			pass = len(dst)
			dst = append(d.Release(dst), octets[i+1:]...)
			return dst[:pass], dst[pass:], v
		}
	}
	return dst, nil, v
}

// Held returns the number of octets that are held back.
func (d *Detector) Held() int { return d.n }

// Release appends the octets that are held back to dst, as text, and returns it.
func (d *Detector) Release(dst []byte) []byte {
	dst = append(dst, d.held[:d.n]...)
	d.n = 0
	return dst
}
