package hdlc

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// unhex returns the octets of a dump.
func unhex(t testing.TB, dump string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(dump), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestFCSVectors has frames as they were sent, without flags and escapes; the last two octets are the FCS.
func TestFCSVectors(t *testing.T) {
	for _, tc := range []struct{ frame, source string }{
		{"31 32 33 34 35 36 37 38 39 6e 90", "CRC-16/X-25, the check value 906e"},
		{"ff 03 c0 21 01 00 00 06 07 02 64 7b", "an Atari dialing EarthLink, LCP Configure-Request"},
		{"ff 03 c0 21 02 00 00 06 07 02 19 77", "the answer, Configure-Ack"},
		{"ff 03 c0 21 01 01 00 0e 02 06 00 00 00 00 07 02 08 02 70 34", "Windows CE on an HP Jornada 680e"},
		{"ff 03 c0 21 01 01 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 b9 01 af 08 07 02 08 02 59 a7",
			"a PDSN (CDMA2000 access server)"},
	} {
		b := unhex(t, tc.frame)
		if got := addFCS(fcsInit, b); got != fcsGood {
			t.Errorf("%s: %04x after the FCS, want %04x", tc.source, got, fcsGood)
		}
		body, fcs := b[:len(b)-2], b[len(b)-2:]
		if got := ^addFCS(fcsInit, body); byte(got) != fcs[0] || byte(got>>8) != fcs[1] {
			t.Errorf("%s: FCS %04x, want %x", tc.source, got, fcs)
		}
	}
}

// TestFCSLengths: all lengths and starts give what the octet-wise table code gives.
func TestFCSLengths(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 64)
	for n := range b {
		for range 20 {
			for i := range b[:n] {
				b[i] = byte(random.Uint32())
			}
			start := uint16(random.Uint32())
			if got, want := addFCS(start, b[:n]), refFCS(start, b[:n]); got != want {
				t.Fatalf("%04x, %x: %04x, want %04x", start, b[:n], got, want)
			}
		}
	}
}
