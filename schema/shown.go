package schema

import (
	"slices"
	"strconv"
	"strings"
)

// Shown returns a value as people read it: text is quoted, durations have units, a secret is [secret], and a key of an
// object that has its default is left out. v may be nil: the default.
func Shown(k Key, v *Value) string {
	var parts []string
	switch k.Type {
	case Object:
		for i := range k.Keys {
			below := &k.Keys[i]
			if own := v.Get(below.Name); own.IsSet() {
				parts = append(parts, below.Name+": "+Shown(*below, own))
			}
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case List:
		for _, item := range v.Items() {
			parts = append(parts, Shown(*k.Elem, item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case Dict:
		for _, name := range slices.Sorted(slices.Values(v.Names())) {
			parts = append(parts, strconv.Quote(name)+": "+Shown(*k.Elem, v.Get(name)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	if !v.IsSet() && k.Default == "" {
		return ""
	}
	if k.Secret {
		return "[secret]"
	}
	if !v.IsSet() {
		var err error
		if v, err = ParseScalar(k, k.Default); err != nil {
			return k.Default
		}
	}
	switch k.Type {
	case Int:
		return strconv.Itoa(v.Int())
	case Bool:
		return strconv.FormatBool(v.Bool(false))
	case Duration:
		return v.Duration().String()
	}
	return strconv.Quote(v.Text())
}
