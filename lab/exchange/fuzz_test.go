package exchange

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// The scanner never panics, always advances, and reads every byte of the line exactly once.
func FuzzCommandLine(f *testing.F) {
	for _, s := range []string{"E0V1&C1&D2S0=0", "DT9,5551234;H0", "+VCID=1;+FCLASS=?", "S0 = 3 S7?", "=20?", "\\N3%C0",
		"D L", "&", "+", "S", "\xd9\xa1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		rest := line
		for {
			c, next, err := nextCommand(rest)
			if err != nil || c.name == "" {
				return
			}
			if len(next) >= len(rest) || !bytes.HasSuffix(line, next) {
				t.Fatalf("%q: %+v leaves %q of %q", line, c, next, rest)
			}
			if c.n < 0 || c.n > maxNumber || c.val < 0 || c.val > maxNumber {
				t.Fatalf("%q: %+v", line, c)
			}
			rest = next
		}
	})
}

// Only typed digits are dialed.
func FuzzDialString(f *testing.F) {
	for _, s := range []string{"T5551234", "9,W@!555", "5551234;ATH", "(555) 12-34*#", "S=1", "\u0665\u0665", "L"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDial(s)
		if err != nil {
			return
		}
		want := strings.Map(func(r rune) rune {
			if strings.ContainsRune("0123456789*#ABCD", r) {
				return r
			}
			return -1
		}, strings.ToUpper(s))
		if d.digits != want {
			t.Fatalf("%q dials %q, want %q", s, d.digits, want)
		}
		if strings.ContainsAny(s, "\x00\r\n;&^$>\"='") {
			t.Fatalf("%q was accepted", s)
		}
	})
}

// Whatever a DTE sends, the modem keeps working: DTR and a fresh AT reset it, a line rings only if its number was
// dialed, and each executed D is recorded.
func FuzzModem(f *testing.F) {
	f.Add([]byte("AT\rATE0V0\rA/"), []byte("ATS0=1\r"))
	f.Add([]byte("ATDT5552\rx+++ATH\r"), []byte("ATA\r"))
	f.Add([]byte("ATDT666;DT5552\rATH1O\r"), []byte("AT&F&D0S3=33!"))
	f.Fuzz(func(t *testing.T, alice, bob []byte) {
		x := New(Config{Instant: true})
		defer x.Close()
		a, b := x.AddModem(ModemConfig{Number: "5551"}), x.AddModem(ModemConfig{Number: "5552"})
		da, db := a.DTE(), b.DTE()
		for len(alice)+len(bob) > 0 {
			n := min(7, len(alice))
			da.Write(alice[:n])
			alice = alice[n:]
			n = min(5, len(bob))
			db.Write(bob[:n])
			bob = bob[n:]
		}
		reached := false
		for _, d := range x.Dials() {
			reached = reached || strings.Contains(d.Number, "5552") || strings.Contains(d.Number, "5551") ||
				d.Outcome == DialPartial
		}
		if !reached && a.Rings()+b.Rings() > 0 {
			t.Fatalf("a telephone rang after %+v", x.Dials())
		}
		da.Close()
		db.Close()
		a.HangUp()
		b.HangUp()
		if a.State() != OnHook || b.State() != OnHook {
			t.Fatalf("alice is %s, bob %s", a.State(), b.State())
		}
		x.lock()
		defer x.unlock()
		if a.call != nil && !a.call.from.offHook || b.call != nil && !b.call.from.offHook {
			t.Fatal("a call without a caller")
		}
	})
}

// However the data is divided, the escape sequence ends it at the same octet; the guard time is zero here.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("xx+++AT"), byte('+'), true, 3)
	f.Add([]byte("+++aAT"), byte('+'), true, 1)
	f.Add([]byte("++x++++"), byte('+'), false, 2)
	f.Add([]byte("\x00\x00\x00"), byte(0), false, 1)
	f.Add([]byte("\x80\x80\x80"), byte(128), false, 1)
	f.Fuzz(func(t *testing.T, data []byte, char byte, ties bool, piece int) {
		kind := EscapeAtOnce
		if ties {
			kind = EscapeTIES
		}
		p := factoryProfile()
		p.s[2] = char
		var whole, cut escape
		want := whole.see(data, time.Time{}, &p, kind, escapeLimit, 0)
		got, done := 0, 0
		for n := 1 + uint(piece)%7; done < len(data) && got == 0; done += int(n) {
			if end := cut.see(data[done:min(done+int(n), len(data))], time.Time{}, &p, kind, escapeLimit, 0); end > 0 {
				got = done + end
			}
		}
		if got != want {
			t.Fatalf("%q, escape %q, %v: ends at %d in pieces, at %d in one", data, char, ties, got, want)
		}
		if want == 0 {
			return
		}
		if sequence := strings.Repeat(string([]byte{char}), escapeLength); char > 127 ||
			!strings.Contains(string(data[:want]), sequence) || !ties &&
			!strings.HasSuffix(string(data[:want]), sequence) {
			t.Fatalf("%q, escape %q, %v: ends at %d", data, char, ties, want)
		}
	})
}
