package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/texts"
)

// Help writes the help for `?` after before: the completions of a partial word (`sh?`), or what may follow (`show ?`).
// What it says besides the commands is in the language of p.
func (t *Tree) Help(w io.Writer, p texts.Printer, before string) {
	toks, partial := lastWord(before)
	m, err := t.walk(before, toks)
	switch {
	case err != nil:
		helpless(w, p, err)
	case partial != "":
		helpWord(w, p, m.Node, t.Commands, partial, len(toks) == 0)
	default:
		helpNext(w, p, m.Node, t.Commands, len(toks) == 0)
	}
}

// helpless writes the text shown if there is no help: the words before are ambiguous or not a command.
func helpless(w io.Writer, p texts.Printer, err error) {
	var le *LookupError
	if errors.As(err, &le) && le.Text.Key == texts.ConsoleAmbiguous {
		fmt.Fprintln(w, p.Message(le.Text))
		return
	}
	fmt.Fprintln(w, p.Text(texts.ConsoleUnrecognized))
}

// lastWord splits the text before the cursor into complete words and a partial word ("" after a space).
func lastWord(before string) ([]token, string) {
	toks := split(before)
	if len(toks) == 0 {
		return nil, ""
	}
	if last, _ := utf8.DecodeLastRuneInString(before); unicode.IsSpace(last) {
		return toks, ""
	}
	n := len(toks) - 1
	return toks[:n], toks[n].text
}

// followers returns the nodes that may follow node. Rest is followed only by itself.
func followers(node *Node, root []Node, atRoot bool) []Node {
	if atRoot {
		return root
	}
	if node.Kind == Rest {
		return []Node{*node}
	}
	return node.Next
}

func helpWord(w io.Writer, p texts.Printer, node *Node, root []Node, partial string, atRoot bool) {
	var words []string
	var args []Node
	for _, n := range followers(node, root, atRoot) {
		switch {
		case n.Hidden:
		case n.Kind == Literal && hasPrefixFold(n.Word, partial):
			words = append(words, n.Word)
		case n.Kind == Word || n.Kind == Rest || n.Kind == Number && n.inRange(partial):
			args = append(args, n)
		}
	}
	switch {
	case len(words) > 0:
		fmt.Fprintln(w, strings.Join(words, "  "))
	case len(args) > 0:
		list(w, p, args, false)
	default:
		fmt.Fprintln(w, p.Text(texts.ConsoleUnrecognized))
	}
}

func helpNext(w io.Writer, p texts.Printer, node *Node, root []Node, atRoot bool) {
	list(w, p, followers(node, root, atRoot), !atRoot && node.Run != nil)
}

// list writes nodes with their help, in tree order, and <cr> if the line may end here.
func list(w io.Writer, p texts.Printer, nodes []Node, mayEnd bool) {
	var rows [][2]string
	width := 0
	for i := range nodes {
		if nodes[i].Hidden {
			continue
		}
		name := nodes[i].show()
		rows = append(rows, [2]string{name, helpOf(p, nodes[i].Help)})
		width = max(width, Width(name))
	}
	if mayEnd {
		rows = append(rows, [2]string{"<cr>", ""})
	}
	var b strings.Builder
	for _, r := range rows {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, r[0], r[1]), " ") + "\n")
	}
	io.WriteString(w, b.String())
}

func helpOf(p texts.Printer, k texts.Key) string {
	if k == "" {
		return ""
	}
	return p.Text(k)
}

// show returns the name of a node in a list: as in IOS, words in lower case, arguments as <0-9>, WORD and LINE.
func (n *Node) show() string {
	switch n.Kind {
	case Number:
		return fmt.Sprintf("<%d-%d>", n.Min, n.Max)
	case Word:
		return "WORD"
	case Rest:
		return "LINE"
	}
	return n.Word
}

// Complete implements Tab after before: insert is the unambiguous completion; unique reports whether it completes the
// word.
func (t *Tree) Complete(before string) (insert string, unique bool) {
	toks, partial := lastWord(before)
	if partial == "" {
		return "", false
	}
	m, err := t.walk(before, toks)
	if err != nil {
		return "", false
	}
	var found []string
	for _, n := range followers(m.Node, t.Commands, len(toks) == 0) {
		if n.Kind == Literal && !n.Hidden && hasPrefixFold(n.Word, partial) {
			found = append(found, n.Word)
		}
	}
	if len(found) == 0 {
		return "", false
	}
	common := found[0]
	for _, word := range found[1:] {
		common = common[:commonFold(common, word)]
	}
	insert = common[len(partial):]
	if len(found) == 1 {
		return insert + " ", true
	}
	return insert, false
}
