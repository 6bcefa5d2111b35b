package console

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strconv"

	"github.com/ringback/ringback/texts"
)

// filterArg is the name of the argument of a filter.
const filterArg = "regular-expression"

// modifiers are IOS's output modifiers: what follows a `|`.
var modifiers = []struct {
	word string
	help texts.Key
	new  func(*regexp.Regexp) func(row []byte) bool // which rows are shown; called for one row after the other
}{
	{"begin", texts.HelpBegin, func(re *regexp.Regexp) func([]byte) bool {
		begun := false
		return func(row []byte) bool { begun = begun || re.Match(row); return begun }
	}},
	{"exclude", texts.HelpExclude, func(re *regexp.Regexp) func([]byte) bool {
		return func(row []byte) bool { return !re.Match(row) }
	}},
	{"include", texts.HelpInclude, func(re *regexp.Regexp) func([]byte) bool {
		return func(row []byte) bool { return re.Match(row) }
	}},
}

// Filtered returns the nodes with IOS's output modifiers at the end of each command: `show line | include down`.
func Filtered(nodes []Node) []Node {
	out := make([]Node, 0, len(nodes))
	for _, n := range nodes {
		n.Next = Filtered(n.Next)
		if n.Run != nil && n.Kind != Rest {
			n.Next = append(n.Next, pipe(n.Run))
		}
		out = append(out, n)
	}
	return out
}

// pipe is the `|` after a command.
func pipe(run func(context.Context, Args, io.Writer) error) Node {
	bar := Node{Word: "|", Help: texts.HelpPipe}
	for _, m := range modifiers {
		bar.Next = append(bar.Next, Node{Word: m.word, Help: m.help, Next: []Node{{
			Word: filterArg, Kind: Rest, Help: texts.HelpRegexp,
			Run: func(ctx context.Context, args Args, w io.Writer) error {
				re, err := regexp.Compile(args[filterArg])
				if err != nil {
					return texts.Error{Key: texts.ConsoleRegexp, Args: []any{strconv.Quote(args[filterArg])}}
				}
				f := &filter{w: w, shows: m.new(re)}
				if err := run(ctx, args, f); err != nil || len(f.row) == 0 {
					return err
				}
				return f.end() // a last row without an end
			}}}})
	}
	return bar
}

// filter passes on the rows that it shows.
type filter struct {
	w     io.Writer
	shows func(row []byte) bool
	row   []byte // begun
}

func (f *filter) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		row, after, ended := bytes.Cut(rest, []byte("\n"))
		f.row = append(f.row, row...)
		if rest = after; !ended {
			break
		}
		if err := f.end(); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// end ends the row that has begun.
func (f *filter) end() error {
	row := f.row
	f.row = nil
	if !f.shows(row) {
		return nil
	}
	_, err := f.w.Write(append(row, '\n'))
	return err
}
