package recordings

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sanitizer makes the output of a recording safe for the terminal of an operator who plays it. What moves the cursor,
// erases, scrolls or sets colors passes; all else that a terminal obeys is dropped: reports (which are typed into the
// operator's shell), titles, the clipboard, device control strings, modes of the keyboard, the mouse and the paste
// buffer, the size of the window, printing, resets, and the characters that reorder text. The zero value is ready.
// Sequences may be split over calls. A string without an end ends with its line, or after maxString characters, so that
// nobody hides a session with one.
type Sanitizer struct {
	state    playState
	sequence []byte // since the ESC; at most maxSequence
	length   int    // characters in the string, in playString
}

type playState int

const (
	playText    playState = iota
	playEscape            // after ESC
	playCSI               // in a control sequence (ECMA-48 §5.4)
	playString            // in a string that ST or BEL ends (OSC, DCS, APC, PM, SOS)
	playStringE           // … after an ESC in it
	playTooLong           // in a control sequence that is too long
	playCharset           // after ESC ( : the character set follows
	playSkipped           // after ESC and an intermediate character: its final one follows
)

// maxSequence is the longest control sequence that passes, in octets.
const maxSequence = 64

// maxString is the longest string of a title and the like that is dropped as a whole, in characters.
const maxString = 4096

// PlayReset restores what a recording may have changed: colors, the scroll region, the character set, the cursor's
// visibility, insert mode and the wrap at the margin.
const PlayReset = "\x1b[0m\x1b7\x1b[r\x1b8\x1b(B\x1b[?25h\x1b[?7h\x1b[4l\r\n"

// Text returns what of s is safe.
func (p *Sanitizer) Text(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 { // of a string that is not from a Reader
			r = '?'
		}
		i += n
		p.step(r, &b)
	}
	return b.String()
}

func (p *Sanitizer) step(r rune, b *strings.Builder) {
	switch {
	case r == 0x18 || r == 0x1a: // CAN and SUB abort any sequence
		p.state = playText
	case p.state == playText:
		p.text(r, b)
	case p.state == playString:
		p.inString(r, b)
	case r == 0x1b: // begins anew, also within a sequence
		p.begin()
	case p.state == playStringE && r != '\\':
		p.begin()
		p.escape(r)
	case p.state == playEscape:
		p.escape(r)
		if p.state == playText && strings.ContainsRune("78DEM", r) { // save and restore the cursor, index, next line
			b.WriteString("\x1b" + string(r))
		}
	case p.state == playCSI || p.state == playTooLong:
		p.control(r, b)
	case p.state == playCharset:
		if p.state = playText; r == '0' || r == 'B' { // line drawing of the VT100, and ASCII
			b.WriteString("\x1b(" + string(r))
		}
	case p.state == playSkipped && r >= 0x20 && r <= 0x2f: // more intermediate characters
	default:
		p.state = playText
	}
}

// inString takes a character of a string.
func (p *Sanitizer) inString(r rune, b *strings.Builder) {
	p.length++
	switch {
	case r == '\a' || r == 0x9c:
		p.state = playText
	case r == 0x1b:
		p.state = playStringE
	case r == '\r' || r == '\n' || p.length > maxString:
		p.state = playText
		p.text(r, b)
	}
}

func (p *Sanitizer) beginString() { p.state, p.length = playString, 0 }

func (p *Sanitizer) begin() { p.state, p.sequence = playEscape, p.sequence[:0] }

// text passes on a character outside of sequences.
func (p *Sanitizer) text(r rune, b *strings.Builder) {
	switch {
	case r == 0x1b:
		p.begin()
	case r == '\r' || r == '\n' || r == '\t' || r == '\b':
		b.WriteRune(r)
	case r == 0x9b: // the C1 controls, which some terminals obey in UTF-8 too
		p.begin()
		p.state = playCSI
	case r == 0x90 || r == 0x98 || r == 0x9d || r == 0x9e || r == 0x9f:
		p.beginString()
	case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029':
	default:
		b.WriteRune(r)
	}
}

// escape takes the character after ESC.
func (p *Sanitizer) escape(r rune) {
	switch {
	case r == '[':
		p.state = playCSI
	case strings.ContainsRune("]PX^_", r):
		p.beginString()
	case r == '(':
		p.state = playCharset
	case r >= 0x20 && r <= 0x2f:
		p.state = playSkipped
	default:
		p.state = playText
	}
}

// control takes a character of a control sequence.
func (p *Sanitizer) control(r rune, b *strings.Builder) {
	switch {
	case r >= 0x40 && r <= 0x7e:
		if p.state == playCSI && harmless(string(p.sequence), byte(r)) {
			b.WriteString("\x1b[" + string(p.sequence) + string(r))
		}
		p.state = playText
	case r >= 0x20 && r <= 0x3f:
		if p.sequence = append(p.sequence, byte(r)); len(p.sequence) > maxSequence {
			p.state, p.sequence = playTooLong, p.sequence[:0]
		}
	case r < 0x20: // terminals obey it within the sequence
		p.inside(r, b)
	default: // not a control sequence
		p.state = playText
	}
}

// inside passes on a control character within a control sequence.
func (p *Sanitizer) inside(r rune, b *strings.Builder) {
	if r == '\r' || r == '\n' || r == '\t' || r == '\b' {
		b.WriteRune(r)
	}
}

// harmless reports whether a control sequence passes: its parameters, and its final character.
func harmless(parameters string, final byte) bool {
	const moves = "ABCDEFGHIZadef`" // the cursor
	const edits = "KLMPX@"          // erase, insert and delete
	switch {
	case !short(parameters):
		return false
	case final == 'h' || final == 'l': // the cursor's visibility, the wrap at the margin, insert mode
		return parameters == "?25" || parameters == "?7" || parameters == "4"
	case final == 'J': // not 3, which erases what the terminal has kept
		return parameters == "" || parameters == "0" || parameters == "1" || parameters == "2"
	case final == 'm':
		return strings.Trim(parameters, "0123456789;:") == ""
	case strings.Trim(parameters, "0123456789;") != "":
		return false
	case final == 'S' || final == 'T': // scroll; with more parameters, T is about the mouse
		return !strings.Contains(parameters, ";")
	}
	return final == 'r' || strings.IndexByte(moves+edits, final) >= 0
}

// short reports whether no number has more than four digits: some terminals are slow to insert a million rows.
func short(parameters string) bool {
	digits := 0
	for _, c := range parameters {
		if digits++; c < '0' || c > '9' {
			digits = 0
		}
		if digits > 4 {
			return false
		}
	}
	return true
}
