package schema

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is the text of a YAML file whose nodes are known, to find what the nodes do not have: comments and empty
// lines. Positions are indexes of characters.
type source struct {
	text   []rune
	start  []int  // of each line
	opaque []bool // characters of quoted and of block text, in which # [ ] { } mean nothing
}

// space has what separates words in YAML.
const space = " \t\n"

// remark is a comment or an empty line.
type remark struct {
	at, column int    // of the #
	text       string // from the #; "": an empty line
	alone      bool   // nothing precedes it on its line
}

// newSource reads a valid file; the root is nil if it has no keys. It rejects what could not be copied: rare notations
// that other tools write.
func newSource(text string) (*source, *yaml.Node, error) {
	for i, line := range strings.Split(text, "\n") {
		if at := strings.IndexAny(line, "\r\u0085\u2028\u2029\ufeff"); at >= 0 {
			return nil, nil, fmt.Errorf("line %d has %+q, which YAML may read as an end of line (remove it, or write "+
				"it so in double quotes)", i+1, []rune(line[at:])[0])
		}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, nil, err
	}
	s := &source{text: []rune(text), start: []int{0}}
	s.opaque = make([]bool, len(s.text))
	for i, r := range s.text {
		if r == '\n' {
			s.start = append(s.start, i+1)
		}
	}
	if doc.Kind == 0 || doc.Content[0].Tag == "!!null" {
		return s, nil, nil
	}
	return s, doc.Content[0], s.scalars(doc.Content[0])
}

// pos is the index of a position of the YAML package, both from 1.
func (s *source) pos(line, column int) int {
	if line < 1 || line > len(s.start) {
		return len(s.text)
	}
	return min(s.start[line-1]+column-1, len(s.text))
}

func (s *source) at(n *yaml.Node) int { return s.pos(n.Line, n.Column) }

// scalars marks the characters of quoted and of block text.
func (s *source) scalars(n *yaml.Node) error {
	if n.Style&yaml.TaggedStyle != 0 {
		return fmt.Errorf("line %d has a tag (write the value without %s)", n.Line, n.Tag)
	}
	from := s.at(n)
	switch n.Style {
	case yaml.DoubleQuotedStyle, yaml.SingleQuotedStyle:
		s.mark(from, s.quoted(from))
	case yaml.LiteralStyle, yaml.FoldedStyle:
		header, body, end := s.block(from)
		if strings.Trim(header, "|>-") != "" {
			return fmt.Errorf("line %d has %s (write | or >, with - or without)", n.Line, header)
		}
		s.mark(body, end)
	}
	for _, c := range n.Content {
		if err := s.scalars(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) mark(from, to int) {
	for i := from; i < to; i++ {
		s.opaque[i] = true
	}
}

// quoted returns the end of the quoted text that begins at from.
func (s *source) quoted(from int) int {
	quote := s.text[from]
	for i := from + 1; i < len(s.text); i++ {
		switch {
		case quote == '"' && s.text[i] == '\\':
			i++
		case s.text[i] != quote:
		case quote == '\'' && i+1 < len(s.text) && s.text[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(s.text)
}

// block returns the header of the block text at from, such as `|-`, and where its lines begin and end.
func (s *source) block(from int) (header string, body, end int) {
	i := from
	for i < len(s.text) && !strings.ContainsRune(space, s.text[i]) {
		i++
	}
	header = string(s.text[from:i])
	body = s.nextLine(i)
	end = body
	indent := 0
	for at := body; at < len(s.text); at = s.nextLine(at) {
		line := string(s.text[at:s.nextLine(at)])
		spaces := len(line) - len(strings.TrimLeft(line, " "))
		if strings.Trim(line, space) == "" {
			continue
		}
		if indent == 0 {
			indent = spaces
		}
		if spaces < indent || indent == 0 {
			break
		}
		end = s.nextLine(at)
	}
	return header, body, end
}

// nextLine is the beginning of the line after the character at i.
func (s *source) nextLine(i int) int {
	for i < len(s.text) && s.text[i] != '\n' {
		i++
	}
	return min(i+1, len(s.text))
}

// closed returns the end of the flow collection ([…] or {…}) that begins at from.
func (s *source) closed(from int) int {
	depth := 0
	for i := from; i < len(s.text); i++ {
		if s.opaque[i] {
			continue
		}
		switch s.text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		case '#':
			if s.comments(i) {
				i = s.nextLine(i) - 1
			}
		}
	}
	return len(s.text)
}

// comments reports whether the # at i begins a comment.
func (s *source) comments(i int) bool {
	return !s.opaque[i] && (i == 0 || strings.ContainsRune(space, s.text[i-1]))
}

// remarks returns the comments and the empty lines in their order.
func (s *source) remarks() (out []remark) {
	for _, from := range s.start {
		to := s.nextLine(from)
		line := string(s.text[from:to])
		if strings.Trim(line, space) == "" {
			if from < to && !s.opaque[to-1] {
				out = append(out, remark{at: from, column: 1, alone: true})
			}
			continue
		}
		for i := from; i < to; i++ {
			if s.text[i] == '#' && s.comments(i) {
				out = append(out, remark{i, i - from + 1, strings.TrimRight(string(s.text[i:to]), space),
					strings.Trim(string(s.text[from:i]), space) == ""})
				break
			}
		}
	}
	return out
}

// errNotKept is for a file whose comments Format would not keep.
var errNotKept = errors.New("comments would get lost (write each on a line of its own, before a key)")
