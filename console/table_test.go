package console

import (
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	tab := Table{Heads: []string{"Tty", "User", "Reason"}, Right: []bool{true}}
	tab.Row(65, "austin-01", "")
	tab.Row(7, "電話", "port: EIO\r\n\x1b[31m", "too many")
	tab.Row(128)
	want := strings.Join([]string{
		"Tty  User       Reason",
		" 65  austin-01",
		"  7  電話       port: EIO  [31m",
		"128",
		"",
	}, "\n")
	var b strings.Builder
	if _, err := tab.WriteTo(&b); err != nil || b.String() != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, b.String(), want)
	}
}

// A note is printed below its row, wrapped to 80 columns between words.
func TestTableNotes(t *testing.T) {
	tab := Table{Heads: []string{"Tty", "State"}}
	tab.Row(65, "down")
	tab.Note("serial:///dev/serial/by-id/usb-A_very_long_name_of_an_adapter-if00-port0: no such file\r\nor directory " +
		"(is it plugged in?)")
	tab.Note("")
	tab.Note("and another")
	tab.Row(66, "idle")
	want := `Tty  State
65   down
     serial:///dev/serial/by-id/usb-A_very_long_name_of_an_adapter-if00-port0:
     no such file or directory (is it plugged in?)
     and another
66   idle
`
	if got := tab.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ in, line, text string }{
		{"plain", "plain", "plain"},
		{" a\r\nb\tc ", "a b c", " a\nb c"},
		{"\x1b[2J\x07x\x00\x7f", "[2Jx", "[2Jx"},
		{"\u009b31mred", "31mred", "31mred"},
		{"\x9b31m\xff", "31m", "31m"},
		{"abc\u202edcba", "abcdcba", "abcdcba"},
		{"ä電", "ä電", "ä電"},
		{"\n\none\rtwo\n\n", "one two", "one\ntwo"},
	}
	for _, tt := range tests {
		line := strings.Join(strings.Fields(Clean(tt.in)), " ")
		if line != tt.line || CleanText(tt.in) != tt.text {
			t.Errorf("%q: Clean %q, CleanText %q; want %q, %q", tt.in, Clean(tt.in), CleanText(tt.in), tt.line, tt.text)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b]0;title\x07b\u202e\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{Clean(s), strings.ReplaceAll(CleanText(s), "\n", "")} {
			for i := range len(out) {
				if out[i] < 0x20 || out[i] == 0x7f {
					t.Fatalf("%q became %q", s, out)
				}
			}
			if strings.ToValidUTF8(out, "") != out || strings.ContainsAny(out, "\u009b\u202e\u2066") {
				t.Fatalf("%q became %q", s, out)
			}
		}
	})
}
