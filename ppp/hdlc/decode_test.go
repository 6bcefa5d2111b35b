package hdlc

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
)

// sent returns a frame with both flags, of its octets from address or protocol to information.
func sent(body string) string {
	escaped := refEscaped(0)
	return string(refEncode(nil, []byte(body), &escaped))
}

// received feeds a stream in chunks of n octets and returns the packets.
func received(d *Decoder, stream []byte, n int) (all []string) {
	for len(stream) > 0 {
		chunk := stream[:min(n, len(stream))]
		stream = stream[len(chunk):]
		for len(chunk) > 0 {
			f, used, ok := d.Decode(chunk)
			if ok {
				all = append(all, packet(f.Protocol, f.Info))
			} else if used != len(chunk) {
				all = append(all, fmt.Sprintf("%d of %d octets read without a frame", used, len(chunk)))
			}
			chunk = chunk[used:]
		}
	}
	return all
}

func TestDecode(t *testing.T) {
	good := sent("\xff\x03\xc0\x21good")
	for _, tc := range []struct {
		name   string
		accm   ACCM
		stream string
		want   []string
		counts Counters
	}{
		{"one", 0, good, []string{"c021 good"}, Counters{}},
		{"no opening flag", 0, good[1:], []string{"c021 good"}, Counters{}},
		{"no closing flag", 0, good[:len(good)-1], nil, Counters{}},
		{"own flags", 0, good + good, []string{"c021 good", "c021 good"}, Counters{}},
		{"a shared flag", 0, good + good[1:], []string{"c021 good", "c021 good"}, Counters{}},
		{"empty frames", 0, "~~~~" + good + "~~~", []string{"c021 good"}, Counters{}},
		{"text before", 0, "login: " + good, []string{"c021 good"}, Counters{BadFCS: 1}},
		{"escapes", 0, sent("\xff\x03\x00\x21~}~\x5e"), []string{"0021 ~}~^"}, Counters{}},
		{"every octet may be escaped", 0, "~}\xdf}#}\xe0}\x01}G}O}O}D" + good[9:], []string{"c021 good"}, Counters{}},

		{"ACFC", 0, sent("\xc0\x21good"), []string{"c021 good"}, Counters{}},
		{"PFC", 0, sent("\xff\x03\x21good"), []string{"0021 good"}, Counters{}},
		{"ACFC and PFC", 0, sent("\x21good"), []string{"0021 good"}, Counters{}},
		{"ACFC, two octets", 0, sent("\x00\x21good"), []string{"0021 good"}, Counters{}},
		{"no information", 0, sent("\xff\x03\xc0\x21"), []string{"c021 "}, Counters{}},
		{"no information, compressed", 0, sent("\xff\x03\x21"), []string{"0021 "}, Counters{}},
		{"even protocol", 0, sent("\xff\x03\x00\x20good"), []string{"0020 good"}, Counters{}},
		{"even protocol, odd high octet is PFC", 0, sent("\x03\x20"), []string{"0003  "}, Counters{}},
		{"control 13", 0, sent("\xff\x13\xc0\x21bad") + good, []string{"c021 good"}, Counters{BadField: 1}},
		{"address 0b is a protocol", 0, sent("\x0b\x03\xc0"), []string{"000b \x03\xc0"}, Counters{}},

		{"bad FCS", 0, "~\xff\x03\xc0\x21xx~" + good, []string{"c021 good"}, Counters{BadFCS: 1}},
		{"a lost octet", 0, good[:7] + good[8:] + good, []string{"c021 good"}, Counters{BadFCS: 1}},
		{"aborted", 0, good[:9] + "}~" + good[1:], []string{"c021 good"}, Counters{Aborted: 1}},
		{"aborted before it began", 0, "~}~" + good[1:], []string{"c021 good"}, Counters{Aborted: 1}},
		{"short", 0, "~x~xy~xyz~" + good, []string{"c021 good"}, Counters{TooShort: 3}},
		{"three octets with FCS", 0, sent("\x21") + good, []string{"c021 good"}, Counters{TooShort: 1}},
		{"no protocol", 0, sent("\xff\x03") + good, []string{"c021 good"}, Counters{TooShort: 1}},
		{"half a protocol", 0, sent("\xff\x03\xc0") + good, []string{"c021 good"}, Counters{TooShort: 1}},

		{"of the MRU", 0, sent("\xff\x03\xc0\x2112345678"), []string{"c021 12345678"}, Counters{}},
		{"too long", 0, sent("\xff\x03\xc0\x21123456789") + good, []string{"c021 good"}, Counters{TooLong: 1}},
		{"too long, with room", 0, sent("\x21123456789") + good, []string{"c021 good"}, Counters{TooLong: 1}},
		{"too long by an escape", 0, "~" + "12345678901234}\x01~" + good, []string{"c021 good"}, Counters{TooLong: 1}},

		{"XON/XOFF inserted", 0x000a0000, "~\x11" + good[1:5] + "\x13\x13" + good[5:], []string{"c021 good"},
			Counters{Removed: 3}},
		{"XON after an escape", 1 << 0x11, "~\x21}\x11\x5ex" + sent("\x21~x")[5:], []string{"0021 ~x"},
			Counters{Removed: 1}},
		{"XON after the second escape", 1 << 0x11, "~\x21}\x5e}\x11\x5e" + sent("\x21~~")[6:], []string{"0021 ~~"},
			Counters{Removed: 1}},
		{"XON not in the map", 0, "~\x11" + good[1:], nil, Counters{BadFCS: 1}},
		{"20 and more are never removed", DefaultACCM, sent("\x21 \x80 "), []string{"0021  \x80 "}, Counters{}},
	} {
		for n := 1; n <= len(tc.stream); n++ {
			d := Decoder{Buffer: make([]byte, 8+Overhead), ACCM: tc.accm}
			got := received(&d, []byte(tc.stream), n)
			if !reflect.DeepEqual(got, tc.want) {
				t.Errorf("%s, chunks of %d: %q, want %q", tc.name, n, got, tc.want)
			}
			tc.counts.Frames = uint64(len(tc.want))
			if d.Counters != tc.counts {
				t.Errorf("%s, chunks of %d: %+v, want %+v", tc.name, n, d.Counters, tc.counts)
			}
		}
	}
}

