package console

import (
	"context"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/ringback/ringback/texts"
)

// ArgKind is the kind of a Node.
type ArgKind int

const (
	Literal ArgKind = iota // not an argument: the node's Word, or an unambiguous abbreviation
	Number                 // a decimal number from Min to Max
	Word                   // one word
	Rest                   // the rest of the line, at least one word, as typed
)

// Node is one word of a command, or an argument, with its possible successors.
type Node struct {
	Word   string  // Literal: the word; otherwise the argument's name in Args
	Kind   ArgKind // the zero value is Literal
	Min    int     // Number: the valid range
	Max    int
	Help   texts.Key // one line for `?`
	Hidden bool      // accepted but not shown by `?`

	// Run executes the command if the line ends here; nil if more words are required. Its output goes to the terminal,
	// an error is displayed as "% text". ErrExit leaves the Tree.
	Run  func(ctx context.Context, args Args, w io.Writer) error
	Next []Node
	// Keys says that Run reads the terminal itself: Ctrl-C is for it, and does not end it.
	Keys bool
}

// Args are the arguments of a command by node name.
type Args map[string]string

// Int returns the Number argument with this name, and whether it was given.
func (a Args) Int(name string) (int, bool) {
	n, err := strconv.Atoi(a[name])
	return n, err == nil
}

// Tree is a set of commands. It must not change while in use.
type Tree struct {
	Commands []Node

	// Before is called with the words of each command before it runs. A text other than "" is displayed instead of
	// running the command. May be nil.
	Before func(ctx context.Context, words []string) (refusal string)
}

// Match is the command of a line.
type Match struct {
	Node  *Node
	Args  Args
	Words []string // command words in full, arguments as typed
}

// LookupError is the error for an invalid command; its English text is that of IOS.
type LookupError struct {
	Text   texts.Message
	Column int // column of the caret, from the start of the line; -1: no caret
}

func (e *LookupError) Error() string { return texts.Error(e.Text).Error() }

// token is one word of a line.
type token struct {
	text string
	at   int // byte offset
}

func split(line string) []token {
	var toks []token
	start := -1
	for i, r := range line {
		switch {
		case unicode.IsSpace(r):
			if start >= 0 {
				toks = append(toks, token{line[start:i], start})
			}
			start = -1
		case start < 0:
			start = i
		}
	}
	if start >= 0 {
		toks = append(toks, token{line[start:], start})
	}
	return toks
}

// Lookup returns the command of a line; nil for a blank line. The error is a *LookupError.
func (t *Tree) Lookup(line string) (*Match, error) {
	toks := split(line)
	if len(toks) == 0 {
		return nil, nil
	}
	m, err := t.walk(line, toks)
	if err != nil {
		return nil, err
	}
	if m.Node.Run == nil {
		return nil, &LookupError{Text: texts.Message{Key: texts.ConsoleIncomplete}, Column: -1}
	}
	return m, nil
}

// walk follows toks from the root.
func (t *Tree) walk(line string, toks []token) (*Match, error) {
	m := &Match{Node: &Node{Next: t.Commands}, Args: Args{}}
	for i, tok := range toks {
		next, err := step(m.Node.Next, line, tok)
		if err != nil {
			return nil, err
		}
		m.Node = next
		switch next.Kind {
		case Rest:
			m.Args[next.Word] = strings.TrimRightFunc(line[tok.at:], unicode.IsSpace)
			for _, word := range toks[i:] {
				m.Words = append(m.Words, word.text)
			}
			return m, nil
		case Number, Word:
			m.Args[next.Word] = tok.text
			m.Words = append(m.Words, tok.text)
		default:
			m.Words = append(m.Words, next.Word)
		}
	}
	return m, nil
}

// step returns the node that matches tok: an exact word is preferred to an abbreviation, a word to a number, a number
// to text.
func step(nodes []Node, line string, tok token) (*Node, error) {
	var begun []*Node
	for i := range nodes {
		n := &nodes[i]
		if n.Kind != Literal || !hasPrefixFold(n.Word, tok.text) {
			continue
		}
		if len(n.Word) == len(tok.text) {
			return n, nil
		}
		begun = append(begun, n)
	}
	switch len(begun) {
	case 1:
		return begun[0], nil
	case 0:
		if n := argumentFor(nodes, tok.text); n != nil {
			return n, nil
		}
		return nil, &LookupError{Text: texts.Message{Key: texts.ConsoleInvalid},
			Column: Width(line[:tok.at]) + Width(matched(nodes, tok.text))}
	}
	return nil, &LookupError{Column: -1, Text: texts.Message{Key: texts.ConsoleAmbiguous,
		Args: []any{strconv.Quote(strings.TrimSpace(line))}}}
}

func argumentFor(nodes []Node, text string) *Node {
	for _, kind := range []ArgKind{Number, Word, Rest} {
		for i := range nodes {
			if n := &nodes[i]; n.Kind == kind && (kind != Number || n.inRange(text)) {
				return n
			}
		}
	}
	return nil
}

func (n *Node) inRange(text string) bool {
	v, err := strconv.Atoi(text)
	return err == nil && text[0] != '+' && v >= n.Min && v <= n.Max
}

// matched returns the longest prefix of text that is a prefix of a word; the caret is placed after it.
func matched(nodes []Node, text string) string {
	best := 0
	for i := range nodes {
		if nodes[i].Kind == Literal {
			best = max(best, commonFold(nodes[i].Word, text))
		}
	}
	return text[:best]
}

// hasPrefixFold and commonFold fold ASCII letters only: command words are ASCII.
func hasPrefixFold(word, prefix string) bool { return commonFold(word, prefix) == len(prefix) }

func commonFold(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && lower(a[n]) == lower(b[n]) {
		n++
	}
	return n
}

func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
