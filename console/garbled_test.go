package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A line with unsupported input is rejected as a whole, never accepted without that part, and does not affect the next
// line.
func TestGarbledLines(t *testing.T) {
	both := []string{
		"84\x00001", "\x0084001", "84001\x00", "\x00", // NUL
		// aborted sequences
		"\x1b", "84001\x1b", "84\x1b\x1b[D001", "70\x1b[118", "84001\x1b[1;", "84001\x1bO",
		"84\x1b[z001", "84\x1b[12;34z001", "84\x1b(B001", "84\x1b[2~001", "84\x1b[11~001", "84\x1b[~001",
		"84\x1b[5D001", "84\x1b[1;5C001",
		"84\x1bOP001", "84\x1b]0;x\x07001", "84\x1bx001", "84\x1b\xff001", "84\x1b[\xff001",
		"84\x1b[" + strings.Repeat("1", 5000) + "D001",
		"84\t001", "\t", // no completion at these prompts
		"84\x10001", "84\x0e001", "84\x1b[A001", "84\x1b[B001", "84\x1bOA001", // no history
		"7\x00\b84001", "7\x00\x1784001", "7\x00\x01\x0b84001", // partly erased
	}
	for c := range byte(0x20) { // control characters that are not keys
		if !strings.ContainsRune("\x01\x02\x03\x04\x05\x06\x08\x0a\x0b\x0c\x0d\x12\x15\x17\x1a\x1b", rune(c)) {
			both = append(both, fmt.Sprintf("84%c001", c))
		}
	}
	shown := []string{
		// not UTF-8
		"7011\xb8", "84\xff001", "j\xfcrgen", "\x80", "84001\xc3", "84\xc3001", "84\xc3\xc3\xbc001", "84\xe2\x82001",
		"84\xe2\x82\b001",
		// overlong, surrogate, beyond Unicode, U+FFFD
		"84\xc0\xb1001", "84\xed\xa0\x80001", "84\xf5\x80\x80\x80001", "84\xef\xbf\xbd001",
		// not printable
		"84\u009b001", "84\u202e001", "84\u200b001", "84\u00a0001", "84\u2028001", "84\u00ad001", "84\ufeff001",
	}
	for name, read := range prompts() {
		lines := both
		if name != "password" {
			lines = append(slices.Clone(both), shown...)
		}
		for _, typed := range lines {
			conn := play(typed + "\r84001\r")
			term := NewTerminal(conn)
			if line, err := read(t, term); line != "" || !errors.Is(err, ErrGarbled) {
				t.Errorf("%s: %q is read as %q, %v", name, typed, line, err)
			}
			if line, err := read(t, term); line != "84001" || err != nil {
				t.Errorf("%s: after %q: %q, %v", name, typed, line, err)
			}
			if odd := render(conn.out).odd; len(odd) > 0 ||
				strings.ContainsAny(string(conn.out), "\ufffd\u009b\u202e") {
				t.Errorf("%s: %q: %q reached the terminal", name, typed, conn.out)
			}
		}
	}
}

// prompts are the ways to read a line without commands and history.
func prompts() map[string]func(*testing.T, *Terminal) (string, error) {
	return map[string]func(*testing.T, *Terminal) (string, error){
		"line":     func(t *testing.T, term *Terminal) (string, error) { return term.ReadLine(t.Context(), "$ ") },
		"password": func(t *testing.T, term *Terminal) (string, error) { return term.ReadPassword(t.Context(), "$ ") },
	}
}

func TestGarbledLineMayBeErased(t *testing.T) {
	for name, read := range prompts() {
		for _, typed := range []string{"84\x00\x15", "\xff\x1b[\x15", "\xc3\x15", "\x1b\x15", "84\x00\x02\x15"} {
			if line, err := read(t, NewTerminal(play(typed+"84001\r"))); line != "84001" || err != nil {
				t.Errorf("%s: %q: %q, %v", name, typed, line, err)
			}
		}
	}
}

