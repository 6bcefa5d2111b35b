package events

import (
	"reflect"
	"time"

	"github.com/ringback/ringback/tty"
)

// KindOf returns the kind of an event.
func KindOf(e Event) Kind { return kinds()[reflect.TypeOf(e)] }

// UserOf returns the user of an event: its field "user", "" if it has none.
func UserOf(e Event) string {
	v := reflect.ValueOf(e)
	for _, s := range shapeOf(v.Type()) {
		if s.name == "user" {
			return v.Field(s.index).String()
		}
	}
	return ""
}

// The field of an event about a line is named line; if that is a vty, it is named vty and has the vty's number.
const (
	lineField = "line"
	vtyField  = "vty"
)

// vtyOf returns the number of the vty that a field has as its line; false if it has none.
func vtyOf(s shape, v reflect.Value) (n int, ok bool) {
	if s.name != lineField || v.Kind() != reflect.Int {
		return 0, false
	}
	return tty.IsVTY(int(v.Int()))
}

// Fields returns the fields of an event by name, as values for JSON: a duration is in seconds, an error is its text.
func Fields(e Event) map[string]any {
	v := reflect.ValueOf(e)
	fields := map[string]any{}
	for _, s := range shapeOf(v.Type()) {
		f := v.Field(s.index)
		if s.absent(f) {
			continue
		}
		if n, ok := vtyOf(s, f); ok {
			fields[vtyField] = n
			continue
		}
		switch x := f.Interface().(type) {
		case error:
			fields[s.name] = x.Error()
		case time.Duration:
			fields[s.name] = x.Seconds()
		default:
			fields[s.name] = x
		}
	}
	return fields
}
