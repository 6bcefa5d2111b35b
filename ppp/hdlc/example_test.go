package hdlc_test

import (
	"fmt"

	"github.com/ringback/ringback/ppp/hdlc"
)

// A caller's first octets start PPP; they are the first input of the Decoder.
func Example() {
	fromLine := []byte("\r\n\x7e\xff\x7d\x23\xc0\x21\x7d\x21\x7d\x21\x7d\x20\x7d\x2e\x7d\x22\x7d\x26" +
		"\x7d\x20\x7d\x20\x7d\x20\x7d\x20\x7d\x27\x7d\x22\x7d\x28\x7d\x22\x70\x34\x7e")
	text, verdict := hdlc.Detect(fromLine)
	fmt.Printf("%q, then %v\n", fromLine[:text], verdict)

	decoder := hdlc.Decoder{Buffer: make([]byte, 1500+hdlc.Overhead)}
	for chunk := fromLine[text:]; len(chunk) > 0; {
		frame, n, ok := decoder.Decode(chunk)
		chunk = chunk[n:]
		if ok {
			fmt.Printf("received %04x: % x\n", frame.Protocol, frame.Info)
		}
	}

	encoder := hdlc.Encoder{Escapes: []byte{'+'}}
	encoder.SetFraming(hdlc.Framing{ACFC: true, PFC: true}) // LCP is opened
	fmt.Printf("sent %.13q\n", encoder.Append(nil, 0x0021, []byte("+++"), []byte("ATH0\r")))
	// Output:
	// "\r\n", then ppp
	// received c021: 01 01 00 0e 02 06 00 00 00 00 07 02 08 02
	// sent "~!++}\vA}tH0}-"
}
