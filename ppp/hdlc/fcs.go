package hdlc

import "encoding/binary"

// RFC 1662 Appendix C.2: FCS-16 with the polynomial x^16 + x^12 + x^5 + 1, least significant bit first.
const (
	fcsPoly = 0x8408
	fcsInit = 0xffff // the value before the first octet
	fcsGood = 0xf0b8 // the value after the last octet of a received FCS
)

// fcsTables has the table of Appendix C.2 as [0]. The table [n] gives the effect of an octet that n octets follow, so
// that eight octets need eight independent look-ups instead of a chain.
var fcsTables = makeFCSTables()

func makeFCSTables() *[8][256]uint16 {
	t := new([8][256]uint16)
	for i := range t[0] {
		v := uint16(i)
		for range 8 {
			if v&1 != 0 {
				v = v>>1 ^ fcsPoly
			} else {
				v >>= 1
			}
		}
		t[0][i] = v
	}
	for n := 1; n < len(t); n++ {
		for i, v := range t[n-1] {
			t[n][i] = v>>8 ^ t[0][byte(v)]
		}
	}
	return t
}

// addFCS returns the FCS after the octets of p.
func addFCS(fcs uint16, p []byte) uint16 {
	t := fcsTables
	for len(p) >= 8 {
		v := binary.LittleEndian.Uint64(p) ^ uint64(fcs)
		fcs = t[7][byte(v)] ^ t[6][byte(v>>8)] ^ t[5][byte(v>>16)] ^ t[4][byte(v>>24)] ^
			t[3][byte(v>>32)] ^ t[2][byte(v>>40)] ^ t[1][byte(v>>48)] ^ t[0][byte(v>>56)]
		p = p[8:]
	}
	for _, c := range p {
		fcs = fcs>>8 ^ t[0][byte(fcs)^c]
	}
	return fcs
}
