package hdlc

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// captured has frames that peers sent, with the packets that they hold.
var captured = []struct{ source, packet, wire string }{
	{"Windows CE on an HP Jornada 680e", "01 01 00 0e 02 06 00 00 00 00 07 02 08 02",
		"7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 2e 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20 7d 27 7d 22 7d 28 7d 22" +
			"70 34 7e"},
	{"the host of a cellular modem (2019)", "01 01 00 14 02 06 00 00 00 00 05 06 0e 79 1a 59 07 02 08 02",
		"7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 34 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20 7d 25 7d 26 7d 2e 79" +
			"7d 3a 59 7d 27 7d 22 7d 28 7d 22 ef 3e 7e"},
	{"the same host, Configure-Reject", "04 00 00 08 03 04 c0 23",
		"7e ff 7d 23 c0 21 7d 24 7d 20 7d 20 7d 28 7d 23 7d 24 c0 23 f9 4b 7e"},
	{"a PDSN (CDMA2000 access server)", "01 01 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 b9 01 af 08 07 02 08 02",
		"7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 39 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20 7d 23 7d 25 c2 23 7d 25" +
			"7d 25 7d 26 b9 7d 21 af 7d 28 7d 27 7d 22 7d 28 7d 22 59 a7 7e"},
}

func TestEncodeCaptured(t *testing.T) {
	for _, tc := range captured {
		var e Encoder
		if got, want := e.Append(nil, 0xc021, unhex(t, tc.packet)), unhex(t, tc.wire); !bytes.Equal(got, want) {
			t.Errorf("%s: % x, want % x", tc.source, got, want)
		}
	}
}

func TestHeaders(t *testing.T) {
	small := Framing{ACFC: true, PFC: true}
	for _, tc := range []struct {
		name     string
		framing  *Framing
		protocol uint16
		info     string
		want     string // with the opening flag, up to the end of the information
	}{
		{"before LCP is opened", nil, 0xc021, "09", "7e ff 7d 23 c0 21 7d 29"},
		{"all negotiated", &small, 0x0021, "45", "7e 21 45"},
		{"without ACFC", &Framing{PFC: true}, 0x0021, "45", "7e ff 03 21 45"},
		{"without PFC", &Framing{ACFC: true}, 0x0021, "45", "7e 00 21 45"},
		{"neither", &Framing{}, 0x0021, "45", "7e ff 03 00 21 45"},
		{"no PFC above 255", &small, 0x8021, "01", "7e 80 21 01"},
		{"no PFC of an even number", &small, 0x0020, "01", "7e 00 20 01"},
		{"no PFC in a frame of three octets", &small, 0x0021, "", "7e 00 21"},
		{"LCP echo: negotiated ACCM, header complete", &small, 0xc021, "09 01", "7e ff 03 c0 21 09 01"},
		{"LCP code 7: default ACCM", &small, 0xc021, "07 10", "7e ff 7d 23 c0 21 7d 27 7d 30"},
		{"LCP code 1: default ACCM", &small, 0xc021, "01 10", "7e ff 7d 23 c0 21 7d 21 7d 30"},
		{"LCP code 0 is none of 1 to 7", &small, 0xc021, "00 10", "7e ff 03 c0 21 00 10"},
		{"LCP without a code", &small, 0xc021, "", "7e ff 03 c0 21"},
		{"XON/XOFF", &Framing{ACCM: 0x000a0000}, 0x0021, "10 11 12 13 14 91", "7e ff 03 00 21 10 7d 31 12 7d 33 14 91"},
		{"all control characters", &Framing{ACCM: DefaultACCM}, 0x0021, "00 1f 20 7f 80",
			"7e ff 7d 23 7d 20 21 7d 20 7d 3f 20 7f 80"},
	} {
		var e Encoder
		if tc.framing != nil {
			e.SetFraming(*tc.framing)
		}
		info, want := unhex(t, tc.info), unhex(t, tc.want)
		if got := e.Append(nil, tc.protocol, nil, info); !bytes.HasPrefix(got, want) || len(got) > len(want)+5 {
			t.Errorf("%s: % x, want % x, FCS, 7e", tc.name, got, want)
		}
	}
}

