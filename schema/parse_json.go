package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// ParseJSON is Parse for a JSON object that is one line of a file. Problems are at this line; the
// column is known only of text that is not JSON.
func ParseJSON(file string, line int, data []byte, table []Key) (*Value, Problems) {
	if !json.Valid(data) {
		column, why := notJSON(data)
		return &Value{typ: Object}, Problems{{File: file, Line: line, Column: column, Msg: "not JSON: " + why,
			Hint: `write one object on each line, {"key": value}`}}
	}
	p := &parser{file: file}
	s := &jsonText{data: data, line: line}
	if v := new(Value); p.value(v, "", &Key{Type: Object, Keys: table}, s.value()) {
		return v, p.problems
	}
	return &Value{typ: Object}, p.problems
}

// notJSON returns the column, in characters from 1, at which a text stops being one JSON value, and why.
func notJSON(data []byte) (column int, why string) {
	d := json.NewDecoder(bytes.NewReader(data))
	var value json.RawMessage
	var bad *json.SyntaxError
	err := d.Decode(&value)
	at, why := len(data), "the line ends before the object does"
	switch {
	case err == nil: // another value follows
		rest := bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")
		at, why = len(data)-len(rest), "there is more text after the value"
	case errors.As(err, &bad): // its offset is that after the octet
		at = int(bad.Offset) - 1
		c, _ := utf8.DecodeRune(data[at:])
		why = fmt.Sprintf("%q is not expected here", c)
	case len(bytes.TrimSpace(data)) == 0:
		at, why = 0, "the line is empty"
	}
	return utf8.RuneCount(data[:at]) + 1, why
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
