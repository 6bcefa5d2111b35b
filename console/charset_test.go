package console

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/ringback/ringback/texts"
)

// big5 returns a Terminal with Big5 that has received octets.
func big5(octets ...string) (*Terminal, *tape) {
	conn := play(octets...)
	t := NewTerminal(conn)
	t.Charset = texts.Big5
	t.Texts = texts.Printer{Language: texts.TraditionalChinese, Readable: t.Shows}
	return t, conn
}

// TestBig5Lines: lines typed in Big5, with the octets that the terminal gets.
func TestBig5Lines(t *testing.T) {
	for _, tt := range []struct {
		name, typed, want, echo string
		err                     error
	}{
		{"characters", "\xa4\xfd\xa4\x70\xa9\xfa\r", "王小明", "\xa4\xfd\xa4\x70\xa9\xfa\r\n", nil},
		{`second octets \ and |`, "\xa5\x5c\xa8\x7c|\r", "功育|", "\xa5\x5c\xa8\x7c|\r\n", nil},
		{"backspace", "a\xa5\x5c\bb\r", "ab", "a\xa5\x5c\b\b  \b\bb\r\n", nil},
		{"insert before", "\xa5\x5c\x02a\r", "a功", "\xa5\x5c\b\ba\xa5\x5c\b\b\xa5\x5c\r\n", nil},
		{"Ctrl-D", "\xa5\x5c\x02\x04b\r", "b", "\xa5\x5c\b\b  \b\bb\r\n", nil},
		{"two columns, where Unicode has one", "\xa1\xd1\b\r", "", "\xa1\xd1\b\b  \b\b\r\n", nil}, // ×
		{"half a character", "\xa4\r", "", "\r\n", ErrGarbled},
		{"half a character and a key", "\xa4\bab\r", "", "ab\r\n", ErrGarbled},
		{"half a character and an escape sequence", "\xa4\x1b[D\r", "", "\r\n", ErrGarbled},
		{"half a character and a digit", "\xa41\r", "", "1\r\n", ErrGarbled},
		{"CSI of 8 bits", "\x9bA\r", "", "A\r\n", ErrGarbled},
		{"a pair of Hong Kong", "\x88\x62\r", "", "b\r\n", ErrGarbled},
		{"UTF-8", "王\r", "", "", ErrGarbled},
	} {
		term, conn := big5(tt.typed)
		got, err := term.ReadLine(t.Context(), "")
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
		if s := string(conn.out); tt.echo != "" && s != tt.echo {
			t.Errorf("%s: the terminal got % q, want % q", tt.name, s, tt.echo)
		}
	}
}

