package triggers

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

const testKey = aaa.Secret("correct-horse-battery-staple")

// The signatures are those of openssl: printf %s TEXT | openssl dgst -sha256 -hmac KEY -binary | head -c 10 | base32
var signed = []struct {
	r    Request
	text string
}{
	{Request{User: "ted", At: time.Unix(1796002748, 0)}, "RB1 ted 1796002748 3MZNNURQ6XYDA7VQ"},
	{Request{User: "ted", At: time.Unix(1796002748, 0), Number: "+12025551234"},
		"RB1 ted 1796002748 +12025551234 4WAHCQ64GWLFZY6U"},
	{Request{User: "ann@example.com", At: time.Unix(1796002748, 0), Number: "84007"},
		"RB1 ann@example.com 1796002748 84007 IQ2V43MHERGIBJNK"},
}

func TestSign(t *testing.T) {
	for _, tt := range signed {
		got, err := Sign(tt.r, testKey)
		if err != nil || got != tt.text {
			t.Errorf("%q, %v; want %q", got, err, tt.text)
		}
		s, err := Parse(tt.text)
		if err != nil || !s.By(testKey) || !s.At.Equal(tt.r.At) || s.User != tt.r.User || s.Number != tt.r.Number {
			t.Errorf("%q: %+v, %v", tt.text, s, err)
		}
	}
}

// TestWrittenOnATelephone: what telephones do with a text does not matter.
func TestWrittenOnATelephone(t *testing.T) {
	text := signed[1].text
	for _, s := range []string{" " + text + " \r\n", strings.ReplaceAll(text, " ", "  "),
		"Rb1" + text[3:], text[:len(text)-16] + strings.ToLower(text[len(text)-16:])} {
		if got, err := Parse(s); err != nil || !got.By(testKey) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestEveryChange: a text in which one character is changed, missing or repeated is not signed.
func TestEveryChange(t *testing.T) {
	for _, tt := range signed {
		for i := range len(tt.text) {
			for _, s := range []string{tt.text[:i] + tt.text[i+1:], tt.text[:i+1] + tt.text[i:],
				tt.text[:i] + string(tt.text[i]^1) + tt.text[i+1:], tt.text[:i]} {
				if strings.Join(strings.Fields(s), " ") == tt.text {
					continue // only a space more
				}
				if got, err := Parse(s); err == nil && got.By(testKey) {
					t.Errorf("%q is taken for %q", s, tt.text)
				}
			}
		}
		if got, err := Parse(tt.text); err != nil || got.By(testKey+"x") || got.By("") {
			t.Errorf("%q with another key: %v", tt.text, err)
		}
	}
}

func TestParseRejects(t *testing.T) {
	for _, s := range []string{"", "RING", "OK\r\nNO CARRIER\r\n", "\r\n+CMT: ,24\r\n00", "RB1 ted 1796002748",
		"RB2 ted 1796002748 AAAAAAAAAAAAAAAA", "RB1 ted 179600274800 AAAAAAAAAAAAAAAA",
		"RB1 ted -796002748 AAAAAAAAAAAAAAAA", "RB1 ted 0796002748 AAAAAAAAAAAAAAAA",
		"RB1 ted 99999999 AAAAAAAAAAAAAAAA",
		"RB1 ted 1796002748 AAAAAAAAAAAAAAA", "RB1 ted 1796002748 AAAAAAAAAAAAAAA!",
		"RB1 ted 1796002748 ATDT1900 AAAAAAAAAAAAAAAA", "RB1 ted 1796002748 + AAAAAAAAAAAAAAAA",
		"RB1 ted 1796002748 1;ATH AAAAAAAAAAAAAAAA", "RB1 ted 1796002748 123456789012345678901 AAAAAAAAAAAAAAAA",
		"RB1 t\x00d 1796002748 AAAAAAAAAAAAAAAA", "RB1 tëd 1796002748 AAAAAAAAAAAAAAAA",
		"RB1 ted 1796002748 1 2 AAAAAAAAAAAAAAAA", strings.Repeat("RB1 ", 1000)} {
		if got, err := Parse(s); !errors.Is(err, ErrNotSigned) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func TestSignRejects(t *testing.T) {
	at := time.Unix(1796002748, 0)
	for _, r := range []Request{{}, {User: "ted"}, {User: "t ed", At: at}, {User: "", At: at},
		{User: "ted", At: at, Number: "ATDT"}, {User: strings.Repeat("u", 140), At: at}} {
		if text, err := Sign(r, testKey); err == nil {
			t.Errorf("%+v: %q", r, text)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range signed {
		f.Add(tt.text)
	}
	f.Add("RB1 ted 1796002748 AAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if s.User == "" || strings.ContainsAny(s.Number, ";ATD \r\n") || s.check() != nil {
			t.Errorf("%q: %+v", text, s.Request)
		}
		again, err := Sign(s.Request, testKey)
		if err != nil {
			return // too long for one message
		}
		if got, err := Parse(again); err != nil || !got.By(testKey) {
			t.Errorf("%q signed again: %q, %v", text, again, err)
		}
		if s.By(testKey) && !strings.EqualFold(strings.Join(strings.Fields(text), " "), again) {
			t.Errorf("%q is signed as %q", text, again)
		}
	})
}
