package main

import (
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	long := strings.Repeat("ab ", 45)
	for name, tc := range map[string]struct {
		file, text string
		want       []string
	}{
		"short":     {"a.go", "package a\n", nil},
		"a comment": {"a.go", "package a\n\n// " + long + "\n", []string{"a.go:3: 138 columns, at most 120"}},
		"tabs are four": {"a.go", "\t\t// " + strings.Repeat("ab ", 37),
			[]string{"a.go:1: 122 columns, at most 120"}},
		"a raw string": {"a.go", "package a\n\nvar s = `\n" + long + "\n`\n", nil},
		"after a raw one": {"a.go", "package a\n\nvar s = `\n`\n\n// " + long + "\n",
			[]string{"a.go:6: 138 columns, at most 120"}},
		"one word":           {"a.go", "// " + strings.Repeat("x", 200), nil},
		"letters, not bytes": {"a.go", "// a " + strings.Repeat("é", 110), nil},
		"text":               {"a.md", long, []string{"a.md:1: 135 columns, at most 105"}},
		"a code block":       {"a.md", "```\n" + long + "\n```\n", nil},
		"after a block":      {"a.md", "```\n```\n" + long, []string{"a.md:3: 135 columns, at most 105"}},
		"a table":            {"a.md", "| " + long + " |\n", nil},
		"a heading":          {"a.md", "# " + long, nil},
		"a link's target":    {"a.md", "[x]: " + long, nil},
	} {
		if got := find(tc.file, []byte(tc.text)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
