package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/ringback/ringback/broker/journal"
)

// mutate applies one mutation in the writer's transaction, and again in a second transaction if the first was rolled
// back.
func (w *writer) mutate(m journal.Mutation) error {
	switch m := m.(type) {
	case nil, journal.UseReserve:
		return nil
	case journal.PutCall:
		return w.putCall(m)
	case journal.EndCall:
		return w.endCall(m)
	case journal.PutCallback:
		return w.putCallback(m)
	case journal.PutAttempt:
		return w.putAttempt(m)
	case journal.ReopenAttempt:
		return w.reopenAttempt(m)
	case journal.EndAttempt:
		return w.endAttempt(m)
	case journal.Reserve:
		return w.reserveAmount(m)
	case journal.Settle:
		return w.settle(m)
	case journal.Spool:
		return w.spool(m)
	case journal.Unspool:
		return w.unspool(m)
	case journal.UnspoolAll:
		return w.unspoolAll(m)
	case journal.SpoolTried:
		return w.spoolTried(m)
	case journal.AddAudit:
		return w.addAudit(m)
	case journal.PutLoginLimit:
		return w.putLoginLimit(m)
	case journal.DropLoginLimit:
		return w.dropLoginLimit(m)
	case journal.PutLoginName:
		return w.putLoginName(m)
	case journal.DropLoginName:
		return w.dropLoginName(m)
	case journal.PutLockdown:
		return w.putLockdown(m)
	case journal.PutDialed:
		return w.putDialed(m)
	case journal.PutTriggered:
		return w.putTriggered(m)
	case journal.PutAccessWindow:
		return w.putAccessWindow(m)
	case journal.PutLineRecord:
		return w.putLineRecord(m)
	case journal.DropLineRecord:
		return w.dropLineRecord(m)
	case journal.PutOwed:
		return w.putOwed(m)
	case journal.DropOwed:
		return w.dropOwed(m)
	case journal.SetAside:
		return w.setDamagedAside(m)
	case applier:
		return m.apply(w)
	}
	return fmt.Errorf("no such mutation: %T", m)
}

// applier is a mutation of this package.
type applier interface{ apply(w *writer) error }

var (
	putCallSQL     = upsert(callsTable, "calls.ended = 0")
	putCallbackSQL = upsert(callbacksTable, "callbacks.attempts <= excluded.attempts AND (callbacks.ended = 0 OR "+
		"callbacks.outcome = '"+journal.GivenUp+"' AND callbacks.epoch < excluded.epoch)")
	putAttemptSQL = insert(attemptsTable)
	setAttempt    = upsert(attemptsTable, "true")
	putSpooled    = insert(spoolTable) + " ON CONFLICT (id) DO NOTHING"
	setSpooled    = upsert(spoolTable, "true")
	putAudit      = strings.Replace(insert(auditTable), ") VALUES (", ", digest) VALUES (?, ", 1)
)

func insert(t *table) string {
	return "INSERT INTO " + t.name + " (" + t.columns() + ") VALUES (?" + strings.Repeat(", ?", len(t.cols)) + ")"
}

// upsert returns the statement that inserts a row, or replaces the row with the same key if the condition is true.
func upsert(t *table, condition string) string {
	var sets []string
	for _, c := range append(t.cols[t.key:], "sum") {
		sets = append(sets, c+" = excluded."+c)
	}
	return insert(t) + " ON CONFLICT (" + strings.Join(t.cols[:t.key], ", ") + ") DO UPDATE SET " +
		strings.Join(sets, ", ") + " WHERE " + condition
}

// replace returns the statement that inserts a row or overwrites the one with the same key. It is for tables without
// row numbers whose key is their only constraint: there SQLite overwrites the row without reading it.
func replace(t *table) string { return strings.Replace(insert(t), "INSERT", "INSERT OR REPLACE", 1) }

// put writes a row with its checksum, and further values that the checksum does not cover, and returns whether it was
// written.
func (w *writer) put(t *table, statement string, values []any, further ...any) (bool, error) {
	w.row = append(append(append(w.row[:0], values...), t.sum(w.key, values)), further...)
	n, err := w.c.exec(statement, w.row...)
	return n > 0, err
}

