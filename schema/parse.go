package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the maximum size of a file in octets.
const MaxSize = 4 << 20

// Parse validates the data of a YAML file against the table and returns the valid values and all problems. file is used
// only as the name in problems. The Value is never nil; invalid keys are absent from it.
func Parse(file string, data []byte, table []Key) (*Value, Problems) {
	p := &parser{file: file}
	top := &Value{File: file, Line: 1, Column: 1, typ: Object}
	n := p.document(data)
	if n == nil {
		if len(p.problems) == 0 { // an empty file
			p.missing(top, table, nil)
		}
		return top, p.problems
	}
	if v := new(Value); p.value(v, "", &Key{Type: Object, Keys: table}, n) {
		top = v
	}
	return top, p.problems
}

// ParseScalar validates a value from outside the file (environment variable, flag) as if the file had it at this key.
func ParseScalar(k Key, text string) (*Value, error) {
	v := &Value{typ: k.Type}
	if err := v.parse(&k, text); err != nil {
		return nil, err
	}
	return v, nil
}

// parse reads and checks a scalar.
func (v *Value) parse(k *Key, text string) (err error) {
	v.text = text
	switch k.Type {
	case Int:
		if v.num, err = strconv.ParseInt(text, 10, 64); err != nil {
			return fmt.Errorf("%s is not an integer", clip(text))
		}
	case Bool:
		switch strings.ToLower(text) {
		case "true":
			v.num = 1
		case "false":
		default:
			return fmt.Errorf("%s is neither true nor false", clip(text))
		}
	case Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%s is not a duration (write 5s, 1m30s or 500ms)", clip(text))
		}
		v.num = int64(d)
	}
	if err := k.bounds(v.num); err != nil {
		return err
	}
	if len(k.Enum) > 0 && !contains(k.Enum, text) {
		return fmt.Errorf("%s is not %s", clip(text), OneOf(k.Enum))
	}
	if k.Check != nil {
		return k.Check(text)
	}
	return nil
}

func (k *Key) bounds(n int64) error {
	if k.Min == 0 && k.Max == 0 {
		if k.Type == Duration && n < 0 {
			return errors.New("a duration cannot be negative")
		}
		return nil
	}
	if k.Type == Int && (n < k.Min || n > k.Max) {
		return fmt.Errorf("%d is not between %d and %d", n, k.Min, k.Max)
	}
	if k.Type == Duration && (n < k.Min || n > k.Max) {
		return fmt.Errorf("%v is not between %v and %v", time.Duration(n), time.Duration(k.Min), time.Duration(k.Max))
	}
	return nil
}

type parser struct {
	file     string
	problems Problems
}

func (p *parser) problem(n *yaml.Node, key, hint, format string, args ...any) {
	pr := Problem{File: p.file, Key: key, Msg: fmt.Sprintf(format, args...), Hint: hint}
	if n != nil {
		pr.Line, pr.Column = n.Line, n.Column
	}
	p.problems = append(p.problems, pr)
}

// document returns the root node, or nil if there is none.
func (p *parser) document(data []byte) *yaml.Node {
	if len(data) > MaxSize {
		p.problem(nil, "", "", "the file has %d octets; the maximum is %d", len(data), MaxSize)
		return nil
	}
	if pr := checkText(data); pr != nil {
		pr.File = p.file
		p.problems = append(p.problems, *pr)
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		p.syntax(err, data)
		return nil
	}
	var more yaml.Node
	switch err := d.Decode(&more); {
	case err == nil:
		p.problem(&more, "", "remove everything from the --- line on", "the file has a second YAML document")
	case !errors.Is(err, io.EOF):
		p.syntax(err, data)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil // comments only
	}
	return root
}

var unknownAlias = regexp.MustCompile(`^unknown anchor '(.*)' referenced`)

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntax reports a syntax error of the YAML package as a Problem.
func (p *parser) syntax(err error, data []byte) {
	pr := Problem{File: p.file, Msg: err.Error()}
	if m := yamlLine.FindStringSubmatch(strings.SplitN(err.Error(), "\n", 2)[0]); m != nil {
		pr.Msg = "invalid YAML: " + m[2]
		pr.Hint = "check indentation, colons and quotes on this line and the one before it; tabs are not allowed"
		pr.Line, _ = strconv.Atoi(m[1])
		if strings.HasPrefix(m[2], "found character") {
			pr.Line = max(pr.Line, 1) // the package does not name the first line
		}
		if pr.Line > 0 {
			pr.Column = 1
		}
		if strings.HasPrefix(m[2], "did not find expected alphabetic") {
			pr.Hint = `put a text that begins with * or & in quotes, such as "*84"`
		}
		if alias := unknownAlias.FindStringSubmatch(m[2]); alias != nil {
			before, _, _ := bytes.Cut(data, []byte("*"+alias[1]))
			pr.Line, pr.Column = bytes.Count(before, []byte("\n"))+1, len(before)-bytes.LastIndexByte(before, '\n')
			pr.Msg, pr.Hint = "a text that begins with * must be in quotes", `write "*`+alias[1]+`"`
		}
	}
	p.problems = append(p.problems, pr)
}

