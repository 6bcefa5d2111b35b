package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

var table = []Key{
	{Name: "name", Type: String, Required: true, Reload: Restart, Example: "x", Doc: "The name | of it."},
	{Name: "on", Type: Bool, Default: "true"},
	{Name: "n", Type: Int, Min: -1, Max: 9},
	{Name: "wait", Type: Duration, Default: "5s"},
	{Name: "tty", Type: String, Loose: true},
	{Name: "api", Type: Object, Keys: []Key{{Name: "socket", Type: String},
		{Name: "mode", Type: String, Enum: []string{"a", "b"}}}},
	{Name: "items", Type: List, Min: 0, Max: 2,
		Elem: &Key{Type: Object, Keys: []Key{{Name: "id", Type: Int, Required: true, Example: "7"}}}},
	{Name: "words", Type: Dict, Check: noSmall, Elem: &Key{Type: String, Enum: []string{"BUSY", "progress"},
		Example: "BUSY"}},
	{Name: "lists", Type: Dict, Elem: &Key{Type: List, Elem: &Key{Type: String}, Example: "[radius]"}},
}

func noSmall(s string) error {
	if s != strings.ToUpper(s) {
		return errors.New("in capitals")
	}
	return nil
}

func TestParseValues(t *testing.T) {
	v, problems := Parse("f", []byte("name: \"007\"\non: true\nn: -1\nwait: 1m30s\ntty: 6.50\napi: {socket: "+
		"/x}\nitems:\n  - id: 3\n  - {id: 4}\nlists: {Up.Per: [a, b], z: []}\nwords: {\"A B*\": BUSY, NO: progress}\n"),
		table)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if v.Get("name").Text() != "007" || !v.Get("on").Bool(false) || v.Get("n").Int() != -1 ||
		v.Get("wait").Duration() != 90*time.Second ||
		v.Get("tty").Text() != "6.50" || v.Get("api", "socket").Text() != "/x" ||
		v.Get("items").Items()[1].Get("id").Int() != 4 {
		t.Errorf("%+v", v)
	}
	if id := v.Get("items").Items()[1].Get("id"); id.Line != 9 || id.Column != 10 || id.Path != "items[1].id" {
		t.Errorf("%+v", id)
	}
	if n := v.Get("lists").Names(); strings.Join(n, " ") != "Up.Per z" || strings.Join(v.Get("lists", "Up.Per").Texts(),
		" ") != "a b" {
		t.Errorf("%q", n)
	}
	if w := v.Get("words"); strings.Join(w.Names(), "|") != "A B*|NO" || w.Get("A B*").Text() != "BUSY" ||
		w.Get("NO").Text() != "progress" {
		t.Errorf("%+v", w)
	}
	if v.Get("no", "such").IsSet() || v.Get("no").Text() != "" || !v.Get("no").Bool(true) || v.Get("no").Int() != 0 ||
		v.Get("no").Items() != nil || v.Get("no").Duration() != 0 || v.Get("no").Names() != nil {
		t.Error("an absent key is not zero")
	}
	flat := v.Flat()
	if len(flat) != 6 || flat["api.socket"] != "/x" || flat["n"] != "-1" {
		t.Errorf("%v", flat)
	}
}

