package hdlc

import (
	"bytes"
	"testing"
)

// FuzzDecode compares the Decoder with the octet-wise one, on any stream in chunks of any size.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(sent("\xff\x03\xc0\x21good")+sent("\x21~}~\x00")), uint32(0), uint8(3), uint8(8))
	f.Add([]byte("~\x11}\x13\x5e}}}~}~~xyz~"+sent("\xff\x13\x00\x21x")), uint32(0x000a0000), uint8(1), uint8(8))
	f.Add([]byte(sent("\xff\x03\x00\x21123456789")), uint32(0xffffffff), uint8(200), uint8(8))
	f.Fuzz(func(t *testing.T, stream []byte, accm uint32, chunk, mru uint8) {
		d := Decoder{Buffer: make([]byte, int(mru)+Overhead), ACCM: ACCM(accm)}
		before := bytes.Clone(stream)
		got := received(&d, stream, int(chunk)+1)
		if !bytes.Equal(stream, before) {
			t.Fatal("the stream was changed")
		}
		ref := newRefDecoder(accm, int(mru)+Overhead)
		want, counts := packets(ref.frames(stream), int(mru))
		counts.Removed, counts.Aborted = ref.removed, ref.aborted
		counts.BadFCS += ref.badFCS
		counts.TooShort += ref.tooShort
		counts.TooLong += ref.tooLong
		if len(got) != len(want) {
			t.Fatalf("%d frames, want %d", len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("frame %d: %q, want %q", i, got[i], want[i])
			}
		}
		if d.Counters != counts {
			t.Errorf("%+v, want %+v", d.Counters, counts)
		}
	})
}

// FuzzRoundTrip: any packets, with any framing, arrive as they were sent, and what crosses the line never makes the
// modem driver wait, except where the ACCM forbids to escape; then it waits no longer than to the next frame.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("AT+++ATH0\r\x01A\x00/\x01++\xab"), []byte("+"), uint32(0), uint8(3), uint16(0x21), uint8(4))
	f.Add([]byte("\x01A/\x01second\x01A/A/"), []byte("+"), uint32(0xffffffff), uint8(0), uint16(0xc021), uint8(1))
	f.Add([]byte("}}~~\xfd\xfd\xfe\xfe"), []byte("}~"), uint32(0x000a0000), uint8(7), uint16(0x8021), uint8(9))
	f.Add(bytes.Repeat([]byte("AAAT//T\x11\x13\x91"), 9), []byte("A\x16"), uint32(1<<15), uint8(1), uint16(1), uint8(2))
	f.Fuzz(func(t *testing.T, data, escapes []byte, accm uint32, flags uint8, protocol uint16, cut uint8) {
		if protocol>>8 == 0xff || protocol>>8&1 != 0 || protocol == 0xff {
			return // these are not protocol numbers: RFC 1661 §2
		}
		e := opened(Framing{ACCM: ACCM(accm), ACFC: flags&1 != 0, PFC: flags&2 != 0})
		e.Escapes = escapes[:min(4, len(escapes))]
		w := newOnTheWire(protectable(e.Escapes, accm))
		d := Decoder{Buffer: make([]byte, len(data)+Overhead), ACCM: ACCM(accm)}
		ref := newRefDecoder(accm, len(data)+Overhead)
		for _, info := range bytes.Split(data, []byte{1}) {
			if flags&4 != 0 {
				e.Idle()
			}
			at := min(int(cut), len(info))
			delayed := w.guard.at
			out := e.Append(nil, protocol, info[:at], info[at:])
			checkWire(t, w, out, accm, delayed)
			got, _ := packets(ref.frames(out), len(data))
			if want := packet(protocol, info); len(got) != 1 || got[0] != want {
				t.Fatalf("%q arrives as %q", want, got)
			}
			if own := received(&d, out, 3); len(own) != 1 || own[0] != got[0] {
				t.Fatalf("%q, the octet-wise receiver has %q", own, got)
			}
		}
	})
}

