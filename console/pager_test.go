package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/ringback/ringback/texts"
)

// rows is a command that prints n rows.
func rows(n int) func(context.Context, Args, io.Writer) error {
	return func(_ context.Context, _ Args, w io.Writer) error {
		for i := range n {
			if _, err := fmt.Fprintf(w, "row %d\n", i+1); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestPager(t *testing.T) {
	const more = " --More-- "
	gone := strings.Repeat("\b", len(more)) + strings.Repeat(" ", len(more)) + strings.Repeat("\b", len(more))
	page := func(from, to int) string {
		var b strings.Builder
		for i := from; i <= to; i++ {
			fmt.Fprintf(&b, "row %d\r\n", i)
		}
		return b.String()
	}
	for name, tt := range map[string]struct {
		rows, length int
		keys, want   string
		err          error
	}{
		"without a length":   {5, 0, "", page(1, 5), nil},
		"fits":               {3, 4, "", page(1, 3), nil},
		"next page":          {5, 4, " ", page(1, 3) + more + gone + page(4, 5), nil},
		"next row":           {5, 4, "\r\n ", page(1, 3) + more + gone + page(4, 4) + more + gone + page(5, 5), nil},
		"enough":             {50, 4, "q", page(1, 3) + more + gone, nil},
		"enough by Ctrl-C":   {50, 4, "\x03", page(1, 3) + more + gone, nil},
		"the stream ends":    {50, 4, "", page(1, 3) + more, io.EOF},
		"pages of a command": {7, 4, "  ", page(1, 3) + more + gone + page(4, 6) + more + gone + page(7, 7), nil},
	} {
		t.Run(name, func(t *testing.T) {
			conn := play(tt.keys)
			term := NewTerminal(conn)
			term.Length = tt.length
			tree := &Tree{Commands: []Node{{Word: "show", Run: rows(tt.rows)}}}
			if err := tree.Execute(t.Context(), term, "show"); !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if got := string(conn.out); got != tt.want {
				t.Errorf("got\n%q\nwant\n%q", got, tt.want)
			}
		})
	}
}

func TestFilters(t *testing.T) {
	tree := &Tree{Commands: Filtered([]Node{{Word: "show", Next: []Node{{Word: "line", Run: rows(12), Next: []Node{
		{Word: "tty", Kind: Number, Max: 99, Run: rows(3)}}}}}})}
	for line, want := range map[string]string{
		"show line | include 1$":        "row 1\nrow 11\n",
		"sh li | inc row 1":             "row 1\nrow 10\nrow 11\nrow 12\n",
		"show line | exclude 1|2|[3-9]": "",
		"show line | begin 11":          "row 11\nrow 12\n",
		"show line 7 | i 2":             "row 2\n",
		"show line | i 2 | e 3":         "",
		"show line | include (":         "% not a regular expression: \"(\"\n",
		"show line |":                   "% Incomplete command.\n",
		"show line | include":           "% Incomplete command.\n",
		"show line| include 1":          "              ^\n% Invalid input detected at '^' marker.\n\n",
	} {
		conn := play("")
		if err := tree.Execute(t.Context(), NewTerminal(conn), line); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		got := strings.ReplaceAll(string(conn.out), "\r\n", "\n")
		if line == "show line| include 1" {
			got, want = got[strings.Index(got, "%"):], want[strings.Index(want, "%"):]
		}
		if got != want {
			t.Errorf("%s:\n%q\nwant\n%q", line, got, want)
		}
	}
	var help strings.Builder
	tree.Help(&help, texts.Printer{}, "show line ")
	if !strings.Contains(help.String(), "|") || !strings.Contains(help.String(), "<cr>") {
		t.Errorf("%s", help.String())
	}
}
