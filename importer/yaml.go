package importer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Map is a YAML mapping with its keys in order.
type Map []Pair

// Pair is a key of a Map. The types of values: string (always quoted: telephone numbers keep their zeros), Word, int,
// bool, time.Duration, []string, []Word,
// []int, Map and []Map. Comment, "" for none, stands before a key of the outermost Map.
type Pair struct {
	Key     string
	Value   any
	Comment string
}

// Word is a text that YAML reads as written without quotes: a word of the configuration such as `inout`.
type Word string

// Set appends a key, unless the value is empty: "", a Map or list without elements, or nil.
func (m *Map) Set(key string, value any) {
	if !empty(value) {
		*m = append(*m, Pair{Key: key, Value: value})
	}
}

// SetAbout is Set with a comment before the key.
func (m *Map) SetAbout(comment, key string, value any) {
	if !empty(value) {
		*m = append(*m, Pair{key, value, comment})
	}
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case Word:
		return v == ""
	case []string:
		return len(v) == 0
	case []Word:
		return len(v) == 0
	case []int:
		return len(v) == 0
	case Map:
		return len(v) == 0
	case []Map:
		return len(v) == 0
	}
	return false
}

// YAML returns the text of a file.
func (m Map) YAML() string {
	var b strings.Builder
	for _, p := range m {
		if p.Comment != "" {
			b.WriteString("\n")
			comment(&b, p.Comment)
		}
		block(&b, p, "")
	}
	return b.String()
}

// comment writes a comment of one or several lines. What comes from an input must not end it.
func comment(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) {
				return r
			}
			return '?'
		}, line)
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
}

// flowWidth is the length up to which a value is written on the line of its key.
const flowWidth = 110

// block writes a key, and its value on the same line if it fits.
func block(b *strings.Builder, p Pair, indent string) {
	head := indent + key(p.Key) + ":"
	if line := head + " " + flow(p.Value); len(line) <= flowWidth || !splits(p.Value) {
		b.WriteString(line + "\n")
		return
	}
	b.WriteString(head + "\n")
	switch v := p.Value.(type) {
	case Map:
		for _, inner := range v {
			block(b, inner, indent+"  ")
		}
	case []string:
		for _, text := range v {
			b.WriteString(indent + "  - " + quote(text) + "\n")
		}
	case []Map:
		for _, item := range v {
			element(b, item, indent+"  ")
		}
	}
}

// element writes a Map as an element of a list.
func element(b *strings.Builder, item Map, indent string) {
	if line := indent + "- " + flow(item); len(line) <= flowWidth {
		b.WriteString(line + "\n")
		return
	}
	var inner strings.Builder
	for _, p := range item {
		block(&inner, p, indent+"  ")
	}
	b.WriteString(indent + "- " + strings.TrimPrefix(inner.String(), indent+"  "))
}

func splits(value any) bool {
	switch value.(type) {
	case Map, []string, []Map:
		return !empty(value)
	}
	return false
}

// flow writes a value on one line.
func flow(value any) string {
	var parts []string
	switch v := value.(type) {
	case string:
		return quote(v)
	case Word:
		return string(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case time.Duration:
		return v.String()
	case []int:
		for _, n := range v {
			parts = append(parts, strconv.Itoa(n))
		}
	case []string:
		for _, text := range v {
			parts = append(parts, quote(text))
		}
	case []Word:
		for _, word := range v {
			parts = append(parts, string(word))
		}
	case []Map:
		for _, item := range v {
			parts = append(parts, flow(item))
		}
	case Map:
		for _, p := range v {
			parts = append(parts, key(p.Key)+": "+flow(p.Value))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		panic(fmt.Sprintf("importer: YAML of %T", value))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// key writes a key: as it is, if it is one of the configuration's, otherwise (a name from the input) quoted.
func key(name string) string {
	switch name {
	case "", "null", "true", "false", "yes", "no", "on", "off", "y", "n": // YAML reads them as something else
	default:
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_-") == "" && name[0] != '-' {
			return name
		}
	}
	return quote(name)
}

// quote writes a text so that YAML reads exactly that.
func quote(text string) string {
	if strings.ContainsAny(text, `\"`) && !strings.ContainsFunc(text, escaped) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case escaped(r) && r <= 0xFFFF:
			fmt.Fprintf(&b, `\u%04X`, r)
		case escaped(r):
			fmt.Fprintf(&b, `\U%08X`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String() + `"`
}

// escaped reports whether YAML cannot have a character as it is, or a reader would not see it.
func escaped(r rune) bool { return r != ' ' && !unicode.IsPrint(r) }
