package sqlite

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// rebuilding creates a new journal from the readable part of one with a damaged structure. A bad page of old history
// must not prevent pending callbacks from being dialed or accounting records from being sent.
type rebuilding struct {
	from, to *conn
	lost     []string // for operators

	salvage   bool // continue in cases in which a start must not
	uncertain bool // some pending callbacks may be unknown
}

// rebuild replaces the journal at path, which has the current schema, by one with the same identity and every row that
// can be read. The damaged files are kept beside it, unchanged. It returns an error if it cannot prove that every
// pending callback was found: then the journal must be restored or salvaged. Rows keep their checksums with the current
// key: a forged row is not signed here.
func rebuild(path, why string) (warning string, err error) {
	made := path + ".rebuilt"
	defer func() {
		if err != nil {
			removeJournal(made) // a copy; nothing else has changed
		}
	}()
	removeJournal(made) // left by an interrupted rebuild
	r := &rebuilding{}
	if err := r.copy(path, made); err != nil {
		return "", fmt.Errorf("is damaged: %s; it cannot be rebuilt: %w%s", why, err, hint(path, codeCorrupt))
	}
	kept := fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405Z"))
	if err := exchange(path, made, kept); err != nil {
		return "", err
	}
	warning = fmt.Sprintf("%s was damaged (%s) and was rebuilt from its readable part; the damaged file is "+
		"kept as %s", path, why, kept)
	for _, l := range r.lost {
		warning += "; " + l
	}
	return warning, nil
}

