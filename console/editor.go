package console

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/texts"
)

// keyEvent is the meaning of a byte other than editing the line.
type keyEvent int

const (
	nothing     keyEvent = iota
	entered              // CR or LF: the line is complete
	interrupted          // Ctrl-C: discard the line
	suspended            // Ctrl-Z: discard the line and leave the mode
	ended                // Ctrl-D on an empty line, if it ends the session
	helpAsked            // `?`, if it is the help key
	tabbed               // Tab
	redrawAsked          // Ctrl-L, Ctrl-R
)

// Control characters supported by the editor.
const (
	ctrlA, ctrlB, ctrlC, ctrlD, ctrlE, ctrlF = 1, 2, 3, 4, 5, 6
	bell, backspace, tab, lineFeed           = 7, 8, 9, 10
	ctrlK, ctrlL, carriageReturn             = 11, 12, 13
	ctrlN, ctrlP, ctrlR, ctrlU, ctrlW        = 14, 16, 18, 21, 23
	ctrlZ, escape, del                       = 26, 27, 127
)

// escapeState is the parser state within an escape sequence (ECMA-48 §5.4). Sequences are not stored, so an endless one
// uses no memory, and any control character aborts it.
type escapeState int

const (
	noEscape escapeState = iota
	afterEsc
	inCSI // after ESC [ or ESC O
)

// editor edits one line, byte by byte. Unsupported input invalidates the line, so that a line is never executed with a
// part missing. The editor is pure: step processes a byte and returns the output for the terminal. The output has only
// printable characters, spaces and backspaces, which every terminal supports.
type editor struct {
	max     int           // longest line in characters
	charset texts.Charset // of the input; the output is UTF-8
	raw     bool          // a password: raw bytes, no echo, no history
	helpKey bool          // `?` shows help instead of being inserted
	endKey  bool          // Ctrl-D on an empty line is the end
	more    bool          // another prompt follows at once: the echo of the line end waits for it
	hist    *history      // nil: none

	line   []rune // raw: one byte each
	pos    int    // the cursor, an index into line
	spoilt error  // why the line will be rejected: ErrTooLong or ErrGarbled; Ctrl-U clears it
	esc    escapeState
	param  byte // first digit of a CSI sequence
	params int  // number of its digits

	begun []byte // the first octets of a character
	out   []byte
}

// text returns the line typed so far.
func (e *editor) text() string {
	if !e.raw {
		return string(e.line)
	}
	if e.charset != texts.Big5 {
		return string(e.octets())
	}
	text, _ := e.charset.Decode(e.octets())
	return string(text)
}

// octets returns the octets of a raw line.
func (e *editor) octets() []byte {
	b := make([]byte, len(e.line))
	for i, r := range e.line {
		b[i] = byte(r)
	}
	return b
}

// finish rejects a line whose octets are not text of the character set. Those of a password are passed on if they are
// not UTF-8: the server may know them.
func (e *editor) finish() {
	if !e.raw || e.charset != texts.Big5 {
		return
	}
	if _, valid := e.charset.Decode(e.octets()); !valid {
		e.spoil(ErrGarbled)
	}
}

// before and after return the place of the cursor one character to the left and to the right. A character of a raw
// line may have several octets; what is no character is one octet.
func (e *editor) before() int {
	if !e.raw {
		return e.pos - 1
	}
	at, octets := 0, e.octets()
	for next := 0; next < e.pos; {
		at = next
		_, n, _ := e.charset.Next(octets[at:])
		next += max(n, 1)
	}
	return at
}

func (e *editor) after() int {
	if !e.raw {
		return e.pos + 1
	}
	_, n, _ := e.charset.Next(e.octets()[e.pos:])
	return e.pos + max(n, 1)
}

// width returns the number of columns of characters. Terminals with Big5 show two octets in two columns.
func (e *editor) width(rs []rune) int {
	if e.charset != texts.Big5 {
		return runesWidth(rs)
	}
	n := len(rs)
	for _, r := range rs {
		if r >= utf8.RuneSelf {
			n++
		}
	}
	return n
}

