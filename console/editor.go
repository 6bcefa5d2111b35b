package console

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// keyEvent is what a byte meant beyond the editing of the line.
type keyEvent int

const (
	nothing     keyEvent = iota
	entered              // CR or LF: the line is complete
	interrupted          // Ctrl-C: the line is thrown away
	suspended            // Ctrl-Z: likewise, and the mode is left
	helpAsked            // `?`, where it is a key
	tabbed               // Tab
	redrawAsked          // Ctrl-L, Ctrl-R
)

// Control characters that the editor understands.
const (
	ctrlA, ctrlB, ctrlC, ctrlD, ctrlE, ctrlF = 1, 2, 3, 4, 5, 6
	bell, backspace, tab, lineFeed           = 7, 8, 9, 10
	ctrlK, ctrlL, carriageReturn             = 11, 12, 13
	ctrlN, ctrlP, ctrlR, ctrlU, ctrlW        = 14, 16, 18, 21, 23
	ctrlZ, escape, del                       = 26, 27, 127
)

// escapeState says how far into an escape sequence (ECMA-48 §5.4) the editor is. Sequences take no memory, so one that never
// ends cannot grow, and any control character breaks it off.
type escapeState int

const (
	noEscape escapeState = iota
	afterEsc
	inCSI // after ESC [ or ESC O
)

// editor edits one line, byte by byte. It is pure: step takes a byte and returns what to send to the terminal. It draws with
// printable characters, spaces and backspaces alone, so that every terminal of the last fifty years shows it right.
type editor struct {
	max     int      // longest line in characters
	raw     bool     // a password: bytes as they come, never drawn, no history
	helpKey bool     // `?` asks for help instead of standing for itself
	hist    *history // nil: none

	line     []rune // raw: one byte each
	pos      int    // the cursor, an index into line
	overflow bool   // more came than fits: the line is spoilt until it is erased
	esc      escapeState
	param    byte // first digit of a CSI sequence
	params   int  // its digits
	utf      [utf8.UTFMax]byte
	utfLen   int
	out      []byte
}

// text is what was typed so far.
func (e *editor) text() string {
	if !e.raw {
		return string(e.line)
	}
	b := make([]byte, len(e.line))
	for i, r := range e.line {
		b[i] = byte(r)
	}
	return string(b)
}

// step takes the next byte. What it returns to be drawn is valid until the next step.
func (e *editor) step(b byte) ([]byte, keyEvent) {
	e.out = e.out[:0]
	ev := e.dispatch(b)
	return e.out, ev
}

func (e *editor) dispatch(b byte) keyEvent {
	if b < 0x20 || b == del {
		e.utfLen = 0
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
		e.erase(e.pos-1, e.pos)
	case ctrlU:
		e.erase(0, len(e.line))
	case ctrlW:
		e.erase(e.wordStart(), e.pos)
	case ctrlK:
		e.erase(e.pos, len(e.line))
	case ctrlD:
		e.erase(e.pos, e.pos+1)
	case ctrlA:
		e.moveTo(0)
	case ctrlE:
		e.moveTo(len(e.line))
	case ctrlB:
		e.moveTo(e.pos - 1)
	case ctrlF:
		e.moveTo(e.pos + 1)
	case ctrlP:
		e.older()
	case ctrlN:
		e.newer()
	case 0:
		// Before a line it is padding (CR NUL, RFC 854); within one it stands as U+FFFD, so that a line with a hole in it is never
		// taken for the line without.
		if !e.raw && len(e.line) > 0 {
			e.insert(utf8.RuneError)
		}
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
	switch b {
	case 'A':
		e.older()
	case 'B':
		e.newer()
	case 'C':
		e.moveTo(e.pos + 1)
	case 'D':
		e.moveTo(e.pos - 1)
	case 'H':
		e.moveTo(0)
	case 'F':
		e.moveTo(len(e.line))
	case '~':
		e.vt220Key()
	}
}

// vt220Key acts on Home, Delete and End, as the VT220 and its kin send them: ESC [ 1 ~ and so on.
func (e *editor) vt220Key() {
	if e.params != 1 {
		return
	}
	switch e.param {
	case '1', '7':
		e.moveTo(0)
	case '3':
		e.erase(e.pos, e.pos+1)
	case '4', '8':
		e.moveTo(len(e.line))
	}
}

func (e *editor) printable(b byte) keyEvent {
	switch {
	case e.raw:
		e.insert(rune(b))
	case b < utf8.RuneSelf:
		e.utfLen = 0
		if b == '?' && e.helpKey {
			return helpAsked
		}
		e.insert(rune(b))
	default:
		e.multibyte(b)
	}
	return nothing
}

// multibyte gathers a character of several bytes. What is not UTF-8 or not printable is dropped: it must not reach a terminal.
func (e *editor) multibyte(b byte) {
	if utf8.RuneStart(b) {
		e.utfLen = 0
	} else if e.utfLen == 0 {
		return // a continuation of nothing
	}
	e.utf[e.utfLen] = b
	e.utfLen++
	if !utf8.FullRune(e.utf[:e.utfLen]) {
		return
	}
	r, n := utf8.DecodeRune(e.utf[:e.utfLen])
	whole := n == e.utfLen
	e.utfLen = 0
	if whole && r != utf8.RuneError && unicode.IsPrint(r) {
		e.insert(r)
	}
}

func (e *editor) insert(r rune) {
	if len(e.line) >= e.max {
		if !e.overflow {
			e.out = append(e.out, bell) // once: a flood must not be answered by a flood
		}
		e.overflow = true
		return
	}
	e.line = append(e.line, 0)
	copy(e.line[e.pos+1:], e.line[e.pos:])
	e.line[e.pos] = r
	e.draw(e.line[e.pos:])
	e.pos++
	e.back(e.line[e.pos:])
}

// erase removes the characters [from, to) and puts the cursor where they were.
func (e *editor) erase(from, to int) {
	from, to = max(from, 0), min(to, len(e.line))
	if from >= to {
		return
	}
	e.moveTo(from)
	gone := runesWidth(e.line[from:to])
	e.line = append(e.line[:from], e.line[to:]...)
	if len(e.line) == 0 {
		e.overflow = false
	}
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
	e.out = append(e.out, bytes.Repeat([]byte{backspace}, runesWidth(rs))...)
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
	if !ok {
		return
	}
	e.erase(0, len(e.line))
	for _, r := range line {
		e.insert(r)
	}
}