// exchange puts the journal made in the place of the one at path, which is kept. The old log is moved first: it must
// never be used with the new journal. If the process ends in between, the journal left at path lacks its log and is
// refused.
func exchange(path, made, kept string) error {
	for _, tail := range []string{"-shm", "-wal", ""} {
		if err := os.Rename(path+tail, kept+tail); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// lose adds a loss to the report.
func (r *rebuilding) lose(format string, args ...any) {
	r.lost = append(r.lost, "lost: "+fmt.Sprintf(format, args...))
}

func removeJournal(path string) {
	for _, tail := range []string{"", "-wal", "-shm"} {
		os.Remove(path + tail)
	}
}

// copy creates the new journal and closes it, synced.
func (r *rebuilding) copy(path, made string) (err error) {
	if r.from, err = openConn(path, "ro"); err != nil {
		return err
	}
	defer r.from.close()
	key, from, err := keyOf(r.from, path)
	if err == nil && from == "" && r.salvage {
		err = errors.New("it is missing")
	}
	if err != nil && r.salvage { // its marks may be missing; rows of another key do not verify
		r.lose("the mark of the journal's key: %v", err)
		r.uncertain = true
		key, err = readKey(keyPath(path))
		from = keyPath(path)
	}
	if err != nil {
		return err
	}
	if from == "" {
		return errors.New("its rows are not signed yet")
	}
	if err := prepareFile(made); err != nil {
		return err
	}
	if r.to, err = openWriter(made); err != nil {
		return err
	}
	_, err = r.to.exec("BEGIN IMMEDIATE")
	if err == nil { // the copied mark, if there is one, has the same value
		_, err = r.to.exec("INSERT INTO marks (name, n, hash) VALUES ('key', 1, ?)", key.print(schemaVersion))
	}
	for _, part := range []func() error{
		r.marks, r.callbacks, r.table(callsTable), r.table(spoolTable), r.table(auditTable), r.digests,
		r.keyed(loginLimitsTable), r.keyed(loginNamesTable), r.keyed(sumsTable), r.keyed(accountsTable),
		r.keyed(reservationsTable), r.lockdown, r.keyed(accessWindowsTable),
		r.table(lineRecordsTable), r.keyed(dialedTable), r.keyed(triggeredTable), r.table(usageTable),
		r.table(owedTable), r.setAside, r.version,
	} {
		if err == nil {
			err = part()
		}
	}
	if err == nil {
		_, err = r.to.exec("UPDATE marks SET hash = ? WHERE name = 'key'", key.print(schemaVersion))
	}
	if err == nil {
		_, err = r.to.exec("COMMIT")
	}
	return errors.Join(err, r.to.close()) // the last connection to close checkpoints its log and syncs the file
}

func (r *rebuilding) marks() error {
	rows, err := r.from.query("SELECT name, n, hash FROM marks")
	if err != nil && r.salvage {
		r.lose("marks, and with them the journal's identity: %v", err)
		r.uncertain, err = true, nil
	}
	for _, row := range rows {
		if err == nil {
			_, err = r.to.exec("INSERT INTO marks (name, n, hash) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET "+
				"n = excluded.n, hash = excluded.hash", row...)
		}
	}
	return err
}

// callbacks copies the callbacks with their attempts, and proves that no pending one was missed: either the whole table
// was readable, or all callbacks in its index of pending ones.
func (r *rebuilding) callbacks() error {
	found := map[int64]bool{}
	whole, err := r.rows(callbacksTable, func(rowid int64, row []any) error {
		found[rowid] = true
		return r.attempts(row[0])
	})
	if err != nil || whole {
		return err
	}
	pending, err := r.from.query("SELECT rowid, user, entry FROM callbacks INDEXED BY callbacks_pending WHERE " +
		"ended = 0")
	if err != nil && r.salvage {
		r.lose("perhaps pending callbacks: their index cannot be read: %v", err)
		r.uncertain = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("it is not known whether all pending callbacks were read: %w", err)
	}
	for _, p := range pending {
		if rowid, ok := p[0].(int64); ok && !found[rowid] {
			r.lost = append(r.lost, fmt.Sprintf("the pending callback of %v (%v) is lost and will not be dialed", p[1],
				p[2]))
		}
	}
	return nil
}

func (r *rebuilding) attempts(callback any) error {
	rows, err := r.from.query("SELECT "+attemptsTable.columns()+" FROM attempts WHERE callback_id = ?", callback)
	if err != nil {
		r.lost = append(r.lost, fmt.Sprintf("the attempts of callback %v are lost", callback))
	}
	for _, row := range rows {
		if err := r.put(attemptsTable, row); err != nil {
			return err
		}
	}
	return nil
}

// table returns the step that copies a table whose rows are independent.
func (r *rebuilding) table(t *table) func() error {
	return func() error {
		_, err := r.rows(t, func(int64, []any) error { return nil })
		return err
	}
}

// keyed returns the step that copies a table without row numbers. Rows after a damage are read from the end of the
// table.
func (r *rebuilding) keyed(t *table) func() error {
	keys := t.cols[:t.key]
	all := "SELECT " + t.columns() + " FROM " + t.name
	return func() error {
		rows, err := r.from.query(all + " ORDER BY " + strings.Join(keys, ", "))
		if err != nil {
			r.lost = append(r.lost, fmt.Sprintf("rows of %s are lost", t.name))
			rest, args := all, []any(nil)
			if len(rows) > 0 {
				rest += " WHERE (" + strings.Join(keys, ", ") + ") > (?" + strings.Repeat(", ?", t.key-1) + ")"
				args = rows[len(rows)-1][:t.key]
			}
			// ends at the damage with an error
			behind, _ := r.from.query(rest+" ORDER BY "+strings.Join(keys, " DESC, ")+" DESC", args...)
			rows = append(rows, behind...)
		}
		for _, row := range rows {
			if err := r.put(t, row); err != nil {
				return err
			}
		}
		return nil
	}
}

// lockdown copies the row of the lockdown. In the place of one that cannot be read it puts a row that does not verify,
// which counts as a lockdown.
func (r *rebuilding) lockdown() error {
	rows, err := r.from.query("SELECT " + lockdownTable.columns() + " FROM lockdown")
	if err != nil {
		r.lose("the row of the lockdown: all dialing is stopped until `ringback lockdown --lift`")
		rows = [][]any{append(lockdownValues(journal.Lockdown{}), []byte("unreadable"))}
	}
	for _, row := range rows {
		if err := r.put(lockdownTable, row); err != nil {
			return err
		}
	}
	return nil
}

// mostUnreadable is how many row numbers are tried one by one after the last readable row.
const mostUnreadable = 200_000

// rows copies all readable rows of a table, in order, and calls each after each copy. whole reports whether there was
// no damage.
func (r *rebuilding) rows(t *table, each func(rowid int64, row []any) error) (whole bool, err error) {
	if n, err := r.from.number("SELECT count(*) FROM sqlite_master WHERE name = ?", t.name); err == nil && n == 0 {
		r.lose("the table %s, which is missing", t.name)
		return false, nil
	}
	last, lost, leaps := int64(math.MinInt64), 0, 0
	end, endErr := r.from.number("SELECT max(rowid) FROM " + t.name)
	for {
		var ours error
		err := r.from.each("SELECT rowid, "+t.columns()+" FROM "+t.name+" NOT INDEXED WHERE rowid > ? ORDER BY rowid",
			func(row []any) error {
				rowid, ok := row[0].(int64)
				if !ok {
					return errors.New("no row number")
				}
				lost, leaps = lost+leaps, 0
				last = rowid
				if ours = r.put(t, row[1:]); ours == nil {
					ours = each(rowid, row[1:])
				}
				return ours
			}, last)
		switch {
		case ours != nil:
			return false, ours
		case err == nil:
			if lost+leaps > 0 {
				r.lost = append(r.lost, fmt.Sprintf("about %d rows of %s are lost", lost+leaps, t.name))
			}
			return lost+leaps == 0 && endErr == nil, nil
		case endErr == nil && last >= end, leaps >= mostUnreadable:
			r.lost = append(r.lost, fmt.Sprintf("about %d rows of %s are lost, and all rows after them", lost+leaps,
				t.name))
			return false, nil
		}
		last, leaps = max(last, -1)+1, leaps+1
	}
}

// put writes a row as it was read, with its checksum: a row that does not verify is reported when it is read.
func (r *rebuilding) put(t *table, row []any) error {
	n, err := r.to.exec(insert(t)+" ON CONFLICT DO NOTHING", row...)
	if err != nil && !ofGroup(err) {
		return err
	}
	if n == 0 {
		r.lost = append(r.lost, fmt.Sprintf("a row of %s does not fit into the table: %.80v", t.name, row[:t.key]))
	}
	return nil
}

// digests copies the digests of the audit, which are in no checksum. One that cannot be read stays empty: an auditor
// sees that its row cannot be followed.
func (r *rebuilding) digests() error {
	return r.to.each("SELECT seq FROM audit", func(row []any) error {
		digest, err := r.from.scalar("SELECT digest FROM audit WHERE seq = ?", row[0])
		if b, ok := digest.([]byte); err == nil && ok {
			_, err = r.to.exec("UPDATE audit SET digest = ? WHERE seq = ?", b, row[0])
			return err
		}
		r.lose("the digest of row %v of the audit", row[0])
		return nil
	})
}

func (r *rebuilding) setAside() error {
	rows, err := r.from.query("SELECT n, time, tbl, key, reason, content FROM set_aside")
	if err != nil {
		r.lost = append(r.lost, "rows that were set aside are lost")
	}
	for _, row := range rows {
		if _, err := r.to.exec("INSERT INTO set_aside (n, time, tbl, key, reason, content) VALUES (?, ?, ?, ?, ?, ?)",
			row...); err != nil && !ofGroup(err) {
			return err
		}
	}
	return nil
}

// version marks the rows as of the current schema, like those of the damaged journal.
func (r *rebuilding) version() error {
	_, err := r.to.query(fmt.Sprintf("PRAGMA user_version = %d", schemaVersion))
	return err
}