// A command with an unsupported part is neither executed nor added to the history.
func TestGarbledCommand(t *testing.T) {
	for _, typed := range []string{"clear li\x00ne 7", "clear line 7\xb8", "clear line 7\x1b[118", "clear line 7\x1b",
		"clear line 7\x07", "\x13clear line 7"} {
		conn := play(typed + "\r\x10\r")
		term := NewTerminal(conn)
		for range 2 {
			if err := sample().Step(t.Context(), term, "> "); err != nil {
				t.Fatal(err)
			}
		}
		screen := strings.ReplaceAll(string(conn.out), "\r", "")
		if strings.Contains(screen, "clear line map") ||
			!strings.HasSuffix(screen, "\n% Line rejected: unsupported characters\n> \n") {
			t.Errorf("%q: the screen shows %q", typed, screen)
		}
	}
}

// FuzzTyped checks that the line read is the input after editing, or nothing. The witness implements the editing keys
// without escape states.
func FuzzTyped(f *testing.F) {
	for _, typed := range []string{
		"7011\xb8\r", "70\x1b[118\r", "j\xfcrgen\r", "jürgen\r", "pw\x00\r", "\x00\r\x00\n\r\n",
		"abc\x1b[D\x1b[3~\x1bOHx\r\x1b[A!\r", "a\xe2\x82\b\x15b\r",
		"show line\r\x10\x10\x0e\x17\x0b\x04\r", strings.Repeat("x", 41) + "\b\r" + strings.Repeat("x", 41) + "\x15y\r",
		"a b\x1bb\x1bf\x1bd\x01\x05\x06\x02\r\x03\x1a",
	} {
		f.Add([]byte(typed), uint8(0))
		f.Add([]byte(typed), uint8(1))
		f.Add([]byte(typed), uint8(2))
	}
	f.Fuzz(func(t *testing.T, typed []byte, kind uint8) {
		w := witness{raw: kind%3 == 1, recalls: kind%3 == 2, max: 40}
		term := NewTerminal(play(string(typed)))
		term.MaxLine = w.max
		for {
			e := &editor{raw: w.raw}
			if w.recalls {
				e.hist = &term.hist
			}
			line, err := term.read(t.Context(), "", e, nil)
			want, taken, over := w.line(&typed)
			if errors.Is(err, io.EOF) != !over {
				t.Fatalf("%v; the witness has the end of a line: %v", err, over)
			}
			if !over {
				return
			}
			if (err == nil) != taken || line != want {
				t.Fatalf("read %q, %v; typed %q, to be taken: %v", line, err, want, taken)
			}
		}
	})
}

// witness reads lines according to the list of keys in docs/reference/exec.md.
type witness struct {
	raw, recalls bool
	max          int
	wasCR        bool
	older        []string
}

// witnessKeys are the keys and their actions, the longest first.
var witnessKeys = []struct{ octets, does string }{
	{"\x1b[1~", "home"}, {"\x1b[7~", "home"}, {"\x1b[3~", "delete"}, {"\x1b[4~", "end"}, {"\x1b[8~", "end"},
	{"\x1bO1~", "home"}, {"\x1bO7~", "home"}, {"\x1bO3~", "delete"}, {"\x1bO4~", "end"}, {"\x1bO8~", "end"},
	{"\x1b[A", "up"}, {"\x1b[B", "down"}, {"\x1b[C", "right"}, {"\x1b[D", "left"}, {"\x1b[H", "home"},
	{"\x1b[F", "end"},
	{"\x1bOA", "up"}, {"\x1bOB", "down"}, {"\x1bOC", "right"}, {"\x1bOD", "left"}, {"\x1bOH", "home"},
	{"\x1bOF", "end"},
	{"\x1bb", "word left"}, {"\x1bf", "word right"}, {"\x1bd", "delete word"},
	{"\x01", "home"}, {"\x02", "left"}, {"\x04", "delete"}, {"\x05", "end"}, {"\x06", "right"}, {"\x08", "rub out"},
	{"\x7f", "rub out"},
	{"\x0b", "delete to end"}, {"\x0c", "redraw"}, {"\x12", "redraw"}, {"\x0e", "down"}, {"\x10", "up"},
	{"\x15", "erase"}, {"\x17", "rub out word"},
	{"\x03", "leave"}, {"\x1a", "leave"}, {"\r", "enter"}, {"\n", "enter"},
}

