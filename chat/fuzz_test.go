package chat

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
)

func FuzzParse(f *testing.F) {
	for _, s := range Shipped() {
		f.Add(s.Text)
	}
	for _, s := range []string{`""`, `A-B-C-D-E x`, `"login: -\r-login: " \"`, `ABORT "NO CARRIER" TIMEOUT 60`,
		`\101^C\\ EOT`, `"\\" '`, "\\\n\"", `a\"b`, `"` + "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("fuzz", text)
		if err != nil {
			var e *SyntaxError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(text) || e.Msg == "" || e.Hint == "" {
				t.Fatalf("%#v", err)
			}
			if strings.ContainsFunc(e.Error(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
				t.Fatalf("the error has control characters: %q", e.Error())
			}
			return
		}
		sent, _ := s.Lines()
		for _, line := range sent {
			if strings.Contains(line.String(), "\r") || len(sent) > 3*maxWays+len(text) {
				t.Fatalf("%q sends the lines %q", text, sent)
			}
		}
		again, err := Parse("fuzz", s.String())
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, s.String(), err)
		}
		if !reflect.DeepEqual(s.steps, again.steps) || again.String() != s.String() {
			t.Fatalf("%q is printed as %q, which is another script", text, s.String())
		}
	})
}

// For any modem output: Run ends, reveals no secrets, sends nothing but the script's sends, reads no further than
// necessary, and has the same outcome as a plain search of the whole input.
func FuzzRun(f *testing.F) {
	f.Add([]byte("OK\r\nCONNECT 9600\r\nrest"), "OK", "CONNECT", "BUSY")
	f.Add([]byte("BUSY"), "OK", "CONNECT", "BUSY")
	f.Add([]byte("aabaabaaab"), "aabaaab", "a", "bb")
	f.Add([]byte("hunter2 OK"), "hunt", "OK", "ERROR")
	f.Fuzz(func(t *testing.T, input []byte, first, second, abort string) {
		if first == "" || second == "" || abort == "" || len(first)+len(second)+len(abort) > 500 {
			return
		}
		s, err := Parse("fuzz", `ABORT `+octal(abort)+` `+octal(first)+` ATD\pT\T `+octal(second)+`-+++\c-`+
			octal(second)+` \c`)
		if err != nil {
			t.Fatal(err)
		}
		c := &memConn{}
		c.in.Write(input)
		var res Result
		synctest.Test(t, func(t *testing.T) {
			res = s.Run(t.Context(), c, Options{Dialstring: number("84001"), Secrets: []string{"hunter2"},
				Debug: func(string) {}})
		})
		wantOutcome, wantLeft, wantSent := plainSearch(string(input), first, second, abort)
		if res.Outcome != wantOutcome || c.in.Len() != wantLeft || strings.Join(c.wrote, "") != wantSent {
			t.Errorf("%s, %d left, sent %q; want %s, %d, %q", res.Outcome, c.in.Len(), c.wrote, wantOutcome, wantLeft,
				wantSent)
		}
		if strings.Contains(texts(res.Transcript), "hunter2") || len(texts(res.Transcript)) > 40*keep {
			t.Errorf("transcript: %s", texts(res.Transcript))
		}
	})
}

// plainSearch evaluates FuzzRun's script by searching the whole input again at each octet.
func plainSearch(in, first, second, abort string) (o Outcome, left int, sent string) {
	pos := 0
	seen := func(want string) Outcome {
		for from := pos; pos < len(in); {
			pos++
			if strings.HasSuffix(in[:pos], abort) {
				return Aborted
			}
			if strings.HasSuffix(in[from:pos], want) {
				return Success
			}
		}
		return TimedOut
	}
	if o = seen(first); o != Success {
		return o, len(in) - pos, ""
	}
	sent = "ATDT84001\r"
	if o = seen(second); o == TimedOut {
		sent += "+++"
		o = seen(second)
	}
	return o, len(in) - pos, sent
}

// octal escapes every octet of a string, so that none has a meaning in a script.
func octal(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte('\\')
		for _, shift := range []uint{6, 3, 0} {
			b.WriteByte('0' + s[i]>>shift&7)
		}
	}
	return b.String()
}
