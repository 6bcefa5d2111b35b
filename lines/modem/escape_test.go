package modem

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// leftOf returns the octets that are sent when pieces are written, and how often the guard time is awaited. Octets
// sent after a wait have a mark in front.
func leftOf(e *escapes, pieces [][]byte) (out []byte, waits int) {
	for _, b := range pieces {
		for len(b) > 0 {
			n, skip, wait := e.next(b)
			out = append(out, b[:n]...)
			b = b[n+skip:]
			if wait {
				waits++
				out = append(out, '|') // a pause
				e.waited = true
			}
		}
	}
	return out, waits
}

func TestEscapes(t *testing.T) {
	const c = "\x0e"
	for _, tc := range []struct {
		char  byte
		late  bool
		write string // pieces between /
		want  string
	}{
		{0, false, c + c + c + "+++", c + c + c + "+++"},
		{0x0e, false, "a" + c + c + "b", "a" + c + c + "b"},
		{0x0e, false, c + c + c, c + c},
		{0x0e, false, c + "/" + c + "/" + c, c + c},
		{0x0e, false, c + c + c + c + c + "x" + c + c + c, c + c + "x" + c + c},
		{0x0e, false, c + "\x8e" + c, c + "\x8e"}, // with parity
		{0x0e, false, c + "\x00" + c + "\x11" + c, c + "\x00" + c + "\x11"},
		{0x0e, false, "+++", "+++"},
		{'+', true, "+++", "++|+"},
		{'+', true, "+/+/+/x", "++|+x"},
		{'+', true, "+++++++", "++|++|++|+"},
		{'+', true, "a++b+++c", "a++b++|+c"},
		{'+', true, "\xab++", "\xab+|+"},
		{'+', false, "+++AT", "++AT"}, // no guard time
	} {
		e := escapes{char: tc.char, late: tc.late}
		if got, _ := leftOf(&e, bytes.Split([]byte(tc.write), []byte("/"))); string(got) != tc.want {
			t.Errorf("%q: sent %q, want %q", tc.write, got, tc.want)
		}
	}
}

// TestEscapeCharacters: a call knows the characters that its data must not have three times in a row.
func TestEscapeCharacters(t *testing.T) {
	for char, want := range map[byte]string{0: "+", '+': "+", 0x16: "+\x16"} {
		e := escapes{char: char}
		if got := string(e.chars()); got != want {
			t.Errorf("S2=%d: %q", char, got)
		}
	}
}

// FuzzEscapes: whatever is written, in whatever pieces, three escape characters in a row are never sent, and nothing
// else is changed.
func FuzzEscapes(f *testing.F) {
	f.Add([]byte("++++\x00+\x91+x+++"), byte('+'), true, byte(2))
	f.Add([]byte("\x0e\x8e\x0e\x0e\x11\x0e"), byte(0x0e), false, byte(1))
	f.Fuzz(func(t *testing.T, b []byte, char byte, late bool, cut byte) {
		if char &= 0x7f; char == 0 || char == 0x11 || char == 0x13 || char == '|' {
			return
		}
		b = bytes.ReplaceAll(b, []byte("|"), nil)
		var pieces [][]byte
		for n := int(cut)%7 + 1; len(b) > 0; {
			n = min(n, len(b))
			pieces, b = append(pieces, b[:n]), b[n:]
		}
		all := bytes.Join(pieces, nil)
		e := escapes{char: char, late: late}
		got, _ := leftOf(&e, pieces)
		row := 0
		for _, c := range got {
			switch c & 0x7f {
			case char:
				if row++; row > 2 {
					t.Fatalf("%q: sent %q", all, got)
				}
			case 0, 0x11, 0x13:
			default: // a pause too
				row = 0
			}
		}
		others := func(b []byte) []byte {
			var o []byte
			for _, c := range b {
				if c&0x7f != char && c != '|' {
					o = append(o, c)
				}
			}
			return o
		}
		if !bytes.Equal(others(got), others(all)) {
			t.Fatalf("%q: sent %q", all, got)
		}
		if late && !bytes.Equal(bytes.ReplaceAll(got, []byte("|"), nil), all) {
			t.Fatalf("%q: sent %q", all, got)
		}
	})
}

// TestSessionCannotEscape: whatever a session writes, the modem stays in data state. The test tries each character,
// in one write and octet by octet, with the silence that the modem requires.
func TestSessionCannotEscape(t *testing.T) {
	for name, d := range map[string]exchange.Dialect{
		"S2 set": {}, "keeps the plus": {Registers: map[int]exchange.Register{2: {Fixed: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			atTheEdge(t, d, func(e *edge) {
				e.until(lines.Idle)
				thief := e.at(e.stranger, nil)
				defer thief.leave()
				call := thief.call()
				for _, pause := range []time.Duration{0, 300 * time.Millisecond, 2 * time.Second} {
					for c := range 128 {
						<-time.After(2 * time.Second)
						for _, s := range []string{string(rune(c)), string(rune(c)), string(rune(c))} {
							if _, err := call.Write([]byte(s)); err != nil {
								t.Fatal(err)
							}
							<-time.After(pause)
						}
						if _, err := call.Write(bytes.Repeat([]byte{byte(c)}, 3)); err != nil {
							t.Fatal(err)
						}
						<-time.After(2 * time.Second)
						if state := e.line.State(); state != exchange.Connected {
							t.Fatalf("%#x: the modem is %v", c, state)
						}
					}
				}
				if _, err := call.Write([]byte("ATDT9005551234\r")); err != nil {
					t.Fatal(err)
				}
				<-time.After(time.Second)
				if !strings.Contains(thief.screen(), "+++") || len(e.x.Dials()) != 1 {
					t.Errorf("%d dials", len(e.x.Dials()))
				}
				_ = call.Hangup(e.t.Context())
			})
		})
	}
}

// TestSlowModemClock: a modem whose guard time is longer than its S12 is also hung up, by a second escape.
func TestSlowModemClock(t *testing.T) {
	atTheEdge(t, exchange.Dialect{SlowGuard: 500 * time.Millisecond}, func(e *edge) {
		e.until(lines.Idle)
		caller := e.at(e.stranger, nil)
		defer caller.leave()
		for range 2 {
			call := caller.call()
			if err := call.Hangup(e.t.Context()); err != nil {
				t.Fatalf("hang up: %v", err)
			}
			caller.sees("NO CARRIER")
			if s := e.until(lines.Idle); s.Reason != "" || e.line.State() != exchange.OnHook {
				t.Errorf("the line is idle (%s), and its modem %v", s.Reason, e.line.State())
			}
		}
	})
}