// checkWire gives one frame to the driver's rules. delayed says whether the guard was closed before it.
func checkWire(t *testing.T, w *onTheWire, out []byte, accm uint32, delayed bool) {
	t.Helper()
	slash := accm&(1<<15) != 0 // / cannot be escaped
	switch cr := bytes.HasPrefix(out, []byte("\r\x7e")); {
	case cr && slash: // after A XOFF / too, which does not close the guard
		w.add(out[:1])
		out = out[1:]
	case delayed:
		t.Fatalf("the guard stays closed: % x", out)
	}
	if bytes.ContainsAny(out, "\r") || bytes.Contains(out, []byte{0x8d}) {
		t.Fatalf("a CR is sent: % x", out)
	}
	what := w.add(out)
	if slash && what == "delayed as a command" && bytes.Contains(out, []byte("/")) {
		return
	}
	if what != "" {
		t.Fatalf("% x is %s", out, what)
	}
}

// protectable returns the escape characters that the Encoder promises to protect.
func protectable(escapes []byte, accm uint32) (all []byte) {
	for _, c := range escapes {
		switch c &= 0x7f; {
		case c == '-', c == ']', c == '^', c == 0, c == 0x11, c == 0x13:
		case c^0x20 < 0x20 && accm>>(c^0x20)&1 != 0:
		default:
			all = append(all, c)
		}
	}
	return all
}

// FuzzDetect compares the Detector with a search for the end of the patterns.
func FuzzDetect(f *testing.F) {
	f.Add([]byte("~~\xff}#\xc0!}!"), uint8(1))
	f.Add([]byte("~a\xff\xff\x03\xc0!"), uint8(2))
	f.Add([]byte("~}_}#~}_}#@!"), uint8(0))
	f.Add([]byte("\xfe\xff\xfd\xa3\xc0\xa1"), uint8(9))
	f.Fuzz(func(t *testing.T, octets []byte, chunk uint8) {
		var d Detector
		text, replay, v := feed(&d, octets, int(chunk)+1)
		held := d.Release(nil)
		if all := bytes.Join([][]byte{text, held, replay}, nil); !bytes.Equal(all, octets) {
			t.Fatalf("%q, %q, %q", text, held, replay)
		}
		at, want := search(octets)
		if want == Text && len(held) > 0 {
			want = NeedMore
		}
		if v != want || (want == PPP || want == SevenBit) && at != len(text) {
			t.Errorf("%v at %d, want %v at %d", v, len(text), want, at)
		}
		if len(held) > 6 {
			t.Errorf("%d octets are held back", len(held))
		}
		if len(held) > 0 && !begins(held) {
			t.Errorf("%q is held back", held)
		}
	})
}

// eight and seven are the patterns of RFC 1662 Appendix B and FreeBSD's ppp.
var (
	eight = []string{"~\xff\x03\xc0!", "~\xff}#\xc0!", "~}\xdf}#\xc0!", "\xff\x03\xc0!", "\xff}#\xc0!"}
	seven = []string{"~\x7f}#@!", "~}_}#@!"}
)

// search returns the start of the first pattern to be complete.
func search(octets []byte) (at int, v Verdict) {
	stripped := through(parities["none"], octets)
	for end := range len(octets) + 1 {
		for _, p := range eight {
			if bytes.HasSuffix(octets[:end], []byte(p)) {
				return end - len(p), PPP
			}
		}
		for _, p := range seven {
			if bytes.HasSuffix(stripped[:end], []byte(p)) {
				return end - len(p), SevenBit
			}
		}
	}
	return 0, Text
}

// begins reports whether a pattern begins with b.
func begins(b []byte) bool {
	stripped := through(parities["none"], b)
	for _, p := range eight {
		if bytes.HasPrefix([]byte(p), b) {
			return true
		}
	}
	for _, p := range seven {
		if bytes.HasPrefix([]byte(p), stripped) {
			return true
		}
	}
	return false
}
