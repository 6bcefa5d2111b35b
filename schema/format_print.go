package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxWidth is the width of a line above which a list has a line for each element.
const maxWidth = 100

// printer writes the lines of a formatted file.
type printer struct {
	*source
	lines []string
}

func (p *printer) line(indent int, text string) {
	if text != "" {
		text = strings.Repeat(" ", indent) + text
	}
	p.lines = append(p.lines, text)
}

// remarks writes comments and empty lines, but no empty line after another one or after the key of an object.
func (p *printer) remarks(indent int, texts []string) {
	for _, text := range texts {
		if n := len(p.lines); text != "" || n > 0 && p.lines[n-1] != "" && !strings.HasSuffix(p.lines[n-1], ":") {
			p.line(indent, text)
		}
	}
}

// children writes what is in an entry.
func (p *printer) children(indent int, e *entry) {
	for _, c := range e.children {
		p.entry(indent, c)
	}
	p.remarks(indent, e.after)
}

// entry writes an entry on one line or, if it is long or has comments inside, with lines for its children.
func (p *printer) entry(indent int, e *entry) {
	p.remarks(indent, e.before)
	head, tail := "- ", strings.Join(append([]string{""}, e.tail...), " ")
	if e.key != nil {
		head = e.name() + ": "
	}
	text, ok := e.oneLine(e.key == nil)
	switch {
	case ok && (len(e.children) == 0 || indent+len([]rune(head+text)) <= maxWidth):
		p.line(indent, head+text+tail)
		p.remarks(indent, e.after)
	case e.value.Kind == yaml.ScalarNode:
		p.block(indent, head, tail, e)
	case e.key != nil:
		p.line(indent, strings.TrimSuffix(head, " ")+tail)
		p.children(indent+2, e)
	default:
		p.remarks(indent, e.tail)
		first := len(p.lines)
		p.children(indent+2, e)
		p.lines[first] = strings.Repeat(" ", indent) + head + p.lines[first][indent+2:]
	}
}

// block writes block text as it was, with another indentation.
func (p *printer) block(indent int, head, tail string, e *entry) {
	header, body, end := p.source.block(p.at(e.value))
	p.line(indent, head+header+tail)
	lines := strings.Split(strings.TrimSuffix(string(p.text[body:end]), "\n"), "\n")
	cut := -1
	for _, line := range lines {
		if strings.Trim(line, space) != "" && cut < 0 {
			cut = len(line) - len(strings.TrimLeft(line, " "))
		}
	}
	for _, line := range lines {
		p.line(indent+2, line[min(max(cut, 0), len(line)):])
	}
}

// oneLine returns an entry's value as one line, if it can be one: it is scalar, a list, or in a list.
func (e *entry) oneLine(inList bool) (string, bool) {
	if slices.ContainsFunc(e.after, isComment) && len(e.children) > 0 {
		return "", false
	}
	var parts []string
	for _, c := range e.children {
		text, ok := c.oneLine(inList || e.row.Type == List)
		if !ok || len(c.tail) > 0 || slices.ContainsFunc(c.before, isComment) {
			return "", false
		}
		if c.key != nil {
			text = c.name() + ": " + text
		}
		parts = append(parts, text)
	}
	all := strings.Join(parts, ", ")
	switch {
	case e.value.Kind == yaml.SequenceNode:
		return "[" + all + "]", true
	case e.value.Kind == yaml.MappingNode:
		return "{" + all + "}", inList || len(parts) == 0
	}
	return e.text(), e.value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0
}

func isComment(remark string) bool { return remark != "" }

// name returns the key as text.
func (e *entry) name() string {
	if e.parent.row.Type == Object {
		return e.key.Value
	}
	return wordOrQuoted(e.key.Value)
}

var (
	word     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@/-]*$`)
	quantity = regexp.MustCompile(`^\+?[0-9.][0-9a-zµμ.]*[smh]$`) // a Duration
	// special are words that YAML, or an older version of it, reads as something else.
	special = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`)
	never   = regexp.MustCompile(`(?i)^(true|false|null)$`)
)

// text returns a scalar as the file has it.
func (e *entry) text() string {
	v := e.value.Value
	switch {
	case e.row.Type == Int, e.row.Loose && e.value.Tag != "!!str":
		return v
	case e.row.Type == Bool:
		return strings.ToLower(v)
	case e.row.Type == Duration && quantity.MatchString(v):
		return v
	case len(e.row.Enum) > 0 && word.MatchString(v) && !never.MatchString(v): // `off` needs no quotes
		return v
	}
	return wordOrQuoted(v)
}

func wordOrQuoted(text string) string {
	if word.MatchString(text) && !special.MatchString(text) {
		return text
	}
	return strconv.Quote(text)
}