// get reads one row by its key and verifies it.
func get[T any](w *writer, t *table, decode func([]any) (T, error), key ...any) (v T, err error) {
	rows, err := w.c.query("SELECT "+t.columns()+" FROM "+t.name+" WHERE "+strings.Join(t.cols[:len(key)], " = ? AND ")+
		" = ?", key...)
	if err != nil {
		return v, err
	}
	if len(rows) == 0 {
		return v, journal.ErrNotFound
	}
	values, bad := t.check(w.key, rows[0])
	if bad == nil {
		if v, err = decode(values); err == nil {
			return v, nil
		}
		bad = t.damage(values, err.Error())
	}
	return v, fmt.Errorf("%w: %v", journal.ErrDamaged, bad)
}

func (w *writer) putCall(m journal.PutCall) error {
	return about("call", m.Call.ID, w.keepCall(m, false))
}

// keepCall writes a call; interrupted: a crash has ended it.
func (w *writer) keepCall(m journal.PutCall, interrupted bool) error {
	ok, err := w.put(callsTable, putCallSQL, callValues(m.Call))
	switch {
	case err != nil || ok && m.Call.End.IsZero():
		return err
	case !ok:
		return journal.ErrEnded
	}
	return w.addUsage(m.Call.End, useOf(m.Call, m.Cost, interrupted))
}

func (w *writer) endCall(m journal.EndCall) error {
	c, err := get(w, callsTable, decodeCall, m.ID)
	if err == nil && !c.End.IsZero() {
		err = journal.ErrEnded
	}
	if err != nil {
		return about("call", m.ID, err)
	}
	c.End, c.Cause, c.TerminateCause, c.OctetsIn, c.OctetsOut = m.End, m.Cause, m.TerminateCause, m.OctetsIn,
		m.OctetsOut
	return about("call", m.ID, w.keepCall(journal.PutCall{Call: c}, true))
}

func (w *writer) putCallback(m journal.PutCallback) error {
	c := m.Callback
	if c.Attempts < 0 || c.Attempts > c.Max {
		return about("callback", c.ID, fmt.Errorf("%w: %d of %d", journal.ErrBudget, c.Attempts, c.Max))
	}
	ok, err := w.put(callbacksTable, putCallbackSQL, callbackValues(c))
	switch {
	case isUnique(err):
		// The statement resolves conflicts of the key, so only the index of pending callbacks can conflict.
		return about("callback", c.ID, fmt.Errorf("%w: %q by %q", journal.ErrPending, c.User, c.Entry))
	case err != nil || ok:
		return about("callback", c.ID, err)
	}
	ended, err := w.c.number("SELECT ended <> 0 AND (outcome <> ? OR epoch >= ?) FROM callbacks WHERE id = ?",
		journal.GivenUp, c.Epoch, c.ID)
	switch {
	case err != nil:
		return about("callback", c.ID, err)
	case ended != 0:
		return about("callback", c.ID, journal.ErrEnded)
	}
	return about("callback", c.ID, fmt.Errorf("%w: the count of attempts cannot decrease to %d", journal.ErrBudget,
		c.Attempts))
}

func (w *writer) putAttempt(m journal.PutAttempt) error {
	err := w.counted(m.Attempt)
	if err == nil {
		_, err = w.put(attemptsTable, putAttemptSQL, attemptValues(m.Attempt))
	}
	if isUnique(err) {
		err = fmt.Errorf("%w: it is already recorded", journal.ErrBudget)
	}
	return about("attempt", nameOf(m.Attempt.CallbackID, m.Attempt.N), err)
}

func (w *writer) reopenAttempt(m journal.ReopenAttempt) error {
	a := m.Attempt
	err := w.counted(a)
	if err == nil {
		err = w.reopen(a)
	}
	return about("attempt", nameOf(a.CallbackID, a.N), err)
}

func (w *writer) reopen(a journal.Attempt) error {
	was, err := get(w, attemptsTable, decodeAttempt, a.CallbackID, int64(a.N))
	switch {
	case err != nil:
		return err
	case was.Outcome != journal.HeldBack:
		return fmt.Errorf("%w: its dial command was not held back", journal.ErrBudget)
	}
	a.Detail, a.Transcript = was.Detail, was.Transcript
	_, err = w.put(attemptsTable, setAttempt, attemptValues(a))
	return err
}

