package servers

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Item is `name op value` of a users file. The value is written in the octets From … To (not included) of its line.
type Item struct {
	Name, Op, Value string
	From, To        int
}

// token is a word, an operator, a comma or a quoted string of a users file.
type token struct {
	text     string
	quoted   bool
	from, to int // in its line
}

// UsersLine splits one line of a users file: the name at its beginning, "" if it is indented, and its items; more
// reports a comma at its end. An empty line has neither.
func UsersLine(line string) (name string, list []Item, more bool, err error) {
	toks, err := tokens(line)
	if err != nil || len(toks) == 0 {
		return "", nil, false, err
	}
	if line[0] != ' ' && line[0] != '\t' {
		name, toks = toks[0].text, toks[1:]
	}
	list, more, err = items(toks)
	return name, list, more, err
}

func (t token) is(bare string) bool { return !t.quoted && t.text == bare }

var operators = []string{"=", ":=", "+=", "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "=*", "!*", "-=", "^="}

func (t token) operator() bool { return !t.quoted && slices.Contains(operators, t.text) }

// items reads `name op value` with commas between; more reports a comma at the end.
func items(toks []token) (list []Item, more bool, err error) {
	for len(toks) > 0 {
		if len(toks) < 2 || toks[0].quoted || toks[0].operator() || toks[0].is(",") || !toks[1].operator() {
			return list, false, fmt.Errorf("near %q: not of the form Attribute = value", toks[0].text)
		}
		it := Item{Name: toks[0].text, Op: toks[1].text}
		toks = toks[2:]
		switch {
		case it.Op == "=*" || it.Op == "!*":
			if len(toks) > 0 && !toks[0].is(",") {
				toks = toks[1:] // FreeRADIUS requires a word here, ANY, without a meaning
			}
		case len(toks) == 0 || toks[0].is(",") || toks[0].operator():
			return list, false, fmt.Errorf("near %q: not of the form Attribute = value", it.Name)
		default:
			it.Value, it.From, it.To = toks[0].text, toks[0].from, toks[0].to
			toks = toks[1:]
		}
		list = append(list, it)
		more = len(toks) > 0 && toks[0].is(",")
		if more {
			toks = toks[1:]
		} else if len(toks) > 0 {
			return list, false, fmt.Errorf("no comma before %s", toks[0].text)
		}
	}
	return list, more, nil
}

// tokens splits a line and drops its comment.
func tokens(line string) ([]token, error) {
	var toks []token
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			return toks, nil
		case c == ',':
			toks = append(toks, token{text: ","})
			i++
		case c == '"' || c == '\'':
			s, n, err := quoted(line[i:])
			if err != nil {
				return nil, err
			}
			toks = append(toks, token{s, true, i, i + n})
			i += n
		case c == '`':
			return nil, errors.New("commands in backquotes are not supported")
		default:
			n := operatorLength(line[i:])
			if n == 0 {
				n = wordLength(line[i:])
			}
			toks = append(toks, token{text: line[i : i+n], from: i, to: i + n})
			i += n
		}
	}
	return toks, nil
}

// operatorLength is the length of the longest operator at the beginning; 0 if there is none.
func operatorLength(s string) int {
	longest := 0
	for _, op := range operators {
		if strings.HasPrefix(s, op) {
			longest = max(longest, len(op))
		}
	}
	return longest
}

// wordLength ends a word at a blank, a comma, a quote, a comment or an operator; colons, slashes and the like are part
// of the word (fe80::1, 10.0.0.0/8).
func wordLength(s string) int {
	for i := 1; i < len(s); i++ {
		if strings.IndexByte(" \t\r,#\"", s[i]) >= 0 || operatorLength(s[i:]) > 0 {
			return i
		}
	}
	return len(s)
}

// quoted reads "…" or '…'. The escapes in "…" are \n, \r, \t, \ooo (octal) and a backslash before any other character;
// in '…' they are \' and \\.
func quoted(s string) (text string, length int, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == s[0]:
			return b.String(), i + 1, nil
		case s[i] != '\\' || i+1 == len(s) || s[0] == '\'' && s[i+1] != '\'' && s[i+1] != '\\':
			b.WriteByte(s[i])
		default:
			c, n := unescape(s[i+1:])
			b.WriteByte(c)
			i += n
		}
	}
	return "", 0, errors.New("unterminated quoted string")
}

// unescape decodes what follows a backslash and returns its length.
func unescape(s string) (byte, int) {
	if len(s) >= 3 && s[0] >= '0' && s[0] <= '3' && isOctal(s[1]) && isOctal(s[2]) {
		return (s[0]-'0')<<6 | (s[1]-'0')<<3 | (s[2] - '0'), 3
	}
	switch s[0] {
	case 'n':
		return '\n', 1
	case 'r':
		return '\r', 1
	case 't':
		return '\t', 1
	}
	return s[0], 1
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }
