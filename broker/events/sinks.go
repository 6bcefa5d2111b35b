package events

import (
	"reflect"

	"go.uber.org/zap"
)

// Sink passes events on. Take must not block and may be called concurrently.
type Sink interface{ Take(e Event) }

// KindKey is the key of a log record that has the Kind of its event.
const KindKey = "event"

// Log is the sink that writes events into a log.
type Log struct{ Logger *zap.Logger }

// Take implements Sink.
func (l Log) Take(e Event) {
	level, text := e.log()
	checked := l.Logger.Check(level, text)
	if checked == nil {
		return
	}
	v := reflect.ValueOf(e)
	all := shapeOf(v.Type())
	record := make([]zap.Field, 0, len(all)+1)
	for _, s := range all {
		f := v.Field(s.index)
		if s.unlogged || s.absent(f) {
			continue
		}
		if n, ok := vtyOf(s, f); ok {
			record = append(record, zap.Int(vtyField, n))
			continue
		}
		record = append(record, zapField(s.name, f))
	}
	checked.Write(append(record, zap.String(KindKey, string(kinds()[v.Type()])))...)
}

// zapField is zap.Any without a copy of the value on the heap.
func zapField(name string, v reflect.Value) zap.Field {
	switch v.Kind() {
	case reflect.String:
		return zap.String(name, v.String())
	case reflect.Bool:
		return zap.Bool(name, v.Bool())
	case reflect.Int:
		return zap.Int64(name, v.Int())
	case reflect.Uint64:
		return zap.Uint64(name, v.Uint())
	}
	return zap.Any(name, v.Interface())
}

// Debug is the sink for the lines of `debug callback`.
type Debug func(tty int, text string)

// Take implements Sink.
func (d Debug) Take(e Event) {
	if tty, text := e.debug(); text != "" {
		d(tty, text)
	}
}

// Dialer is the sink for the lines of `debug dialer`.
type Dialer func(tty int, text string)

// Take implements Sink.
func (d Dialer) Take(e Event) {
	if tty, text := e.dialer(); text != "" {
		d(tty, text)
	}
}

// Audit returns the audit row of an event; false if it has none. It is not a Sink, because the row belongs in the
// transaction that makes the event durable.
func Audit(e Event) (Entry, bool) {
	a := e.audit()
	return a, a != Entry{}
}
