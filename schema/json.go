package schema

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// draft is the JSON Schema dialect of JSON.
const draft = "https://json-schema.org/draft/2020-12/schema"

// duration is Go's notation of a duration; a range is beyond JSON Schema.
const duration = `^[+-]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

// JSON returns the table as a JSON Schema (draft 2020-12), with which an editor completes a file and checks it while it
// is written. It rejects no file that Parse accepts. What it cannot express, it accepts: rules of YAML (anchors,
// duplicate keys), the range of a duration, and each Key.Check without a Pattern.
func JSON(title string, table []Key) ([]byte, error) {
	s := object(table)
	s.Schema, s.Title = draft, title
	if len(s.Required) == 0 { // a file without keys
		s.Type = []string{"object", "null"}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // the texts are for people
	e.SetIndent("", "  ")
	err := e.Encode(s)
	return []byte(b.String()), err
}

// jsonSchema is a schema object, with the keywords that a table needs.
type jsonSchema struct {
	Schema      string `json:"$schema,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Type        any    `json:"type,omitempty"` // a name or a list of names
	Default     any    `json:"default,omitempty"`
	Examples    []any  `json:"examples,omitempty"`

	Enum      []string `json:"enum,omitempty"`
	Pattern   string   `json:"pattern,omitempty"`
	MinLength int      `json:"minLength,omitempty"`
	Minimum   *int64   `json:"minimum,omitempty"`
	Maximum   *int64   `json:"maximum,omitempty"`

	Items    *jsonSchema `json:"items,omitempty"`
	MinItems int64       `json:"minItems,omitempty"`
	MaxItems int64       `json:"maxItems,omitempty"`

	Properties    map[string]*jsonSchema `json:"properties,omitempty"`
	Required      []string               `json:"required,omitempty"`
	Additional    any                    `json:"additionalProperties,omitempty"` // false or a schema
	PropertyNames *jsonSchema            `json:"propertyNames,omitempty"`
	AllOf         []*jsonSchema          `json:"allOf,omitempty"`
	Not           *jsonSchema            `json:"not,omitempty"`
}

// jsonOf is the schema of one value.
func jsonOf(k Key) *jsonSchema {
	s := &jsonSchema{Type: "string"}
	switch k.Type {
	case Object:
		s = object(k.Keys)
	case List:
		s = &jsonSchema{Type: "array", Items: jsonOf(*k.Elem)}
		if k.Max != 0 {
			s.MinItems, s.MaxItems = k.Min, k.Max
		}
	case Dict:
		s = &jsonSchema{Type: "object", Additional: jsonOf(*k.Elem), PropertyNames: propertyNames(k)}
	case Int:
		s.Type = "integer"
		if k.Min != 0 || k.Max != 0 {
			s.Minimum, s.Maximum = &k.Min, &k.Max
		}
	case Bool:
		s.Type = "boolean"
	case Duration:
		s.Pattern = duration
	default:
		s.text(k)
	}
	s.Description, s.Default = k.Doc, inYAML(k.Default)
	if example := inYAML(k.Example); example != nil {
		s.Examples = []any{example}
	}
	return s
}

// text adds what is known of a String or of the names of a Dict.
func (s *jsonSchema) text(k Key) {
	s.Enum, s.Pattern = k.Enum, k.Pattern
	switch {
	case k.Loose:
		s.Type = []string{"string", "number"}
	case k.Check != nil && k.Pattern == "" && k.Check("") != nil:
		s.MinLength = 1
	}
}

// propertyNames is the schema of the names of a Dict; nil: any.
func propertyNames(k Key) *jsonSchema {
	s := &jsonSchema{}
	s.text(Key{Pattern: k.Pattern, Check: k.Check})
	if s.Pattern == "" && s.MinLength == 0 {
		return nil
	}
	return s
}

// object is the schema of the keys of an Object.
func object(keys []Key) *jsonSchema {
	s := &jsonSchema{Type: "object", Properties: map[string]*jsonSchema{}, Additional: false}
	for _, k := range keys {
		s.Properties[k.Name] = jsonOf(k)
		if k.Required {
			s.Required = append(s.Required, k.Name)
		}
		if k.Plus {
			s.Properties[k.Name+plus] = jsonOf(k)
			s.AllOf = append(s.AllOf, &jsonSchema{Not: &jsonSchema{Required: []string{k.Name, k.Name + plus}}})
		}
	}
	return s
}

// inYAML is the value of a text of a table, as a file has it; nil: there is none.
func inYAML(text string) any {
	var v any
	if yaml.Unmarshal([]byte(text), &v) != nil {
		return text // not YAML by itself, such as the members of a map
	}
	return v
}
