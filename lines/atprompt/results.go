package atprompt

import (
	"strconv"
	"strings"
	"unicode"
)

// Code is a final result code of V.250 §5.7.1.
type Code int

// The result codes.
const (
	none       Code = -1
	OK         Code = 0
	Connected  Code = 1
	NoCarrier  Code = 3
	Error      Code = 4
	NoDialtone Code = 6
	Busy       Code = 7
	NoAnswer   Code = 8
)

var codes = map[Code]string{OK: "OK", Connected: "CONNECT", NoCarrier: "NO CARRIER", Error: "ERROR",
	NoDialtone: "NO DIALTONE", Busy: "BUSY", NoAnswer: "NO ANSWER"}

// String returns the verbose form of the code.
func (c Code) String() string { return codes[c] }

// shown returns the code as X shows it (V.250 §6.2.7).
func (s settings) shown(c Code) Code {
	if c == Busy && s.extended < 3 || c == NoDialtone && s.extended != 2 && s.extended != 4 {
		return NoCarrier
	}
	return c
}

// result sends a result code, unless Q1 suppresses it.
func (m *Modem) result(r Result) {
	s := m.set
	if s.quiet {
		return
	}
	code := s.shown(r.Code)
	if !s.verbose {
		m.say(strconv.Itoa(int(code)) + m.cr())
		return
	}
	if why := printable(r.Why); why != "" && m.cfg.Explain && s.extended > 0 {
		m.info(why)
	}
	text := code.String()
	if code == Connected && s.extended > 0 && r.Connect != "" {
		text = r.Connect
	}
	m.say(m.crlf() + text + m.crlf())
}

// info sends a line of information text (V.250 §5.7.1), which Q does not suppress.
func (m *Modem) info(text string) {
	if m.set.verbose {
		m.say(m.crlf())
	}
	m.say(text + m.crlf())
}

func (m *Modem) cr() string   { return string(rune(m.set.s[3])) }
func (m *Modem) crlf() string { return m.cr() + string(rune(m.set.s[4])) }

// maxText bounds a text from outside.
const maxText = 300

// printable returns a text on one line, without control characters: texts of modems and servers must not act on the
// user's terminal.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case b.Len() >= maxText:
			return b.String()
		case r == unicode.ReplacementChar:
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		}
	}
	return strings.TrimSpace(b.String())
}
