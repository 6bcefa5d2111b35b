package console

import (
	"bytes"
	"strings"
	"testing"
)

// The orders of an operator, and what reaches the site, however the keys are cut into reads.
func TestEscape(t *testing.T) {
	for _, tt := range []struct {
		char  byte
		typed string
		pass  string
		order Order
		rest  string
	}{
		{'~', "ls\r", "ls\r", NoOrder, ""},
		{'~', "~.", "", HangUp, ""},
		{'~', "ls\r~.rest", "ls\r", HangUp, "rest"},
		{'~', "ls ~.", "ls ~.", NoOrder, ""},
		{'~', "a\n~?b", "a\n", EscapeHelp, "b"},
		{'~', "~~.", "~.", NoOrder, ""},
		{'~', "~x", "~x", NoOrder, ""},
		{'~', "~\r~.", "~\r", HangUp, ""},
		{'~', "\x03~.", "\x03~.", NoOrder, ""},
		{'%', "%.", "", HangUp, ""},
		{'%', "~.", "~.", NoOrder, ""},
		{0, "~.", "~.", NoOrder, ""},
	} {
		whole := Escape{Char: tt.char}
		pass, o, rest := whole.Feed([]byte(tt.typed))
		if string(pass) != tt.pass || o != tt.order || string(rest) != tt.rest {
			t.Errorf("%q: %q, order %d, %q", tt.typed, pass, o, rest)
		}
		var all []byte
		e := Escape{Char: tt.char}
		for i := range len(tt.typed) {
			pass, o, _ := e.Feed([]byte{tt.typed[i]})
			if all = append(all, pass...); o != NoOrder {
				break
			}
		}
		if string(all) != tt.pass {
			t.Errorf("%q, one by one: %q", tt.typed, all)
		}
	}
}

// Nothing is lost, doubled or sent in place of an order: without the escape character at the beginning of a line, what
// is typed is what is sent.
func FuzzEscape(f *testing.F) {
	f.Add([]byte("ls\r~.x"), 2)
	f.Add([]byte("~~\r\n~?~."), 1)
	f.Fuzz(func(t *testing.T, typed []byte, cut int) {
		cut = min(max(cut, 0), len(typed))
		e := Escape{Char: '~'}
		var sent []byte
		for _, part := range [][]byte{typed[:cut], typed[cut:]} {
			for len(part) > 0 {
				pass, o, rest := e.Feed(part)
				sent = append(sent, pass...)
				if o == NoOrder && len(rest) > 0 {
					t.Fatalf("%q is left without an order", rest)
				}
				part = rest
			}
		}
		if !bytes.Contains(typed, []byte("~")) && !bytes.Equal(sent, typed) {
			t.Errorf("typed %q, sent %q", typed, sent)
		}
		if len(sent) > len(typed) || strings.Count(string(sent), "~") > strings.Count(string(typed), "~") {
			t.Errorf("typed %q, sent %q", typed, sent)
		}
	})
}