// value validates one node and fills in v; false: it is invalid.
func (p *parser) value(v *Value, path string, k *Key, n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		p.problem(n, path, "write the value in full", "anchors (&) and aliases (*) are not supported")
		return false
	}
	if tag := unknownTag(n); tag != "" {
		p.problem(n, path, "write the value without "+tag, "YAML tags (%s) are not supported", tag)
		return false
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		p.problem(n, path, "write a value or remove the key", "has no value")
		return false
	}
	*v = Value{Path: path, File: p.file, Line: n.Line, Column: n.Column, typ: k.Type}
	switch k.Type {
	case Object:
		return p.object(v, k, n)
	case List:
		return p.list(v, k, n)
	case Dict:
		return p.dict(v, k, n)
	}
	return p.scalar(v, k, n)
}

func (p *parser) object(v *Value, k *Key, n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		p.problem(n, v.Path, "valid keys: "+strings.Join(names(k.Keys), ", "), "expected keys, got %s", kind(n))
		return false
	}
	var wrong []string // keys that are present but invalid
	below, next := v.room(len(n.Content)/2), 0
	p.pairs(v, n, func(name string, key, val *yaml.Node) {
		var row *Key
		if i := indexFrom(k.Keys, name, next); i >= 0 {
			row, next = &k.Keys[i], i+1
		} else {
			row = findPlus(k.Keys, name)
		}
		if why, ok := k.Absent[name]; ok {
			p.problem(key, join(v.Path, name), "remove it", "%s", why)
			return
		}
		if row == nil {
			hint := Suggest(name, names(k.Keys))
			if hint == "" {
				hint = "valid keys: " + strings.Join(names(k.Keys), ", ")
			}
			p.problem(key, join(v.Path, name), hint, "unknown key")
			return
		}
		if f := below(); p.value(f, dot(v.Path, name), row, val) {
			v.add(name, f)
			return
		}
		wrong = append(wrong, name)
	})
	p.both(v)
	p.missing(v, k.Keys, wrong)
	return true
}

// room makes room for n values below v. next returns one after the other: they are allocated together, because a file
// may have thousands of lines with a dozen keys each.
func (v *Value) room(n int) (next func() *Value) {
	v.below = make([]*Value, 0, n)
	if v.typ != List {
		v.names = make([]string, 0, n)
	}
	free := make([]Value, n)
	return func() *Value {
		f := &free[0]
		free = free[1:]
		return f
	}
}

func (p *parser) dict(v *Value, k *Key, n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		p.problem(n, v.Path, "name: "+k.Elem.Example, "expected names, got %s", kind(n))
		return false
	}
	below := v.room(len(n.Content) / 2)
	p.pairs(v, n, func(name string, key, val *yaml.Node) {
		if k.Check != nil {
			if err := k.Check(name); err != nil {
				p.problem(key, join(v.Path, name), "", "%s", err)
				return
			}
		}
		if f := below(); p.value(f, join(v.Path, name), k.Elem, val) {
			v.add(name, f)
		}
	})
	return true
}

// pairs calls f for each pair of a mapping whose key is plain text, and reports other and duplicate keys.
func (p *parser) pairs(v *Value, n *yaml.Node, f func(name string, key, val *yaml.Node)) {
	first := firsts(n.Content)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if !isWord(key) {
			p.problem(key, v.Path, "", "a key must be a plain word")
			continue
		}
		if same := first(i); same != nil {
			p.problem(key, join(v.Path, key.Value), "remove one of the two", "already set on line %d", same.Line)
			continue
		}
		f(key.Value, key, val)
	}
}

// isWord reports whether the key of a pair is plain text.
func isWord(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && unknownTag(key) == "" && key.Tag != "!!merge" && key.Tag != "!!null" &&
		key.Anchor == ""
}

