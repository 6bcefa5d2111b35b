package console

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Input of two 7-bit terminals and an 8-bit one for "austin-01" and Enter.
const (
	austinEven = "\xe1\xf5\xf3\x74\x69\xee\x2d\x30\xb1\x8d"
	austinOdd  = "\x61\x75\x73\xf4\xe9\x6e\xad\xb0\x31\x0d"
	austin     = "austin-01\r"
)

func even(s string) string { return parityCoded(s, 0) }
func odd(s string) string  { return parityCoded(s, 1) }

func mark(s string) string {
	out := []byte(s)
	for i := range out {
		out[i] += 0x80
	}
	return string(out)
}

// allMarked is mark for octets that may have the bit.
func allMarked(s string) string {
	return mark(strings.Map(func(r rune) rune { return r & 0x7f }, latin1([]byte(s))))
}

// parityCoded counts the bits one by one.
func parityCoded(s string, want byte) string {
	out := []byte(s)
	for i, b := range out {
		sum := byte(0)
		for bit := range 7 {
			sum ^= b >> bit & 1
		}
		if sum != want {
			out[i] |= 0x80
		}
	}
	return string(out)
}

func TestParityOfTheFirstLine(t *testing.T) {
	tests := []struct {
		name, typed, line string
		err               error
		parity            Parity
	}{
		{"7E1", austinEven, "austin-01", nil, EvenParity},
		{"7O1", austinOdd, "austin-01", nil, OddParity},
		{"8 bits", austin, "austin-01", nil, NoParity},
		{"7M1, CR LF", "\xe1\xf5\xf3\xf4\xe9\xee\xad\xb0\xb1\x8d\x8a", "austin-01", nil, MarkParity},
		{"7M1, CR NUL, with keys", mark("rubbish\x15austim\bn-01\r\x00"), "austin-01", nil, MarkParity},
		{"7M1, each character has odd parity, so it is taken for 7E1", mark("kkk\r"), "kkk", nil, EvenParity},
		{"7M1, one letter, which is UTF-8, Enter again", mark("C\r\r"), "", ErrGarbled, EvenParity},
		{"7S1", "austin-01\r", "austin-01", nil, NoParity},
		{"UTF-8, all octets have the bit, 8D at the end of a word", "\xd1\x8d\xd1\x85\xd0\xbe\r", "эхо", nil, NoParity},
		{"code page 866, all octets have the bit, 8D in it", "\x8f\x8d\x88\r", "", ErrGarbled, UnknownParity},
		{"7E1, CR LF", austinEven + "\n", "austin-01", nil, EvenParity},
		{"7E1, only the CR has the bit", "root\x8d", "root", nil, EvenParity},
		{"7E1, Enter alone", "\x8d", "", nil, EvenParity},
		{"7O1, Enter alone shows nothing", "\r", "", nil, UnknownParity},
		{"7O1, no bit at all is an 8-bit line", "dad\r", "dad", nil, NoParity},
		{"7O1, Ctrl-E has the bit", odd("\x05dad\r"), "dad", nil, OddParity},
		{"7E1, Ctrl-A keeps it from being UTF-8", even("\x01DAVE\r"), "DAVE", nil, EvenParity},
		{"7E1 with keys", even("rubbish\x15austim\bn-01\x02\x02\x02\x7f\x05") + "\x8d", "austi-01", nil, EvenParity},
		{"7O1 with keys", odd("rubbish\x15austim\x7fn-01") + "\x0d", "austin-01", nil, OddParity},
		{"7E1 with a sequence that is none", even("70\x1b[118\r"), "", ErrGarbled, EvenParity},
		{"7E1 with a NUL", even("a\x00b\r"), "", ErrGarbled, EvenParity},
		{"7E1, too long", even(strings.Repeat("a", 300) + "\r"), "", ErrTooLong, EvenParity},
		{"7O1 with a BEL is no text", odd("austin\a\r"), "", ErrGarbled, UnknownParity},
		{"7O1 with half a sequence is no text", odd("austin\x1b[\r"), "", ErrGarbled, UnknownParity},
		{"Latin-1", "j\xfcrgen\r", "", ErrGarbled, UnknownParity},
		{"Latin-1 with Enter as 7E1 has it, and more", "j\xfcrgen\x8dx\r", "", ErrGarbled, UnknownParity},
		{"code page 437", "ren\x82e\r", "", ErrGarbled, UnknownParity},
		{"one octet of 7E1 is wrong, 8-bit Enter", "\xe1\xf5\x73\x74\r", "", ErrGarbled, UnknownParity},
		{"UTF-8", "jürgen\r", "jürgen", nil, NoParity},
		{"UTF-8, all octets even, with 8D in it", "\xc3\x8dsland\r", "Ísland", nil, NoParity},
		{"UTF-8, all octets odd", "\xd0\xb0\xd0\xb3\xd0\xb0\r", "ага", nil, NoParity},
		{"UTF-8, the second of three octets is 8D", "\xe7\x8d\xb2\r", "獲", nil, NoParity},
		{"7E1 that UTF-8 could begin like, typed ahead", "ji\xed\x8dpw\r", "jim", nil, EvenParity},
		{"7E1 that UTF-8 could begin like, CR LF", "ji\xed\x8d\n", "jim", nil, EvenParity},
		{"7E1 that is UTF-8 to the end, Enter again", even("DAVE\r\r"), "", ErrGarbled, EvenParity},
		{"the same with a digit", even("fred1\r\r"), "", ErrGarbled, EvenParity},
		{"7E1, Enter before it", even("\r") + even("DAVE\r"), "", nil, EvenParity},
		{"a flood", strings.Repeat("\xe1", 5000) + "\x8d\r", "", ErrGarbled, UnknownParity},
		{"a flood of editing", strings.Repeat("a\b", 5000) + "b\r", "b", nil, NoParity},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := play(tt.typed)
			term := NewTerminal(conn)
			term.Parity = UnknownParity
			var told []Parity
			term.OnParity = func(p Parity) { told = append(told, p) }
			line, err := term.ReadLine(t.Context(), "> ")
			if line != tt.line || !errors.Is(err, tt.err) || err != nil && tt.err == nil || term.Parity != tt.parity {
				t.Errorf("read %q, %v; %v", line, err, term.Parity)
			}
			if (len(told) == 1) != tt.parity.SevenBits() || len(told) > 1 {
				t.Errorf("OnParity reported %v", told)
			}
		})
	}
}

