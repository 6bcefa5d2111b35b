package events

import "go.uber.org/zap"

// Sink passes events on. Take must not block and may be called at once from several goroutines.
type Sink interface{ Take(e Event) }

// Log is the sink that writes events into a log.
type Log struct{ Logger *zap.Logger }

// Take implements Sink.
func (l Log) Take(e Event) {
	level, text := e.log()
	if text == "" {
		return
	}
	checked := l.Logger.Check(level, text)
	if checked == nil {
		return
	}
	fields := Fields(e)
	record := make([]zap.Field, 0, len(fields))
	for _, f := range fields {
		if !f.unlogged {
			record = append(record, zap.Any(f.Name, f.Value))
		}
	}
	checked.Write(record...)
}

// Debug is the sink that shows events to those who listen to `debug callback`.
type Debug func(tty int, text string)

// Take implements Sink.
func (d Debug) Take(e Event) {
	if tty, text := e.debug(); text != "" {
		d(tty, text)
	}
}

// Audit is what the audit records of an event; false: nothing. It is no Sink: the row belongs into the transaction that
// makes the event durable.
func Audit(e Event) (Entry, bool) {
	a := e.audit()
	return a, a != Entry{}
}
