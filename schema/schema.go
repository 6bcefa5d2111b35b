// Package schema parses YAML files against a table of keys. The table is the single source of what a file may contain:
// it drives validation (unknown keys, wrong types, duplicates, values out of range; all reported at once, each with its
// position), the values and the printed reference. The package opens no files and does not know what the keys mean.
package schema

import "errors"

// Type is the shape of a key's value.
type Type int

const (
	String   Type = iota // text; a number must be quoted, because YAML drops its leading zeros otherwise
	Int                  // decimal integer
	Bool                 // true or false
	Duration             // Go's notation, "5s", "1m30s", "500ms"
	Object               // nested keys: Key.Keys
	List                 // a sequence of Key.Elem
	Dict                 // names chosen by the user, each with a Key.Elem
)

func (t Type) String() string {
	if t < String || t > Dict {
		return "unknown"
	}
	return [...]string{"text", "integer", "true or false", "duration", "keys", "list", "names"}[t]
}

// Key is a row of a table: one key, its valid values and its documentation. The zero Key is an optional text.
type Key struct {
	Name string
	Type Type
	Keys []Key // of an Object
	// Absent has names that are no keys of an Object, and why: an error about one says it.
	Absent map[string]string
	Elem   *Key // of a List or Dict; its Name is ignored
	// Plus: a file that extends another may write `name+` for the List `name`, to add to the other's list (Merge)
	Plus bool

	Required bool
	Enum     []string // String: the valid values; empty: any
	Loose    bool     // String: accept an unquoted number as written, "6.50"
	Min, Max int64    // Int, Duration (ns) and, by the number of elements, List; both 0: no bounds
	// an additional check of a scalar's text, or of each name of a Dict; users see its error
	Check func(string) error
	// Pattern is what Check accepts as a regular expression of ECMA-262 with ^ and $, for editors (JSON); "": Check
	// alone knows. It may accept more, never less.
	Pattern string
	Secret  bool   // its value is not shown (Shown)
	Default string // as written in a file; "" none
	Reload  Reload // how a reload applies a change; "": as for the enclosing key (Inherit)

	Doc     string // Markdown sentences for the reference
	Example string // as written in a file
}

// NotEmpty is a Key.Check that rejects the empty text.
func NotEmpty(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return nil
}

// Find returns the key with this name, or nil.
func Find(keys []Key, name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

// indexFrom returns the place of a key; -1: there is none. It looks at the places from `from` on first: most files have
// the keys in the order of the table.
func indexFrom(keys []Key, name string, from int) int {
	for i := from; i < len(keys); i++ {
		if keys[i].Name == name {
			return i
		}
	}
	for i := range min(from, len(keys)) {
		if keys[i].Name == name {
			return i
		}
	}
	return -1
}

// Scalars calls f with the path (`api.socket`) and the row of each scalar that is nested in objects only. Such a key
// has one value in a file, so an environment variable or a flag can override it.
func Scalars(keys []Key, f func(path string, k Key)) {
	scalars("", keys, f)
}

func scalars(prefix string, keys []Key, f func(string, Key)) {
	for _, k := range keys {
		switch k.Type {
		case Object:
			scalars(prefix+k.Name+".", k.Keys, f)
		case List, Dict:
		default:
			f(prefix+k.Name, k)
		}
	}
}
