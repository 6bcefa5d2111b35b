package schema

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"api: {mode: b, socket: '/x y'} # why\n\n\n# about n\nn: 3\nname: 'x'\n", `name: x

# about n
n: 3
api: # why
  socket: "/x y"
  mode: b
`},
		{"name: |\n    x # y\n      z\n\n    a\non: true\n", "name: |\n  x # y\n    z\n\n  a\non: true\n"},
		{"name: >-  # c\n x\n y\n", "name: >- # c\n  x\n  y\n"},
		{"name: \"a\n  b\"\ntty: 007\n", "name: \"a b\"\ntty: 007\n"},
		{"\ufeffname: off\r\n", "name: \"off\"\n"}, // as editors of Windows write it
		{"\ufeff# c\nn: 3\nname: x\n", "# c\nname: x\nn: 3\n"},
		{"name: off\nwords: {OFF: BUSY}\r\n", "name: \"off\"\nwords:\n  \"OFF\": BUSY\n"},
	} {
		got, problems := Format("f", []byte(tt.in), table)
		if got != tt.want || len(problems) > 0 {
			t.Errorf("%q: %v\ngot\n%s\nwant\n%s", tt.in, problems, got, tt.want)
		}
	}
}

// What cannot be copied is not formatted.
func TestFormatProblems(t *testing.T) {
	for in, want := range map[string]string{
		"name: x\nn: x\n":           "f:2:4: n: expected an integer",
		"name: !!str x\n":           "f: line 1 has a tag (write the value without !!str)",
		"name: |+\n  x\n\n":         "f: line 1 has |+ (write | or >, with - or without)",
		"n: 1\nname: a\ufeff":       `f: line 2 has '\ufeff', which`,
		"on: true\nname: 'a\u2028'": `f: line 2 has '\u2028', which YAML may read as an end of line`,
	} {
		got, problems := Format("f", []byte(in), table)
		if got != "" || !strings.HasPrefix(problems.String(), want) {
			t.Errorf("%q: %q %v", in, got, problems)
		}
	}
}

// sameValues compares values without their positions.
func sameValues(a, b *Value) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.typ != b.typ || a.text != b.text && a.typ != Bool || a.num != b.num || len(a.Items()) != len(b.Items()) ||
		len(a.names) != len(b.names) {
		return false
	}
	for i := range a.Items() {
		if !sameValues(a.Items()[i], b.Items()[i]) {
			return false
		}
	}
	for _, name := range a.names {
		if !sameValues(a.Get(name), b.Get(name)) {
			return false
		}
	}
	return a.typ != Dict || reflect.DeepEqual(a.names, b.names)
}

// commentsOf returns the texts of a file that follow a # after a space or at the beginning of a line, sorted.
func commentsOf(text string) (out []string) {
	for line := range strings.Lines(text) {
		if _, c, ok := strings.Cut(" "+line, " #"); ok {
			out = append(out, strings.TrimSpace(c))
		}
	}
	slices.Sort(out)
	return out
}

func FuzzFormat(f *testing.F) {
	f.Add("name: x # c\n\n# i\nitems: [{id: 3}, # d\n {id: 4}]\nlists: {a: [b]}\napi:\n    socket: |\n      x # y\n")
	f.Add("# top\n\nlists:\n- # one\n  a: [b,\n  # two\n  ]\n  # three\n")
	f.Fuzz(func(t *testing.T, in string) {
		before, problems := Parse("f", []byte(in), table)
		out, failed := Format("f", []byte(in), table)
		if problems.HasErrors() || failed.HasErrors() {
			if out != "" {
				t.Fatalf("%q: %q despite %v%v", in, out, problems, failed)
			}
			return
		}
		after, problems := Parse("f", []byte(out), table)
		if len(problems) > 0 || !sameValues(before, after) {
			t.Fatalf("%q has other values as %q: %v", in, out, problems)
		}
		if again, problems := Format("f", []byte(out), table); again != out || len(problems) > 0 {
			t.Fatalf("%q: %q, and then %q %v", in, out, again, problems)
		}
		if !strings.ContainsAny(in, "'\"|>\r\t") && !slices.Equal(commentsOf(in), commentsOf(out)) {
			t.Fatalf("%q: %q has other comments", in, out)
		}
	})
}

// Comments and empty lines at any place of a file in any order of its keys are kept.
func TestFormatKeepsComments(t *testing.T) {
	parts := [][]string{
		{"name: 'it''s # no comment'"}, {"n: 3"}, {"wait:", "  5s"}, {"tty: 6.50"}, {"on: True"},
		{"api:", "    socket: \"/x # y\"", "    mode: b"}, {"api: {", "  mode: a,", "  socket: x", "  }"},
		{"items: [", "  {id: 1},", "  {", "    id: 2", "  }", "  ]"}, {"items:", "- id: 3", "-", "  id: 4"},
		{"lists:", "  Up.Per: [", "    a", "    , b", "  ]", "  7:", "  - c", "  - d"}, {"lists: {}"}, {"items: []"},
		{"words: {A: BUSY,", "  B: progress}"},
	}
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		for _, part := range rapid.Permutation(parts).Draw(t, "order") {
			if rapid.Bool().Draw(t, "skip") {
				continue
			}
			for _, line := range part {
				for range rapid.IntRange(0, 2).Draw(t, "remarks") {
					remark := rapid.SampledFrom([]string{"", "# one", "  # two: [", "      # three }", "\t# four"})
					lines = append(lines, remark.Draw(t, "remark"))
				}
				tail := rapid.SampledFrom([]string{"", "", " # five", "\t# six '"}).Draw(t, "tail")
				lines = append(lines, line+tail)
			}
		}
		in := strings.Join(append(lines, "# end"), "\n")
		before, problems := Parse("f", []byte(in), table)
		if problems.HasErrors() {
			return // without a name, or with a key twice
		}
		out, problems := Format("f", []byte(in), table)
		if problems.HasErrors() {
			t.Fatalf("%v\n%s", problems, in)
		}
		after, problems := Parse("f", []byte(out), table)
		if problems.HasErrors() || !sameValues(before, after) {
			t.Fatalf("%v\n%s\nhas other values than\n%s", problems, out, in)
		}
		if again, _ := Format("f", []byte(out), table); again != out {
			t.Fatalf("%s\nis formatted again as\n%s", out, again)
		}
		for _, word := range []string{"# one", "# two: [", "# three }", "# four", "# five", "# six '", "# end"} {
			if strings.Count(in, word) != strings.Count(out, word) {
				t.Fatalf("%q\n%s\nbecame\n%s", word, in, out)
			}
		}
	})
}