// spoil marks the line to be rejected at its end. Backspaces do not undo this, since it is not visible whether they
// erase the dropped character or the one before it.
func (e *editor) spoil(why error) {
	if e.spoilt == nil {
		e.spoilt = why
	}
}

// step processes the next byte. The returned output is valid until the next step.
func (e *editor) step(b byte) ([]byte, keyEvent) {
	e.out = e.out[:0]
	ev := e.dispatch(b)
	return e.out, ev
}

func (e *editor) dispatch(b byte) keyEvent {
	if b < 0x20 || b == del {
		e.endCharacter()
		if e.esc != noEscape { // an aborted sequence
			e.spoil(ErrGarbled)
		}
		if b == escape {
			e.esc = afterEsc
			return nothing
		}
		e.esc = noEscape
		return e.control(b)
	}
	switch e.esc {
	case afterEsc:
		e.afterEscape(b)
	case inCSI:
		e.csi(b)
	default:
		return e.printable(b)
	}
	return nothing
}

func (e *editor) control(b byte) keyEvent {
	switch b {
	case carriageReturn, lineFeed:
		e.finish()
		e.moveTo(len(e.line))
		return entered
	case ctrlC:
		return interrupted
	case ctrlZ:
		return suspended
	case tab:
		return tabbed
	case ctrlL, ctrlR:
		return redrawAsked
	case backspace, del:
		e.erase(e.before(), e.pos)
	case ctrlU:
		e.erase(0, len(e.line))
		e.spoilt = nil
	case ctrlW:
		e.erase(e.wordStart(), e.pos)
	case ctrlK:
		e.erase(e.pos, len(e.line))
	case ctrlD:
		if e.endKey && len(e.line) == 0 {
			return ended
		}
		e.erase(e.pos, e.after())
	case ctrlA:
		e.moveTo(0)
	case ctrlE:
		e.moveTo(len(e.line))
	case ctrlB:
		e.moveTo(e.before())
	case ctrlF:
		e.moveTo(e.after())
	case ctrlP:
		e.older()
	case ctrlN:
		e.newer()
	default:
		e.spoil(ErrGarbled)
	}
	return nothing
}

func (e *editor) afterEscape(b byte) {
	e.esc = noEscape
	switch b {
	case '[', 'O':
		e.esc, e.param, e.params = inCSI, 0, 0
	case 'b':
		e.moveTo(e.wordStart())
	case 'f':
		e.moveTo(e.wordEnd())
	case 'd':
		e.erase(e.pos, e.wordEnd())
	default:
		e.spoil(ErrGarbled)
	}
}

func (e *editor) csi(b byte) {
	if b >= 0x20 && b <= 0x3F { // parameter and intermediate bytes
		if e.params == 0 {
			e.param = b
		}
		e.params = min(e.params+1, 2)
		return
	}
	e.esc = noEscape
	switch {
	case b == '~':
		e.vt220Key()
	case e.params > 0: // a key with a modifier, or an unknown one
		e.spoil(ErrGarbled)
	case b == 'A':
		e.older()
	case b == 'B':
		e.newer()
	case b == 'C':
		e.moveTo(e.after())
	case b == 'D':
		e.moveTo(e.before())
	case b == 'H':
		e.moveTo(0)
	case b == 'F':
		e.moveTo(len(e.line))
	default:
		e.spoil(ErrGarbled)
	}
}

// vt220Key handles Home, Delete and End as sent by a VT220: ESC [ 1 ~ and so on.
func (e *editor) vt220Key() {
	switch {
	case e.params != 1:
		e.spoil(ErrGarbled)
	case e.param == '1' || e.param == '7':
		e.moveTo(0)
	case e.param == '3':
		e.erase(e.pos, e.after())
	case e.param == '4' || e.param == '8':
		e.moveTo(len(e.line))
	default:
		e.spoil(ErrGarbled)
	}
}

func (e *editor) printable(b byte) keyEvent {
	switch {
	case e.raw:
		e.insert(rune(b))
	case b < utf8.RuneSelf && !e.continues(b):
		e.endCharacter()
		if b == '?' && e.helpKey {
			return helpAsked
		}
		e.insert(rune(b))
	default:
		e.multibyte(b)
	}
	return nothing
}

