package schema

import (
	"slices"
	"time"
)

// Value is a validated value and its position. A nil Value is an absent key: all methods work on it and return zero
// values.
type Value struct {
	Path         string // `aaa.radius[0].address`
	File         string // the name that Parse got; "": not from a file
	Line, Column int    // of the value

	typ   Type
	text  string
	num   int64          // Int, Duration (ns), Bool (1: true)
	below []*Value       // the elements of a List; the values of an Object or Dict, in the order of names
	names []string       // Object and Dict, in the file's order
	index map[string]int // places in names, if there are many
}

// few is the number of names up to which a search is as fast as an index.
const few = 16

// field returns the value of a name of an Object or Dict; nil: there is none.
func (v *Value) field(name string) *Value {
	if i := v.place(name); i >= 0 {
		return v.below[i]
	}
	return nil
}

// place returns the place of a name; -1: it is absent.
func (v *Value) place(name string) int {
	if v.index == nil {
		return slices.Index(v.names, name)
	}
	if i, ok := v.index[name]; ok {
		return i
	}
	return -1
}

// add appends the value of a name that is not there yet.
func (v *Value) add(name string, f *Value) {
	v.names, v.below = append(v.names, name), append(v.below, f)
	switch n := len(v.names); {
	case v.index != nil:
		v.index[name] = n - 1
	case n > few:
		v.index = make(map[string]int, 2*n)
		for i, name := range v.names {
			v.index[name] = i
		}
	}
}

// set is add for a name that may be there.
func (v *Value) set(name string, f *Value) {
	if i := v.place(name); i >= 0 {
		v.below[i] = f
		return
	}
	v.add(name, f)
}

// IsSet reports whether the key is present.
func (v *Value) IsSet() bool { return v != nil }

// Get returns the value nested under names, or nil if one of them is absent.
func (v *Value) Get(names ...string) *Value {
	for _, n := range names {
		if v == nil {
			return nil
		}
		v = v.field(n)
	}
	return v
}

// Items returns the elements of a List.
func (v *Value) Items() []*Value {
	if v == nil || v.typ != List {
		return nil
	}
	return v.below
}

// Names returns the names present in a Dict or Object, in the file's order.
func (v *Value) Names() []string {
	if v == nil {
		return nil
	}
	return v.names
}

// Text returns a scalar as it was written, without quotes.
func (v *Value) Text() string {
	if v == nil {
		return ""
	}
	return v.text
}

// Texts returns the scalars of a List as they were written.
func (v *Value) Texts() []string {
	var out []string
	for _, i := range v.Items() {
		out = append(out, i.text)
	}
	return out
}

// Int returns an Int.
func (v *Value) Int() int {
	if v == nil {
		return 0
	}
	return int(v.num)
}

// Bool returns a Bool, or def if the key is absent.
func (v *Value) Bool(def bool) bool {
	if v == nil {
		return def
	}
	return v.num != 0
}

// Duration returns a Duration.
func (v *Value) Duration() time.Duration {
	if v == nil {
		return 0
	}
	return time.Duration(v.num)
}

// Flat returns the scalars that Scalars enumerates, if present, as path → text.
func (v *Value) Flat() map[string]string {
	out := map[string]string{}
	v.flat("", out)
	return out
}

func (v *Value) flat(prefix string, out map[string]string) {
	if v == nil || v.typ != Object {
		return
	}
	for i, n := range v.names {
		switch f := v.below[i]; f.typ {
		case Object:
			f.flat(prefix+n+".", out)
		case List, Dict:
		default:
			out[prefix+n] = f.text
		}
	}
}
