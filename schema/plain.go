package schema

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// plainText reads the YAML of usual configurations as the nodes that the YAML package has, and several times as fast: a
// file may have thousands of lines. It reads mappings and lists, as blocks or within a line in braces or brackets, with
// scalars that end on their line, and comments. For any other text, valid or not, it gives up: the package reads it.
// FuzzPlain proves that both read the same.
type plainText struct {
	text  string
	ascii bool
	words map[string]string // so that no value keeps the whole text in memory, and equal ones are one
	free  []yaml.Node       // allocated in advance

	line             int // of the current line, from 1
	start, end       int // of the current line; end is that of its last octet, without the line break
	indent           int // of the current line, in columns; that of its content in a list
	at               int // the next octet of the current line
	done, unreadable bool
}

// maxPlain is the depth of a text, and the length of a key in octets, above which plainText gives up.
const maxPlain = 100

// plainNode returns the root of a text that is a mapping; nil: the YAML package must read it.
func plainNode(data []byte) *yaml.Node {
	p := &plainText{text: string(data), ascii: true, words: map[string]string{}, end: -1}
	for _, r := range p.text {
		p.ascii = p.ascii && r < utf8.RuneSelf
		if !isPlain(r) {
			return nil
		}
	}
	p.advance()
	if p.done || p.indent != 0 || p.isEntry() {
		return nil
	}
	if root := p.mapping(0, nil, 0); !p.unreadable && p.done {
		return root
	}
	return nil
}

// isPlain reports whether a rune is a line feed, a tab or no control character for YAML, which ends a line at others.
func isPlain(r rune) bool {
	switch r {
	case '\n', '\t':
		return true
	case 0x2028, 0x2029, 0xfeff, utf8.RuneError, 0xfffe, 0xffff:
		return false
	}
	return r >= ' ' && r <= '~' || r >= 0xa0
}

// fail gives up.
func (p *plainText) fail() *yaml.Node {
	p.unreadable, p.done = true, true
	return nil
}

// advance goes to the content of the next line that has any.
func (p *plainText) advance() {
	for p.end < len(p.text) && !p.unreadable {
		p.line++
		p.start = p.end + 1
		if p.end = strings.IndexByte(p.text[p.start:], '\n') + p.start; p.end < p.start {
			p.end = len(p.text)
		}
		p.at = p.start
		if p.spaces(); p.at < p.end && p.text[p.at] != '#' {
			p.indent = p.at - p.start
			return
		}
	}
	p.done = true
}

// peek returns the next octet of the line; 0: there is none.
func (p *plainText) peek() byte {
	if p.at < p.end {
		return p.text[p.at]
	}
	return 0
}

func (p *plainText) spaces() {
	for p.at < p.end && p.text[p.at] == ' ' {
		p.at++
	}
}

// atEnd skips spaces and reports whether the line has no more content.
func (p *plainText) atEnd() bool {
	p.spaces()
	return p.at == p.end || p.text[p.at] == '#' && p.text[p.at-1] == ' '
}

// isEntry reports whether an element of a list begins.
func (p *plainText) isEntry() bool {
	return p.peek() == '-' && (p.at+1 == p.end || p.text[p.at+1] == ' ')
}

// node returns a new node at the current position.
func (p *plainText) node(kind yaml.Kind, tag string) *yaml.Node {
	if len(p.free) == 0 {
		p.free = make([]yaml.Node, 128)
	}
	n := &p.free[0]
	p.free = p.free[1:]
	n.Kind, n.Tag, n.Line, n.Column = kind, tag, p.line, p.at-p.start+1
	if !p.ascii {
		n.Column = utf8.RuneCountInString(p.text[p.start:p.at]) + 1
	}
	return n
}

// block reads a mapping or a list that begins a line.
func (p *plainText) block(depth int) *yaml.Node {
	switch {
	case depth > maxPlain:
		return p.fail()
	case p.isEntry():
		return p.list(p.indent, depth)
	}
	return p.mapping(p.indent, nil, depth)
}

// mapping reads a mapping whose keys begin at a column, counted from 0. first is the first key, if it is already read.
func (p *plainText) mapping(indent int, first *yaml.Node, depth int) *yaml.Node {
	n := p.node(yaml.MappingNode, "!!map")
	if first != nil {
		n.Column = first.Column
	}
	for !p.done && p.indent == indent {
		key := first
		if first = nil; key == nil {
			if key = p.scalar(false); key == nil || !p.colon(key) {
				return p.fail()
			}
		}
		value := p.value(indent, true, depth+1)
		if value == nil {
			return p.fail()
		}
		n.Content = append(n.Content, key, value)
	}
	if !p.done && p.indent > indent {
		return p.fail()
	}
	return n
}

// list reads a list whose dashes are at a column.
func (p *plainText) list(indent, depth int) *yaml.Node {
	n := p.node(yaml.SequenceNode, "!!seq")
	for !p.done && p.indent == indent && p.isEntry() {
		p.at++
		value := p.value(indent, false, depth+1)
		if value == nil {
			return p.fail()
		}
		n.Content = append(n.Content, value)
	}
	if !p.done && p.indent > indent {
		return p.fail()
	}
	return n
}

// colon skips the colon after a key; false: there is none.
func (p *plainText) colon(key *yaml.Node) bool {
	if p.peek() != ':' || p.at+1 < p.end && p.text[p.at+1] != ' ' || p.at-p.start-key.Column > maxPlain {
		return false
	}
	p.at++
	return true
}