// A first line that 7E1 and 7M1 send alike is settled by what follows; few wrong octets do not settle it.
func TestEvenOrMark(t *testing.T) {
	for _, tt := range []struct {
		then, line string
		err        error
		parity     Parity
		told       int
	}{
		{even("secret\r"), "secret", nil, EvenParity, 1},
		{mark("secret\r"), "secret", nil, MarkParity, 2},
		{even("1k1") + mark("c") + even("c\r"), "", ErrGarbled, EvenParity, 3}, // one octet is garbled
		{even("c") + mark("c") + even("\r"), "", ErrGarbled, EvenParity, 1},
		{mark("1k1ccccb") + "c" + mark("\r"), "", ErrGarbled, MarkParity, 2},
		{mark("kk1\r"), "kk1", nil, EvenParity, 1},
	} {
		conn := play(mark("kkk\r"), tt.then)
		term := NewTerminal(conn)
		term.Parity = UnknownParity
		var told []Parity
		term.OnParity = func(p Parity) { told = append(told, p) }
		if line, err := term.ReadLine(t.Context(), "> "); line != "kkk" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		line, err := term.ReadLine(t.Context(), "> ")
		if line != tt.line || !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || term.Parity != tt.parity ||
			len(told) != tt.told {
			t.Errorf("%q: %q, %v; %v, told %v", tt.then, line, err, term.Parity, told)
		}
	}
}

// Blank lines show no parity, and the LF or NUL after their CR is not part of the first line, even with a parity bit.
func TestParityBehindABlankLine(t *testing.T) {
	for _, typed := range []string{"\r" + austinOdd, "\r\x8a" + austinOdd, "\r\x80" + austinOdd, "\r\n" + austinOdd,
		"\r\r\x8a" + austinOdd, "\x03" + austinOdd, "\x07\r" + austinOdd} {
		term := NewTerminal(play(typed))
		term.Parity = UnknownParity
		for line, err := "", error(nil); line != "austin-01"; line, err = term.ReadLine(t.Context(), "> ") {
			if errors.Is(err, io.EOF) {
				t.Errorf("the parity of %q is not detected", typed)
				break
			}
		}
		if term.Parity != OddParity {
			t.Errorf("%q: %v", typed, term.Parity)
		}
	}
}

// After the line that showed the parity, all output has it, and non-ASCII characters become question marks.
func TestParityOfWhatIsSent(t *testing.T) {
	for parity, code := range map[Parity]func(string) string{EvenParity: even, OddParity: odd, MarkParity: mark} {
		conn := play(code("austin\r\n"), code("s\bx\r"), code("pw\r"))
		term := NewTerminal(conn)
		term.Parity = UnknownParity
		if line, err := term.ReadLine(t.Context(), "Name: "); line != "austin" || err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if !bytes.HasSuffix(conn.out, []byte(code("\r\nName: austin\r\n"))) {
			t.Errorf("the line was not shown again: %q", conn.out)
		}
		conn.out = nil
		io.WriteString(term, "Grüße, 電話…\n")
		term.ReadLine(t.Context(), "> ")
		term.ReadPassword(t.Context(), "Password: ")
		if want := code("Gr??e, ???\r\n> s\b \bx\r\nPassword: \r\n"); string(conn.out) != want {
			t.Errorf("%v: sent %q, want %q", parity, conn.out, want)
		}
	}
}