// endCharacter invalidates the line if a multi-byte character is incomplete.
func (e *editor) endCharacter() {
	if len(e.begun) > 0 {
		e.spoil(ErrGarbled)
	}
	e.begun = e.begun[:0]
}

// continues reports whether an ASCII octet is the second one of a character of Big5.
func (e *editor) continues(b byte) bool {
	if len(e.begun) == 0 || e.charset != texts.Big5 {
		return false
	}
	_, n, _ := e.charset.Next([]byte{e.begun[0], b})
	return n == 2
}

// multibyte collects a multi-byte character. One that is not valid or not printable must not reach a terminal; it
// invalidates the line.
func (e *editor) multibyte(b byte) {
	if e.charset != texts.Big5 && utf8.RuneStart(b) {
		e.endCharacter()
	}
	e.begun = append(e.begun, b)
	r, n, valid := e.charset.Next(e.begun)
	if n == 0 {
		return
	}
	whole := n == len(e.begun)
	e.begun = e.begun[:0]
	if !whole || !valid || r == utf8.RuneError || !unicode.IsPrint(r) {
		e.spoil(ErrGarbled)
		return
	}
	e.insert(r)
}

func (e *editor) insert(r rune) {
	if len(e.line) >= e.max {
		if e.spoilt == nil {
			e.out = append(e.out, bell) // once, so that continuous input does not cause continuous output
		}
		e.spoil(ErrTooLong)
		return
	}
	e.line = append(e.line, 0)
	copy(e.line[e.pos+1:], e.line[e.pos:])
	e.line[e.pos] = r
	e.draw(e.line[e.pos:])
	e.pos++
	e.back(e.line[e.pos:])
}

// erase removes the characters [from, to) and moves the cursor to from.
func (e *editor) erase(from, to int) {
	from, to = max(from, 0), min(to, len(e.line))
	if from >= to {
		return
	}
	e.moveTo(from)
	gone := e.width(e.line[from:to])
	e.line = append(e.line[:from], e.line[to:]...)
	tail := e.line[from:]
	e.draw(tail)
	if !e.raw {
		e.out = append(e.out, bytes.Repeat([]byte{' '}, gone)...)
		e.out = append(e.out, bytes.Repeat([]byte{backspace}, gone)...)
	}
	e.back(tail)
}

func (e *editor) moveTo(pos int) {
	pos = min(max(pos, 0), len(e.line))
	if pos > e.pos {
		e.draw(e.line[e.pos:pos])
	} else {
		e.back(e.line[pos:e.pos])
	}
	e.pos = pos
}

func (e *editor) draw(rs []rune) {
	if e.raw {
		return
	}
	for _, r := range rs {
		e.out = utf8.AppendRune(e.out, r)
	}
}

func (e *editor) back(rs []rune) {
	if e.raw {
		return
	}
	e.out = append(e.out, bytes.Repeat([]byte{backspace}, e.width(rs))...)
}

func (e *editor) wordStart() int {
	i := e.pos
	for i > 0 && e.line[i-1] == ' ' {
		i--
	}
	for i > 0 && e.line[i-1] != ' ' {
		i--
	}
	return i
}

func (e *editor) wordEnd() int {
	i := e.pos
	for i < len(e.line) && e.line[i] == ' ' {
		i++
	}
	for i < len(e.line) && e.line[i] != ' ' {
		i++
	}
	return i
}

func (e *editor) older() { e.recall(e.hist.older(string(e.line))) }
func (e *editor) newer() { e.recall(e.hist.newer()) }

func (e *editor) recall(line string, ok bool) {
	if e.hist == nil { // not a key at this prompt
		e.spoil(ErrGarbled)
	}
	if !ok {
		return
	}
	e.erase(0, len(e.line))
	for _, r := range line {
		e.insert(r)
	}
}

// complete handles Tab. Without completion (a is nil), Tab is not a key.
func (e *editor) complete(a assistant) {
	e.out = e.out[:0]
	if a == nil {
		e.spoil(ErrGarbled)
		return
	}
	insert, unique := a.complete(string(e.line[:e.pos]))
	if !unique {
		e.out = append(e.out, bell)
	}
	for _, r := range insert {
		e.insert(r)
	}
}
