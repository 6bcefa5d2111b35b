package config

import (
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ringback/ringback/policies"
)

// Each value of the full sample is removed, or replaced by one of another kind: Load reports problems and never
// panics. A usual run tries every fifth of these texts, and with RINGBACK_LONG=1 all are tried.
func TestEachKeyBroken(t *testing.T) {
	t.Parallel()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // garbage collection took a third of the time
	text, err := os.ReadFile("../testdata/config/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	texts := make(chan []byte)
	var loading sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		loading.Go(func() {
			for data := range texts {
				loadBroken(t, data)
			}
		})
	}
	sections := sectionsOf(t, doc.Content[0])
	made, tried := 0, 0
	var changed int // the section whose nodes are changed: the texts of the others stay
	load := func() {
		if made++; made%5 != 0 && os.Getenv("RINGBACK_LONG") == "" {
			return
		}
		tried++
		var data []byte
		for i, s := range sections {
			if i == changed {
				s.text = marshal(t, s.node)
			}
			data = append(data, s.text...)
		}
		texts <- data
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		step := 1
		if n.Kind == yaml.MappingNode {
			step = 2
		}
		for i := 0; i+step <= len(n.Content); i += step {
			all := n.Content
			n.Content = append(append([]*yaml.Node(nil), all[:i]...), all[i+step:]...)
			load()
			n.Content = all
			at := i + step - 1
			whole := *all[at]
			for _, other := range []yaml.Node{
				{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, {Kind: yaml.ScalarNode, Value: "x"},
				{Kind: yaml.ScalarNode, Value: ""},
				{Kind: yaml.ScalarNode, Tag: "!!int", Value: "3"}, {Kind: yaml.SequenceNode}, {Kind: yaml.MappingNode},
				{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.MappingNode}}},
			} {
				*all[at] = other
				load()
			}
			*all[at] = whole
			walk(all[at])
		}
	}
	for changed = range sections {
		walk(sections[changed].node)
	}
	close(texts)
	loading.Wait()
	if tried < 1000 {
		t.Errorf("only %d files were tried", tried)
	}
}

// section is a top-level key of the sample with its value: a mapping of one pair, and its text.
type section struct {
	node *yaml.Node
	text []byte
}

// sectionsOf divides a file into its sections. A change of one then does not format all of the file again.
func sectionsOf(t *testing.T, file *yaml.Node) (out []section) {
	for pair := range slices.Chunk(file.Content, 2) {
		n := &yaml.Node{Kind: yaml.MappingNode, Content: pair}
		out = append(out, section{n, marshal(t, n)})
	}
	return out
}

// marshal returns the text of a section, which is empty if its key was removed.
func marshal(t *testing.T, n *yaml.Node) []byte {
	if len(n.Content) == 0 {
		return nil
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// loadBroken checks that a text is either loaded or reported as invalid.
func loadBroken(t *testing.T, data []byte) {
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v with\n%s", p, data)
		}
	}()
	l := &loader{file: "ringback.yaml", dir: "/d", tun: func() error { return nil },
		policies: func(string, policies.Site) (*policies.Set, Problems) { return &policies.Set{}, nil },
		read: func(string, int64) ([]byte, access, error) {
			return []byte("0123456789abcdef01234567\n"), access{mode: 0o600}, nil
		}}
	if c, problems := l.load(data, nil); (c == nil) != problems.HasErrors() {
		t.Errorf("Config %v with %v", c != nil, problems)
	}
}