func TestParseProblems(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\non: 1\n": `f:2:5: on: expected true or false, got the number 1 (write true or false)`,
		"name: x\nitems: [{id: 1}, {id: 2}, {}, 3]\n": `f:2:8: items: has 4 entries; expected 0 to 2`,
		"name: x\nitems: [{}]\n":                      `f:2:9: items[0].id: is required (write id: 7)`,
		"name: x\nitems: [3]\n":                       `f:2:9: items[0]: expected keys, got the number 3 (valid keys: id)`,
		"name: x\nitems: " +
			"[{id: x}]\n": `f:2:14: items[0].id: expected an integer, got the text "x" (write the number without quotes)`,
		"name: x\nlists: [a]\n": `f:2:8: lists: expected names, got a list (name: [radius])`,
		"name: x\nlists: {a: " +
			"radius}\n": `f:2:12: lists.a: expected a list, got the text "radius" (write [radius])`,
		"name: x\nlists: {a: [b], " +
			"a: [c]}\n": `f:2:17: lists.a: already set on line 2 (remove one of the two)`,
		"name: x\ntty: 2026-11-29\n":    `f:2:6: tty: expected text, got a date (quote it: "2026-11-29")`,
		"name: x\nwords: {a b: BUSY}\n": `f:2:9: words."a b": in capitals`,
		"name: x\nwords: {A: " +
			"BUZY}\n": `f:2:12: words.A: "BUZY" is not "BUSY" or "progress" (did you mean "BUSY"?)`,
		"name: x\nwords: {A: BUSY, A: " +
			"BUSY}\n": `f:2:18: words.A: already set on line 2 (remove one of the two)`,
		"name: x\nwords: [A]\n": `f:2:8: words: expected names, got a list (name: BUSY)`,
		"name: x\nwords: {A: " +
			"[BUSY]}\n": `f:2:12: words.A: expected "BUSY" or "progress", got a list`,
		"name: x\nwords: {[A]: BUSY}\n":           `f:2:9: words: a key must be a plain word`,
		"name: 2026-11-21\n":                      `f:1:7: name: expected text, got a date (quote it: "2026-11-21")`,
		"name: x\nn: 0x5\n":                       `f:2:4: n: "0x5" is not an integer`,
		"name: x\napi: {mode: c}\n":               `f:2:13: api.mode: "c" is not "a" or "b" (did you mean "a"?)`,
		"name: x\n<<: {on: true}\n":               `f:2:1: a key must be a plain word`,
		"name: [\n":                               `f:1:1: invalid YAML: did not find expected node content (check indentation, colons and quotes on this line and the one before it; tabs are not allowed)`,
		"# nothing\n":                             `f:1:1: name: is required (write name: x)`,
		"name: *a\n":                              `f:1:7: a text that begins with * must be in quotes (write "*a")`,
		"name: x\nlists: {a: [b],\n  c: [*8*]}\n": `f:3:1: invalid YAML: did not find expected alphabetic or numeric character (put a text that begins with * or & in quotes, such as "*84")`,
		"name: x\nlists: {a: 8* x}\n":             `f:2:12: lists.a: expected a list, got the text "8* x" (write ['8* x'])`,
		"name: x\x00\n":                           `f:1:8: the control character U+0000 is not allowed (remove it, or write it as an escape in double quotes, such as "\t")`,
		"name: x\n# \u00e9\x1b[31m\n":             `f:2:4: the control character U+001B is not allowed (remove it, or write it as an escape in double quotes, such as "\t")`,
		"name: x\ntty: \xe9\n":                    `f:2:6: the octet 0xE9 is not UTF-8 (save the file as UTF-8)`,
		"\tname: x\n":                             `f:1:1: invalid YAML: found character that cannot start any token (check indentation, colons and quotes on this line and the one before it; tabs are not allowed)`,
		"name: !foo x\n":                          `f:1:7: name: YAML tags (!foo) are not supported (write the value without !foo)`,
		"name: x\nlists: !!set {a: [b]}\n":        `f:2:8: lists: YAML tags (!!set) are not supported (write the value without !!set)`,
		"name: x\nlists: {a: !x [b]}\n":           `f:2:12: lists.a: YAML tags (!x) are not supported (write the value without !x)`,
		"!!foo\nname: x\n":                        `f:1:1: YAML tags (!!foo) are not supported (write the value without !!foo)`,
		"!!map name: x\n": "f:1:1: a key must be a plain word\n" +
			"f:1:1: name: is required (write name: x)",
	} {
		_, problems := Parse("f", []byte(text), table)
		if got := problems.String(); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", text, got, want)
		}
	}
	if _, p := Parse("f", make([]byte, MaxSize+1), table); len(p) != 1 ||
		!strings.Contains(p[0].Msg, "the maximum is 4194304") {
		t.Error(p)
	}
}

