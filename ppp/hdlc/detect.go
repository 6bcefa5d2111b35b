package hdlc

// A Verdict is what a [Detector] found.
type Verdict uint8

const (
	// Text: nothing looks like PPP so far.
	Text Verdict = iota
	// NeedMore: the last octets may be the beginning of PPP's first frame.
	NeedMore
	// PPP: the peer has begun to send an LCP packet.
	PPP
	// SevenBit: the peer has begun to send an LCP packet, but the eighth bit was lost or is used as parity. PPP cannot
	// work on such a line (RFC 1662 §4.5.2).
	SevenBit
)

// String returns a word for the log.
func (v Verdict) String() string {
	switch v {
	case Text:
		return "text"
	case NeedMore:
		return "need more"
	case PPP:
		return "ppp"
	case SevenBit:
		return "seven-bit ppp"
	}
	return "unknown"
}

// pattern is the beginning of the first frame of a peer.
type pattern struct {
	octets  string
	verdict Verdict
}

// patterns has those of RFC 1662 Appendix B, which differ in what the peer escapes; the second and third without their
// eighth bit, as FreeBSD's ppp recognizes them; and two without the flag, which is lost if it directly follows the
// CONNECT line. LCP packets begin in no other way (RFC 1661 §6.5, §6.6).
var patterns = [...]pattern{
	{"\x7e\xff\x03\xc0\x21", PPP},
	{"\x7e\xff\x7d\x23\xc0\x21", PPP},
	{"\x7e\x7d\xdf\x7d\x23\xc0\x21", PPP},
	{"\xff\x03\xc0\x21", PPP},
	{"\xff\x7d\x23\xc0\x21", PPP},
	{"\x7e\x7f\x7d\x23\x40\x21", SevenBit},
	{"\x7e\x7d\x5f\x7d\x23\x40\x21", SevenBit},
}

// compare returns how much of the pattern p begins with: all of it (whole), or p is a part of it (part).
func (t *pattern) compare(p []byte) (whole, part bool) {
	mask := byte(0xff)
	if t.verdict == SevenBit {
		mask = 0x7f
	}
	for i := range min(len(p), len(t.octets)) {
		if p[i]&mask != t.octets[i] {
			return false, false
		}
	}
	return len(p) >= len(t.octets), len(p) < len(t.octets)
}

// Detect looks for the beginning of PPP in octets from the line. The first pass octets are text. The rest is empty if
// the verdict is Text; with NeedMore, it is held back and begins the octets of the next Detect, at most for a second,
// because a person may have typed it (7E is ~); with PPP, it is the input of a Decoder, its first frame included.
func Detect(octets []byte) (pass int, v Verdict) {
	for i, c := range octets {
		if c&0x7f != flag && c != address {
			continue
		}
		v := at(octets[i:])
		if v == SevenBit && at(octets[i+1:]) == PPP { // its flag was disturbed, and all octets after it are whole
			i, v = i+1, PPP
		}
		if v != Text {
			return i, v
		}
	}
	return len(octets), Text
}

// at returns the verdict on octets of which the first may begin PPP.
func at(octets []byte) Verdict {
	v := Text
	for i := range patterns {
		switch whole, part := patterns[i].compare(octets); {
		case whole:
			return patterns[i].verdict
		case part:
			v = NeedMore
		}
	}
	return v
}
