package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseJSON is Parse for a JSON object that is one line of a file. Problems are at this line.
func ParseJSON(file string, line int, data []byte, table []Key) (*Value, Problems) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var object map[string]any
	err := d.Decode(&object)
	if err == nil {
		if _, err = d.Token(); err == nil {
			err = errors.New("more data follows the object")
		} else if err == io.EOF {
			err = nil
		}
	}
	if err != nil || object == nil {
		pr := Problem{File: file, Line: line, Column: 1, Msg: "not a JSON object",
			Hint: "write one object on each line, {\"key\": value}"}
		if err != nil {
			pr.Msg += ": " + err.Error()
		}
		return &Value{typ: Object}, Problems{pr}
	}
	p := &parser{file: file}
	if v := p.value("", &Key{Type: Object, Keys: table}, nodeOf(object, line)); v != nil {
		return v, p.problems
	}
	return &Value{typ: Object}, p.problems
}

// nodeOf is JSON data as YAML has it.
func nodeOf(data any, line int) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: line, Column: 1}
	switch v := data.(type) {
	case string:
		n.Tag, n.Value = "!!str", v
	case bool:
		n.Tag, n.Value = "!!bool", map[bool]string{false: "false", true: "true"}[v]
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case []any:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, e := range v {
			n.Content = append(n.Content, nodeOf(e, line))
		}
	case map[string]any:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, nodeOf(name, line), nodeOf(v[name], line))
		}
	}
	return n
}
