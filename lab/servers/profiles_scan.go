package servers

import (
	"errors"
	"strings"
)

// scanner splits tac_plus's text into words, quoted strings and { } =.
type scanner struct {
	file string
	text string
	line int
}

type word struct {
	text   string
	line   int
	quoted bool
	bare   bool // one of { } =
}

// next reads a word; raw words end only at blanks, as regular expressions do. An unquoted word "" is the end of the
// file.
func (s *scanner) next(raw bool) (word, error) {
	s.skip()
	w := word{line: s.line}
	if s.text == "" {
		return w, nil
	}
	if s.text[0] == '"' {
		return s.quoted()
	}
	if !raw && strings.IndexByte("{}=", s.text[0]) >= 0 {
		w.text, w.bare, s.text = s.text[:1], true, s.text[1:]
		return w, nil
	}
	stop := " \t\r\n{}=\"" // not #, which begins a comment only at the start of a word: inacl#1
	if raw {
		stop = " \t\r\n"
	}
	n := strings.IndexAny(s.text, stop)
	if n < 0 {
		n = len(s.text)
	}
	w.text, s.text = s.text[:n], s.text[n:]
	return w, nil
}

// skip skips blanks and comments.
func (s *scanner) skip() {
	for s.text != "" {
		switch s.text[0] {
		case '\n':
			s.line++
			fallthrough
		case ' ', '\t', '\r':
			s.text = s.text[1:]
		case '#':
			n := strings.IndexByte(s.text, '\n')
			if n < 0 {
				n = len(s.text)
			}
			s.text = s.text[n:]
		default:
			return
		}
	}
}

// quoted reads "…", in which \" and \\ are " and \, and \n is a line feed; any other backslash is kept, for regular
// expressions.
func (s *scanner) quoted() (word, error) {
	w := word{line: s.line, quoted: true}
	var b strings.Builder
	for i := 1; i < len(s.text); i++ {
		c := s.text[i]
		switch {
		case c == '"':
			w.text, s.text = b.String(), s.text[i+1:]
			return w, nil
		case c == '\n':
			s.text = s.text[i:]
			return w, errors.New("quoted string without end in its line")
		case c == '\\' && i+1 < len(s.text) && strings.IndexByte(`"\n`, s.text[i+1]) >= 0:
			i++
			if c = s.text[i]; c == 'n' {
				c = '\n'
			}
		}
		b.WriteByte(c)
	}
	s.text = ""
	return w, errors.New("unterminated quoted string")
}

// Word is a word, a quoted text or one of { } = of a configuration of tac_plus. Line is where it begins, from 1; From
// and To (not included) are its octets in the whole text.
type Word struct {
	Text         string
	Line         int
	From, To     int
	Quoted, Bare bool // Bare: one of { } =
}

// End reports whether it is the end of the text.
func (w Word) End() bool { return w.Text == "" && !w.Quoted }

// Words splits a configuration of tac_plus, for readers that must know where each word is.
type Words struct {
	s    scanner
	size int
}

// NewWords returns the words of a text.
func NewWords(text string) *Words { return &Words{scanner{text: text, line: 1}, len(text)} }

// Next returns the next word; at the end of the text, its End. Raw words end only at blanks, as regular expressions
// do. The error is about quotes.
func (w *Words) Next(raw bool) (Word, error) {
	w.s.skip()
	from := w.size - len(w.s.text)
	word, err := w.s.next(raw)
	return Word{word.text, word.line, from, w.size - len(w.s.text), word.quoted, word.bare}, err
}
