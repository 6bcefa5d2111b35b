// Package chat parses and runs chat scripts in the grammar of Cisco IOS (`chat-script NAME expect send …`): what to
// expect from a modem, what to send, and which responses abort the script. It opens no ports and chooses no number: the
// caller passes a Conn and a dial string. Parse rejects notations of pppd's chat and UUCP that IOS does not have, and
// explains why.
package chat

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/numbers"
)

// DefaultTimeout is the time limit of an expect before the first TIMEOUT (Cisco Dial Technologies Configuration Guide,
// Table 16).
const DefaultTimeout = 5 * time.Second

// Limits of a script. They are specific to ringback and bound memory and time.
const (
	MaxText    = 4096      // bytes of a script's text
	MaxTimeout = time.Hour // longest TIMEOUT
)

// Script is a parsed chat script. It is immutable and may run on many lines at the same time. The zero Script has no
// steps: it sends nothing and succeeds.
type Script struct {
	Name string // matched by the regular expressions of lines
	Text string // the words as passed to Parse

	words    []word
	steps    []step
	lines    []Line // of Lines
	manyWays bool   // there are too many ways through the script to know them
}

// stepKind is the action of a step.
type stepKind uint8

const (
	stepAbort   stepKind = iota // from now on, receiving abort ends the script
	stepTimeout                 // from now on, timeout limits each expect
	stepExpect                  // wait for alts
	stepSend                    // send
)

// step is one action of a script; ABORT or TIMEOUT with its argument is one step.
type step struct {
	kind    stepKind
	word    int // index of its first word
	abort   *pattern
	timeout time.Duration
	alts    []alternative
	send    *send
}

// alternative is one expect of A-B-C, with the send that follows if it is not received; nil for none.
type alternative struct {
	expect *pattern
	send   *send
}

// opKind is the action of one part of a send.
type opKind uint8

const (
	opLiteral opKind = iota // send bytes
	opDial                  // send the dial string
	opName                  // send the name of Options.As
	opSecret                // send its secret
	opPause                 // wait
	opBreak                 // send a BREAK condition
)

type op struct {
	kind  opKind
	bytes []byte        // opLiteral
	pause time.Duration // opPause
}

// send is a parsed send word. A carriage return is the last opLiteral's last byte unless \c, EOT or BREAK suppressed
// it.
type send struct {
	ops    []op
	cr     bool // a carriage return ends it
	secret bool // it must not be shown: a password
}

// Parse parses the words of a chat script; text is the part after the name in an IOS configuration line. Newlines
// separate words, like spaces. The error is a *SyntaxError.
func Parse(name, text string) (*Script, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if len(text) > MaxText {
		return nil, &SyntaxError{Script: name, Offset: MaxText,
			Msg: fmt.Sprintf("the script has %d bytes; the maximum is %d", len(text), MaxText), Hint: "split it"}
	}
	words, err := split(text)
	if err == nil && len(words) == 0 {
		err = &SyntaxError{Msg: "the script has no words",
			Hint: `the shortest script that dials: "" "ATDT \T" CONNECT \c`}
	}
	p := parser{words: words}
	if err == nil {
		err = p.script()
	}
	if err != nil {
		err.Script = name
		return nil, err
	}
	s := &Script{Name: name, Text: text, words: words, steps: p.steps}
	s.follow()
	return s, nil
}

// checkName checks that a name is one word of printable ASCII.
func checkName(name string) error {
	if name == "" {
		return &SyntaxError{Msg: "the script has no name", Hint: "lines select a script by its name"}
	}
	for i := range len(name) {
		if name[i] <= ' ' || name[i] >= 0x7f {
			return &SyntaxError{Script: name, Word: name,
				Msg: "the name of a script must be one word of printable ASCII", Hint: "such as telebit-t3000-v32bis"}
		}
	}
	return nil
}

// String returns the words separated by single spaces. Parse of the result returns an equal script.
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

