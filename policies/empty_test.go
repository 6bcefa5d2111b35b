package policies

import (
	"strings"
	"testing"
)

// TestEmptiedLists: a list that restricts, and has lost its last element, does not restrict less.
func TestEmptiedLists(t *testing.T) {
	for text, want := range map[string]string{
		"match: {prefix: [], suffix: [x]}": "g.yaml:2:17: match.prefix: the list is empty " +
			"(remove the key, or write an element)",
		"match: {line: []}":  "g.yaml:2:15: match.line: the list is empty (remove the key, or write an element)",
		"callback_lines: []": "g.yaml:2:17: callback_lines: the list is empty (remove the key, or write an element)",
	} {
		if _, problems := loadText(map[string]string{"g.yaml": "group: g\n" + text + "\n"}); problems.String() != want {
			t.Errorf("%s: %s, want %s", text, problems, want)
		}
	}
}

// TestTwoSources: of a file that extends another one, the key in that file is reported, and the other one named.
func TestTwoSources(t *testing.T) {
	for _, tt := range [][3]string{
		{"from_caller: deny", "from: [aaa]",
			"b.yaml:3:17: numbers.from: a.yaml:2, which this file extends, has the sources in numbers.from_caller"},
		{"from: [aaa]", "from_caller: deny",
			"b.yaml:3:24: numbers.from_caller: a.yaml:2, which this file extends, has the sources in numbers.from"},
	} {
		_, problems := loadText(map[string]string{
			"a.yaml": "group: a\nnumbers: {" + tt[0] + "}\n",
			"b.yaml": "group: b\nextends: a\nnumbers: {" + tt[1] + "}\n",
			"c.yaml": "group: c\nextends: b\n",
		})
		if len(problems) != 1 || !strings.HasPrefix(problems.String(), tt[2]) {
			t.Errorf("%s: %s, want %s", tt[1], problems, tt[2])
		}
	}
}
