package policies

import (
	"fmt"
	"slices"

	"github.com/ringback/ringback/schema"
)

// Setting is one value of a group's policy, and where it is written.
type Setting struct {
	Key   string `json:"key"`            // `numbers.allow[0]` for an element of a list
	Value string `json:"value"`          // as written, without quotes; "[]" for an empty list
	File  string `json:"file,omitempty"` // "": in no file, so the value is the default
	Line  int    `json:"line,omitempty"`

	Column int `json:"-"`
}

// Flat returns all values of a group's policy in the order of the reference, with those of the files that it extends
// and the defaults; false: the group has no file.
func (s *Set) Flat(group string) ([]Setting, bool) {
	if s == nil {
		return nil, false
	}
	f, ok := s.flat[group]
	return slices.Clone(f), ok
}

// settings lists the values of an object at a path.
func settings(keys []schema.Key, path string, v *schema.Value) (out []Setting) {
	for _, k := range keys {
		out = append(out, settingsOf(k, path+k.Name, v.Get(k.Name))...)
	}
	return out
}

func settingsOf(k schema.Key, path string, v *schema.Value) (out []Setting) {
	at := Setting{Key: path, Value: k.Default}
	if v.IsSet() {
		at.Value, at.File, at.Line, at.Column = v.Text(), v.File, v.Line, v.Column
	}
	switch k.Type {
	case schema.Object:
		return settings(k.Keys, path+".", v)
	case schema.Dict:
		for _, name := range v.Names() {
			out = append(out, settingsOf(*k.Elem, path+"."+name, v.Get(name))...)
		}
		return out
	case schema.List:
		for i, item := range v.Items() {
			out = append(out, settingsOf(*k.Elem, fmt.Sprintf("%s[%d]", path, i), item)...)
		}
		if len(out) == 0 {
			if v.IsSet() || k.Default == "" { // otherwise an absent list may mean more than an empty one
				at.Value = "[]"
			}
			return []Setting{at}
		}
		return out
	}
	if !v.IsSet() && k.Default == "" { // an optional value that nothing stands for
		return nil
	}
	return []Setting{at}
}