func TestFlags(t *testing.T) {
	e := opened(Framing{})
	for i, tc := range []struct {
		idle bool
		want string
	}{{false, "7e ff"}, {false, "ff 03"}, {true, "7e ff"}, {false, "ff 03"}} {
		if tc.idle {
			e.Idle()
		}
		got := e.Append([]byte("x"), 0x21, []byte("info"))
		if !bytes.HasPrefix(got, append([]byte("x"), unhex(t, tc.want)...)) || !bytes.HasSuffix(got, []byte{0x7e}) {
			t.Errorf("frame %d: % x", i, got)
		}
	}
}

// TestExtraEscapes has what is escaped beyond the ACCM. The protocol is 0021 in one octet, a !.
func TestExtraEscapes(t *testing.T) {
	for _, tc := range []struct {
		escapes string
		accm    ACCM
		info    string
		want    string
	}{
		{"", 0, "\r", "}-"},
		{"", 0, "\x8d", "}\xad"},
		{"", 0, "AT", "A}t"},
		{"", 0, "aT at At", "a}t a}T A}T"},
		{"", 0, "A/", "A}\x0f"},
		{"", 0, "\xc1\xd4 \xe1\xf4 \xc1T a\xaf", "\xc1}\xf4 \xe1}\xd4 \xc1}t a}\x8f"},
		{"", 0, "A\x00\x80\x00T", "A\x00\x80\x00}t"},
		{"", 0, "A\x11\x93T", "A\x11\x93}t"},
		{"", 0, "AATT", "AA}tT"},
		{"", 0, "ABT TA A T /A", "ABT TA A T /A"},
		{"", 0, "A\rT", "A}-T"},
		{"", 0, "A}T", "A}]T"},
		{"", 0, "A~T", "A}^T"},
		{"", 1 << 20, "A\x14T", "A}4T"},
		{"", 0, "+++ATH0\r", "+++A}tH0}-"},
		{"+", 0, "+++ATH0\r", "++}\x0bA}tH0}-"},
		{"+", 0, "++++++", "++}\x0b++}\x0b"},
		{"+", 0, "++ +-++", "++ +-++"},
		{"+", 0, "+\x00+\x91\xab", "+\x00+\x91}\x8b"},
		{"\x16", 0, "\x16\x16\x96+++", "\x16\x16}\xb6+++"},
		{"+\x16", 0, "++\x16+\x16\x16\x16", "++\x16+\x16\x16}6"},
		{"\xab", 0, "+++", "++}\x0b"}, // the eighth bit of S2
		{"+", 1 << 15, "+++A/AT", "++}\x0bA/A}t"},
		{"+", 1 << 15, "A\xaf", "A}\x8f"},
		{"+", 1 << 11, "+++A/", "+++A}\x0f"},
		{"+", 1 << 11, "++\xab", "++}\x8b"},
		{"+", 1 << 11, "\x0b++", "}+++"},
		{"-]^", 0, "---]]]^^^", "---]]]^^^"},
		{"\x11\x80+", 0, "\x11\x11\x11+\x11+\x80+", "\x11\x11\x11+\x11+\x80}\x0b"},
		{"}", 0, "}\xfd}", "}]}\xdd}]"},
		{"~", 0, "\xfe~", "}\xde}^"},
		{"A", 0, "AAA/", "AA}a}\x0f"}, // the escaped A is an a
	} {
		e := opened(Framing{ACCM: tc.accm, ACFC: true, PFC: true})
		e.Escapes = []byte(tc.escapes)
		got := e.Append(nil, 0x21, []byte(tc.info))
		if want := "~!" + tc.want; !strings.HasPrefix(string(got), want) || len(got) > len(want)+5 {
			t.Errorf("%q, ACCM %x: %q is sent as %q, want %q", tc.escapes, tc.accm, tc.info, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	e := opened(Framing{ACFC: true, PFC: true})
	e.Plain, e.Escapes = true, []byte("+")
	if got := e.Append(nil, 0x21, []byte("+++AT\rA/")); !strings.HasPrefix(string(got), "~!+++AT\rA/") {
		t.Errorf("%q", got)
	}
	if got := e.Append(nil, 0x21, []byte("x")); !strings.HasPrefix(string(got), "!x") {
		t.Errorf("%q", got)
	}
}

// TestPieces: a command is seen across the pieces of a packet and at each place of a block.
func TestPieces(t *testing.T) {
	for _, command := range []struct{ octets, want string }{
		{"AT", "A}t"}, {"A\x00T", "A\x00}t"}, {"A/", "A}\x0f"}, {"\r", "}-"}, {"+++", "++}\x0b"}, {"~~~", "}^}^}^"},
	} {
		for before := range 20 {
			for after := range 10 {
				x, y := strings.Repeat("x", before), strings.Repeat("y", after)
				for cut := range len(command.octets) + 1 {
					e := opened(Framing{ACFC: true, PFC: true})
					e.Escapes = []byte("+")
					got := e.Append(nil, 0x21, []byte(x+command.octets[:cut]), nil, []byte(command.octets[cut:]+y))
					if want := "~!" + x + command.want + y; !strings.HasPrefix(string(got), want) {
						t.Fatalf("%q at %d, cut at %d: %q", command.octets, before, cut, got)
					}
				}
			}
		}
	}
	e := opened(Framing{ACFC: true, PFC: true})
	if got := e.Append(nil, 'A', []byte("T")); !strings.HasPrefix(string(got), "~A}t") {
		t.Errorf("with the protocol number: %q", got)
	}
}

// TestGuardOpensAgain: before LCP is opened, A/ cannot be avoided. The driver delays data from there to a CR, which the
// next frame brings.
func TestGuardOpensAgain(t *testing.T) {
	var e Encoder
	var driver suspect
	if driver.add(e.Append(nil, 0xc021, []byte("\x02A/"))); !driver.at {
		t.Fatal("the guard is open")
	}
	second := e.Append(nil, 0xc021, []byte("\x02second"))
	if !bytes.HasPrefix(second, unhex(t, "0d 7e ff")) {
		t.Errorf("% x", second)
	}
	if driver.add(second); driver.at {
		t.Error("the guard is closed after the second frame")
	}
	if third := e.Append(nil, 0xc021, []byte("\x02third")); driver.add(third) || third[0] != 0xff {
		t.Errorf("third frame: % x", third)
	}
}

// TestNoNeedlessCR: the escaped 0F looks like /, but does not follow the A.
func TestNoNeedlessCR(t *testing.T) {
	e := opened(Framing{ACCM: 1 << 15})
	for range 2 {
		if got := e.Append(nil, 0x21, []byte("xxxxxxxA\x0fyyyyyyy")); bytes.Contains(got, []byte("\r")) {
			t.Errorf("% x", got)
		}
	}
}

// TestPeerMap: what may be escaped depends on what the peer removes, not on the map of the frame.
func TestPeerMap(t *testing.T) {
	var e Encoder
	request := []byte("\x01x/A/")
	if got := e.Append(nil, 0xc021, request); !bytes.Contains(got, []byte("x/A/")) {
		t.Errorf("before LCP is opened: %q", got)
	}
	e.SetFraming(Framing{})
	if got := e.Append(nil, 0xc021, request); !bytes.Contains(got, []byte("x/A}\x0f")) {
		t.Errorf("after: %q", got)
	}
}

// TestNothingSpellsACommand sends packets of the octets that commands are made of. FCSes come as they come.
func TestNothingSpellsACommand(t *testing.T) {
	const alphabet = "AaTt/\xc1\xe1\xd4\xf4\xaf+\xab\x00\x80\x11\x13\r\x8d\x16\x96}~x"
	random := rand.New(rand.NewPCG(5, 6))
	for _, f := range []Framing{
		{}, {ACFC: true, PFC: true}, {ACCM: 0x000a0000, PFC: true}, {ACCM: 0x2000, ACFC: true},
	} {
		for _, escapes := range []string{"", "+", "\x16", "+\x16\x17\x19\x1c", "xA~}T"} {
			e := opened(f)
			e.Escapes = []byte(escapes)
			wire := newOnTheWire(e.Escapes)
			info := make([]byte, 40)
			for range 3000 {
				for i := range info {
					info[i] = alphabet[random.IntN(len(alphabet))]
				}
				if random.IntN(3) == 0 {
					e.Idle()
				}
				out := e.Append(nil, 1+2*uint16(random.IntN(128)), info[:random.IntN(len(info))])
				if what := wire.add(out); what != "" {
					t.Fatalf("%+v, escapes %q: %q is %s", f, escapes, out, what)
				}
			}
		}
	}
}

func TestMaxFrame(t *testing.T) {
	for _, n := range []int{0, 1, 1500} {
		var e Encoder
		e.wire.command = true // a CR before the frame
		got := e.Append(nil, 0x0001, make([]byte, n))
		if worst := MaxFrame(n); len(got) > worst || len(got) < worst-8 {
			t.Errorf("%d octets: a frame of %d, MaxFrame is %d", n, len(got), worst)
		}
	}
}
