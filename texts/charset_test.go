package texts

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestBig5 compares with octets from the code tables of Big5 (1984, levels 1 and 2, with the ETEN extensions).
func TestBig5(t *testing.T) {
	for text, octets := range map[string]string{
		"回撥":     "\xa6\x5e\xbc\xb7",
		"功許蓋":    "\xa5\x5c\xb3\x5c\xbb\x5c",         // \ is their second octet
		"育":      "\xa8\x7c",                         // |
		"包港晴婷":   "\xa5\x5d\xb4\xe4\xb4\xb8\xb4\x40", // which Hong Kong has twice
		"十卅〃仝":   "\xa4\x51\xa4\xca\xa1\xb2\xc9\x69", // which Taiwan has twice
		"，：（）":   "\xa1\x41\xa1\x47\xa1\x5d\xa1\x5e",
		"a一b":    "a\xa4\x40b",
		"淚碁":     "\xb2\x5c\xf9\xd6", // ETEN
		"们":      "?",                // simplified
		"é한😀":    "???",
		"\u009b": "?",
		"\x1b[A": "\x1b[A",
	} {
		if got := string(Big5.Append(nil, []byte(text))); got != octets {
			t.Errorf("%q: % x, want % x", text, got, octets)
		}
		if shows := Big5.Shows(text); shows == strings.Contains(octets, "?") {
			t.Errorf("%q: shows %v", text, shows)
		}
		if strings.Contains(octets, "?") {
			continue
		}
		if got, valid := Big5.Decode([]byte(octets)); string(got) != text || !valid {
			t.Errorf("% x: %q %v, want %q", octets, got, valid, text)
		}
	}
}

// TestBig5Rejects: octets that are controls on another terminal, pairs of vendors, and halves of pairs.
func TestBig5Rejects(t *testing.T) {
	for octets, want := range map[string]string{
		"\x80":          "\uFFFD",
		"\x9bA":         "\uFFFDA", // CSI A
		"\x88\x62":      "\uFFFDb", // of Hong Kong, two characters
		"\xfa\x40":      "\uFFFD@",
		"\xa6":          "\uFFFD",
		"\xa6\x1b[A":    "\uFFFD\x1b[A",
		"\xa6\r":        "\uFFFD\r",
		"\xff":          "\uFFFD",
		"\xa6\x7f":      "\uFFFD\x7f",
		"\xa6\x80":      "\uFFFD\uFFFD",
		"x\xa6\x5e\xa6": "x回\uFFFD",
	} {
		if got, valid := Big5.Decode([]byte(octets)); string(got) != want || valid {
			t.Errorf("% x: %q %v, want %q", octets, got, valid, want)
		}
	}
}

func TestCharsets(t *testing.T) {
	for _, tt := range []struct {
		c       Charset
		text    string
		octets  string
		shows   bool
		decoded string
		valid   bool
	}{
		{UTF8, "回\xff", "回\xff", true, "回\uFFFD", false},
		{"", "回é", "回é", true, "回é", true},
		{ASCII, "a回", "a?", false, "a?", true},
		{ASCII, "a~", "a~", true, "a~", true},
		{Big5, "a\xff", "a?", false, "a?", true},
	} {
		if got := string(tt.c.Append(nil, []byte(tt.text))); got != tt.octets {
			t.Errorf("%s %q: % x", tt.c, tt.text, got)
		}
		if got := tt.c.Shows(tt.text); got != tt.shows {
			t.Errorf("%s %q: shows %v", tt.c, tt.text, got)
		}
		if got, valid := tt.c.Decode([]byte(tt.octets)); string(got) != tt.decoded || valid != tt.valid {
			t.Errorf("%s % x: %q %v", tt.c, tt.octets, got, valid)
		}
	}
	if got, valid := ASCII.Decode([]byte("a\xa6")); string(got) != "a\uFFFD" || valid {
		t.Errorf("%q %v", got, valid)
	}
}

// TestTextsInBig5: a terminal with Big5 shows all texts of callers in Chinese; one with ASCII shows the English ones.
func TestTextsInBig5(t *testing.T) {
	for k := range Shipped().texts[English] {
		if strings.HasPrefix(string(k), "page.") {
			continue
		}
		if s := raw(Shipped().texts[TraditionalChinese][k]); !Big5.Shows(s) {
			t.Errorf("%s: Big5 has not all characters of %q", k, s)
		}
		if s := raw(Shipped().texts[English][k]); !ASCII.Shows(s) {
			t.Errorf("%s: %q is not ASCII", k, s)
		}
	}
}

// FuzzBig5: whatever the text, what a terminal gets are ASCII and complete pairs, which are the text again.
func FuzzBig5(f *testing.F) {
	for _, s := range []string{"回撥", "a\u009bB", "\x88\x62", "\xa6", "é", "\xa6\x5e", "═╞"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		octets := Big5.Append(nil, text)
		for rest := octets; len(rest) > 0; {
			_, n, valid := Big5.Next(rest)
			if !valid || n == 2 && (rest[0] < 0xA1 || rest[1] < 0x40) || n == 1 && rest[0] >= utf8.RuneSelf {
				t.Fatalf("%q became % x", text, octets)
			}
			rest = rest[n:]
		}
		decoded, valid := Big5.Decode(octets)
		if again := Big5.Append(nil, decoded); !valid || !bytes.Equal(again, octets) {
			t.Fatalf("% x became %q and % x", octets, decoded, again)
		}
		if decoded, _ := Big5.Decode(text); !utf8.Valid(decoded) {
			t.Fatalf("% x became %q", text, decoded)
		}
	})
}