// UsesDialstring reports whether the script contains \T.
func (s *Script) UsesDialstring() bool {
	for send := range s.sends {
		if send.dials() {
			return true
		}
	}
	return false
}

// Adds returns what a dial command of the script has besides the dial string, such as `9,` in `ATDT 9,\T`; "" if
// nothing.
func (s *Script) Adds() string {
	for _, line := range s.lines {
		if before, after := line.adds(); before+after != "" {
			return before + after
		}
	}
	return ""
}

// CheckDial returns an error if the script must not dial d, because of what its dial commands add to it.
func (s *Script) CheckDial(d numbers.Dialstring) error {
	for _, line := range s.lines {
		if err := d.Joined(line.adds()); err != nil {
			return err
		}
	}
	return nil
}

// sends yields all that the script may send.
func (s *Script) sends(yield func(*send) bool) {
	for _, st := range s.steps {
		if !yield(st.send) {
			return
		}
		for _, a := range st.alts {
			if !yield(a.send) {
				return
			}
		}
	}
}

// secrets returns the texts of the sends that must not be shown.
func (s *Script) secrets() (all []string) {
	for send := range s.sends {
		if send == nil || !send.secret {
			continue
		}
		var text []byte // across pauses, which no stream shows
		for _, o := range send.ops {
			text = append(text, o.bytes...)
		}
		all = append(all, strings.TrimRight(string(text), "\r\n"))
	}
	return all
}

func (s *send) dials() bool { return s.has(opDial) }

// logsOn reports whether the script contains \L or \P.
func (s *Script) logsOn() bool {
	for send := range s.sends {
		if send.has(opName) || send.has(opSecret) {
			return true
		}
	}
	return false
}

func (s *send) has(kind opKind) bool {
	return s != nil && slices.ContainsFunc(s.ops, func(o op) bool { return o.kind == kind })
}

// BehindConnect describes what a dialing script does after CONNECT, "it waits for …" or "it sends more"; "" if it ends
// there, as a callback script must. The result has no sent text, which may be a password.
func (s *Script) BehindConnect() string {
	dialed, connected := false, false
	for _, st := range s.steps {
		switch {
		case connected && st.kind == stepSend && st.send.says():
			return "it sends more"
		case connected && st.kind == stepExpect && len(st.alts[0].expect.text) > 0:
			return fmt.Sprintf("it waits for %q", st.alts[0].expect.text)
		case dialed && st.kind == stepExpect && st.connects():
			connected = true
		}
		dialed = dialed || st.send.dials() ||
			slices.ContainsFunc(st.alts, func(a alternative) bool { return a.send.dials() })
	}
	return ""
}

// connects reports whether a step expects the modem's CONNECT.
func (st step) connects() bool {
	return slices.ContainsFunc(st.alts, func(a alternative) bool { return isConnect(a.expect.text) })
}

// isConnect reports whether a text contains CONNECT, or is a part of it that is long enough to match no other result
// code.
func isConnect(text []byte) bool {
	return bytes.Contains(text, []byte("CONNECT")) || len(text) > 3 && bytes.Contains([]byte("CONNECT"), text)
}

// says reports whether a send has other content than pauses and a carriage return.
func (s *send) says() bool {
	return slices.ContainsFunc(s.ops, func(o op) bool {
		return o.kind == opDial || o.kind == opName || o.kind == opSecret || o.kind == opLiteral &&
			string(o.bytes) != "\r"
	})
}

// SyntaxError describes a syntax error in a chat script, and how to fix it.
type SyntaxError struct {
	Script string // the script's name
	Offset int    // byte offset of the error in the text
	Word   string // the invalid text; "" if it is not one word
	Msg    string // what is wrong
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

// printable quotes s if it has characters other than printable ASCII, for logs and terminals.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return fmt.Sprintf("%q", s)
		}
	}
	return s
}
