package schema

import (
	"slices"
	"strings"
)

// plus marks the name of a list that is added to that of the file which is extended.
const plus = "+"

// findPlus returns the row of a name as a file has it: that of `allow` also for `allow+`, if the list has Plus.
func findPlus(keys []Key, name string) *Key {
	if row := Find(keys, name); row != nil {
		return row
	}
	if list, ok := strings.CutSuffix(name, plus); ok {
		if row := Find(keys, list); row != nil && row.Plus {
			return row
		}
	}
	return nil
}

// both reports lists that a file replaces and adds to.
func (p *parser) both(v *Value) {
	for _, name := range v.names {
		if more := v.fields[name+plus]; more != nil {
			p.problems = append(p.problems, Problem{File: p.file, Line: more.Line, Column: more.Column, Key: more.Path,
				Msg:  "the file also has " + v.fields[name].Path,
				Hint: "keep " + name + " to replace the other file's list, or " + name + plus + " to add to it"})
		}
	}
}

// Plus returns the first list of v or of an Object in it that is marked with a plus sign; nil: none.
func (v *Value) Plus() *Value {
	if v == nil || v.typ != Object {
		return nil
	}
	for _, name := range v.names {
		if strings.HasSuffix(name, plus) {
			return v.fields[name]
		}
		if found := v.fields[name].Plus(); found != nil {
			return found
		}
	}
	return nil
}

// Merge returns the values of v over those of base, both parsed with the same table: Objects and Dicts are merged,
// other values of v replace those of base, and a list `name+` of v is added to the list `name` of base. The result has
// no such list. Each value keeps its file and position; the Path of an added element is that in its own file. Neither v
// nor base changes; base may be nil.
func Merge(base, v *Value) *Value {
	switch {
	case base == nil && (v.typ == Object || v.typ == Dict):
		base = &Value{typ: v.typ}
	case base == nil || v.typ != base.typ || v.typ != Object && v.typ != Dict:
		return v
	}
	out := *v
	out.names, out.fields = nil, map[string]*Value{}
	for _, name := range base.names {
		out.add(name, base.fields[name])
	}
	for _, name := range v.names {
		f := v.fields[name]
		if list, ok := strings.CutSuffix(name, plus); ok && v.typ == Object {
			out.set(list, f.after(out.fields[list]))
			continue
		}
		out.set(name, Merge(out.fields[name], f))
	}
	return &out
}

// set is add for a name that may be there.
func (v *Value) set(name string, f *Value) {
	if v.fields[name] == nil {
		v.names = append(v.names, name)
	}
	v.fields[name] = f
}

// after returns the list with the elements of base, which may be nil, before its own.
func (v *Value) after(base *Value) *Value {
	out := *v
	out.Path = strings.TrimSuffix(v.Path, plus)
	out.items = slices.Concat(base.Items(), v.items)
	return &out
}

// Without returns an Object without these names.
func (v *Value) Without(names ...string) *Value {
	out := *v
	out.names, out.fields = nil, map[string]*Value{}
	for _, name := range v.names {
		if !slices.Contains(names, name) {
			out.add(name, v.fields[name])
		}
	}
	return &out
}
