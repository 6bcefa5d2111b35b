package sqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// upgrade migrates a journal from sqlVersion to schemaVersion. It needs the key, so it is not an SQL migration. It
// returns warnings for operators.
func (w *writer) upgrade() (warnings []string, err error) {
	version, err := w.c.number("PRAGMA user_version")
	if err != nil || version >= schemaVersion {
		return nil, err
	}
	if _, err := w.c.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("migrate the rows to schema %d: %w", schemaVersion, err), w.rollback())
		}
	}()
	if version < 14 {
		warnings, err = w.sayOnce()
	}
	if err == nil && version < sealVersion {
		err = w.writeSeal()
	}
	if err == nil && version < reservedVersion {
		err = w.moveReserved()
	}
	if err == nil && version < digestVersion {
		err = w.fillDigests()
	}
	if err == nil {
		_, err = w.c.query(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
	}
	if err == nil {
		err = w.keepPrint(w.key)
	}
	if err != nil {
		return nil, err
	}
	_, err = w.c.exec("COMMIT")
	return warnings, err
}

// sayOnce removes from the JSON of a callback's row what its columns repeat. A row that does not verify is left
// unchanged, so it will never verify. If the two places differ, it is unknown which is right: a pending callback ends
// and is set aside as it was found, an ended one is left unchanged.
func (w *writer) sayOnce() (warnings []string, err error) {
	update := "UPDATE callbacks SET state = ?, decision = ?, sum = ? WHERE rowid = ?"
	last := int64(0)
	for {
		rows, err := w.c.query("SELECT rowid, "+callbacksTable.columns()+
			" FROM callbacks NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT ?", last, int64(signPage))
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			last, _ = row[0].(int64)
			c, d := w.verified(row[1:])
			if d != nil {
				continue // it is reported when it is read
			}
			once, why := onlyOnce(c)
			switch {
			case why == "":
				values := callbackValues(once)
				_, err = w.c.exec(update, once.State, once.Decision, callbacksTable.sum(w.key, values), last)
			case c.Pending():
				d := callbacksTable.damage(row[1:], why)
				warnings = append(warnings, fmt.Sprintf("%s: the callback of %s will not be dialed, and is kept in "+
					"the table set_aside", d, c.User))
				end := damagedEnd(nanos(time.Now()))
				err = w.setAside(callbacksTable, last, row[1:], d, nanos(time.Now()),
					callbackValues(journal.Callback{}), end)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return warnings, nil
}

func (w *writer) verified(row []any) (c journal.Callback, d *journal.Damage) {
	values, d := callbacksTable.check(w.key, row)
	if d != nil {
		return c, d
	}
	c, err := decodeCallback(values)
	if err != nil {
		d = callbacksTable.damage(values, err.Error())
	}
	return c, d
}

// onlyOnce removes from a callback's JSON what its columns repeat. why says how the two differ.
func onlyOnce(c journal.Callback) (_ journal.Callback, why string) {
	var rotary any
	if c.Rotary != nil {
		rotary = float64(*c.Rotary)
	}
	var lines any
	if len(c.Lines) > 0 {
		all := make([]any, len(c.Lines))
		for i, n := range c.Lines {
			all[i] = float64(n)
		}
		lines = all
	}
	state, why := without(c.State, "state", map[string]any{
		"id": c.ID, "phase": c.Phase, "attempt": float64(c.Attempts), "max": float64(c.Max), "cause": c.Cause,
	})
	if why != "" {
		return c, why
	}
	twice := map[string]any{"number": c.Number, "no_verify": c.NoVerify, "digest": c.PolicyDigest,
		"callback_line": lines, "callback_rotary": rotary}
	// it is revoked on a line that requires a login: the column is newer than the decision
	if !c.NoVerify {
		twice["no_verify"] = anything
	}
	decision, why := without(c.Decision, "decision", twice)
	c.State, c.Decision = state, decision
	return c, why
}

// anything means a value that need not match.
var anything = new(any)

// without removes keys from a JSON object, each of which must have the value of the column.
func without(object, name string, columns map[string]any) (_, why string) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal([]byte(object), &values); err != nil {
		return object, fmt.Sprintf("its %s cannot be read: %v", name, err)
	}
	for key, column := range columns {
		raw, ok := values[key]
		if !ok {
			continue
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil || column != anything && !reflect.DeepEqual(v, column) {
			return object, fmt.Sprintf("its %s says %s %.60s, its column %v", name, key, raw, column)
		}
		delete(values, key)
	}
	out, err := json.Marshal(values)
	if err != nil {
		return object, fmt.Sprintf("its %s cannot be written: %v", name, err)
	}
	return string(out), ""
}
