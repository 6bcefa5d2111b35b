package importer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// TestYAML: YAML reads what a Map has.
func TestYAML(t *testing.T) {
	long := "0123456789012345678901234567890123456789012345678901234567890"
	m := Map{{"hostname", "maui", "first\nsecond"}, {Key: "speed", Value: 5}, {Key: "mode", Value: Word("inout")}}
	m.Set("none", "")
	m.Set("wait", 5*time.Second)
	m.Set("odd name", true)
	m.Set("numbers", []string{"0841", long, long})
	m.SetAbout("about\nlines", "lines", []Map{
		{{Key: "tty", Value: "65"}, {Key: "scripts", Value: Map{{Key: "callback", Value: `"" "ATDT \T"`}}}},
		{{Key: "a", Value: long}, {Key: "b", Value: Map{{Key: "c", Value: long}, {Key: "d", Value: []int{1, 2}}}},
			{Key: "e", Value: []Map{{{Key: "f", Value: long}, {Key: "g", Value: long}}}}},
	})
	var got any
	text := m.YAML()
	if err := yaml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	want := map[string]any{"hostname": "maui", "speed": 5, "mode": "inout", "wait": "5s", "odd name": true,
		"numbers": []any{"0841", long, long},
		"lines": []any{
			map[string]any{"tty": "65", "scripts": map[string]any{"callback": `"" "ATDT \T"`}},
			map[string]any{"a": long, "b": map[string]any{"c": long, "d": []any{1, 2}},
				"e": []any{map[string]any{"f": long, "g": long}}},
		}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s", diff, text)
	}
}

// FuzzYAML: any text of an input is one value, and a comment is nothing but a comment.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{"", "a: b", `'"\`, "\u2028\u0085\ufeff\U0001F600\x7f", "#", "- ", "null", "no", "0123",
		"~"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = string([]rune(text)) // the input of an import is UTF-8
		if len(quote(text)) > 1000 || text == "list" {
			return // YAML's keys have at most 1024 characters; names from an input have fewer
		}
		m := Map{{Key: text, Value: text, Comment: text}, {Key: "list", Value: []string{text, text}}}
		var got map[string]any
		if err := yaml.Unmarshal([]byte(m.YAML()), &got); err != nil {
			t.Fatalf("%v in\n%s", err, m.YAML())
		}
		want := map[string]any{text: text, "list": []any{text, text}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\n%s", diff, m.YAML())
		}
	})
}
