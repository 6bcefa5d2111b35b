package schema

import (
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Format returns a file in the canonical style: the keys in the order of the table, one on each line, indented by two
// spaces; a list on one line if it fits and has no comments inside; text that is no plain word in double quotes. All
// comments are kept, those before the first key at the top, others with the key after them; of several empty lines one
// is kept. A byte order mark at the beginning is removed. The values stay as they are, and formatting the result
// changes nothing. The text is "" if there are problems: a file that has errors is not formatted. file is used only as
// the name in problems.
func Format(file string, data []byte, table []Key) (string, Problems) {
	if _, problems := Parse(file, data, table); problems.HasErrors() {
		return "", problems
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(data), "\ufeff"), "\r\n", "\n")
	text, err := format(text, &Key{Type: Object, Keys: table})
	if err != nil {
		return "", Problems{{File: file, Msg: err.Error()}}
	}
	return text, nil
}

func format(text string, table *Key) (string, error) {
	s, root, err := newSource(text)
	if err != nil || root == nil {
		return text, err
	}
	f := &formatter{source: s}
	f.root = f.entry(nil, nil, root, table, false)
	var comments []string
	for _, r := range f.remarks() {
		f.attach(r)
		comments = append(comments, r.text)
	}
	f.root.arrange()
	p := &printer{source: s}
	p.remarks(0, f.root.before)
	p.children(0, f.root)
	out := strings.Trim(strings.Join(p.lines, "\n"), "\n") + "\n"
	return out, keeps(out, comments)
}

// keeps returns an error if a formatted text has not all of the comments.
func keeps(text string, comments []string) error {
	s, _, err := newSource(text)
	if err != nil {
		return err
	}
	var have []string
	for _, r := range s.remarks() {
		have = append(have, r.text)
	}
	empty := func(text string) bool { return text == "" }
	have, comments = slices.DeleteFunc(have, empty), slices.DeleteFunc(comments, empty)
	sort.Strings(have)
	sort.Strings(comments)
	if !slices.Equal(have, comments) {
		return errNotKept
	}
	return nil
}

// entry is a key with its value, an element of a list, or the whole file.
type entry struct {
	key    *yaml.Node // nil: an element or the file
	value  *yaml.Node
	row    *Key
	parent *entry

	at, column int  // where it begins
	flow       bool // it is inside of […] or {…}
	end        int  // of its value, if that is […] or {…}; else 0
	children   []*entry

	before []string // comments and empty lines ("") before it
	tail   []string // comments after it on its line
	after  []string // comments after its last child
}

// formatter gives the comments of a file to its entries.
type formatter struct {
	*source
	root  *entry
	all   []*entry // in the order of the file
	block []*entry // those that are not inside of […] or {…}
}

// entry reads a value and what is in it.
func (f *formatter) entry(parent *entry, key, value *yaml.Node, row *Key, flow bool) *entry {
	first := value
	if key != nil {
		first = key
	}
	e := &entry{key: key, value: value, row: row, parent: parent, at: f.at(first), column: first.Column, flow: flow}
	if key == nil && parent != nil && !flow {
		f.dash(e)
	}
	if parent != nil {
		f.all = append(f.all, e)
		if !flow {
			f.block = append(f.block, e)
		}
	}
	if value.Style&yaml.FlowStyle != 0 {
		e.end, flow = f.closed(f.at(value)), true
	}
	if value.Kind == yaml.SequenceNode {
		for _, n := range value.Content {
			e.children = append(e.children, f.entry(e, nil, n, row.Elem, flow))
		}
	}
	if value.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(value.Content); i += 2 {
			child := row.Elem
			if row.Type == Object {
				child = findPlus(row.Keys, value.Content[i].Value)
			}
			e.children = append(e.children, f.entry(e, value.Content[i], value.Content[i+1], child, flow))
		}
	}
	return e
}

// dash moves the beginning of an element to its dash.
func (f *formatter) dash(e *entry) {
	i := e.at - 1
	for i >= 0 && f.text[i] == ' ' {
		i--
	}
	if i >= 0 && f.text[i] == '-' {
		e.column -= e.at - i
		e.at = i
	}
}

// attach gives a comment or an empty line to the entry before it, to the one after it or, at the end of some entries,
// to what has these.
func (f *formatter) attach(r remark) {
	within, _ := around(f.all, r.at) // what has begun last; one of its parents may still be open
	if within == nil {
		within = f.root
	}
	for within != nil && within.end <= r.at {
		within = within.parent
	}
	if within == f.root && r.at < f.at(f.root.value) { // before the { of a file in braces
		within = nil
	}
	list := f.block
	if within != nil {
		list = within.children
	}
	last, next := around(list, r.at)
	switch {
	case within != nil && r.text == "": // a list on one line has none
	case last == nil && within == nil: // at the top, whatever the first key will be
		f.root.before = append(f.root.before, r.text)
	case last != nil && !r.alone:
		last.tail = append(last.tail, r.text)
	case next != nil && (within != nil || r.text == "" || r.column <= next.column):
		next.before = append(next.before, r.text)
	case within != nil:
		within.after = append(within.after, r.text)
	default:
		for last.parent != f.root && last.column > r.column {
			last = last.parent
		}
		last.parent.after = append(last.parent.after, r.text)
	}
}

// around returns the entries before and after a position; nil: there is none.
func around(list []*entry, at int) (last, next *entry) {
	i := sort.Search(len(list), func(i int) bool { return list[i].at >= at })
	if i > 0 {
		last = list[i-1]
	}
	if i < len(list) {
		next = list[i]
	}
	return last, next
}

// arrange sorts what is in an entry in the order of the table, and moves comments from where a line has no place for
// them: before the entry.
func (e *entry) arrange() {
	if e.row.Type == Object {
		order := func(c *entry) int {
			return slices.IndexFunc(e.row.Keys, func(k Key) bool { return k.Name == c.row.Name })
		}
		slices.SortStableFunc(e.children, func(a, b *entry) int { return order(a) - order(b) })
	}
	for _, c := range e.children {
		c.arrange()
	}
	if len(e.tail) > 1 {
		e.before, e.tail = append(e.before, e.tail...), nil
	}
	if e.key == nil && e.parent != nil && len(e.children) > 0 { // its first line has the dash and the first child
		first := e.children[0]
		e.before, first.before = append(e.before, first.before...), nil
	}
}
