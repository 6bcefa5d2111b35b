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

// ReopenAttempt uses the row of an attempt again whose Outcome is HeldBack, before it is dialled once more: TTY, Script and Started are those of the
// new try, Detail and Transcript keep what became of those before. Errors are those of PutAttempt; ErrBudget also where the row has another Outcome.
type ReopenAttempt struct{ Attempt Attempt }

// HeldBack is the Outcome of an attempt whose dial command provably never left.
const HeldBack = "held back"

// EndAttempt records how an attempt ended. Detail and Transcript are added to those of tries that were held back before. ErrNotFound where there is
// none, ErrEnded where it has ended before.
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
	err := w.counted(m.Attempt)
	if err == nil {
		_, err = w.put(attemptsTable, putAttempt, m.Attempt.values())
	}
	if isUnique(err) {
		err = fmt.Errorf("%w: it is recorded already", ErrBudget)
	}
	return about("attempt", m.Attempt.name(), err)
}

func (m ReopenAttempt) apply(w *writer) error {
	a := m.Attempt
	err := w.counted(a)
	if err == nil {
		err = w.reopen(a)
	}
	return about("attempt", a.name(), err)
}

func (w *writer) reopen(a Attempt) error {
	was, err := get(w, attemptsTable, decodeAttempt, a.CallbackID, int64(a.N))
	switch {
	case err != nil:
		return err
	case was.Outcome != HeldBack:
		return fmt.Errorf("%w: its dial command was not held back", ErrBudget)
	}
	a.Detail, a.Transcript = was.Detail, was.Transcript
	_, err = w.put(attemptsTable, setAttempt, a.values())
	return err
}

// counted returns nil where the attempt's callback is pending and counts it as its last.
func (w *writer) counted(a Attempt) error {
	rows, err := w.c.query("SELECT attempts, ended FROM callbacks WHERE id = ?", a.CallbackID)
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return fmt.Errorf("its callback: %w", ErrNotFound)
	case rows[0][1] != int64(0):
		return fmt.Errorf("its callback %w", ErrEnded)
	case rows[0][0] != int64(a.N):
		return fmt.Errorf("%w: the callback counts %v", ErrBudget, rows[0][0])
	}
	return nil
}

func (a Attempt) name() string { return fmt.Sprintf("%s/%d", a.CallbackID, a.N) }

func (m EndAttempt) apply(w *writer) error {
	name := Attempt{CallbackID: m.CallbackID, N: m.N}.name()
	a, err := get(w, attemptsTable, decodeAttempt, m.CallbackID, int64(m.N))
	if err == nil && !a.Ended.IsZero() {
		err = ErrEnded
	}
	if err != nil {
		return about("attempt", name, err)
	}
	a.Ended, a.Outcome = m.Ended, m.Outcome
	a.Detail, a.Transcript = joined(a.Detail, "; then ", m.Detail), joined(a.Transcript, "\n", m.Transcript)
	_, err = w.put(attemptsTable, setAttempt, a.values())
	return about("attempt", name, err)
}

func joined(a, between, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
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