// TestPromptOfSevenBits: a prompt that a terminal with seven bits cannot show is not shown again, as question marks.
func TestPromptOfSevenBits(t *testing.T) {
	conn := play(austinEven)
	term := NewTerminal(conn)
	term.Parity = UnknownParity
	if line, err := term.ReadLine(t.Context(), "使用者名稱："); line != "austin-01" || err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if !bytes.HasSuffix(conn.out, []byte(even("\r\naustin-01\r\n"))) {
		t.Errorf("shown: %q", conn.out)
	}
}

// An octet with wrong parity was corrupted on the line, so its value is unknown.
func TestWrongParityRejectsTheLine(t *testing.T) {
	for _, parity := range []Parity{EvenParity, OddParity} {
		right, wrong := even, odd
		if parity == OddParity {
			right, wrong = odd, even
		}
		for name, read := range prompts() {
			tests := []struct {
				typed, line string
				err         error
			}{
				{right("84001\r"), "84001", nil},
				{right("840") + wrong("0") + right("1\r"), "", ErrGarbled},
				{right("84001") + wrong("9") + right("\r"), "", ErrGarbled},
				{wrong("8") + right("4001\r"), "", ErrGarbled},
				{right("84001") + wrong("\r"), "", ErrGarbled}, // the line still ends
				{right("84001x") + wrong("\b") + right("\r"), "", ErrGarbled},
				{right("9") + wrong("9") + right("\x1584001\r"), "84001", nil},
				{right("84001\r\n"), "84001", nil},
			}
			for _, tt := range tests {
				term := NewTerminal(play(tt.typed + right("next\r")))
				term.Parity = parity
				if line, err := read(t, term); line != tt.line || !errors.Is(err, tt.err) || err != nil &&
					tt.err == nil {
					t.Errorf("%v, %s: %q is read as %q, %v", parity, name, tt.typed, line, err)
				}
				if line, err := read(t, term); line != "next" || err != nil {
					t.Errorf("%v, %s: after %q: %q, %v", parity, name, tt.typed, line, err)
				}
			}
		}
	}
}

// 0x8D is Enter of a 7E1 terminal and also an octet of UTF-8 characters. Within a possible character it counts as Enter
// after a pause, since the octets of a character arrive together. It ends a line that will be rejected, so that the
// caller gets a response.
func TestParityBySilence(t *testing.T) {
	tests := []struct {
		name, typed string
		pause       time.Duration
		then        string
		line        string
		err         error
		parity      Parity
		took        time.Duration
	}{
		{"jim by 7E1", even("jim\r"), time.Hour, "", "jim", nil, EvenParity, time.Second},
		{"獲 by UTF-8", "\xe7\x8d", 900 * time.Millisecond, "\xb2\r", "獲", nil, NoParity, 900 * time.Millisecond},
		{"Ísland by a slow typist", "\xc3\x8d", 9 * time.Second, "sland\r", "Ísland", nil, NoParity, 9 * time.Second},
		{"DAVE by 7E1, Enter again", even("DAVE\r"), 9 * time.Second, "\x8d", "", ErrGarbled, EvenParity,
			9 * time.Second},
		{"noise, then 7E1", "\x7f\xfe" + even("austin\r"), time.Hour, "", "", ErrGarbled, UnknownParity, time.Second},
		{"noise and 8D within a line", "\xfe\x8d", 900 * time.Millisecond, "84001\r", "", ErrGarbled, UnknownParity,
			900 * time.Millisecond},
		{"austin-01 by 7M1", mark("austin-01\r"), time.Hour, "", "austin-01", nil, MarkParity, time.Second},
		{"8D within a word of code page 866", "\x8f\x8d", 900 * time.Millisecond, "\x88\r", "", ErrGarbled,
			UnknownParity, 900 * time.Millisecond},
		{"austin by 7E1", even("austin\r"), time.Hour, "", "austin", nil, EvenParity, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				defer near.Close()
				go io.Copy(io.Discard, far)
				term := NewTerminal(near)
				term.Parity = UnknownParity
				start := time.Now()
				go func() {
					far.Write([]byte(tt.typed))
					<-time.After(tt.pause)
					far.Write([]byte(tt.then))
				}()
				line, err := term.ReadLine(t.Context(), "> ")
				if line != tt.line || !errors.Is(err, tt.err) || err != nil && tt.err == nil ||
					term.Parity != tt.parity || time.Since(start) != tt.took {
					t.Errorf("after %v: %q, %v; %v", time.Since(start), line, err, term.Parity)
				}
				<-time.After(2 * time.Hour)
				far.Close()
			})
		})
	}
}

