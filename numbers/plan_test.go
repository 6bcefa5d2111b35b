package numbers

import (
	"fmt"
	"strings"
	"testing"
)

var commaPlan = Plan{TrunkPrefixes: []string{"9,", "0w"}}

func TestCanonical(t *testing.T) {
	for _, tt := range []struct {
		in     string
		origin Origin
		plan   Plan
		want   string
		err    string
	}{
		{in: "84001", origin: OriginAAA, want: "84001"},
		{in: "408-555-1212", origin: OriginAAA, want: "4085551212"}, // the example of the TACACS+ draft
		{in: "(408) 555.1212 ", origin: OriginAAA, want: "4085551212"},
		{in: "(408) 555.1212", origin: OriginPlace, want: "4085551212"},
		{in: "9,5551234", origin: OriginAAA, plan: commaPlan, want: "5551234"},
		{in: "9, 555-1234", origin: OriginAAA, plan: commaPlan, want: "5551234"},
		{in: "9,5551234", origin: OriginAAA, err: `',' at position 2 of the dial string is not a digit`},
		{in: "9,9,5551234", origin: OriginAAA, plan: commaPlan, err: `',' at position 4 of`},
		{in: "9,", origin: OriginAAA, plan: commaPlan, err: `',' at position 2 of`},
		{in: "95551234", origin: OriginAAA, plan: Plan{TrunkPrefixes: []string{"9"}}, want: "5551234"},
		{in: "95551234", origin: OriginAAA, plan: Plan{TrunkPrefixes: []string{"9", "95"}}, want: "551234"},
		{in: "9", origin: OriginAAA, plan: Plan{TrunkPrefixes: []string{"9"}}, want: "9"},
		{in: "9,5551234", origin: OriginCaller, plan: commaPlan, err: `',' at position 2 of`},
		{in: "95551234", origin: OriginCaller, plan: Plan{TrunkPrefixes: []string{"9"}}, want: "95551234"},

		{in: "84007", origin: OriginCaller, want: "84007"},
		{in: "  84007 ", origin: OriginCaller, want: "84007"},
		{in: "840 07", origin: OriginCaller, err: `' ' at position 4 of`},
		{in: " 840-07", origin: OriginCaller, err: `'-' at position 5 of`},
		{in: "84007", origin: "api", want: "84007"},             // an unknown origin is as strict as the caller's
		{in: "840-07", origin: "", err: `'-' at position 4 of`}, // and so is an empty one
		{in: "", origin: OriginAAA, err: "is empty"},            // NULL is not a number
		{in: " -()", origin: OriginAAA, err: "is empty"},        //
		{in: "   ", origin: OriginCaller, err: "is empty"},      //
		{in: strings.Repeat("5", 15), origin: OriginCaller, want: strings.Repeat("5", 15)},
		{in: strings.Repeat("5", 16), origin: OriginCaller, err: "has 16 digits; the maximum is 15"},
		// some modems reject a command line of more than 40 octets
		{in: strings.Repeat("5", 41), origin: OriginAAA, err: "has 41 digits; the maximum is 15"},
		{in: "55512", origin: OriginAAA, plan: Plan{MaxDigits: 4}, err: "has 5 digits; the maximum is 4"},
		{in: "+15551234", origin: OriginAAA,
			err: `'+' at position 1 of the dial string is not a digit (with numbers.country, write one + at the beginning; otherwise the number as the exchange expects it, without +)`},
		{in: "５５５", origin: OriginCaller, err: `'５' at position 1 of`}, // full-width digits
		{in: "55٣", origin: OriginAAA, err: `'٣' at position 3 of`},    // Arabic-Indic digit
		{in: "5é5;", origin: OriginAAA, err: `'é' at position 2 of`},   // positions count characters
		{in: "55\xff", origin: OriginAAA, err: `the octet 0xFF at position 3 of`},
		{in: "55\x00", origin: OriginCaller, err: `'\x00' at position 3 of`},
		{in: "55\rATH", origin: OriginCaller, err: `'\r' at position 3 of`},
		{in: "55\n", origin: OriginCaller, err: `'\n' at position 3 of`},
	} {
		n, err := tt.plan.Canonical(tt.in, tt.origin)
		got := n.String()
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || got != "" {
				t.Errorf("Canonical(%q, %s) = %q, %v; want the error %q", tt.in, tt.origin, got, err, tt.err)
			}
			continue
		}
		if got != tt.want || err != nil {
			t.Errorf("Canonical(%q, %s) = %q, %v; want %q", tt.in, tt.origin, got, err, tt.want)
		}
	}
}

