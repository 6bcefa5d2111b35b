package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Clean returns untrusted text as one printable line: it drops unprintable characters (control characters, C1 controls,
// direction marks, invalid UTF-8), converts line ends and tabs to spaces, and trims surrounding spaces.
func Clean(s string) string {
	return strings.TrimSpace(clean(s, ' '))
}

// CleanText is like Clean for multi-line text: CR LF, CR and LF become newlines, and trailing spaces are trimmed.
func CleanText(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.ReplaceAll(s, "\r", "\n")
	rows := strings.Split(s, "\n")
	for i, row := range rows {
		rows[i] = strings.TrimRight(clean(row, ' '), " ")
	}
	return strings.Trim(strings.Join(rows, "\n"), "\n")
}

func clean(s string, blank rune) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1: // not UTF-8
		case r == '\n' || r == '\r' || r == '\t':
			b.WriteRune(blank)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		}
		s = s[n:]
	}
	return b.String()
}

// AppendVisible appends text to dst as a terminal shows it without acting on it: control characters except line feed
// and tab, the C1 controls, marks that change the direction of text, and what is not UTF-8 are written as \u001b or
// \xff. Text in JSON keeps its meaning.
func AppendVisible(dst, text []byte) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = fmt.Appendf(dst, `\x%02x`, text[0])
		case acts(r):
			dst = fmt.Appendf(dst, `\u%04x`, r)
		default:
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}

// IsVisible reports whether AppendVisible would change nothing.
func IsVisible(text []byte) bool {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 || acts(r) {
			return false
		}
		text = text[n:]
	}
	return true
}

// acts reports whether a character may change more on a terminal than its own place.
func acts(r rune) bool {
	switch {
	case r == '\n', r == '\t':
		return false
	case unicode.IsControl(r), r == '\u061c', r == '\u200e', r == '\u200f', r == '\u2028', r == '\u2029':
		return true
	}
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Width returns the number of columns of s on a terminal.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// wide lists the blocks of characters with two columns (approximately Unicode's East Asian Width W and F).
var wide = []struct{ from, to rune }{
	{0x1100, 0x115F}, {0x2E80, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},
	{0xFF00, 0xFF60}, {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD},
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	for _, w := range wide {
		if r >= w.from && r <= w.to {
			return 2
		}
	}
	return 1
}

func runesWidth(rs []rune) int {
	n := 0
	for _, r := range rs {
		n += runeWidth(r)
	}
	return n
}
