package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// differs returns the first difference of two nodes in what Parse uses; "": there is none.
func differs(a, b *yaml.Node) string {
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Value != b.Value || a.Style != b.Style || a.Anchor != b.Anchor ||
		a.Line != b.Line || a.Column != b.Column || len(a.Content) != len(b.Content) {
		show := func(n *yaml.Node) string {
			return fmt.Sprintf("%d:%d: kind %d, %s %q, style %d, %d nodes", n.Line, n.Column, n.Kind, n.Tag, n.Value,
				n.Style, len(n.Content))
		}
		return show(a) + ", but YAML has " + show(b)
	}
	for i := range a.Content {
		if d := differs(a.Content[i], b.Content[i]); d != "" {
			return d
		}
	}
	return ""
}

// comparePlain compares what plainNode reads with what the YAML package reads, and reports whether it read the text.
func comparePlain(t *testing.T, data []byte) bool {
	t.Helper()
	root := plainNode(data)
	if root == nil {
		return false
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%q: YAML has an error: %v", data, err)
	}
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		t.Fatalf("%q: YAML has a second document: %v", data, err)
	}
	if d := differs(root, doc.Content[0]); d != "" {
		t.Fatalf("%q: %s", data, d)
	}
	return true
}

// plainTexts are read without the YAML package.
var plainTexts = []string{
	"a: 1\n", "a: b # c\n\n# d\nb:\n  - c\n  -   d: e\n      f: g\n  -\n    h: i\n",
	"a: {b: c, d: [e, 'f''g', {}], \"h i\": []}",
	"a:\n- b\n- 'c'\n# x\nd: e\n", "a: \"b\\\\T\\\"\\r\\n\" # c\n",
	"a: {t: 1ms, u: 10, v: 0x1f, w: 1e3, x: 2026-11-29, y: 007}\n",
	"a: rfc2217://h:1?speed=1\nb: {c: 192.0.2.1:1812, d: a#b, e: -1}\n", "a: {b: \"ü\", c: d} # ü\n",
	"a: true\nb: null\nc: yes\nd: .5\ne: 1h\nf: 12s 5\n", "a:\n  b:\n    c: d\n  e: f\n", "a: b c  d \nb: x:y\n",
}

// otherTexts are for the YAML package, whether they are valid or not.
var otherTexts = []string{
	"", "a:\n", "a: &b c\n", "a: |\n  b\n", "a: b\n  c\n", "---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "- a\n",
	" a: b\n", "a: [b,\n c]\n", "{a: b}\n", "a: {b: c,}\n", "a: {b}\n", "a: [b: c]\n", "a: !x b\n", "a: *b\n",
	"a: b: c\n", "a:\n  b: c\n d: e\n", "a: \"b\n  c\"\n", "a: {\"b\":c}\n", "a: b\r\n", "a:\tb\n", "a: \"\\x41\"\n",
	"a: ~\n", "a: - b\n", "- - a\n", "a:\n  - b\n c: d\n", "a: b\n- c\n", "# a\n",
	"a: 'b' c\n", "a: {b: c} d\n", "<<: a\n",
	"a: {b: c}#d\n", "a: \ufeffb\n", "? a\n: b\n", strings.Repeat("a", 200) + ": b\n",
	"a" + strings.Repeat(" ", 2000) + ": b\n",
	"a: " + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "\n",
}

func TestPlain(t *testing.T) {
	for _, text := range plainTexts {
		if !comparePlain(t, []byte(text)) {
			t.Errorf("%q is not read", text)
		}
	}
	for _, text := range otherTexts {
		if comparePlain(t, []byte(text)) {
			t.Errorf("%q is read", text)
		}
	}
}

// The files of the project that are usual configurations are read without the YAML package.
func TestPlainFiles(t *testing.T) {
	read := 0
	for _, pattern := range []string{"../docs/*/*.yaml", "../policies/examples/*/*.yaml", "../policies/examples/*.yaml",
		"../lines/modem/profiles/shipped/*.yaml", "../lab/*/*.yaml", "../lines/modem/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if comparePlain(t, data) {
				read++
			} else {
				t.Logf("%s is left to the YAML package", file)
			}
		}
	}
	if read < 20 {
		t.Errorf("only %d files are read", read)
	}
}

func FuzzPlain(f *testing.F) {
	for _, text := range append(plainTexts, otherTexts...) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		comparePlain(t, data)
		comparePlain(t, []byte(fromPieces(data)))
	})
}

// pieces of YAML: texts of them are valid more often than texts of octets.
var pieces = []string{"a: ", "b: ", "c:\n", "d:", "\n", "\n", "\n", "  ", "  ", "    ", "- ", "- ", "-\n", " # c", "#",
	"{", "}", "[", "]", ", ", ",", "a: {b: c, d: [e, f]}\n", "  - {e: f}\n", "'", "\"", "\\", "word", "1ms", "10", "é",
	"null", " ", ":", "\n\n", "'q'", "\"r\"", "x y", "  s: t\n", "? ", "&", "*", "|", ">", "!", "%", "@", "---\n",
	"...\n", "\t", "-1", "1e3", ".5", "true", "<<", "~", "\r\n", "\u2028", "0x1f", "2026-11-29"}

// fromPieces returns the text of a piece for each octet.
func fromPieces(data []byte) string {
	var b strings.Builder
	for _, i := range data {
		b.WriteString(pieces[int(i)%len(pieces)])
	}
	return b.String()
}

// TestPlainPieces compares random texts, with a seed that is constant.
func TestPlainPieces(t *testing.T) {
	random, read := rand.New(rand.NewPCG(1, 2)), 0
	for range 20_000 {
		data := make([]byte, 1+random.IntN(24))
		for i := range data {
			data[i] = byte(random.IntN(256))
		}
		if comparePlain(t, []byte("a: "+fromPieces(data))) {
			read++
		}
	}
	if read < 200 {
		t.Errorf("only %d texts are read", read)
	}
}
