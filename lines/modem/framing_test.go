package modem

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// lineModem is the part of a modem that reads command lines, with S2 to S5 as V.250 has them (§5.2.2, §6.2.1 to
// §6.2.3): a backspace in the line deletes a character, S3 ends the line. Each habit of makers that could make a dial
// of what is none is on: registers of eight bits, bits of a register, = for the last register, an S without =.
type lineModem struct {
	s      [256]byte
	last   int
	line   []byte
	dialed []string
}

func newLineModem() *lineModem {
	m := &lineModem{}
	m.reset()
	return m
}

func (m *lineModem) reset() { m.s = [256]byte{2: '+', 3: '\r', 4: '\n', 5: '\b'} }

func (m *lineModem) feed(text []byte) {
	for _, c := range text {
		switch {
		case c == m.s[3]:
			m.execute(string(m.line))
			m.line = nil
		case c == m.s[5]:
			m.line = m.line[:max(0, len(m.line)-1)]
		case c > ' ' && c < 0x7f:
			m.line = append(m.line, c)
		}
	}
}

func (m *lineModem) execute(line string) {
	line = strings.ToUpper(line)
	_, line, found := strings.Cut(line, "AT")
	for found && line != "" {
		c := line[0]
		line = line[1:]
		switch {
		case c == 'D':
			m.dialed = append(m.dialed, line)
			_, line, _ = strings.Cut(line, ";")
		case c == 'Z', c == '&' && strings.HasPrefix(line, "F"):
			m.reset()
			line = strings.TrimPrefix(line, "F")
		case c == 'S':
			m.last, line = number(line)
			line = m.assign(line)
		case c == '=':
			line = m.assign("=" + line)
		case strings.IndexByte(`&%\`, c) >= 0 && line != "":
			_, line = number(line[1:])
		case c == '#' && strings.HasPrefix(line, "CID"):
			line = line[3:]
		case c == '+':
			line = strings.TrimLeft(line, nameChars)
			_, line, _ = strings.Cut(line, ";")
		}
	}
}

// assign reads what may follow a register: a bit, and = with a value.
func (m *lineModem) assign(line string) string {
	bit := -1
	if rest, ok := strings.CutPrefix(line, "."); ok {
		bit, line = number(rest)
	}
	rest, ok := strings.CutPrefix(line, "=")
	if !ok {
		return line
	}
	n, rest := number(rest)
	switch {
	case bit < 0:
		m.s[m.last] = byte(n)
	case n == 0:
		m.s[m.last] &^= 1 << (bit % 8)
	default:
		m.s[m.last] |= 1 << (bit % 8)
	}
	return rest
}

// number reads digits, modulo 256.
func number(s string) (n int, rest string) {
	for s != "" && '0' <= s[0] && s[0] <= '9' {
		n, s = (n*10+int(s[0]-'0'))%256, s[1:]
	}
	return n, s
}

// hidden runs a script's text through the filter and a modem, and returns a dial of the modem that the filter did not
// see before it was sent; "" if there is none.
func hidden(text string) string {
	m := newLineModem()
	s := &talk{d: New(Options{Config: &lines.Config{}}), port: &fakePort{f: newFake(false)}, dial: true}
	for _, line := range strings.SplitAfter(text, "\r") {
		out, err := s.filter([]byte(line))
		if err != nil {
			return "" // the script ends here
		}
		for _, p := range out {
			if p.dials {
				return "" // counted
			}
			if m.feed(p.text); len(m.dialed) > 0 {
				return line
			}
		}
	}
	return ""
}

var hiddenDials = []string{
	"ATS5=38\rATX&D2\r", "ATS5=38\rATE0Q0V1&C1&D2\r", "ATS5=92\rATX\\D1\r", "ATS005=38\rATX&D2\r",
	"ATS261=38\rATX&D2\r",
	"AT S 5 = 3 8\rATX&D2\r", "ATS5\rAT=38\rATX&D2\r", "ATS5?\rAT=38\rATX&D2\r", "ATS5.1=1S5.2=1S5.3=0S5.5=1\rATX&D2\r",
	"ATS3=67\rAT&C&D2\r", "ATS3=13S5=43\rATX+DR=1\r", "ats5=37\ratx%d0\r", "ATZS5=38\rATX&D2\r",
	"ATE0=5S5\rAT=38\rATX&D2\r",
	"AT+X=1;S5=38\rATX&D2\r", "ATS1\b5=38\rATX&D2\r", "ATS\b\bTS5=38\rATX&D2\r",
}

// TestHiddenDials: with other values of S3 and S5, a modem dials by lines that are none. No script can set them.
func TestHiddenDials(t *testing.T) {
	dials := 0
	for _, text := range hiddenDials {
		if at := hidden(text); at != "" {
			t.Errorf("%q: the modem dials at %q", text, at)
		}
		m := newLineModem() // without the filter
		if m.feed([]byte(text)); len(m.dialed) > 0 {
			dials++
		}
	}
	if dials < len(hiddenDials)-4 {
		t.Errorf("the modem dials by %d of %d texts only: the test shows little", dials, len(hiddenDials))
	}
}

// TestHiddenDialsAtRandom: the same for texts of the pieces that matter.
func TestHiddenDialsAtRandom(t *testing.T) {
	pieces := strings.Split("AT|AT|S|S3|S5|S05|S261|=|=38|=68|=13|.1|?|&|&D2|&C1|\\|\\D1|%|%D0|+DR=1;|;|X|Z|&F|\b| |A|"+
		"T|38|67|5|E0|V1|#CID=1|\r|\r|\r|\rAT|\rAT|S7=60|D", "|")
	r := rand.New(rand.NewPCG(1, 2))
	for range 60_000 {
		text := "AT"
		for range 3 + r.IntN(12) {
			text += pieces[r.IntN(len(pieces))]
		}
		if at := hidden(text + "\r"); at != "" {
			t.Fatalf("%q: the modem dials at %q", text, at)
		}
	}
}

func FuzzHiddenDial(f *testing.F) {
	for _, text := range hiddenDials {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at := hidden(text + "\r"); at != "" {
			t.Errorf("%q: the modem dials at %q", text, at)
		}
	})
}

// TestFraming: what scripts, init and profiles may not do to the registers of the command line.
func TestFraming(t *testing.T) {
	for line, want := range map[string]error{
		"ATS5=38": errFraming, "ATS3?": errFraming, "ATS004=1": errFraming, "ATS5.1=1": errFraming,
		"ATX4S5": errFraming, "ATS-3=68": errFraming, "ATS:3=68": errFraming, "ATE0S+5=8": errFraming,
		"AT+FCLASS=0;S5=8": errFraming, "ATS259=1": errFraming, "AT=38": errLastRegister, "ATS7=60=5": errLastRegister,
		"ATX\bS1=1": errErased,
		"ATS7=60":   nil, "ATS15=1": nil, "ATS30=5": nil, "ATS53=1": nil, "ATS40.2=1": nil, "AT#CLS=8": nil,
		"AT$SB=115200": nil, `AT^SCFG="Call/Ecam","1"`: nil, "AT+DS=3,0": nil, "AT+MS=V34,1": nil, `AT\Q=3`: nil,
		"AT#CID=?": nil, "xxS5=3": nil, "ATS-30=5": nil, "AT+ES=3,0,2": nil, "AT\b": nil, "ATDT0": nil,
	} {
		if err := checkFraming(line); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%q: %v, want %v", line, err, want)
		}
		if want != nil && CheckSent("ATZ", line) == nil {
			t.Errorf("%q may be sent", line)
		}
	}
}
