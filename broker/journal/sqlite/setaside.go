package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/ringback/ringback/broker/journal"
)

func (w *writer) setDamagedAside(m journal.SetAside) error {
	now := nanos(m.Time)
	if now == 0 {
		now = 1 // 0 means "not ended"
	}
	for _, t := range []struct {
		*table
		where string
		zero  []any          // values of the right types
		end   map[string]any // columns that end the row; nil: it is deleted
	}{
		{callbacksTable, "ended = 0 OR outcome = ''", callbackValues(journal.Callback{}),
			damagedEnd(now)},
		{callsTable, "ended = 0", callValues(journal.Call{}),
			map[string]any{"ended": now, "cause": journal.DamagedCause}},
		{spoolTable, "true", nil, nil},
		{lineRecordsTable, "true", nil, nil},
		{owedTable, "true", nil, nil},
	} {
		rows, err := w.c.query("SELECT rowid, " + t.columns() + " FROM " + t.name + " NOT INDEXED WHERE " + t.where)
		if err != nil {
			return about("damaged rows of", t.name, err)
		}
		for _, row := range rows {
			_, d := t.check(w.key, row[1:])
			if d == nil {
				continue
			}
			if err := w.setAside(t.table, row[0], row[1:], d, now, t.zero, t.end); err != nil {
				return about("damaged row of", d.String(), err)
			}
		}
	}
	return nil
}

func (w *writer) setAside(t *table, rowid any, row []any, d *journal.Damage, now int64, zero []any,
	end map[string]any) error {
	content := map[string]any{}
	for i, c := range t.cols {
		content[c] = row[i]
		if s, ok := row[i].(string); ok {
			content[c] = fmt.Sprintf("%q", s) // it may have any bytes
		}
	}
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if _, err := w.c.exec("INSERT INTO set_aside (time, tbl, key, reason, content) VALUES (?, ?, ?, ?, ?)", now, t.name,
		d.Key, d.Reason, string(text)); err != nil {
		return err
	}
	if end == nil {
		_, err := w.c.exec("DELETE FROM "+t.name+" WHERE rowid = ?", rowid)
		return err
	}
	values := make([]any, len(t.cols))
	for i, c := range t.cols {
		values[i] = row[i]
		if fmt.Sprintf("%T", row[i]) != fmt.Sprintf("%T", zero[i]) && c != "rotary" {
			values[i] = zero[i] // the damage changed its type
		}
		if v, ok := end[c]; ok {
			values[i] = v
		}
	}
	sets := ""
	for _, c := range t.cols {
		sets += c + " = ?, "
	}
	_, err = w.c.exec("UPDATE "+t.name+" SET "+sets+"sum = ? WHERE rowid = ?",
		append(values, t.sum(w.key, values), rowid)...)
	return err
}

// damagedEnd returns the columns that end a callback whose row is damaged.
func damagedEnd(now int64) map[string]any {
	return map[string]any{"ended": now, "outcome": "failed", "phase": "failed", "cause": journal.DamagedCause,
		"attempts": int64(0), "max": int64(0)}
}