// TestPasswordsOfCharsets: a password typed in Big5 is UTF-8 for AAA, and backspace removes whole characters.
func TestPasswordsOfCharsets(t *testing.T) {
	for _, tt := range []struct {
		name    string
		charset texts.Charset
		typed   string
		want    string
		err     error
	}{
		{"Big5", texts.Big5, "p\xa5\x5cw\r", "p功w", nil},
		{"Big5, backspace", texts.Big5, "p\xa5\x5c\x7fw\r", "pw", nil},
		{"Big5, backspace over ASCII behind it", texts.Big5, "\xa5\x5c\\\b\r", "功", nil},
		{"Big5, half", texts.Big5, "p\xa5\r", "", ErrGarbled},
		{"Big5, half removed", texts.Big5, "p\xa5\b\r", "p", nil},
		{"UTF-8, backspace", "", "p功\bw\r", "pw", nil},
		{"UTF-8, left and delete", "", "p功\x02\x04w\r", "pw", nil},
		{"not UTF-8", "", "p\xfcw\r", "p\xfcw", nil},
		{"not UTF-8, backspace", "", "p\xfcw\b\b\r", "p", nil},
	} {
		term, _ := big5(tt.typed)
		term.Charset = tt.charset
		if got, err := term.ReadPassword(t.Context(), ""); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

// TestBig5Output: text from outside that was cleaned reaches a terminal with Big5 as ASCII and whole characters.
func TestBig5Output(t *testing.T) {
	term, conn := big5()
	hostile := "回撥\u009b2J\x1b[2J\xa6\x5e们\u0085\u202e\n完"
	if _, err := io.WriteString(term, CleanText(hostile)); err != nil {
		t.Fatal(err)
	}
	if want := "\xa6\x5e\xbc\xb72J[2J^?\r\n\xa7\xb9"; string(conn.out) != want {
		t.Errorf("% q, want % q", conn.out, want)
	}
}

// TestBig5Parity: an even or mark parity terminal is detected on a line with Big5, and a name in Big5 is none.
func TestBig5Parity(t *testing.T) {
	for _, tt := range []struct {
		name, typed, want string
		parity            Parity
	}{
		{"name in Big5, each octet with an odd number of bits", "\xa4\xfd\r", "王", NoParity},
		{"name in Big5", "\xa4\xfd\xa4\x70\xa9\xfa\r", "王小明", NoParity},
		{"ASCII", "kim\r", "kim", NoParity},
		{"7E1", with(EvenParity, "kim\r"), "kim", EvenParity},
		{"7M1", with(MarkParity, "kim\r\n"), "kim", MarkParity},
		{"7O1", with(OddParity, "austin-01\r"), "austin-01", OddParity},
	} {
		term, _ := big5(tt.typed)
		term.Parity = UnknownParity
		if got, err := term.ReadLine(t.Context(), "$ "); got != tt.want || err != nil || term.Parity != tt.parity {
			t.Errorf("%s: %q, %v, %v", tt.name, got, err, term.Parity)
		}
	}
}

// with returns text with parity bits.
func with(p Parity, text string) string {
	b := []byte(text)
	for i := range b {
		b[i] = p.add(b[i])
	}
	return string(b)
}

// TestSevenBitsReadEnglish: once a terminal is known to have 7 bits, it gets English.
func TestSevenBitsReadEnglish(t *testing.T) {
	term, conn := big5(with(EvenParity, "bad\r"))
	term.Parity = UnknownParity
	tree := &Tree{Commands: []Node{{Word: "show", Help: texts.HelpExit}}}
	if err := tree.Step(t.Context(), term, ">"); err != nil {
		t.Fatal(err)
	}
	plain := strings.Map(func(r rune) rune { return r & 0x7f }, string(bytes.ToValidUTF8(stripped(conn.out), nil)))
	if !strings.Contains(plain, "% Invalid input detected at '^' marker.") {
		t.Errorf("the terminal got %q", plain)
	}
}

// stripped returns octets without their parity bits.
func stripped(octets []byte) []byte {
	b := bytes.Clone(octets)
	for i := range b {
		b[i] &= 0x7f
	}
	return b
}

// TestBig5Shown: what was sent is shown as UTF-8, also if writes end within a character.
func TestBig5Shown(t *testing.T) {
	var shown bytes.Buffer
	term, _ := big5("x\r")
	term.Shown = func(p []byte) { shown.Write(p) }
	if _, err := io.WriteString(term, "回撥\n"); err != nil {
		t.Fatal(err)
	}
	raw, release := term.Raw(t.Context())
	for _, part := range []string{"\xa6", "\x5e\xbc", "\xb7\x9b!"} { // a host's octets
		if _, err := raw.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
	}
	release()
	if want := "回撥\r\n回撥\uFFFD!"; shown.String() != want {
		t.Errorf("%q, want %q", shown.String(), want)
	}
}

// TestChineseCommandLine: what the command line itself says, in the octets of each character set.
func TestChineseCommandLine(t *testing.T) {
	for _, tt := range []struct {
		charset texts.Charset
		want    string
	}{
		{texts.Big5, "% \xb5\x4c\xaa\x6b\xbf\xeb\xc3\xd1\xaa\xba\xab\xfc\xa5\x4f\r\n"},
		{texts.UTF8, "% 無法辨識的指令\r\n"},
		{texts.ASCII, "% Unrecognized command\r\n"},
	} {
		term, conn := big5("nothing ?\r")
		term.Charset = tt.charset
		tree := &Tree{Commands: []Node{{Word: "exit", Help: texts.HelpExit}}}
		if err := tree.Step(t.Context(), term, ">"); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(conn.out), tt.want) {
			t.Errorf("%s: % q, want % q", tt.charset, conn.out, tt.want)
		}
	}
}

// FuzzBig5: whatever is typed, a terminal with Big5 gets ASCII and whole characters only, and a line is what was typed.
func FuzzBig5(f *testing.F) {
	for _, s := range []string{"\xa4\xfd\r", "\xa5\x5c\b\b\r", "\xa4\r\xa4\x70\r",
		"\x9b\xa1\x1b[D\xa5\x5c\r", "\xa4\x1b[D\xfd\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, typed []byte) {
		term, conn := big5(string(typed))
		for {
			line, err := term.ReadLine(t.Context(), "")
			if errors.Is(err, io.EOF) {
				break
			}
			if octets := texts.Big5.Append(nil, []byte(line)); err == nil && !texts.Big5.Shows(line) {
				t.Fatalf("% q is read as %q, % q", typed, line, octets)
			}
		}
		for rest := conn.out; len(rest) > 0; {
			_, n, valid := texts.Big5.Next(rest)
			if !valid {
				t.Fatalf("% q: the terminal got % q", typed, conn.out)
			}
			rest = rest[n:]
		}
	})
}