// A line of JSON is checked as a file is.
func TestParseJSON(t *testing.T) {
	v, problems := ParseJSON("f", 7, []byte(`{"name": "\u0000x", "n": -1, "on": false, "items": [{"id": 3}], "tty": 6.50}`),
		table)
	if len(problems) > 0 || v.Get("name").Text() != "\x00x" || v.Get("n").Int() != -1 || v.Get("on").Bool(true) ||
		v.Get("items").Items()[0].Get("id").Int() != 3 || v.Get("tty").Text() != "6.50" {
		t.Errorf("%+v %v", v, problems)
	}
	for text, want := range map[string]string{
		``:                           `f:7:1: not JSON: the line is empty (write one object on each line`,
		`{"name": "x"`:               `f:7:13: not JSON: the line ends before the object does (write one object`,
		`hello`:                      `f:7:1: not JSON: 'h' is not expected here (write one object`,
		`{"name": tru}`:              `f:7:13: not JSON: '}' is not expected here`,
		`{"name": "é", 'n': 1}`:      `f:7:15: not JSON: '\'' is not expected here`,
		`{"name": "x",}`:             `f:7:14: not JSON: '}' is not expected here`,
		`{"n": 1e999} x`:             `f:7:14: not JSON: there is more text after the value`,
		`null`:                       `f:7:1: has no value`,
		`[1]`:                        `f:7:1: expected keys, got a list`,
		`{"name": "x"} {}`:           `f:7:15: not JSON: there is more text after the value (write one object`,
		`{"name": "x", "name": "y"}`: `f:7:1: name: already set on line 7`,
		`{"name": "x", "nn": 1}`:     `f:7:1: nn: unknown key`,
		`{"name": "x", "n": 1.0}`:    `f:7:1: n: expected an integer, got the number 1.0`,
		`{"name": "x", "n": null}`:   `f:7:1: n: has no value`,
		`{"name": 5, "wait": 5}`:     "f:7:1: name: expected text, got the number 5 (quote it: \"5\")\nf:7:1: wait: expected",
	} {
		_, problems := ParseJSON("f", 7, []byte(text), table)
		if got := problems.String(); !strings.HasPrefix(got, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func TestParseScalar(t *testing.T) {
	if v, err := ParseScalar(Key{Type: Duration}, "2s"); err != nil || v.Duration() != 2*time.Second {
		t.Error(v, err)
	}
	for _, tt := range []struct {
		k    Key
		text string
	}{{Key{Type: Bool}, "maybe"}, {Key{Type: Bool}, ""}, {Key{Type: Int}, "1e3"}, {Key{Type: Duration}, "-1s"},
		{Key{Enum: []string{"a"}}, "b"}, {Key{Type: Int, Min: 1, Max: 2}, "3"}} {
		if _, err := ParseScalar(tt.k, tt.text); err == nil {
			t.Errorf("%+v accepts %q", tt.k, tt.text)
		}
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"radius", "callback", "policies_dir", "deny"}
	for word, want := range map[string]string{
		"raduis": "radius", "Radius": "radius", "calback": "callback", "policy_dir": "policies_dir",
		"policies-dir": "policies_dir", "deney": "deny",
		"x": "", "hostname": "", "": "",
	} {
		got := Suggest(word, known)
		if want == "" && got != "" || want != "" && got != `did you mean "`+want+`"?` {
			t.Errorf("%q: %s", word, got)
		}
	}
	if Suggest(strings.Repeat("a", 1<<20), known) != "" {
		t.Error("a megabyte of text is similar to a word")
	}
}

func TestProblems(t *testing.T) {
	ps := Problems{
		{File: "b", Msg: "x"}, {File: "a", Line: 9, Column: 1, Msg: "late", Severity: Warning},
		{File: "a", Line: 2, Column: 7, Key: "k", Msg: "early", Hint: "fix"},
	}
	ps.Sort()
	if got := ps.String(); got != "a:2:7: k: early (fix)\na:9:1: warning: late\nb: x" {
		t.Error(got)
	}
	if err := ps.Err(); err == nil || strings.Contains(err.Error(), "late") {
		t.Error(err)
	}
	if err := ps.Only(Warning).Err(); err != nil {
		t.Error(err)
	}
}

func TestMarkdown(t *testing.T) {
	got := Markdown(Inherit(NewCalls, table), 3)
	for _, want := range []string{
		"| `name` | text | required | restart | The name \\| of it. | `x` |\n", "| `n` | integer -1–9 |",
		"| `lists` | name: list of text |",
		"### `api`\n\n| key |", "| `mode` | `a`, `b` |", "### `items[]`\n\n| key |",
		"| `wait` | duration | `5s` | new calls |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// The scanner reads what encoding/json reads.
func FuzzParseJSON(f *testing.F) {
	f.Add([]byte(`{"a": [1, -2.5e3, "x\\\"y", "\u00e9\ud800é", {}, []], "b" : null,"c":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want any
		d := json.NewDecoder(bytes.NewReader(data))
		d.UseNumber()
		if !json.Valid(data) || d.Decode(&want) != nil {
			if _, problems := ParseJSON("f", 1, data, table); len(problems) == 0 {
				t.Fatalf("%q is valid", data)
			}
			return
		}
		ParseJSON("f", 1, data, table)
		if got := plainOf((&jsonText{data: data, line: 1}).value()); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", data, got, want)
		}
	})
}

// plainOf is a node as encoding/json has it.
func plainOf(n *yaml.Node) any {
	switch {
	case n.Kind == yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			out = append(out, plainOf(c))
		}
		return out
	case n.Kind == yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plainOf(n.Content[i+1])
		}
		return out
	case n.Tag == "!!null":
		return nil
	case n.Tag == "!!bool":
		return n.Value == "true"
	case n.Tag == "!!int" || n.Tag == "!!float":
		return json.Number(n.Value)
	}
	return n.Value
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("name: x\nitems: [{id: 3}]\nlists: {a: [b]}\n"))
	f.Add([]byte("name: &a [*a, !!binary x, ~]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, problems := Parse("f", data, table)
		if v == nil {
			t.Fatal("no value")
		}
		if !problems.HasErrors() && !v.Get("name").IsSet() {
			t.Fatalf("%q is accepted without its required keys", data)
		}
	})
}

func TestFormatTTYs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ttys []int
		want string
	}{
		{[]int{65}, "65"}, {[]int{65, 66}, "65-66"}, {[]int{65, 66, 67, 70}, "65-67, 70"},
		{[]int{1, 3, 4, 9}, "1, 3-4, 9"},
	} {
		if got := FormatTTYs(tt.ttys); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.ttys, got, tt.want)
		}
	}
}

// Mappings with few and with many names find each name, and report a name that is there twice.
func TestManyNames(t *testing.T) {
	for _, n := range []int{1, few, few + 1, 500} {
		var b strings.Builder
		b.WriteString("name: x\nlists:\n")
		for i := range n {
			fmt.Fprintf(&b, "  name%d: [a%d]\n", i, i)
		}
		v, problems := Parse("f", []byte(b.String()), table)
		if lists := v.Get("lists"); len(problems) > 0 || len(lists.Names()) != n || lists.Get("none").IsSet() {
			t.Fatalf("%d: %v, %d names", n, problems, len(lists.Names()))
		}
		more, _ := Parse("g", []byte("name: y\nlists: {name0: [b], other: [c]}\n"), table)
		for i, list := range Merge(v, more).Get("lists").below {
			want := fmt.Sprint("a", i)
			switch i {
			case 0:
				want = "b"
			case n:
				want = "c"
			}
			if list.Texts()[0] != want {
				t.Errorf("%d: merged list %d is %q, want %s", n, i, list.Texts(), want)
			}
		}
		_, problems = Parse("f", []byte(b.String()+"  name0: [b]\n"), table)
		want := fmt.Sprintf("f:%d:3: lists.name0: already set on line 3 (remove one of the two)", n+3)
		if problems.String() != want {
			t.Errorf("%d: %v, want %s", n, problems, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	keys := append(table, Key{Name: "deep", Type: Object, Keys: []Key{{Name: "wait", Type: Duration, Default: "2s"}}})
	v := Defaults(keys)
	if !v.Get("on").Bool(false) || v.Get("wait").Duration() != 5*time.Second || v.Get("deep", "wait").Text() != "2s" ||
		v.Get("name").IsSet() || v.Get("items").IsSet() || v.Get("api", "mode").IsSet() {
		t.Errorf("%+v", v)
	}
}
