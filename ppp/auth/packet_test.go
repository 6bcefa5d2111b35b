package auth

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParsers reads any octets as each kind of packet. What is read is part of the input, and lies where the lengths
// say.
func FuzzParsers(f *testing.F) {
	f.Add([]byte("\x01\x05\x00\x12\x06austin\x06secret"))
	f.Add([]byte("\x02\x07\x00\x09\x02xxnas"))
	f.Add([]byte("\x02\x41\x00\x0b\x01austin"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parsePacket(b)
		if !ok {
			return
		}
		if got := p.bytes(); !bytes.Equal(got, b[:len(got)]) {
			t.Errorf("% x reads as % x", b, got)
		}
		describe(PAPProtocol, b)
		describe(CHAPProtocol, b)
		if user, password, ok := parsePAP(p.data); ok {
			want := append([]byte{byte(len(user))}, user...)
			want = append(append(want, byte(len(password))), password...)
			if !bytes.HasPrefix(p.data, want) {
				t.Errorf("% x: user %q, password %q", p.data, user, password)
			}
		}
		if value, name, ok := parseChallenge(p.data); ok {
			want := append(append([]byte{byte(len(value))}, value...), name...)
			if len(value) == 0 || !bytes.Equal(p.data, want) {
				t.Errorf("% x: value % x, name %q", p.data, value, name)
			}
		}
	})
}

// FuzzTexts reads any text of an AAA server, and gives the peer nothing that it could not show.
func FuzzTexts(f *testing.F) {
	f.Add("E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=wrong password")
	f.Add("S=407A5589115FD0D6209F510FE9C04566932CDA56 M=hello")
	f.Add(strings.Repeat("é", 200) + "\r\n\xff")
	f.Fuzz(func(t *testing.T, s string) {
		if fail, ok := parseFailure(s); ok {
			if n := len(fail.code); n == 0 || n > 10 || !strings.Contains(s, "E="+fail.code) {
				t.Errorf("%q: code %q", s, fail.code)
			}
			for _, c := range fail.code {
				if c < '0' || c > '9' {
					t.Errorf("%q: code %q", s, fail.code)
				}
			}
			if !strings.HasSuffix(s, fail.message) {
				t.Errorf("%q: message %q", s, fail.message)
			}
		}
		if isProof(s) && (len(s) < 42 || s[:2] != "S=") {
			t.Errorf("%q is no proof", s)
		}
		got := text(s)
		if len(got) > 192 || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\n\x1b\x7f") {
			t.Errorf("%q becomes %q", s, got)
		}
	})
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "",
		"Grüße":                  "Grüße",
		"a\x00b\tc\x1b[2J":       "a b c [2J",
		"\xc3(":                  "?(",
		strings.Repeat("x", 300): strings.Repeat("x", 192),
		// 191 octets and half a letter
		"x" + strings.Repeat("é", 100): "x" + strings.Repeat("é", 95),
	} {
		if got := text(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}
