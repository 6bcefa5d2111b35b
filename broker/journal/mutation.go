package journal

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Mutation is one change of the journal, a value. The types of this file are all there are.
type Mutation interface {
	// apply runs in the writer's transaction, and perhaps again in a second one after the first was rolled back.
	apply(w *writer) error
}

// PutCall writes a call: a new one, or what has become of an open one. ErrEnded where this call was closed before.
type PutCall struct{ Call Call }

// EndCall closes an open call. ErrNotFound where there is none of this ID, ErrEnded where it is closed already.
type EndCall struct {
	ID             string
	End            time.Time
	Cause          string
	TerminateCause int
	OctetsIn       uint64
	OctetsOut      uint64
}

// PutCallback writes a callback: a new one, or what has become of a known one. Outcome is set together with Ended. It answers
//   - ErrPending where the same User and Entry have another callback that has not ended,
//   - ErrEnded where this callback has ended before,
//   - ErrBudget where Attempts would exceed Max, or fall.
type PutCallback struct{ Callback Callback }

// PutAttempt records an attempt, before it is made. The callback must count it already (PutCallback before it in the same
// group) and be pending, and the number must be new: else ErrBudget, ErrEnded, ErrNotFound.
type PutAttempt struct{ Attempt Attempt }

// EndAttempt records how an attempt ended. ErrNotFound where there is none, ErrEnded where it has ended before.
type EndAttempt struct {
	CallbackID string
	N          int
	Ended      time.Time
	Outcome    string
	Detail     string
	Transcript string
}

// Spool keeps an accounting record until it is acknowledged. Seq is ignored. A record of the same ID is left as it is.
type Spool struct{ Record Spooled }

// Unspool removes an acknowledged record. It is no error if there is none.
type Unspool struct{ ID string }

// UnspoolAll removes acknowledged records by their numbers. It is no error if some are gone.
type UnspoolAll struct{ Seqs []int64 }

// SpoolTried counts a delivery that was not acknowledged. ErrNotFound where there is no such record.
type SpoolTried struct {
	ID  string
	Err string
}

// AddAudit appends to the audit. Seq, PrevHash and Hash are ignored.
type AddAudit struct{ Audit Audit }

var (
	putCall     = upsert(callsTable, "calls.ended = 0")
	putCallback = upsert(callbacksTable, "callbacks.ended = 0 AND callbacks.attempts <= excluded.attempts")
	putAttempt  = insert(attemptsTable)
	setAttempt  = upsert(attemptsTable, "true")
	putSpooled  = insert(spoolTable) + " ON CONFLICT (id) DO NOTHING"
	setSpooled  = upsert(spoolTable, "true")
	putAudit    = insert(auditTable)
)

func insert(t *table) string {
	return "INSERT INTO " + t.name + " (" + t.columns() + ") VALUES (?" + strings.Repeat(", ?", len(t.cols)) + ")"
}

// upsert writes a new row, or replaces the row of the same key where the condition holds.
func upsert(t *table, condition string) string {
	var sets []string
	for _, c := range append(t.cols[t.key:], "sum") {
		sets = append(sets, c+" = excluded."+c)
	}
	return insert(t) + " ON CONFLICT (" + strings.Join(t.cols[:t.key], ", ") + ") DO UPDATE SET " + strings.Join(sets, ", ") + " WHERE " + condition
}

// put writes a row with its checksum and returns whether it was written.
func (w *writer) put(t *table, statement string, values []any) (bool, error) {
	n, err := w.c.exec(statement, append(values, t.sum(w.key, values))...)
	return n > 0, err
}

// get reads one row by its key and verifies it.
func get[T any](w *writer, t *table, decode func([]any) (T, error), key ...any) (v T, err error) {
	rows, err := w.c.query("SELECT "+t.columns()+" FROM "+t.name+" WHERE "+strings.Join(t.cols[:len(key)], " = ? AND ")+" = ?", key...)
	if err != nil {
		return v, err
	}
	if len(rows) == 0 {
		return v, ErrNotFound
	}
	values, bad := t.check(w.key, rows[0])
	if bad == nil {
		if v, err = decode(values); err == nil {
			return v, nil
		}
		bad = t.damage(values, err.Error())
	}
	return v, fmt.Errorf("%w: %v", ErrDamaged, bad)
}

func (m PutCall) apply(w *writer) error {
	ok, err := w.put(callsTable, putCall, m.Call.values())
	if err == nil && !ok {
		err = ErrEnded
	}
	return about("call", m.Call.ID, err)
}

func (m EndCall) apply(w *writer) error {
	c, err := get(w, callsTable, decodeCall, m.ID)
	if err == nil && !c.End.IsZero() {
		err = ErrEnded
	}
	if err != nil {
		return about("call", m.ID, err)
	}
	c.End, c.Cause, c.TerminateCause, c.OctetsIn, c.OctetsOut = m.End, m.Cause, m.TerminateCause, m.OctetsIn, m.OctetsOut
	return PutCall{c}.apply(w)
}

