package sms

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The PDUs of the first rows are those of public tutorials and test suites: dreamfabric.com/sms, gammu, Perl's
// Device::Gsm. The others are written by hand from TS 23.040.
var captures = []struct {
	name, pdu string
	want      Deliver
}{
	{"dreamfabric hellohello", "07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37",
		Deliver{From: "27838890001", Text: "hellohello", Part: 1, Parts: 1,
			Sent: time.Date(2099, 3, 29, 15, 16, 59, 0, time.FixedZone("", 2*3600))}},
	{"gammu How are you", "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07",
		Deliver{From: "+31641600986", Text: "How are you?", Part: 1, Parts: 1,
			Sent: time.Date(2002, 8, 26, 19, 37, 41, 0, time.UTC)}},
	{"UCS-2", "0791227167830001040C912271271640910008906012024514001C" +
		"002E004020AC00A300680065006C006C006F002000E900EC006B00F0",
		Deliver{From: "+221772610419", Text: ".@€£hello éìkð", Part: 1, Parts: 1,
			Sent: time.Date(2009, 6, 21, 20, 54, 41, 0, time.UTC)}},
	{"a name", "00" + "04" + "0DD0C272999D769701" + "00" + "00" + "62110310930000" + "04" + "D4F29C0E",
		Deliver{From: "Beeline", Named: true, Text: "Test", Part: 1, Parts: 1,
			Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
	{"8 bit", "00" + "04" + "0B912120555521F3" + "00" + "04" + "62110310930000" + "04" + "52423100",
		Deliver{From: "+12025555123", Text: "RB1\x00", Part: 1, Parts: 1,
			Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
	{"8 bit beyond ASCII", "00" + "04" + "0B912120555521F3" + "00" + "04" + "62110310930000" + "02" + "E941",
		Deliver{From: "+12025555123", Text: "\uFFFDA", Part: 1, Parts: 1,
			Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
	{"the second of two parts, 7 bit behind a header of six octets",
		"00" + "44" + "0B912120555521F3" + "00" + "00" + "62110310930000" + "08" + "0500030202" + "02" + "C2",
		Deliver{From: "+12025555123", Text: "a", Part: 2, Parts: 2,
			Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
	{"no sender, no text", "00" + "04" + "0080" + "00" + "00" + "62110310930000" + "00",
		Deliver{Part: 1, Parts: 1, Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
	{"escape and €", "00" + "04" + "0080" + "00" + "00" + "62110310930000" + "03" + "E14D19",
		Deliver{Text: "a€", Part: 1, Parts: 1, Sent: time.Date(2026, 11, 30, 1, 39, 0, 0, time.UTC)}},
}

func TestParse(t *testing.T) {
	for _, tt := range captures {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Parse(tt.pdu, 0)
			if err != nil {
				t.Fatal(err)
			}
			if !got.Sent.Equal(tt.want.Sent) {
				t.Errorf("sent %v, want %v", got.Sent, tt.want.Sent)
			}
			got.Sent, tt.want.Sent = time.Time{}, time.Time{}
			if got != tt.want {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestCutAtEveryOctet: no part of a message is taken for a message.
func TestCutAtEveryOctet(t *testing.T) {
	for _, tt := range captures {
		for n := range len(tt.pdu) {
			if m, err := Parse(tt.pdu[:n], 0); err == nil {
				t.Errorf("%s, cut to %d digits: %+v", tt.name, n, m)
			}
		}
		if m, err := Parse(tt.pdu+"00", 0); err == nil {
			t.Errorf("%s with one octet more: %+v", tt.name, m)
		}
	}
}

func TestParseRejects(t *testing.T) {
	const head, tail = "00", "62110310930000"
	for _, tt := range []struct {
		name, pdu string
		tpdu      int
		want      string
	}{
		{"not hexadecimal", "RING", 0, "not hexadecimal"},
		{"nothing", "", 0, "cut off"},
		{"half an octet", "0", 0, "not hexadecimal"},
		{"another length than the modem says", captures[0].pdu, 27, "28 octets behind the service centre, not 27"},
		{"longer than possible", strings.Repeat("0", MaxHex+2), 0, "at most 352"},
		{"a status report", head + "06" + "00" + "00", 0, "report"},
		{"an address without end", head + "04" + "FF91", 0, "at most 20 semi-octets"},
		{"a hole in the number", head + "04" + "0491" + "1FF2" + "0000" + tail + "00", 0, "ends before its length"},
		{"no digit in the time", head + "04" + "0080" + "0000" + "A2110310930000" + "00", 0, "digit that is none"},
		{"compressed", head + "04" + "0080" + "0020" + tail + "00", 0, "compressed"},
		{"half a character", head + "04" + "0080" + "0008" + tail + "01" + "00", 0, "half a character"},
		{"a long header", head + "44" + "0080" + "0004" + tail + "02" + "0500", 0, "longer than the text"},
		{"a cut element", head + "44" + "0080" + "0004" + tail + "03" + "020005", 0, "element"},
		{"a locking shift", head + "44" + "0080" + "0000" + tail + "05" + "0325010100", 0, "national language"},
		{"141 octets", head + "04" + "0080" + "0004" + tail + "8D" + strings.Repeat("41", 141), 0, "at most 140"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Parse(tt.pdu, tt.tpdu)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v, error %v; want %q", m, err, tt.want)
			}
		})
	}
	if _, err := Parse(head+"06"+"00"+"00", 0); !errors.Is(err, ErrNotDeliver) {
		t.Errorf("a report: %v", err)
	}
}

// TestBasicAlphabet: the table has 128 characters, each once.
func TestBasicAlphabet(t *testing.T) {
	if len(basic) != 128 {
		t.Fatalf("%d characters", len(basic))
	}
	seen := map[rune]int{}
	for i, r := range basic {
		if at, ok := seen[r]; ok {
			t.Errorf("%q is %#x and %#x", r, at, i)
		}
		seen[r] = i
	}
	for at, want := range map[int]rune{0: '@', 0x11: '_', 0x24: '¤', 0x40: '¡', 0x5b: 'Ä', 0x60: '¿', 0x7f: 'à'} {
		if basic[at] != want {
			t.Errorf("%#x is %q, not %q", at, basic[at], want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range captures {
		f.Add(tt.pdu, 0)
	}
	f.Fuzz(func(t *testing.T, pdu string, tpdu int) {
		m, err := Parse(pdu, tpdu)
		if err != nil {
			return
		}
		if len([]rune(m.Text)) > 160 || len(m.From) > 21*3 {
			t.Errorf("%d characters from %q", len([]rune(m.Text)), m.From)
		}
	})
}
