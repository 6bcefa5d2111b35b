package recordings

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSanitizer(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "héllo\r\n\tworld\b", "héllo\r\n\tworld\b"},
		{"colors", "\x1b[1;38:5:196mred\x1b[0m", "\x1b[1;38:5:196mred\x1b[0m"},
		{"cursor", "\x1b[H\x1b[2J\x1b[10;5fx\x1b[3A\x1b[K\x1b7\x1b8\x1bM",
			"\x1b[H\x1b[2J\x1b[10;5fx\x1b[3A\x1b[K\x1b7\x1b8\x1bM"},
		{"line drawing", "\x1b(0lqk\x1b(B", "\x1b(0lqk\x1b(B"},
		{"visibility", "\x1b[?25l\x1b[?25h", "\x1b[?25l\x1b[?25h"},
		{"title, BEL", "a\x1b]0;evil\ab", "ab"},
		{"title, ST", "a\x1b]2;evil\x1b\\b", "ab"},
		{"title, C1", "a\u009d2;evil\u009cb", "ab"},
		{"clipboard", "a\x1b]52;c;cm0gLXJmIC8K\ab", "ab"},
		{"hyperlink", "\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"device control", "a\x1bP$q\"p\x1b\\b", "ab"},
		{"application string", "a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"},
		{"string that a sequence ends", "a\x1b]0;evil\x1b[31mb", "a\x1b[31mb"},
		{"string without an end", "a\x1b]0;hidden\r\nb\x1bPq\nc\u009d0;d\re", "a\r\nb\nc\re"},
		{"string without an end, of one line", "a\x1b]0;" + strings.Repeat("x", maxString-len("0;")) + "b", "ab"},
		{"many strings", strings.Repeat("\x1b]0;"+strings.Repeat("x", maxString/2)+"\x1b\\", 3) + "b", "b"},
		{"status report", "a\x1b[6n\x1b[5n\x1b[c\x1b[>c\x1b[=c\x1bZb", "ab"},
		{"window", "a\x1b[8;1;1t\x1b[21tb", "ab"},
		{"modes", "a\x1b[?1049h\x1b[?1000h\x1b[?2004h\x1b[?1h\x1b=\x1b>b", "ab"},
		{"keyboard", "a\x1b[>4;2m\x1b[>1u\x1b[?u\x1b[0q\x1b[5ib", "ab"},
		{"scrollback", "a\x1b[3Jb", "ab"},
		{"mouse highlighting", "a\x1b[1;2;3;4;5Tb\x1b[2Tc", "ab\x1b[2Tc"},
		{"repeat", "a\x1b[9999bb", "ab"},
		{"a million rows", "a\x1b[1000000Lb", "ab"},
		{"reset", "a\x1bcb\x1b[!pc\x1b#8d", "abcd"},
		{"C1 control sequence", "a\u009b6nb\u009b31mc", "ab\x1b[31mc"},
		{"other controls", "a\x00\a\x0e\x0f\x05\x7f\u0085b", "ab"},
		{"text direction", "a\u202eb\u2066c\u200b", "abc"},
		{"cancelled", "\x1b[31\x18a\x1b]0;x\x1ab", "ab"},
		{"control within a sequence", "\x1b[3\r1mx", "\r\x1b[31mx"},
		{"too long", "\x1b[" + strings.Repeat("1;", 40) + "mx", "x"},
		{"not UTF-8", "a\xffb", "a?b"},
		{"sequence in a sequence", "\x1b\x1b[6n\x1b[\x1b[6nx", "x"},
	} {
		var whole Sanitizer
		if got := whole.Text(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		var split Sanitizer
		var b strings.Builder
		for _, r := range c.in {
			if r == utf8.RuneError {
				r = '?'
			}
			b.WriteString(split.Text(string(r)))
		}
		if got := b.String(); got != c.want {
			t.Errorf("%s, split: %q, want %q", c.name, got, c.want)
		}
	}
}

// safe is what may reach an operator's terminal, written apart from the Sanitizer.
var safe = regexp.MustCompile(`^(?:[^\x00-\x1f\x7f\x{80}-\x{9f}\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2066}-\x{2069}]|[\r\n\t\x08]|` +
	`\x1b[78DEM]|\x1b\([0B]|\x1b\[[0-9;:]*m|\x1b\[(?:\?25|\?7|4)[hl]|\x1b\[[0-2]?J|\x1b\[[0-9;]*[ABCDEFGHIZadef` +
	"`" + `KLMPX@r]|\x1b\[[0-9]*[ST])*$`)

func FuzzSanitizer(f *testing.F) {
	for _, s := range []string{"\x1b]0;x\a", "\x1b[6n", "\x1b[31", "mx\x1b", "]52;", "\u009b5n", "\x1bP1\x1b\\"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		var p Sanitizer
		if got := p.Text(one) + p.Text(two); !safe.MatchString(got) {
			t.Fatalf("%q", got)
		}
	})
}
