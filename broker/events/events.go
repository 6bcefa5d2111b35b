// Package events has the events that a node reports: typed values, each reported once by the code that observes it, and
// the sinks that pass them on (the log, the debug feed, the audit). The type of an event says in one place what each
// sink makes of it.
//
// A new event is a type here and a row of Table; the compiler requires a method for each sink, and a test requires a
// sender. A new sink reads the named fields, as Log does, or is a further method of Event.
package events

import (
	"reflect"
	"strings"
	"sync"

	"go.uber.org/zap/zapcore"
)

// Event is something that happened. Only the types of this package are events. A type embeds undebugged or unaudited
// for each of these sinks that ignores it, and undialed if only `debug dialer` does. Every event is in the log.
type Event interface {
	// log returns the log record, whose keys are the event's fields.
	log() (zapcore.Level, string)
	// debug returns a line of `debug callback` and its TTY, 0 for no particular one; "" if none.
	debug() (tty int, text string)
	// dialer returns a line of `debug dialer` in the same way.
	dialer() (tty int, text string)
	// audit returns the audit row; the zero Entry if none.
	audit() Entry
}

// Entry is a row of the audit: the kind of action, the person or system that did it, and the details.
type Entry struct{ Kind, Who, Text string }

// Embedded by events that a sink ignores.
type (
	undebugged struct{ undialed } // by both topics of debug
	undialed   struct{}
	unaudited  struct{}
)

func (undebugged) debug() (int, string) { return 0, "" }
func (undialed) dialer() (int, string)  { return 0, "" }
func (unaudited) audit() Entry          { return Entry{} }

// shape describes one field of an event type.
type shape struct {
	index     int
	name      string
	omitEmpty bool
	unlogged  bool
}

var shapes sync.Map // reflect.Type → []shape

// shapeOf reads the tags of a type: `event:"name"` names a field, `event:"name,omitempty"` one that is omitted if it is
// zero, `event:"name,unlogged"` one that is not a key in the log because the message contains it.
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

// absent reports whether a value is omitted.
func (s shape) absent(v reflect.Value) bool {
	return (s.omitEmpty || v.Kind() == reflect.Interface) && v.IsZero()
}