func TestDecodeCaptured(t *testing.T) {
	for _, tc := range captured {
		d := Decoder{Buffer: make([]byte, 1500+Overhead), ACCM: DefaultACCM}
		got, want := received(&d, unhex(t, tc.wire), 1000), packet(0xc021, unhex(t, tc.packet))
		if len(got) != 1 || got[0] != want || d.Counters != (Counters{Frames: 1}) {
			t.Errorf("%s: %q, %+v, want %q", tc.source, got, d.Counters, want)
		}
	}
}

func TestDecoderReset(t *testing.T) {
	good := sent("\x21good")
	d := Decoder{Buffer: make([]byte, 8+Overhead)}
	for _, before := range []string{"x", "x}", "longer than the buffer"} {
		if _, _, ok := d.Decode([]byte(before)); ok {
			t.Fatal("a frame")
		}
		d.Reset()
		if got := received(&d, []byte(good[1:]), 100); len(got) != 1 {
			t.Errorf("after %q and Reset: %q", before, got)
		}
	}
}

// TestFlood: a mebibyte without a frame uses no memory, and the next frame is received.
func TestFlood(t *testing.T) {
	const size = 1 << 20
	good := []byte(sent("\xff\x03\xc0\x21good"))
	for _, tc := range []struct {
		name  string
		octet byte
		want  Counters
	}{
		{"no flag", 'x', Counters{TooLong: 1}},
		{"escapes", 0x7d, Counters{TooLong: 1}},
		{"flags", 0x7e, Counters{}},
		{"removed", 0x11, Counters{Removed: size}},
	} {
		flood := bytes.Repeat([]byte{tc.octet}, size)
		for _, n := range []int{1, 4096, size} {
			d := Decoder{Buffer: make([]byte, 1500+Overhead), ACCM: 1 << 0x11}
			if n > 1 {
				if allocs := testing.AllocsPerRun(1, func() { received(&d, flood, n) }); allocs != 0 {
					t.Errorf("%s: %v allocations", tc.name, allocs)
				}
				d.Reset()
				d.Counters = Counters{}
			}
			if got := received(&d, flood, n); got != nil {
				t.Errorf("%s: %q", tc.name, got)
			}
			tc.want.Frames = 1
			got := received(&d, good, n)
			if len(got) != 1 || got[0] != "c021 good" || d.Counters != tc.want {
				t.Errorf("%s, chunks of %d: %q, %+v, want %+v", tc.name, n, got, d.Counters, tc.want)
			}
		}
	}
}

func TestEmptyBuffer(t *testing.T) {
	var d Decoder
	if got := received(&d, []byte(sent("\x21x")+"~~}~"), 3); got != nil {
		t.Errorf("%q", got)
	}
	if want := (Counters{TooLong: 1, Aborted: 1}); d.Counters != want {
		t.Errorf("%+v, want %+v", d.Counters, want)
	}
}