// Dial modifiers listed in ITU-T V.250 §6.3.1 and in vendors' modem manuals.
var modifierAttacks = []string{
	",", "W", "w", "@", "!", ";", "&", "$", ":", "^", "#", "*", "A", "B", "C", "D", ">", "L", "S=1", "P", "T", "p", "t",
	"R", "+",
	"\r", "\n", "\r\nATH0\r", "+++", "+++ATH", ";ATH", ";H0;O", "/", "A/", "\x00", "\x1b", "\x11", "\x13", "\x7f",
	"\x80", "\"", "'", "\\", "\\r",
	"５", "१", "²", "①", "\u200b", "\ufeff", "\u2028", "%3B", "e5", "0x1F", "1_0", "\t", "\v", "\f", "\xc2\xa0",
}

func TestModifierAttacks(t *testing.T) {
	for _, a := range modifierAttacks {
		for _, s := range []string{a, a + "5551234", "5551234" + a, "555" + a + "1234", "5551234" + a + "84001"} {
			for _, o := range []Origin{OriginAAA, OriginPlace, OriginCaller, ""} {
				if got, err := commaPlan.Canonical(s, o); err == nil {
					t.Errorf("Canonical(%q, %q) = %q, want an error", s, o, got)
				}
			}
		}
	}
}

// Every octet at every position of a number: only the characters named in law 7 pass, and none changes the digits.
func TestEveryByteEverywhere(t *testing.T) {
	const number = "5551234"
	for pos := 0; pos <= len(number); pos++ {
		for c := 0; c < 256; c++ {
			s := number[:pos] + string([]byte{byte(c)}) + number[pos:]
			isDigit := c >= '0' && c <= '9'
			for _, o := range []Origin{OriginAAA, OriginPlace, OriginCaller} {
				n, err := Plan{}.Canonical(s, o)
				got := n.String()
				var want string
				switch {
				case isDigit:
					want = s
				case o != OriginCaller && strings.Contains(" -().", string(rune(c))):
					want = number
				case o == OriginCaller && c == ' ' && (pos == 0 || pos == len(number)):
					want = number
				}
				if got != want || (err == nil) != (want != "") {
					t.Fatalf("Canonical(%q, %s) = %q, %v; want %q", s, o, got, err, want)
				}
				if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("position %d", pos+1)) {
					t.Fatalf("Canonical(%q): %v does not name position %d", s, err, pos+1)
				}
			}
		}
	}
}

func FuzzCanonical(f *testing.F) {
	for _, a := range modifierAttacks {
		f.Add("555"+a, uint8(0))
	}
	f.Add("9,5551234", uint8(1))
	f.Add("(408) 555-1212", uint8(2))
	f.Fuzz(func(t *testing.T, s string, o uint8) {
		origin := []Origin{OriginAAA, OriginPlace, OriginCaller, "api"}[o%4]
		plan := Plan{TrunkPrefixes: []string{"9,", "(0)W"}, MaxDigits: 12}
		n, err := plan.Canonical(s, origin)
		got := n.String()
		if err != nil {
			if got != "" {
				t.Fatalf("%q with an error", got)
			}
			if strings.ContainsAny(err.Error(), "\r\n\x00\x1b") {
				t.Fatalf("the error %q could break a terminal", err)
			}
			return
		}
		if len(got) < 1 || len(got) > 12 || strings.Trim(got, "0123456789") != "" {
			t.Fatalf("Canonical(%q) = %q", s, got)
		}
		for _, again := range []Origin{origin, OriginCaller, OriginAAA} {
			if twice, err := plan.Canonical(got, again); err != nil || twice != n {
				t.Fatalf("Canonical(%q) = %q, and of that %q, %v", s, got, twice, err)
			}
		}
	})
}

func TestCheckPattern(t *testing.T) {
	for _, p := range []string{"84*", "84001", "*", "0"} {
		if err := CheckPattern(p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for p, want := range map[string]string{
		"":     "the pattern is empty",
		"8*4":  `'*' at position 2`,
		"84**": `'*' at position 3`,
		"84?":  `'?' at position 3`,
		"+84":  `'+' at position 1`,
		"8 4":  `' ' at position 2`,
		"８４":   `'８' at position 1`,
	} {
		if err := CheckPattern(p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", p, err, want)
		}
	}
}

func TestEmergency(t *testing.T) {
	var zero Plan
	for _, n := range []string{"112", "911", "999", "000", "110", "118", "119", "9110", "9115551234", "112233"} {
		if zero.IsEmergency(number(n)) == "" {
			t.Errorf("%s is accepted", n)
		}
	}
	for _, n := range []string{"84001", "11", "5551234", "91", "0112", "55911"} {
		if p := zero.IsEmergency(number(n)); p != "" {
			t.Errorf("%s matches %s", n, p)
		}
	}
	own := Plan{Emergency: PatternsOf("911", "17*")}
	if own.IsEmergency(number("911")) != "911" || own.IsEmergency(number("9112345")) != "" ||
		own.IsEmergency(number("1755")) != "17*" || own.IsEmergency(number("112")) != "" {
		t.Error("the plan's own list is not in force")
	}
}
