// Package schema reads YAML files whose every key is in a table. The table is the only source of what a file may say: it drives
// the check (unknown keys, wrong types, duplicates, values out of range, all at once and each with its position), the values
// and the printed reference. It reads no file and knows no meaning of a key.
package schema

// Type is the shape of a key's value.
type Type int

const (
	String   Type = iota // text; a number must be quoted, for YAML drops leading zeros of bare ones
	Int                  // decimal integer
	Bool                 // true or false
	Duration             // Go's notation, "5s", "1m30s", "500ms"
	Object               // keys of its own: Key.Keys
	List                 // a sequence of Key.Elem
	Dict                 // names that the user chooses, each with a Key.Elem
)

func (t Type) String() string {
	if t < String || t > Dict {
		return "unknown"
	}
	return [...]string{"text", "integer", "true or false", "duration", "keys", "list", "names"}[t]
}

// Key is a row of a table: one key, what it may hold and what people are told of it. The zero Key is an optional text.
type Key struct {
	Name string
	Type Type
	Keys []Key // of an Object
	Elem *Key  // of a List or Dict; its Name is not used

	Required bool
	Enum     []string           // String: the values that may stand here; empty: any
	Loose    bool               // String: a bare number is taken as it is written
	Min, Max int64              // Int, Duration (ns) and, by the number of elements, List; both 0: no bounds
	Check    func(string) error // scalars: a further check of the text, and of each name of a Dict; its error is for people
	Default  string             // as it would be written; "" none
	Reload   Reload             // what a reload does with a change; "" what it does with the key above (Inherit)

	Doc     string // sentences in Markdown for the reference
	Example string // as it would be written
}

// Find returns the key of that name, or nil.
func Find(keys []Key, name string) *Key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

// Scalars calls f with the path (`api.socket`) and the row of each scalar that can be reached through objects alone: these have
// one value in a file, so that an environment variable or a flag can stand for them.
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