// firsts returns a function that is called with the index of each key of a mapping that is a word. It returns the first
// key that is equal; nil: this is it.
func firsts(content []*yaml.Node) func(i int) *yaml.Node {
	if len(content) > 2*few {
		seen := make(map[string]*yaml.Node, len(content)/2)
		return func(i int) *yaml.Node {
			key := content[i]
			same := seen[key.Value]
			if same == nil {
				seen[key.Value] = key
			}
			return same
		}
	}
	return func(i int) *yaml.Node {
		for j := 0; j < i; j += 2 {
			if key := content[j]; key.Value == content[i].Value && isWord(key) {
				return key
			}
		}
		return nil
	}
}

func (p *parser) list(v *Value, k *Key, n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		hint := ""
		if n.Kind == yaml.ScalarNode {
			hint = "write [" + element(n.Value) + "]"
		}
		p.problem(n, v.Path, hint, "expected a list, got %s", kind(n))
		return false
	}
	if c := int64(len(n.Content)); k.Max != 0 && (c < k.Min || c > k.Max) {
		if c == 0 {
			p.problem(n, v.Path, "remove the key, or write an element", "the list is empty")
			return false
		}
		p.problem(n, v.Path, "", "has %d entries; expected %d to %d", c, k.Min, k.Max)
		return false
	}
	below := v.room(len(n.Content))
	for i, e := range n.Content {
		if f := below(); p.value(f, v.Path+"["+strconv.Itoa(i)+"]", k.Elem, e) {
			v.below = append(v.below, f)
		}
	}
	return true
}

func (p *parser) scalar(v *Value, k *Key, n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		p.problem(n, v.Path, "", "expected %s, got %s", want(k), kind(n))
		return false
	}
	if !fits(k, n) {
		p.problem(n, v.Path, quoteHint(k, n), "expected %s, got %s", want(k), kind(n))
		return false
	}
	if err := v.parse(k, n.Value); err != nil {
		p.problem(n, v.Path, Suggest(n.Value, k.Enum), "%s", err)
		return false
	}
	return true
}

// fits reports whether the YAML type of a scalar is valid for the key's type.
func fits(k *Key, n *yaml.Node) bool {
	switch k.Type {
	case Int:
		return n.Tag == "!!int"
	case Bool:
		return n.Tag == "!!bool"
	case Duration:
		return n.Tag == "!!str"
	}
	// A bool passes here for an enum, because the enum's own message is more helpful.
	return n.Tag == "!!str" || k.Loose && (n.Tag == "!!int" || n.Tag == "!!float") ||
		len(k.Enum) > 0 && n.Tag == "!!bool"
}

func quoteHint(k *Key, n *yaml.Node) string {
	switch {
	case k.Type == String && n.Tag != "!!binary":
		return fmt.Sprintf("quote it: %s", clip(n.Value))
	case k.Type == Duration && n.Tag == "!!int":
		return "add the unit: " + n.Value + "s"
	case k.Type == Bool:
		return "write true or false"
	case k.Type == Int && n.Tag == "!!str":
		return "write the number without quotes"
	}
	return ""
}

// missing reports the required keys that are absent, and not among those that are present but wrong.
func (p *parser) missing(v *Value, keys []Key, wrong []string) {
	for i := range keys {
		k := &keys[i]
		if !k.Required || v.field(k.Name) != nil || contains(wrong, k.Name) {
			continue
		}
		hint := ""
		if k.Example != "" {
			hint = fmt.Sprintf("write %s: %s", k.Name, k.Example)
		}
		p.problems = append(p.problems, Problem{File: p.file, Line: v.Line, Column: v.Column,
			Key: join(v.Path, k.Name), Msg: "is required", Hint: hint})
	}
}

// want describes the type that a key expects.
func want(k *Key) string {
	switch k.Type {
	case String:
		if len(k.Enum) > 0 {
			return OneOf(k.Enum)
		}
		return "text"
	case Int:
		return "an integer"
	case Duration:
		return "a duration"
	case Bool:
		return "true or false"
	}
	return k.Type.String()
}

// kind describes a node of the file.
func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!int", "!!float":
		return "the number " + n.Value
	case "!!bool":
		return n.Value
	case "!!timestamp":
		return "a date"
	}
	return "the text " + clip(n.Value)
}

// join appends a name to a path; a name that would make the path ambiguous is quoted.
func join(path, name string) string {
	for _, r := range name {
		if r <= ' ' || r > '~' || strings.ContainsRune(".[]:\"", r) {
			name = clip(name)
			break
		}
	}
	if len(name) > 64 {
		name = clip(name)
	}
	return dot(path, name)
}

// dot is join for the name of a key of the table.
func dot(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}