// The raw stream of a 7-bit terminal has seven bits, and corrupted octets are not dropped.
func TestRawParity(t *testing.T) {
	for parity, code := range map[Parity]func(string) string{EvenParity: even, OddParity: odd, MarkParity: mark} {
		conn := play(code("abc\r\nxyz\r\x00") + "\x01\x80" + code("~"))
		term := NewTerminal(conn)
		term.Parity = parity
		term.ReadLine(t.Context(), "$ ")
		conn.out = nil
		raw, release := term.Raw(t.Context())
		got, _ := io.ReadAll(raw)
		io.WriteString(raw, "login:\x1b[2J\xe9\r\n")
		release()
		want := map[Parity]string{EvenParity: "xyz\r\x00??~", OddParity: "xyz\r\x00\x01\x00~",
			MarkParity: "xyz\r\x00?\x00~"}[parity]
		if string(got) != want || string(conn.out) != code("login:\x1b[2Ji\r\n") {
			t.Errorf("%v: got %q, sent %q", parity, got, conn.out)
		}
	}
}

// Bytes returned with Unread are read next, by the stream or the terminal, unchanged.
func TestUnread(t *testing.T) {
	for _, parity := range []Parity{NoParity, EvenParity} {
		typed := "show users\r\nabc"
		if parity == EvenParity {
			typed = even(typed)
		}
		term := NewTerminal(play(typed))
		term.Parity = parity
		raw, release := term.Raw(t.Context())
		buf := make([]byte, 64)
		raw.Read(buf)
		raw.Unread(len(typed) - 5)
		if n, _ := raw.Read(buf[:2]); string(buf[:n]) != "us" {
			t.Errorf("%v: %q", parity, buf[:n])
		}
		raw.Unread(1)
		release()
		for _, want := range []string{"sers", "abc"} {
			if line, err := term.ReadLine(t.Context(), ""); line != want && !errors.Is(err, io.EOF) {
				t.Errorf("%v: %q, %v", parity, line, err)
			}
		}
	}
	term := NewTerminal(play("ab" + odd("c")))
	term.Parity = EvenParity
	raw, release := term.Raw(t.Context())
	raw.Read(make([]byte, 8))
	raw.Unread(3)
	release()
	if string(term.ahead) != "ab"+odd("c") {
		t.Errorf("given back %q", term.ahead)
	}
}

// FuzzParity checks for any first line: a parity is detected only if every octet up to Enter has it, and the line is
// then decoded as 7-bit; otherwise the eighth bit is data.
func FuzzParity(f *testing.F) {
	for _, typed := range []string{austinEven, austinOdd, austin, "\x8d", "\r\x8a" + austinOdd, "j\xfcrgen\r",
		even("DAVE\r\r"), "\xc3\x8dsland\r", "\xe7\x8d\xb2\r", even("a\bb\x15c\r"), mark("austin\r\n"),
		"\x10\x8a\x8a\x15\r"} {
		f.Add([]byte(typed))
	}
	f.Fuzz(func(t *testing.T, typed []byte) {
		conn := play(string(typed))
		term := NewTerminal(conn)
		term.MaxLine, term.Parity = 40, UnknownParity
		line, err := term.ReadLine(t.Context(), "")
		used := typed[:len(typed)-len(conn.rest())-len(term.ahead)]
		if !term.Parity.SevenBits() {
			if err == nil && string(typed[:min(len(line), len(typed))]) != line &&
				!bytes.ContainsFunc(used, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("%q is read as %q", typed, line)
			}
			return
		}
		want := map[Parity]func(string) string{EvenParity: even, OddParity: odd, MarkParity: allMarked}[term.Parity]
		plain := NewTerminal(play(strings.Map(func(r rune) rune { return r & 0x7f }, latin1(used))))
		plain.MaxLine = 40
		seven, err7 := plain.ReadLine(t.Context(), "")
		switch {
		case string(used) != want(string(used)):
			t.Fatalf("%v in %q", term.Parity, used)
		case err == nil && (line != seven || err7 != nil):
			t.Fatalf("%v: %q is read as %q, a 7-bit terminal typed %q, %v", term.Parity, used, line, seven, err7)
		}
	})
}

// latin1 returns a string with one character per octet.
func latin1(octets []byte) string {
	var b strings.Builder
	for _, o := range octets {
		b.WriteRune(rune(o))
	}
	return b.String()
}
