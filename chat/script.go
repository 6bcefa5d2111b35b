// Package chat reads and runs chat scripts in the grammar of Cisco IOS (`chat-script NAME expect send …`): what to wait for from a
// modem, what to send it, which answers end it. It opens no port, knows no line and chooses no number: it is given a Conn
// and a dial string. What pppd's chat and UUCP have and IOS has not is refused when the script is parsed, with the reason.
package chat

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultTimeout is how long an expect waits until a TIMEOUT says otherwise (Cisco Dial Technologies Configuration Guide, Table 16).
const DefaultTimeout = 5 * time.Second

// Limits of a script. They are ringback's own and keep memory and time bounded whatever a configuration holds.
const (
	MaxText    = 4096      // bytes of a script's text
	MaxTimeout = time.Hour // longest TIMEOUT
)

// Script is a parsed chat script. It never changes after Parse and may run on many lines at once. The zero Script has no
// steps: it sends nothing and succeeds.
type Script struct {
	Name string // what the regular expressions of lines are matched against
	Text string // the words as they were given to Parse

	words []word
	steps []step
}

// stepKind tells what a step does.
type stepKind uint8

const (
	stepAbort   stepKind = iota // from here on, seeing what ends the script
	stepTimeout                 // from here on, each expect waits timeout
	stepExpect                  // wait for alts
	stepSend                    // send
)

// step is one thing that a script does; ABORT and TIMEOUT with their argument are one step.
type step struct {
	kind    stepKind
	word    int // index of its first word
	abort   *pattern
	timeout time.Duration
	alts    []alternative
	send    *send
}

// alternative is one `expect` of A-B-C with the send that follows when it is not seen; nil where none does.
type alternative struct {
	expect *pattern
	send   *send
}

// opKind tells what one piece of a send does.
type opKind uint8

const (
	opLiteral opKind = iota // send bytes
	opDial                  // send the dial string
	opPause                 // wait
	opBreak                 // send a BREAK condition
)

type op struct {
	kind  opKind
	bytes []byte        // opLiteral
	pause time.Duration // opPause
}

// send is a parsed send word. A carriage return is the last opLiteral's last byte unless \c, EOT or BREAK suppressed it.
type send struct {
	ops []op
	cr  bool // a carriage return ends it
}

// Parse reads the words of a chat script; text is what follows the name in an IOS configuration line. A newline separates words
// as a space does. The error is a *SyntaxError.
func Parse(name, text string) (*Script, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(text) > MaxText {
		return nil, &SyntaxError{Script: name, Offset: MaxText, Msg: fmt.Sprintf("the script has %d bytes, at most %d are read", len(text), MaxText), Hint: "split it"}
	}
	words, err := split(text)
	if err == nil && len(words) == 0 {
		err = &SyntaxError{Msg: "the script has no words", Hint: `the shortest that dials: "" "ATDT \T" CONNECT \c`}
	}
	p := parser{words: words}
	if err == nil {
		err = p.script()
	}
	if err != nil {
		err.Script = name
		return nil, err
	}
	return &Script{Name: name, Text: text, words: words, steps: p.steps}, nil
}

// checkName holds a name to what one word of a configuration line can be.
func checkName(name string) error {
	if name == "" {
		return &SyntaxError{Msg: "the script has no name", Hint: "lines find a script by its name"}
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return &SyntaxError{Script: name, Word: name, Msg: "a script's name is one word of printable ASCII", Hint: "such as telebit-t3000-v32bis"}
		}
	}
	return nil
}

// String returns the script's words, one space between them; Parse of it gives the same script.
func (s *Script) String() string {
	var b strings.Builder
	for i, w := range s.words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.String())
	}
	return b.String()
}

// UsesDialstring reports whether the script sends \T somewhere.
func (s *Script) UsesDialstring() bool {
	for _, st := range s.steps {
		if st.send.dials() {
			return true
		}
		for _, a := range st.alts {
			if a.send.dials() {
				return true
			}
		}
	}
	return false
}

func (s *send) dials() bool {
	if s == nil {
		return false
	}
	for _, o := range s.ops {
		if o.kind == opDial {
			return true
		}
	}
	return false
}

// BehindConnect says what a script that dials does once it has seen CONNECT, "it waits for …" or "it sends more"; "" where it ends there, as one
// that calls back must. What it sends is left out: it may be a password.
func (s *Script) BehindConnect() string {
	dialled, connected := false, false
	for _, st := range s.steps {
		switch {
		case connected && st.kind == stepSend && st.send.says():
			return "it sends more"
		case connected && st.kind == stepExpect && len(st.alts[0].expect.text) > 0:
			return fmt.Sprintf("it waits for %q", st.alts[0].expect.text)
		case dialled && st.kind == stepExpect && st.connects():
			connected = true
		}
		dialled = dialled || st.send.dials() || slices.ContainsFunc(st.alts, func(a alternative) bool { return a.send.dials() })
	}
	return ""
}

// connects reports whether an expect is of the modem's CONNECT.
func (st step) connects() bool {
	return slices.ContainsFunc(st.alts, func(a alternative) bool { return isConnect(a.expect.text) })
}

// isConnect reports whether a text is the modem's CONNECT, with its speed, or a part of the word that nothing else of a modem's has.
func isConnect(text []byte) bool {
	return bytes.Contains(text, []byte("CONNECT")) || len(text) > 3 && bytes.Contains([]byte("CONNECT"), text)
}

// says reports whether a send has more than pauses and a carriage return.
func (s *send) says() bool {
	return slices.ContainsFunc(s.ops, func(o op) bool { return o.kind == opDial || o.kind == opLiteral && string(o.bytes) != "\r" })
}

// SyntaxError says why a text is not a chat script, and what to write instead.
type SyntaxError struct {
	Script string // the script's name
	Offset int    // byte of the text at which the trouble begins
	Word   string // what cannot stand there; "" where it is not one word
	Msg    string // why
	Hint   string // what to write instead
}

func (e *SyntaxError) Error() string {
	var b strings.Builder
	b.WriteString("chat script")
	if e.Script != "" {
		fmt.Fprintf(&b, " %s", printable(e.Script))
	}
	if e.Word != "" {
		fmt.Fprintf(&b, ": %s at offset %d", printable(e.Word), e.Offset)
	}
	b.WriteString(": " + e.Msg)
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// printable keeps control characters of a configuration out of logs and terminals; what is plain ASCII stays as it was written.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}
