// Package events has what a node reports: typed events, each reported once by the code that sees it happen, and the
// sinks that pass it on (the log, the debug feed, the audit). An event says in one place what each sink makes of it.
//
// A new event is a type here and a row of Table; the compiler asks for what each sink says of it, and a test asks for a
// sender. A new sink reads the named fields, as Log does, or is one more method of Event.
package events

import (
	"reflect"
	"strings"
	"sync"

	"go.uber.org/zap/zapcore"
)

// Event is something that happened. Only the types of this package are events. A sink that makes nothing of a type is
// told so by what the type embeds: unlogged, undebugged, unaudited.
type Event interface {
	// log is a record of the log, whose keys are the event's fields; "" none.
	log() (zapcore.Level, string)
	// debug is a line of `debug callback` on a TTY, 0 for none in particular; "" none.
	debug() (tty int, text string)
	// audit is a row of the audit; the zero Entry is none.
	audit() Entry
}

// Entry is a row of the audit: what was done, the person or system that did it, and the details.
type Entry struct{ Kind, Who, Text string }

// What an event embeds that a sink has no use for.
type (
	unlogged   struct{}
	undebugged struct{}
	unaudited  struct{}
)

func (unlogged) log() (zapcore.Level, string) { return 0, "" }
func (undebugged) debug() (int, string)       { return 0, "" }
func (unaudited) audit() Entry                { return Entry{} }

// shape is how the fields of a type are found.
type shape struct {
	index     int
	name      string
	omitEmpty bool
	unlogged  bool
}

var shapes sync.Map // reflect.Type → []shape

// shapeOf reads the tags of a type: `event:"name"` names a field, `event:"name,omitempty"` one that is left out where
// it is zero, `event:"name,unlogged"` one that is no key in the log, whose words say it.
func shapeOf(t reflect.Type) []shape {
	if s, ok := shapes.Load(t); ok {
		return s.([]shape)
	}
	var all []shape
	for i := range t.NumField() {
		if name, option, _ := strings.Cut(t.Field(i).Tag.Get("event"), ","); name != "" {
			all = append(all, shape{i, name, option == "omitempty", option == "unlogged"})
		}
	}
	shapes.Store(t, all)
	return all
}

// absent reports whether a value is left out.
func (s shape) absent(v reflect.Value) bool {
	return (s.omitEmpty || v.Kind() == reflect.Interface) && v.IsZero()
}
