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
	for i, more := range v.below {
		name, ok := strings.CutSuffix(v.names[i], plus)
		if !ok {
			continue
		}
		if list := v.field(name); list != nil {
			p.problems = append(p.problems, Problem{File: p.file, Line: more.Line, Column: more.Column, Key: more.Path,
				Msg:  "the file also has " + list.Path,
				Hint: "keep " + name + " to replace the other file's list, or " + name + plus + " to add to it"})
		}
	}
}

// Plus returns the first list of v or of an Object in it that is marked with a plus sign; nil: none.
func (v *Value) Plus() *Value {
	if v == nil || v.typ != Object {
		return nil
	}
	for i, f := range v.below {
		if strings.HasSuffix(v.names[i], plus) {
			return f
		}
		if found := f.Plus(); found != nil {
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
	out := v.empty()
	for i, f := range base.below {
		out.add(base.names[i], f)
	}
	for i, f := range v.below {
		name := v.names[i]
		if list, ok := strings.CutSuffix(name, plus); ok && v.typ == Object {
			out.set(list, f.after(out.field(list)))
			continue
		}
		out.set(name, Merge(out.field(name), f))
	}
	return out
}

// empty returns a copy without names.
func (v *Value) empty() *Value {
	out := *v
	out.names, out.below, out.index = nil, nil, nil
	return &out
}

// after returns the list with the elements of base, which may be nil, before its own.
func (v *Value) after(base *Value) *Value {
	out := *v
	out.Path = strings.TrimSuffix(v.Path, plus)
	out.below = slices.Concat(base.Items(), v.below)
	return &out
}

// Without returns an Object without these names.
func (v *Value) Without(names ...string) *Value {
	out := v.empty()
	for i, f := range v.below {
		if name := v.names[i]; !slices.Contains(names, name) {
			out.add(name, f)
		}
	}
	return out
}
