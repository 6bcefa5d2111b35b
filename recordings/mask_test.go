package recordings

import (
	"strings"
	"testing"
	"time"
)

// through returns what a masker makes of output that is written in parts.
func through(secrets []string, parts ...string) string {
	var m masker
	for _, s := range secrets {
		m.hide(s)
	}
	var b strings.Builder
	emit := func(_ time.Duration, p []byte) { b.Write(p) }
	for i, p := range parts {
		m.write(time.Duration(i), []byte(p), emit)
	}
	m.flush(emit)
	return b.String()
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		name    string
		secrets []string
		parts   []string
		want    string
	}{
		{"none", nil, []string{"hello"}, "hello"},
		{"whole", []string{"hunter2"}, []string{"password hunter2 ok"}, "password [secret] ok"},
		{"split", []string{"hunter2"}, []string{"password hun", "ter", "2 ok"}, "password [secret] ok"},
		{"each octet alone", []string{"hunter2"}, strings.Split("a hunter2 b", ""), "a [secret] b"},
		{"only its begin", []string{"hunter2"}, []string{"hun", "dred"}, "hundred"},
		{"begins again", []string{"aab"}, []string{"aa", "ab"}, "a[secret]"},
		{"twice", []string{"hunter2"}, []string{"hunter2hunter2"}, "[secret][secret]"},
		{"two overlap", []string{"abcd", "cdef"}, []string{"xabcdefx"}, "x[secret]x"},
		{"two overlap, split", []string{"abcd", "cdef"}, []string{"xabc", "d", "ef", "x"}, "x[secret]x"},
		{"one contains the other", []string{"secret", "cre"}, []string{"my secret, cre"}, "my [secret], [secret]"},
		{"one is the begin of the other", []string{"pass", "password"}, []string{"pass", "word pass"},
			"[secret] [secret]"},
		{"overlaps itself", []string{"aaa"}, []string{"aa", "aa", "ab"}, "[secret]b"},
		{"the second begins in the first", []string{"0aa", "aab0"}, strings.Split("00aab", ""), "0[secret]b"},
		{"too short", []string{"ab"}, []string{"abab"}, "abab"},
		{"ends within", []string{"hunter2"}, []string{"password hunter"}, "password [secret]"},
		{"ends at its first letters", []string{"hunter2"}, []string{"ah, hu"}, "ah, hu"},
		{"not text", []string{"p\xff\x00w"}, []string{"a p\xff", "\x00w b"}, "a [secret] b"},
	} {
		if got := through(c.secrets, c.parts...); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestMaskKeepsTimes: what was held was shown when it was written, not when it was passed on.
func TestMaskKeepsTimes(t *testing.T) {
	var m masker
	m.hide("hunter2")
	got := map[string]time.Duration{}
	emit := func(at time.Duration, p []byte) { got[string(p)] = at }
	m.write(1, []byte("see hun"), emit)
	m.write(5, []byte("ger"), emit)
	if got["see "] != 1 || got["hun"] != 1 || got["ger"] != 5 {
		t.Error(got)
	}
}

// FuzzMask: no secret is left in what is passed on, however the output is split, and the split does not show.
func FuzzMask(f *testing.F) {
	f.Add("hunter2", "cdef", "the hunter2 and cdef", uint8(3))
	f.Add("aaa", "aab", "aaaaaab", uint8(1))
	f.Add("abcd", "cdab", "abcdabcdab", uint8(2))
	f.Fuzz(func(t *testing.T, one, two, text string, size uint8) {
		var parts []string
		for rest := text; rest != ""; {
			n := min(int(size%17)+1, len(rest))
			parts, rest = append(parts, rest[:n]), rest[n:]
		}
		got := through([]string{one, two}, parts...)
		left := strings.ReplaceAll(got, masked, "\x00\x00\x00\x00") // a mask and the text beside it may spell a secret
		for _, s := range []string{one, two} {
			if len(s) >= minSecret && strings.Contains(left, s) && !strings.Contains(s, "\x00") {
				t.Fatalf("%q has %q", got, s)
			}
		}
		if whole := through([]string{one, two}, text); got != whole {
			t.Fatalf("in parts %q, whole %q", got, whole)
		}
	})
}
