package syslog

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"
)

// Classify returns the class of a record: kind is its field "event", "" if it has none.
type Classify func(level zapcore.Level, kind string) Class

// KindKey is the field of a record that has the kind of its event.
const KindKey = "event"

// Core returns the sink for a zap logger: records of the level and above are queued. It never blocks.
func (s *Sender) Core(level zapcore.LevelEnabler) zapcore.Core {
	return core{LevelEnabler: level, classify: s.opt.Classify, take: s.enqueue}
}

// direct is the core for the sender's own records: they are sent before those in the queue. Only the sender's
// goroutine may log to it.
func (s *Sender) direct() zapcore.Core {
	return core{LevelEnabler: zapcore.DebugLevel, classify: s.opt.Classify, take: s.sendNow}
}

type core struct {
	zapcore.LevelEnabler
	classify Classify
	take     func(Record)
	with     []zapcore.Field
}

func (c core) With(fields []zapcore.Field) zapcore.Core {
	c.with = slices.Concat(c.with, fields)
	return c
}

func (c core) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(e.Level) {
		return checked.AddCore(e, c)
	}
	return checked
}

func (c core) Write(e zapcore.Entry, fields []zapcore.Field) error {
	r := Record{Time: e.Time, Text: e.Message}
	kind := ""
	for _, f := range slices.Concat(c.with, fields) {
		if f.Key == KindKey && f.Type == zapcore.StringType {
			kind = f.String
			continue
		}
		r.Fields = append(r.Fields, texts(f)...)
	}
	r.Class = c.classify(e.Level, kind)
	c.take(r)
	return nil
}

// Sync implements zapcore.Core; Sender.Flush waits for what is queued.
func (c core) Sync() error { return nil }

// texts returns a field of zap as text.
func texts(f zapcore.Field) []Field {
	if f.Type == zapcore.StringType {
		return []Field{{f.Key, f.String}}
	}
	m := zapcore.NewMapObjectEncoder()
	f.AddTo(m)
	var all []Field
	for key, v := range m.Fields {
		all = append(all, Field{key, textOf(v)})
	}
	slices.SortFunc(all, func(a, b Field) int { return len(a.Name) - len(b.Name) }) // error, errorVerbose
	return all
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	case time.Duration, bool, int64, uint64, int, float64:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
