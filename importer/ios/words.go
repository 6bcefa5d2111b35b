package ios

import "strings"

// input is a command line of the text.
type input struct {
	line  int      // from 1
	raw   string   // without the indentation and spaces at the end
	words []word   // of raw
	args  []string // the words behind those of the command's syntax, without their quotes
	row   int      // the index of its row, once it is added
	more  []string // the lines that follow, for texts in delimiters
	used  int      // of more
}

// word is a word of a line. Double quotes group words, as in chat scripts and `callback-dialstring ""`.
type word struct {
	text  string // without quotes
	start int    // of the word in the line, with its quotes
	end   int
}

// split splits a line into words. A quote that is not closed is a part of its word.
func split(raw string) (words []word) {
	for i := 0; i < len(raw); {
		if raw[i] == ' ' || raw[i] == '\t' {
			i++
			continue
		}
		start := i
		if raw[i] == '"' {
			if n := strings.IndexByte(raw[i+1:], '"'); n >= 0 {
				i += n + 2
				words = append(words, word{raw[start+1 : i-1], start, i})
				continue
			}
		}
		for i < len(raw) && raw[i] != ' ' && raw[i] != '\t' {
			i++
		}
		words = append(words, word{raw[start:i], start, i})
	}
	return words
}

// rest returns the line from the nth argument on, as written.
func (in *input) rest(n int) string {
	i := len(in.words) - len(in.args) + n
	if i >= len(in.words) {
		return ""
	}
	return in.raw[in.words[i].start:]
}

// arg returns the nth argument, "" if there are fewer.
func (in *input) arg(n int) string {
	if n < len(in.args) {
		return in.args[n]
	}
	return ""
}
