package chat

import (
	"fmt"
	"unicode/utf8"
)

// word is one word of a script, without its quotes, with its escapes as written.
type word struct {
	text   string
	quoted bool
	offset int // of text, inside the quotes
}

// String returns the word as written in the script.
func (w word) String() string {
	if w.quoted {
		return `"` + w.text + `"`
	}
	return w.text
}

// split splits a text into words: blanks and line ends separate them, double quotes group. A backslash includes the
// next byte in the word, but only outside quotes, since \" does not work inside (Table 15).
func split(text string) ([]word, *SyntaxError) {
	var words []word
	for i := 0; i < len(text); {
		if isBlank(text[i]) {
			i++
			continue
		}
		w, next, err := nextWord(text, i)
		if err != nil {
			return nil, err
		}
		words, i = append(words, w), next
	}
	return words, nil
}

func nextWord(text string, start int) (word, int, *SyntaxError) {
	switch text[start] {
	case '"':
		return quotedWord(text, start)
	case '\'':
		return word{}, 0, refusalOf(`'…'`).at(start, wordAt(text, start))
	}
	return plainWord(text, start)
}

func quotedWord(text string, start int) (word, int, *SyntaxError) {
	for i := start + 1; i < len(text); i++ {
		if text[i] != '"' {
			if err := checkByte(text, i); err != nil {
				return word{}, 0, err
			}
			continue
		}
		w := word{text: text[start+1 : i], quoted: true, offset: start + 1}
		if slashed(w.text) {
			return word{}, 0, &SyntaxError{Offset: i - 1, Word: `\"`, Msg: `\" does not work within double quotes`,
				Hint: `write \042`}
		}
		if i+1 < len(text) && !isBlank(text[i+1]) {
			return word{}, 0, &SyntaxError{Offset: i, Word: wordAt(text, start),
				Msg:  "text after the closing quote of a word",
				Hint: `quote the whole word, "a b-c d-e f", and write an empty part as in a--b; \042 is a double quote`}
		}
		return w, i + 1, nil
	}
	return word{}, 0, &SyntaxError{Offset: start, Word: wordAt(text, start), Msg: "the double quote is not closed",
		Hint: `close it, or write \" for the character`}
}

// slashed reports whether s ends within an escape, so that the quote after it was meant as \".
func slashed(s string) bool {
	n := 0
	for n < len(s) && s[len(s)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

func plainWord(text string, start int) (word, int, *SyntaxError) {
	i := start
	for i < len(text) && !isBlank(text[i]) {
		if text[i] == '"' {
			return word{}, 0, &SyntaxError{Offset: i, Word: wordAt(text, start),
				Msg:  "a double quote inside an unquoted word",
				Hint: `quote the whole word, or write \" for the character`}
		}
		if err := checkByte(text, i); err != nil {
			return word{}, 0, err
		}
		if text[i] == '\\' && i+1 < len(text) && text[i+1] == '"' {
			i++
		}
		i++
	}
	return word{text: text[start:i], offset: start}, i, nil
}

// checkByte rejects control characters and non-ASCII characters, with a special hint for typographic quotes.
func checkByte(text string, i int) *SyntaxError {
	c := text[i]
	if c >= ' ' && c < 0x7f {
		return nil
	}
	if c < utf8.RuneSelf {
		return &SyntaxError{Offset: i, Word: text[i : i+1], Msg: "an unescaped control character",
			Hint: fmt.Sprintf(`write \%03o`, c)}
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	e := &SyntaxError{Offset: i, Word: text[i : i+n], Msg: "a non-ASCII character"}
	switch r {
	case '“', '”', '„', '«', '»':
		e.Hint = `write straight double quotes, "`
	default:
		e.Hint = fmt.Sprintf(`to send this octet, write \%03o`, c)
	}
	return e
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// wordAt returns the text from start up to the next blank, for an error.
func wordAt(text string, start int) string {
	end := start
	for end < len(text) && !isBlank(text[end]) {
		end++
	}
	return text[start:end]
}
