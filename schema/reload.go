package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Reload is how a reload of the file applies a changed key.
type Reload string

const (
	NewCalls Reload = "new calls"   // to calls that begin after the reload
	AtOnce   Reload = "immediately" // also to calls under way
	Restart  Reload = "restart"     // not before a restart
)

// Inherit returns a copy of the table with the Reload of each key filled in: a key without one inherits that of the
// enclosing object, list or dict; a top-level key inherits top.
func Inherit(top Reload, keys []Key) []Key {
	out := slices.Clone(keys)
	for i := range out {
		inherit(top, &out[i])
	}
	return out
}

func inherit(above Reload, k *Key) {
	if k.Reload == "" {
		k.Reload = above
	}
	k.Keys = Inherit(k.Reload, k.Keys)
	if k.Elem != nil {
		elem := *k.Elem
		inherit(k.Reload, &elem)
		k.Elem = &elem
	}
}

// Reloads returns the distinct Reload values of the scalars below a key, in table order.
func (k Key) Reloads() []Reload {
	var out []Reload
	below := k.Keys
	if k.Elem != nil {
		below = []Key{*k.Elem}
	}
	if len(below) == 0 {
		return []Reload{k.Reload}
	}
	for _, b := range below {
		for _, r := range b.Reloads() {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// Canonical returns a value as text; a key of an object that has its default is left out. Two texts are equal if the
// values are, however they are written. v may be nil: the default.
func Canonical(k Key, v *Value) string {
	switch k.Type {
	case Object:
		var fields []string
		for _, f := range k.Keys {
			own := v.Get(f.Name)
			if own == nil { // the default; most keys of a line are absent, and there may be thousands of lines
				continue
			}
			if text := Canonical(f, own); text != Canonical(f, nil) {
				fields = append(fields, f.Name+": "+text)
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case List:
		var items []string
		for _, item := range v.Items() {
			items = append(items, Canonical(*k.Elem, item))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case Dict:
		var fields []string
		for _, name := range slices.Sorted(slices.Values(v.Names())) {
			fields = append(fields, fmt.Sprintf("%q: %s", name, Canonical(*k.Elem, v.Get(name))))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return canonicalScalar(k, v)
}

func canonicalScalar(k Key, v *Value) string {
	if v == nil {
		if k.Default == "" {
			return ""
		}
		var err error
		if v, err = ParseScalar(k, k.Default); err != nil {
			return k.Default
		}
	}
	if k.Type == String {
		return strconv.Quote(v.text)
	}
	return strconv.FormatInt(v.num, 10)
}