func (m PutCallback) apply(w *writer) error {
	c := m.Callback
	if c.Attempts < 0 || c.Attempts > c.Max {
		return about("callback", c.ID, fmt.Errorf("%w: %d of %d", ErrBudget, c.Attempts, c.Max))
	}
	ok, err := w.put(callbacksTable, putCallback, c.values())
	switch {
	case isUnique(err):
		// The key's conflict is the statement's to solve, so what is left is the index of pending callbacks.
		return about("callback", c.ID, fmt.Errorf("%w: %q by %q", ErrPending, c.User, c.Entry))
	case err != nil || ok:
		return about("callback", c.ID, err)
	}
	ended, err := w.c.number("SELECT ended FROM callbacks WHERE id = ?", c.ID)
	switch {
	case err != nil:
		return about("callback", c.ID, err)
	case ended != 0:
		return about("callback", c.ID, ErrEnded)
	}
	return about("callback", c.ID, fmt.Errorf("%w: the count of attempts cannot fall to %d", ErrBudget, c.Attempts))
}

func (m PutAttempt) apply(w *writer) error {
	name := fmt.Sprintf("%s/%d", m.Attempt.CallbackID, m.Attempt.N)
	rows, err := w.c.query("SELECT attempts, ended FROM callbacks WHERE id = ?", m.Attempt.CallbackID)
	switch {
	case err != nil:
		return about("attempt", name, err)
	case len(rows) == 0:
		return about("attempt", name, fmt.Errorf("its callback: %w", ErrNotFound))
	case rows[0][1] != int64(0):
		return about("attempt", name, fmt.Errorf("its callback %w", ErrEnded))
	case rows[0][0] != int64(m.Attempt.N):
		return about("attempt", name, fmt.Errorf("%w: the callback counts %v", ErrBudget, rows[0][0]))
	}
	_, err = w.put(attemptsTable, putAttempt, m.Attempt.values())
	if isUnique(err) {
		err = fmt.Errorf("%w: it is recorded already", ErrBudget)
	}
	return about("attempt", name, err)
}

func (m EndAttempt) apply(w *writer) error {
	name := fmt.Sprintf("%s/%d", m.CallbackID, m.N)
	a, err := get(w, attemptsTable, decodeAttempt, m.CallbackID, int64(m.N))
	if err == nil && !a.Ended.IsZero() {
		err = ErrEnded
	}
	if err != nil {
		return about("attempt", name, err)
	}
	a.Ended, a.Outcome, a.Detail, a.Transcript = m.Ended, m.Outcome, m.Detail, m.Transcript
	_, err = w.put(attemptsTable, setAttempt, a.values())
	return about("attempt", name, err)
}

func (m Spool) apply(w *writer) error {
	r := m.Record
	w.spoolSeq++ // a gap after a rollback does no harm
	r.Seq = w.spoolSeq
	_, err := w.put(spoolTable, putSpooled, r.values())
	return about("accounting record", r.ID, err)
}

func (m Unspool) apply(w *writer) error {
	_, err := w.c.exec("DELETE FROM spool WHERE id = ?", m.ID)
	return about("accounting record", m.ID, err)
}

func (m UnspoolAll) apply(w *writer) error {
	seqs := slices.Clone(m.Seqs)
	slices.Sort(seqs)
	for len(seqs) > 0 { // a statement for each run without gaps, of which a backlog has few
		n := 1
		for n < len(seqs) && seqs[n] <= seqs[n-1]+1 {
			n++
		}
		if _, err := w.c.exec("DELETE FROM spool WHERE seq BETWEEN ? AND ?", seqs[0], seqs[n-1]); err != nil {
			return about("accounting records from", fmt.Sprint(seqs[0]), err)
		}
		seqs = seqs[n:]
	}
	return nil
}

func (m SpoolTried) apply(w *writer) error {
	seq, err := w.c.scalar("SELECT seq FROM spool WHERE id = ?", m.ID)
	if err == nil && seq == nil {
		err = ErrNotFound
	}
	if err != nil {
		return about("accounting record", m.ID, err)
	}
	r, err := get(w, spoolTable, decodeSpooled, seq)
	if err != nil {
		return about("accounting record", m.ID, err)
	}
	r.Tries++
	r.LastError = m.Err
	_, err = w.put(spoolTable, setSpooled, r.values())
	return about("accounting record", m.ID, err)
}

func (m AddAudit) apply(w *writer) error {
	a := m.Audit
	a.Seq, a.PrevHash = w.audit.seq+1, []byte(w.audit.hash)
	_, err := w.put(auditTable, putAudit, a.values())
	if isUnique(err) {
		// A record with a damaged number is in the way. The audit goes on behind it; Verify tells of the gap.
		var last int64
		if last, err = w.c.number("SELECT max(seq) FROM audit"); err == nil {
			a.Seq = last + 1
			_, err = w.put(auditTable, putAudit, a.values())
		}
	}
	if err != nil {
		return about("audit record", fmt.Sprint(a.Seq), err)
	}
	w.audit = mark{a.Seq, string(auditTable.sum(w.key, a.values()))}
	return nil
}

func isUnique(err error) bool {
	c := extended(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// about says which row an error concerns.
func about(what, id string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, ErrEnded) || errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%s %s %w", what, id, err)
	}
	return fmt.Errorf("%s %s: %w", what, id, err)
}