// value reads what follows a key or a dash at a column: the rest of the line, or a block on the next lines.
func (p *plainText) value(indent int, ofKey bool, depth int) *yaml.Node {
	if p.atEnd() {
		p.advance()
		switch {
		case p.done:
		case p.indent > indent:
			return p.block(depth)
		case ofKey && p.indent == indent && p.isEntry():
			return p.list(indent, depth)
		}
		return nil // null
	}
	begin := p.at
	n := p.inline(false, depth)
	switch {
	case n == nil:
		return nil
	case !ofKey && n.Kind == yaml.ScalarNode && p.colon(n): // a mapping that begins after the dash
		p.indent = begin - p.start
		return p.mapping(p.indent, n, depth)
	case !p.atEnd():
		return nil
	}
	if p.advance(); !p.done && p.indent > indent { // the scalar may continue on this line
		return nil
	}
	return n
}

// inline reads a value that ends on its line. flow: it is in braces or brackets.
func (p *plainText) inline(flow bool, depth int) *yaml.Node {
	switch p.peek() {
	case '{', '[':
		if depth > maxPlain {
			return nil
		}
		return p.flow(depth)
	}
	return p.scalar(flow)
}

// flow reads what is in braces or brackets.
func (p *plainText) flow(depth int) *yaml.Node {
	n, end := p.node(yaml.SequenceNode, "!!seq"), byte(']')
	if p.peek() == '{' {
		n.Kind, n.Tag, end = yaml.MappingNode, "!!map", '}'
	}
	n.Style = yaml.FlowStyle
	p.at++
	p.spaces()
	for first := true; ; first = false {
		switch c := p.peek(); {
		case c == end:
			p.at++
			return n
		case first:
		case c != ',':
			return nil
		default:
			p.at++
			p.spaces()
		}
		if !p.element(n, depth) {
			return nil
		}
		p.spaces()
	}
}

// element reads an element of a list, or a key with its value.
func (p *plainText) element(n *yaml.Node, depth int) bool {
	if n.Kind == yaml.MappingNode {
		key := p.scalar(true)
		if key == nil || !p.colon(key) {
			return false
		}
		n.Content = append(n.Content, key)
		p.spaces()
	}
	value := p.inline(true, depth+1)
	n.Content = append(n.Content, value)
	return value != nil
}

// scalar reads a scalar that ends on its line.
func (p *plainText) scalar(flow bool) *yaml.Node {
	switch c := p.peek(); {
	case c == '"':
		return p.quoted(yaml.DoubleQuotedStyle, c)
	case c == '\'':
		return p.quoted(yaml.SingleQuotedStyle, c)
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', isDigit(c), strings.IndexByte("_/+$^(\\", c) >= 0 && c != 0,
		c == '.' && p.at > p.start, c == '-' && p.at+1 < p.end && isDigit(p.text[p.at+1]):
		return p.unquoted(flow)
	}
	return nil
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// unquoted reads a scalar without quotes.
func (p *plainText) unquoted(flow bool) *yaml.Node {
	n := p.node(yaml.ScalarNode, "")
	begin, last := p.at, p.at
	for ; p.at < p.end; p.at++ {
		c := p.text[p.at]
		if c == ' ' {
			continue
		}
		if c == '#' && p.text[p.at-1] == ' ' || flow && strings.IndexByte(",?[]{}", c) >= 0 {
			break
		}
		if c == ':' && (p.at+1 == p.end || p.text[p.at+1] == ' ') {
			break
		}
		if c < ' ' || c > '~' || c == ':' && flow && strings.IndexByte(",?[]{}", p.text[p.at+1]) >= 0 {
			return nil
		}
		last = p.at + 1
	}
	n.Value = p.word(p.text[begin:last])
	n.Tag = tagOf(n)
	return n
}

// tagOf returns the type of an unquoted scalar, as the YAML package finds it. It is slow to find that a duration is no
// number and no date: these end with a digit, a hexadecimal one, a point or a Z.
func tagOf(n *yaml.Node) string {
	first, last := n.Value[0], n.Value[len(n.Value)-1]
	switch {
	case isDigit(first) && last > 'f' && last <= 'z', strings.IndexByte("tTfFnN", first) < 0 && first >= 'A':
		return "!!str"
	case first != '0' && isDigit(first) && len(n.Value) < 10 && strings.Trim(n.Value, "0123456789") == "":
		return "!!int"
	}
	return n.ShortTag()
}

// quoted reads a scalar in quotes.
func (p *plainText) quoted(style yaml.Style, quote byte) *yaml.Node {
	n := p.node(yaml.ScalarNode, "!!str")
	n.Style = style
	p.at++
	begin, escaped := p.at, false
	for ; ; p.at++ {
		switch c := p.peek(); {
		case c < ' ', c == 0x7f:
			return nil
		case c == '\\' && quote == '"', c == '\'' && quote == '\'' && p.at+1 < p.end && p.text[p.at+1] == '\'':
			escaped = true
			p.at++
		case c == quote:
			n.Value = p.text[begin:p.at]
			p.at++
			if !escaped {
				n.Value = p.word(n.Value)
				return n
			}
			return unescape(n)
		}
	}
}

// unescape replaces the escapes in the value of a quoted scalar; nil: one is unusual.
func unescape(n *yaml.Node) *yaml.Node {
	if n.Style == yaml.SingleQuotedStyle {
		n.Value = strings.ReplaceAll(n.Value, "''", "'")
		return n
	}
	var b strings.Builder
	for i := 0; i < len(n.Value); i++ {
		c := n.Value[i]
		if c == '\\' {
			i++
			at := strings.IndexByte(`"\nrt`, n.Value[i])
			if at < 0 {
				return nil
			}
			c = "\"\\\n\r\t"[at]
		}
		b.WriteByte(c)
	}
	n.Value = b.String()
	return n
}

// word returns a copy of a part of the text.
func (p *plainText) word(s string) string {
	w, ok := p.words[s]
	if !ok {
		w = strings.Clone(s)
		p.words[w] = w
	}
	return w
}
