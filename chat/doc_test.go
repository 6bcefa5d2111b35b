package chat

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

const docFile = "../docs/reference/chat-scripts.md"

// row formats a row of the table of escapes as in the documentation.
func (e Escape) row() string {
	where := "send"
	if e.Expect {
		where = "send, expect"
	}
	return "| `" + e.Text + "` | " + e.Effect + " | " + where + " |"
}

// row formats a row of the table of refusals as in the documentation.
func (r Refusal) row() string {
	return "| `" + r.Text + "` | " + r.From + " | " + r.Why + " | " + r.Instead + " |"
}

// The documentation has the tables of the code, row by row and in order.
func TestDocTables(t *testing.T) {
	doc := readDoc(t)
	var escapes, refusals []string
	for _, e := range Escapes() {
		escapes = append(escapes, e.row())
	}
	for _, r := range Refusals() {
		refusals = append(refusals, r.row())
	}
	for name, want := range map[string][]string{"escapes": escapes, "refusals": refusals} {
		_, rest, found := strings.Cut(doc, "<!-- table: "+name+" -->\n")
		table, _, ends := strings.Cut(rest, "\n\n")
		if !found || !ends {
			t.Fatalf("%s has no table of %s", docFile, name)
		}
		rows := strings.Split(table, "\n")
		if got := strings.Join(rows[min(2, len(rows)):], "\n"); got != strings.Join(want, "\n") {
			t.Errorf("the table of %s should be\n%s", name, strings.Join(want, "\n"))
		}
	}
}

// Each fenced example parses; those of `chat-refused` do not, and the text after their `#` is part of the error.
func TestDocExamples(t *testing.T) {
	seen := map[string]int{}
	for _, m := range regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?)^```$").FindAllStringSubmatch(readDoc(t), -1) {
		kind, body := m[1], m[2]
		for _, line := range strings.Split(strings.TrimSpace(body), "\n") {
			seen[kind]++
			switch kind {
			case "chat":
				checkExample(t, line)
			case "chat-refused":
				checkRefused(t, line)
			case "yaml":
				checkYAML(t, line)
			case "text":
			default:
				t.Fatalf("a fenced block of kind %q: nothing checks it", kind)
			}
		}
	}
	for _, kind := range []string{"chat", "chat-refused", "yaml"} {
		if seen[kind] < 2 {
			t.Errorf("%d lines of kind %s were found", seen[kind], kind)
		}
	}
}

func checkExample(t *testing.T, line string) {
	t.Helper()
	words := strings.SplitN(line, " ", 3)
	if len(words) != 3 || words[0] != "chat-script" {
		t.Errorf("%s: an example is chat-script NAME WORDS", line)
		return
	}
	s, err := Parse(words[1], words[2])
	if err != nil {
		t.Errorf("%s: %v", line, err)
		return
	}
	for _, shipped := range Shipped() {
		if shipped.Name == s.Name && shipped.String() != s.String() {
			t.Errorf("the script %s is shipped as %s", s.Name, shipped)
		}
	}
}

func checkRefused(t *testing.T, line string) {
	t.Helper()
	example, want, found := strings.Cut(line, "   # ")
	words := strings.SplitN(strings.TrimSpace(example), " ", 3)
	if !found || len(words) != 3 {
		t.Errorf("%s: a refused example is chat-script NAME WORDS   # error", line)
		return
	}
	if _, err := Parse(words[1], words[2]); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v", line, err)
	}
}

// checkYAML checks lines with a complete script in single quotes, as the documentation writes them.
func checkYAML(t *testing.T, line string) {
	t.Helper()
	if m := regexp.MustCompile(`name: ([^,]+), script: '(.*)'\}$`).FindStringSubmatch(line); m != nil {
		if _, err := Parse(m[1], strings.ReplaceAll(m[2], "''", "'")); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	} else if strings.Contains(line, "script:") {
		t.Errorf("%s: write {name: NAME, script: '…'}", line)
	}
}

func readDoc(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}