// counted returns nil if the attempt's callback is pending and counts the attempt as its last.
func (w *writer) counted(a journal.Attempt) error {
	rows, err := w.c.query("SELECT attempts, ended FROM callbacks WHERE id = ?", a.CallbackID)
	switch {
	case err != nil:
		return err
	case len(rows) == 0:
		return fmt.Errorf("its callback: %w", journal.ErrNotFound)
	case rows[0][1] != int64(0):
		return fmt.Errorf("its callback %w", journal.ErrEnded)
	case rows[0][0] != int64(a.N):
		return fmt.Errorf("%w: the callback counts %v", journal.ErrBudget, rows[0][0])
	}
	return nil
}

func nameOf(callback string, n int) string { return fmt.Sprintf("%s/%d", callback, n) }

func (w *writer) endAttempt(m journal.EndAttempt) error {
	name := nameOf(m.CallbackID, m.N)
	a, err := get(w, attemptsTable, decodeAttempt, m.CallbackID, int64(m.N))
	if err == nil && !a.Ended.IsZero() {
		err = journal.ErrEnded
	}
	if err != nil {
		return about("attempt", name, err)
	}
	a.Ended, a.Outcome = m.Ended, m.Outcome
	a.Detail, a.Transcript = joined(a.Detail, "; then ", m.Detail), joined(a.Transcript, "\n", m.Transcript)
	_, err = w.put(attemptsTable, setAttempt, attemptValues(a))
	if err == nil && a.Outcome != journal.HeldBack {
		u := journal.Usage{Dials: 1}
		if a.Outcome != journal.ConnectedOutcome {
			u.Failures = 1
		}
		err = w.addUsage(a.Ended, u)
	}
	return about("attempt", name, err)
}

func joined(a, between, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + between + b
}

func (w *writer) spool(m journal.Spool) error {
	r := m.Record
	w.spoolSeq++ // a gap after a rollback does no harm
	r.Seq = w.spoolSeq
	_, err := w.put(spoolTable, putSpooled, spooledValues(r))
	return about("accounting record", r.ID, err)
}

func (w *writer) unspool(m journal.Unspool) error {
	_, err := w.c.exec("DELETE FROM spool WHERE id = ?", m.ID)
	return about("accounting record", m.ID, err)
}

func (w *writer) unspoolAll(m journal.UnspoolAll) error {
	seqs := slices.Clone(m.Seqs)
	slices.Sort(seqs)
	for len(seqs) > 0 { // one statement per range without gaps; a backlog has few
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

func (w *writer) spoolTried(m journal.SpoolTried) error {
	seq, err := w.c.scalar("SELECT seq FROM spool WHERE id = ?", m.ID)
	if err == nil && seq == nil {
		err = journal.ErrNotFound
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
	_, err = w.put(spoolTable, setSpooled, spooledValues(r))
	return about("accounting record", m.ID, err)
}

func (w *writer) addAudit(m journal.AddAudit) error {
	a := m.Audit
	a.Seq, a.PrevHash = w.audit.seq+1, []byte(w.audit.hash)
	a.Digest = a.DigestAfter([]byte(w.audit.digest))
	_, err := w.put(auditTable, putAudit, auditValues(a), a.Digest)
	if isUnique(err) {
		// A record with a damaged number is in the way. The audit continues after it; Verify reports the gap.
		var last int64
		if last, err = w.c.number("SELECT max(seq) FROM audit"); err == nil {
			a.Seq = last + 1
			a.Digest = a.DigestAfter([]byte(w.audit.digest))
			_, err = w.put(auditTable, putAudit, auditValues(a), a.Digest)
		}
	}
	if err != nil {
		return about("audit record", fmt.Sprint(a.Seq), err)
	}
	w.audit = mark{a.Seq, string(auditTable.sum(w.key, auditValues(a))), string(a.Digest)}
	return nil
}

func isUnique(err error) bool {
	c := extended(err)
	return c == sqlite3.SQLITE_CONSTRAINT_UNIQUE || c == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

// about adds to an error the row that it concerns.
func about(what, id string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, journal.ErrEnded) || errors.Is(err, journal.ErrNotFound) {
		return fmt.Errorf("%s %s %w", what, id, err)
	}
	return fmt.Errorf("%s %s: %w", what, id, err)
}
