package policies

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/ringback/ringback/schema"
)

// notInJSON are the rules of the parser that the JSON Schema of a policy file cannot express, by their problems. The
// rules between keys (check), those between files (LoadDir) and each Check without a Pattern are such rules too.
var notInJSON = []struct{ rule, msg string }{
	{"one document", `^the file has a second YAML document$`},
	{"the range of a duration", `^\S+s is not between \S+s and \S+s$|^a duration cannot be negative$|is not a duration`},
	{"decimal notation of an integer", `is not an integer$`},
	{"an integer with a fraction of zero", `^expected an integer, got the number `},
	{"dates are no text", `got a date$`},
	{"a group's name does not end in .test", `is not a group name: files with tests end in`},
}

// compiled returns the JSON Schema of policy files, compiled by another implementation.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := schema.JSON("a policy file", Keys())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// judgeAlike checks that the JSON Schema rejects what the parser rejects, except for the rules that it cannot express,
// and accepts what the parser accepts.
func judgeAlike(t testing.TB, s *jsonschema.Schema, text string) {
	t.Helper()
	var doc yaml.Node
	if yaml.Unmarshal([]byte(text), &doc) != nil {
		return // no editor reads it
	}
	data, ok := jsonOf(&doc)
	if !ok {
		return
	}
	_, problems := schema.Parse("f.yaml", []byte(text), Keys())
	switch err := s.Validate(data); {
	case err != nil && !problems.HasErrors():
		t.Errorf("%q: valid, but the JSON Schema says %v", text, err)
	case err == nil && !slices.ContainsFunc(problems, inJSON):
	case err == nil:
		t.Errorf("%q: the JSON Schema accepts it, but the parser says %v", text, problems)
	}
}

// inJSON reports whether the JSON Schema has to find a problem.
func inJSON(p schema.Problem) bool {
	for _, r := range notInJSON {
		if regexp.MustCompile(r.msg).MatchString(p.Msg) {
			return false
		}
	}
	k := keyAt(p.Key)
	return k == nil || k.Check == nil || k.Pattern != ""
}

var pathPart = regexp.MustCompile(`\[[0-9]+\]|"(?:[^"\\]|\\.)*"|[^."\[]+`)

// keyAt returns the row of the key at a path of a problem; nil: there is none. The name of a Dict has the Dict's row.
func keyAt(path string) *schema.Key {
	at := &schema.Key{Type: schema.Object, Keys: Keys()}
	parts := pathPart.FindAllString(path, -1)
	for i, part := range parts {
		switch {
		case at == nil:
			return nil
		case at.Type == schema.Object:
			at = schema.Find(at.Keys, strings.TrimSuffix(part, "+"))
		case at.Type == schema.Dict && i == len(parts)-1 && at.Check != nil:
		case at.Type == schema.List || at.Type == schema.Dict:
			at = at.Elem
		}
	}
	return at
}

// jsonOf is the data of a YAML node, as editors have it; false: JSON has no such data (anchors, duplicate keys, keys
// that are no text, other tags) or the file is too complex.
func jsonOf(n *yaml.Node) (any, bool) {
	if n.Anchor != "" {
		return nil, false
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return jsonOf(n.Content[0])
	case yaml.SequenceNode:
		out := []any{}
		for _, c := range n.Content {
			v, ok := jsonOf(c)
			if !ok {
				return nil, false
			}
			out = append(out, v)
		}
		return out, n.Tag == "!!seq"
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			v, ok := jsonOf(n.Content[i+1])
			if _, twice := out[key.Value]; !ok || twice || key.Anchor != "" || key.Kind != yaml.ScalarNode ||
				key.Tag == "!!merge" || key.Tag == "!!null" {
				return nil, false
			}
			out[key.Value] = v
		}
		return out, n.Tag == "!!map"
	case yaml.ScalarNode:
		return jsonScalar(n)
	}
	return nil, false
}

func jsonScalar(n *yaml.Node) (any, bool) {
	switch n.Tag {
	case "!!str", "!!timestamp":
		return n.Value, true
	case "!!null":
		return nil, true
	case "!!bool":
		return strings.EqualFold(n.Value, "true"), true
	case "!!int":
		i, ok := new(big.Int).SetString(n.Value, 0)
		if !ok { // such as 0841
			return json.Number("0.5"), true
		}
		return json.Number(i.String()), true
	case "!!float":
		f, err := strconv.ParseFloat(n.Value, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, false
		}
		return json.Number(strconv.FormatFloat(f, 'f', -1, 64)), true
	}
	return nil, false
}

// Samples are valid for the JSON Schema. TestParseProblems and FuzzParse have the broken files.
func TestSamplesInJSON(t *testing.T) {
	s := compiled(t)
	var files []string
	for _, pattern := range []string{"examples/*.yaml", "../testdata/config/policies.d/*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatal(pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if strings.HasSuffix(file, TestSuffix) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		judgeAlike(t, s, string(text))
	}
	for _, text := range []string{sample,
		"group: g\nextends: h\nnumbers: {allow+: ['84*'], deny: []}\n",
		"group: g\nextends: h\nnumbers: {allow+: ['84*'], allow: []}\n",
		"group: g\nusers+: [kim]\n",
		"group: g\nattempts: {max: 2.0}\n", "group: g\nattempts: {max: 0x2}\n", "group: g\nusers: [2026-11-29]\n",
		"group: g\nattempts: {retry_wait: '+0h1.5m'}\n", "group: g\nattempts: {retry_wait: 1.5}\n",
		"group: g\nnumbers: {list: {84001: ['84001'], '': ['1']}}\n", "group: g\nnumbers: {list: {}}\n",
	} {
		judgeAlike(t, s, text)
	}
}

// A Pattern accepts what its Check accepts, and nothing else but the named exception.
func TestPatterns(t *testing.T) {
	var walk func(keys []schema.Key)
	text := rapid.OneOf(rapid.StringMatching(`[0-9*A-Za-z_.-]{0,6}`), rapid.String())
	one := func(k schema.Key) {
		pattern := regexp.MustCompile(k.Pattern)
		rapid.Check(t, func(t *rapid.T) {
			s := text.Draw(t, "text")
			if err := k.Check(s); (err == nil) != pattern.MatchString(s) && !strings.HasSuffix(s, ".test") {
				t.Fatalf("%s: %q: %v, but the pattern says %v", k.Name, s, err, err != nil)
			}
		})
	}
	walk = func(keys []schema.Key) {
		for _, k := range keys {
			for e := &k; e != nil; e = e.Elem {
				if e.Pattern != "" {
					one(*e)
				}
				walk(e.Keys)
			}
		}
	}
	walk(Keys())
}
