package texts

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// text is a parsed text.
type text struct {
	parts []part
	names []string // of the placeholders, in the order in which they first appear
}

// part is a piece of a text: literal, or a placeholder.
type part struct {
	literal string
	name    string // of the placeholder; "": literal
	plural  bool
	one     string // with plural, the word for the value 1, and for all others
	other   string
}

// parse parses a text with placeholders.
func parse(s string) (text, error) {
	var t text
	var literal strings.Builder
	end := func() {
		if literal.Len() > 0 {
			t.parts = append(t.parts, part{literal: literal.String()})
			literal.Reset()
		}
	}
	for s != "" {
		at := strings.IndexAny(s, "{}")
		if at < 0 {
			at = len(s)
		}
		literal.WriteString(s[:at])
		if s = s[at:]; s == "" {
			break
		}
		if strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "}}") {
			literal.WriteByte(s[0])
			s = s[2:]
			continue
		}
		inside, after, closed := strings.Cut(s[1:], "}")
		if s[0] == '}' || !closed {
			return text{}, errors.New("has a brace without its other one (write {{ or }} for a brace)")
		}
		p, err := placeholder(inside)
		if err != nil {
			return text{}, err
		}
		end()
		t.parts = append(t.parts, p)
		if !slices.Contains(t.names, p.name) {
			t.names = append(t.names, p.name)
		}
		s = after
	}
	end()
	return t, nil
}

// placeholder parses what is between the braces.
func placeholder(s string) (part, error) {
	name, words, plural := strings.Cut(s, "?")
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return part{}, fmt.Errorf("has the placeholder {%s}: a name of lowercase letters and _ is expected", s)
	}
	p := part{name: name, plural: plural}
	if !plural {
		return p, nil
	}
	var both bool
	if p.one, p.other, both = strings.Cut(words, ":"); !both {
		return part{}, fmt.Errorf("has the placeholder {%s}: {%s?one:other} is expected", s, name)
	}
	return p, nil
}

// within checks that the text has no placeholders but these.
func (t text) within(names []string) error {
	for _, name := range t.names {
		if slices.Contains(names, name) {
			continue
		}
		if len(names) == 0 {
			return fmt.Errorf("has the placeholder {%s}, but this text has none", name)
		}
		return fmt.Errorf("has the placeholder {%s}; this text has {%s}", name, strings.Join(names, "}, {"))
	}
	return nil
}

// fill returns the text with values; names has the placeholder of each. A placeholder without a value stays as it is.
func (t text) fill(names []string, args []any) string {
	if len(t.parts) == 1 && t.parts[0].name == "" {
		return t.parts[0].literal
	}
	var b strings.Builder
	for _, p := range t.parts {
		i := slices.Index(names, p.name)
		switch {
		case p.name == "":
			b.WriteString(p.literal)
		case i < 0 || i >= len(args):
			b.WriteString("{" + p.name + "}")
		case !p.plural:
			fmt.Fprint(&b, args[i])
		case fmt.Sprint(args[i]) == "1":
			b.WriteString(p.one)
		default:
			b.WriteString(p.other)
		}
	}
	return b.String()
}

// raw returns the words of a text: all but the values.
func raw(t text) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal + p.other)
	}
	return b.String()
}
