package schema

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ParseJSON is Parse for a JSON object that is one line of a file. Problems are at this line.
func ParseJSON(file string, line int, data []byte, table []Key) (*Value, Problems) {
	if !json.Valid(data) {
		var v any
		return &Value{typ: Object}, Problems{{File: file, Line: line, Column: 1,
			Msg:  "not JSON: " + json.Unmarshal(data, &v).Error(),
			Hint: `write one object on each line, {"key": value}`}}
	}
	p := &parser{file: file}
	s := &jsonText{data: data, line: line}
	if v := p.value("", &Key{Type: Object, Keys: table}, s.value()); v != nil {
		return v, p.problems
	}
	return &Value{typ: Object}, p.problems
}

// jsonText reads valid JSON as the nodes that YAML has. It is several times as fast as the YAML package, which could
// read JSON too.
type jsonText struct {
	data []byte
	at   int
	line int
}

func (s *jsonText) value() *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: s.line, Column: 1}
	switch c := s.next(); {
	case c == '{' || c == '[':
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		if c == '[' {
			n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		}
		s.at++
		for c := s.next(); c != '}' && c != ']'; c = s.next() {
			if c == ',' || c == ':' {
				s.at++
				continue
			}
			n.Content = append(n.Content, s.value())
		}
		s.at++
	case c == '"':
		n.Tag, n.Value = "!!str", s.text()
	default:
		s.scalar(n)
	}
	return n
}

// next returns the next octet that is no space.
func (s *jsonText) next() byte {
	for strings.IndexByte(" \t\r\n", s.data[s.at]) >= 0 {
		s.at++
	}
	return s.data[s.at]
}

// text reads a string.
func (s *jsonText) text() string {
	begin, plain := s.at, true
	for s.at++; s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
		plain = plain && s.data[s.at] < 0x80 && s.data[s.at-1] != '\\'
	}
	s.at++
	if plain {
		return string(s.data[begin+1 : s.at-1])
	}
	var text string
	_ = json.Unmarshal(s.data[begin:s.at], &text) // it is valid
	return text
}

// scalar reads a number or a word.
func (s *jsonText) scalar(n *yaml.Node) {
	begin := s.at
	for s.at < len(s.data) && strings.IndexByte(" \t\r\n,]}", s.data[s.at]) < 0 {
		s.at++
	}
	n.Value = string(s.data[begin:s.at])
	switch {
	case n.Value == "null":
		n.Tag = "!!null"
	case n.Value == "true" || n.Value == "false":
		n.Tag = "!!bool"
	case strings.ContainsAny(n.Value, ".eE"):
		n.Tag = "!!float"
	default:
		n.Tag = "!!int"
	}
}
