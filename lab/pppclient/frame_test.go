package pppclient

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}

// The value is that of the check string in all tables of CRCs, where this one is called X-25.
func TestFCS(t *testing.T) {
	if got := ^fcs([]byte("123456789")); got != 0x906e {
		t.Errorf("%#x, must be 0x906e", got)
	}
}

// captured has frames that others have sent, with the packets of LCP in them.
var captured = []struct{ sender, packet, octets string }{
	{"Windows CE on an HP Jornada 680e", "01 01 00 0e 02 06 00 00 00 00 07 02 08 02",
		"7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 2e 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20 7d 27 7d 22 7d 28 7d 22" +
			"70 34 7e"},
	{"a cellular modem's host", "04 00 00 08 03 04 c0 23",
		"7e ff 7d 23 c0 21 7d 24 7d 20 7d 20 7d 28 7d 23 7d 24 c0 23 f9 4b 7e"},
	{"an access server for CDMA2000", "01 01 00 19 02 06 00 00 00 00 03 05 c2 23 05 05 06 b9 01 af 08 07 02 08 02",
		"7e ff 7d 23 c0 21 7d 21 7d 21 7d 20 7d 39 7d 22 7d 26 7d 20 7d 20 7d 20 7d 20 7d 23 7d 25 c2 23 7d 25" +
			"7d 25 7d 26 b9 7d 21 af 7d 28 7d 27 7d 22 7d 28 7d 22 59 a7 7e"},
}

func TestCaptured(t *testing.T) {
	for _, tt := range captured {
		octets, want := unhex(t, tt.octets), frame{protoLCP, unhex(t, tt.packet)}
		frames, bad := decodeAll(octets, defaultMap)
		if len(frames) != 1 || !reflect.DeepEqual(frames[0], want) || bad != 0 {
			t.Errorf("%s: %x, %d damaged", tt.sender, frames, bad)
		}
		if got := (framing{}).encode(want); !bytes.Equal(got, octets) {
			t.Errorf("%s: we send % x", tt.sender, got)
		}
	}
}

func TestFrames(t *testing.T) {
	small := framing{shortHeader: true, shortProtocol: true}
	for _, tt := range []struct {
		name    string
		framing framing
		frame   frame
		octets  string // without the FCS and the last flag
	}{
		{"LCP as if nothing were negotiated", small, frame{protoLCP, []byte{9, 0x7e}}, "7e ff 7d 23 c0 21 7d 29 7d 5e"},
		{"nothing negotiated", framing{escapes: defaultMap}, frame{protoIPv4, []byte{0x45, 0x11}},
			"7e ff 7d 23 7d 20 21 45 7d 31"},
		{"the map", framing{escapes: 1 << 0x11}, frame{protoIPv4, []byte{0x11, 0x12, 0x7d, 0x91}},
			"7e ff 03 00 21 7d 31 12 7d 5d 91"},
		{"short", small, frame{protoIPv4, []byte{0x45}}, "7e 21 45"},
		{"a protocol of two octets", small, frame{protoIPCP, []byte{1}}, "7e 80 21 01"},
	} {
		got := tt.framing.encode(tt.frame)
		if !bytes.HasPrefix(got, unhex(t, tt.octets)) || got[len(got)-1] != flag {
			t.Errorf("%s: % x", tt.name, got)
		}
		if f, bad := decodeAll(got, 0); len(f) != 1 || !reflect.DeepEqual(f[0], tt.frame) || bad != 0 {
			t.Errorf("%s: back comes %x", tt.name, f)
		}
	}
}

func decodeAll(b []byte, ignore uint32) (frames []frame, bad int) {
	d := deframer{ignore: ignore}
	for _, c := range b {
		if f, ok, _ := d.octet(c); ok {
			frames = append(frames, f)
		}
	}
	return frames, d.bad
}

func TestDeframer(t *testing.T) {
	const reject = "ff7d23c0217d247d207d207d287d237d24c023f94b" // captured
	want := frame{protoLCP, []byte{4, 0, 0, 8, 3, 4, 0xc0, 0x23}}
	for _, tt := range []struct {
		name   string
		octets string
		ignore uint32
		frames int
		bad    int
	}{
		{"captured", "7e" + reject + "7e", defaultMap, 1, 0},
		{"one flag between frames", "7e" + reject + "7e" + reject + "7e", 0, 2, 0},
		{"many flags", "7e7e7e" + reject + "7e7e7e7e", 0, 1, 0},
		{"inserted control characters", "7e" + strings.ReplaceAll(reject, "7d20", "11137d1120") + "7e",
			1<<0x11 | 1<<0x13, 1, 0},
		{"a control character of the frame", "7e" + strings.Replace(reject, "7d20", "00", 1) + "7e", 0, 1, 0},
		{"aborted", "7e" + reject + "7d7e", 0, 0, 0},
		{"aborted, and another", "7eff7d7e" + reject + "7e", 0, 1, 0},
		{"damaged", "7e" + strings.Replace(reject, "c023", "c024", 1) + "7e", 0, 0, 1},
		{"too short", "7e010203" + "7e" + "7d217e", 0, 0, 0},
		{"text before the first flag", "0d0a557365726e616d653a20" + "7e" + reject + "7e", 0, 1, 0},
		{"no flag", reject, 0, 0, 0},
		{"without an end", "7e" + strings.Repeat("41", 1<<20) + "7e" + reject + "7e", 0, 1, 1},
	} {
		frames, bad := decodeAll(unhex(t, tt.octets), tt.ignore)
		if len(frames) != tt.frames || bad != tt.bad {
			t.Errorf("%s: %x, %d damaged", tt.name, frames, bad)
		}
		for _, f := range frames {
			if !reflect.DeepEqual(f, want) {
				t.Errorf("%s: %x", tt.name, f)
			}
		}
	}
}