// line removes one line from typed. taken reports whether it may be accepted, over whether it is complete.
func (w *witness) line(typed *[]byte) (line string, taken, over bool) {
	var text []string // characters
	at, good, row := 0, true, len(w.older)
	draft := ""
	for len(*typed) > 0 {
		if w.wasCR && ((*typed)[0] == 0 || (*typed)[0] == '\n') {
			w.wasCR = (*typed)[0] == 0
			*typed = (*typed)[1:]
			continue
		}
		does, octets := w.next(*typed)
		*typed = (*typed)[len(octets):]
		w.wasCR = octets == "\r"
		left, right := text[:at], text[at:]
		switch does {
		case "enter", "leave":
			all := strings.Join(text, "")
			taken = good && does == "enter"
			if !taken {
				return "", false, true
			}
			if w.recalls && strings.TrimSpace(all) != "" && (len(w.older) == 0 || w.older[len(w.older)-1] != all) {
				w.older = append(w.older, all)
				w.older = w.older[max(0, len(w.older)-20):]
			}
			return all, true, true
		case "character":
			if good = good && len(text) < w.max; len(text) < w.max {
				text = slices.Concat(left, []string{octets}, right)
				at++
			}
		case "up", "down":
			good = good && w.recalls
			if does == "up" && row == len(w.older) {
				draft = strings.Join(text, "")
			}
			to := min(max(row+map[string]int{"up": -1, "down": 1}[does], 0), len(w.older))
			if to != row {
				text = strings.Split(append(slices.Clone(w.older), draft)[to], "")
				at, row = len(text), to
			}
		case "home":
			at = 0
		case "end":
			at = len(text)
		case "left":
			at = max(at-1, 0)
		case "right":
			at = min(at+1, len(text))
		case "word left":
			at = wordBack(left)
		case "word right":
			at = len(text) - wordBack(reversed(right))
		case "delete":
			text = slices.Concat(left, right[min(1, len(right)):])
		case "delete word":
			text = slices.Concat(left, right[len(right)-wordBack(reversed(right)):])
		case "delete to end":
			text = left
		case "rub out":
			at = max(at-1, 0)
			text = slices.Concat(left[:at], right)
		case "rub out word":
			at = wordBack(left)
			text = slices.Concat(left[:at], right)
		case "erase":
			text, at, good = nil, 0, true
		case "redraw":
		default:
			good = false
		}
	}
	return "", false, false
}

// next returns the action of the next octets; "" for none.
func (w *witness) next(typed []byte) (does, octets string) {
	for _, k := range witnessKeys {
		if bytes.HasPrefix(typed, []byte(k.octets)) {
			return k.does, k.octets
		}
	}
	r, n := utf8.DecodeRune(typed)
	switch {
	case typed[0] < 0x20:
	case w.raw:
		return "character", string(typed[:1])
	case r != utf8.RuneError && unicode.IsPrint(r):
		return "character", string(typed[:n])
	}
	return "", string(typed[:1])
}

// wordBack returns the start of the last word of text.
func wordBack(text []string) int {
	at := len(text)
	for at > 0 && text[at-1] == " " {
		at--
	}
	for at > 0 && text[at-1] != " " {
		at--
	}
	return at
}

func reversed(text []string) []string {
	text = slices.Clone(text)
	slices.Reverse(text)
	return text
}