// Text is what comes before the first flag, octet by octet.
func TestText(t *testing.T) {
	var d deframer
	var text []byte
	for _, c := range []byte("\r\nCONNECT\r\n\x00~\xff}#abc~NO CARRIER") {
		if _, _, isText := d.octet(c); isText {
			text = append(text, c)
		}
	}
	if string(text) != "\r\nCONNECT\r\n\x00" {
		t.Errorf("%q", text)
	}
}

func TestPackets(t *testing.T) {
	for _, tt := range []struct {
		octets string
		want   packet
		ok     bool
	}{
		{"", packet{}, false}, {"010200", packet{}, false}, {"01020003", packet{}, false},
		{"0102000505", packet{1, 2, []byte{5}}, true}, {"01020005", packet{}, false},
		{"01020004ffff", packet{1, 2, []byte{}}, true}, // padding
	} {
		if got, ok := parsePacket(unhex(t, tt.octets)); ok != tt.ok || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.octets, got, ok)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, tt := range []struct {
		octets string
		want   []option
		ok     bool
	}{
		{"", nil, true}, {"0702", []option{{7, []byte{}}}, true},
		{"030505c22305", nil, false}, {"0700", nil, false}, {"0701", nil, false}, {"070208", nil, false},
		{"0304c0230702", []option{{3, []byte{0xc0, 0x23}}, {7, []byte{}}}, true},
		{"0304c023 0d", nil, false}, {"0dff06", nil, false},
	} {
		got, ok := parseOptions(unhex(t, tt.octets))
		if ok != tt.ok || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %+v, %v", tt.octets, got, ok)
		}
		if ok && !bytes.Equal(joinOptions(got), unhex(t, tt.octets)) {
			t.Errorf("%s is not joined again", tt.octets)
		}
	}
}

// RFC 2759 §9.2.
func TestMSCHAPv2(t *testing.T) {
	challenge := unhex(t, "5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28")
	peer := unhex(t, "21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E")
	const nt, proof = "82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF", "407A5589115FD0D6209F510FE9C04566932CDA56"
	for _, user := range []string{"User", `DOMAIN\User`} {
		value, got := msResponse(challenge, peer, user, "clientPass")
		want := append(append(append(bytes.Clone(peer), make([]byte, 8)...), unhex(t, nt)...), 0)
		if !bytes.Equal(value, want) || got != proof {
			t.Errorf("%s: %X %s", user, value, got)
		}
	}
}

// The sum is that of openssl: printf '\x17sesame0123456789abcdef' | openssl md5.
func TestCHAP(t *testing.T) {
	want := unhex(t, "37ec10273214a815b0fda0d864f1a91c")
	if got := md5Response(0x17, "sesame", []byte("0123456789abcdef")); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

// A length of 255 octets is the longest that a value or a message can have.
func TestLongestValue(t *testing.T) {
	long := strings.Repeat("x", 255)
	if v, ok := chapValue([]byte("\xff" + long + "name")); !ok || string(v) != long {
		t.Errorf("%q, %v", v, ok)
	}
	if got := papText([]byte("\xff" + long)); got != long {
		t.Errorf("%q", got)
	}
}

// MS-CBCP §4.2, and what pppd 2.4.9 sends.
func TestChoose(t *testing.T) {
	for _, tt := range []struct {
		name, offer string
		callback    Callback
		want        string
	}{
		{"the document's", "0102 0205000100", Callback{Number: "2009042", Delay: 12e9}, "020c0c01 32303039303432 00"},
		{"pppd's", "0102 0303 00 0205000100", Callback{Number: "5551234", Delay: 5e9}, "020c0501 35353531323334 00"},
		{"the server's number", "0102 030300", Callback{Number: "5551234", Delay: 5e9}, "030305"},
		{"without a number", "0102 030300 0205000100", Callback{}, "030300"},
		{"none", "0102", Callback{Number: "5551234"}, "0102"},
		{"declined", "0102 030300 0205000100", Callback{Decline: true, Number: "5551234"}, "0102"},
		{"cannot be declined", "0205000100", Callback{Decline: true}, ""},
		{"a list only", "040700013535 00", Callback{Number: "5551234"}, ""},
		{"nothing", "", Callback{}, ""},
		{"a delay too long", "030300", Callback{Delay: 1000e9}, "0303ff"},
		{"a number too long", "030300 0205000100", Callback{Number: strings.Repeat("5", 251)}, "030300"},
	} {
		offers, ok := parseOptions(unhex(t, tt.offer))
		got, err := tt.callback.choose(offers)
		if !ok || !bytes.Equal(got, unhex(t, tt.want)) || (err != nil) != (tt.want == "") {
			t.Errorf("%s: %x, %v", tt.name, got, err)
		}
	}
}
