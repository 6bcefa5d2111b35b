package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

var (
	sumsTable = &table{"sums", 5,
		strings.Fields(`month direction user entry number callbacks completed attempts calls duration
		octets_in octets_out`), 0}

	setSum = replace(sumsTable)
)

func sumValues(s journal.Sum) []any {
	return []any{s.Month, s.Direction, s.User, s.Entry, s.Number, s.Callbacks, s.Completed, s.Attempts, s.Calls,
		int64(s.Duration),
		int64(s.OctetsIn), int64(s.OctetsOut)}
}

func decodeSum(values []any) (journal.Sum, error) {
	v := &cols{values: values}
	s := journal.Sum{Month: v.str(), Direction: v.str(), User: v.str(), Entry: v.str(), Number: v.str(),
		Callbacks: v.i64(), Completed: v.i64(),
		Attempts: v.i64(), Calls: v.i64(), Duration: v.dur(), OctetsIn: v.octets(), OctetsOut: v.octets()}
	return s, v.end()
}

// monthOf returns the month of a time, in UTC.
func monthOf(t time.Time) string { return t.UTC().Format("2006-01") }

// pruneBatch is how many rows one transaction of a pruning reads: it delays other requests to the writer by
// milliseconds only.
const pruneBatch = 200

// Number of free pages kept for future rows, and maximum number of pages returned in one transaction.
const (
	freeKept     = 256
	freeReturned = 512
)

// Prune removes the calls, then the callbacks with their attempts, that ended before a time, keeps what cost reports
// need of them as sums by month, then removes the last numbers of users who have no callback left, and returns free
// pages to the disk. It keeps pending callbacks, open calls, rows that
// do not verify, the spool and the audit. It works in small transactions, between which others are written, and blocks
// until it is done or ctx ends. Only journals that were created with this ability, or vacuumed once (Vacuum), return
// pages.
func (j *Journal) Prune(ctx context.Context, before time.Time) (p journal.Pruned, err error) {
	for _, t := range []*table{callsTable, callbacksTable} {
		for after, more := int64(-1), true; more; {
			batch := &pruning{table: t, before: before, after: after}
			if err := j.Commit(ctx, batch); err != nil {
				return p, fmt.Errorf("remove old history: %w", err)
			}
			p.Add(batch.pruned)
			after, more = batch.last, batch.more
		}
	}
	n, err := j.pruneDialed(ctx)
	if p.Dialed = n; err != nil {
		return p, fmt.Errorf("remove old numbers of users: %w", err)
	}
	for {
		batch := &pruning{}
		if err := j.Commit(ctx, batch); err != nil || batch.pruned.Pages == 0 {
			return p, err
		}
		p.Add(batch.pruned)
	}
}

// pruning is one batch.
type pruning struct {
	journal.Mutation
	table  *table // nil: only return pages
	before time.Time
	after  int64 // row number

	last   int64
	more   bool
	young  int // rows that began too late to be old enough
	pruned journal.Pruned
}

func (p *pruning) apply(w *writer) error {
	p.pruned, p.last, p.more, p.young = journal.Pruned{}, p.after, false, 0 // it may be the second run
	if p.table != nil {
		if err := p.remove(w); err != nil {
			return err
		}
	}
	free, err := w.c.number("PRAGMA freelist_count")
	if err != nil || free <= freeKept {
		return err
	}
	if _, err := w.c.query(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", min(free-freeKept, freeReturned))); err != nil {
		return err
	}
	left, err := w.c.number("PRAGMA freelist_count")
	p.pruned.Pages = int(free - left)
	return err
}

func (p *pruning) remove(w *writer) error {
	rows, err := w.c.query("SELECT rowid, "+p.table.columns()+" FROM "+p.table.name+
		" NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT ?", p.after, int64(pruneBatch))
	if err != nil {
		return err
	}
	sums := totals{}
	for _, row := range rows {
		p.last, _ = row[0].(int64)
		values, d := p.table.check(w.key, row[1:])
		if d != nil {
			continue // left for operators to examine
		}
		if p.table == callsTable {
			err = p.call(w, values, sums)
		} else {
			err = p.callback(w, values, sums)
		}
		if err != nil {
			return err
		}
	}
	p.more = len(rows) == pruneBatch && p.young < len(rows) // rows are in the order of their start
	return sums.write(w)
}

func (p *pruning) old(begin, end time.Time) bool {
	if !begin.Before(p.before) {
		p.young++
	}
	return !end.IsZero() && end.Before(p.before)
}

func (p *pruning) call(w *writer, values []any, sums totals) error {
	c, err := decodeCall(values)
	if err != nil || !p.old(c.Start, c.End) {
		return nil
	}
	number := c.Called
	if c.Direction == "incoming" {
		number = "" // the called number is our own
	}
	if c.Leg == 2 && c.User == "" { // nobody logged in: the cost is that of the callback's user
		b, err := get(w, callbacksTable, decodeCallback, c.CallbackID)
		switch {
		case err == nil:
			c.User, c.Entry = b.User, b.Entry
		case !errors.Is(err, journal.ErrNotFound) && !errors.Is(err, journal.ErrDamaged):
			return err
		}
	}
	s := sums.of(c.Start, c.Direction, c.User, c.Entry, number)
	s.Calls++
	s.Duration += max(c.End.Sub(c.Start), 0)
	s.OctetsIn += c.OctetsIn
	s.OctetsOut += c.OctetsOut
	p.pruned.Calls++
	_, err = w.c.exec("DELETE FROM calls WHERE id = ?", c.ID)
	return err
}

func (p *pruning) callback(w *writer, values []any, sums totals) error {
	c, err := decodeCallback(values)
	if err != nil || !p.old(c.Created, c.Ended) {
		return nil
	}
	rows, err := w.c.query("SELECT "+attemptsTable.columns()+" FROM attempts WHERE callback_id = ?", c.ID)
	if err != nil {
		return err
	}
	var attempts []journal.Attempt
	for _, row := range rows {
		values, d := attemptsTable.check(w.key, row)
		if d != nil {
			return nil // then its callback is not removed either
		}
		a, err := decodeAttempt(values)
		if err != nil {
			return nil
		}
		attempts = append(attempts, a)
	}
	s := sums.of(c.Created, "outgoing", c.User, c.Entry, c.Number)
	if c.Home == "" { // otherwise it counts where it was promised
		s.Callbacks++
	}
	if c.Outcome == "completed" {
		s.Completed++
	}
	for _, a := range attempts {
		sums.of(a.Started, "outgoing", c.User, c.Entry, a.Number).Attempts++
	}
	p.pruned.Callbacks++
	if _, err := w.c.exec("DELETE FROM attempts WHERE callback_id = ?", c.ID); err != nil {
		return err
	}
	_, err = w.c.exec("DELETE FROM callbacks WHERE id = ?", c.ID)
	return err
}

// sumKey is the key of a sum.
type sumKey struct{ month, direction, user, entry, number string }

// totals are the amounts that a batch adds to the sums.
type totals map[sumKey]*journal.Sum

func (t totals) of(at time.Time, direction, user, entry, number string) *journal.Sum {
	k := sumKey{monthOf(at), direction, user, entry, number}
	if t[k] == nil {
		t[k] = &journal.Sum{Month: k.month, Direction: direction, User: user, Entry: entry, Number: number}
	}
	return t[k]
}

// write adds the totals to the sums. If a sum does not verify, the transaction fails and nothing is removed.
func (t totals) write(w *writer) error {
	for k, s := range t {
		was, err := get(w, sumsTable, decodeSum, k.month, k.direction, k.user, k.entry, k.number)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return about("sum", k.month+" "+k.user, err)
		}
		was.Month, was.Direction, was.User, was.Entry, was.Number = k.month, k.direction, k.user, k.entry, k.number
		was.Callbacks += s.Callbacks
		was.Completed += s.Completed
		was.Attempts += s.Attempts
		was.Calls += s.Calls
		was.Duration += s.Duration
		was.OctetsIn += s.OctetsIn
		was.OctetsOut += s.OctetsOut
		if _, err := w.put(sumsTable, setSum, sumValues(was)); err != nil {
			return about("sum", k.month+" "+k.user, err)
		}
	}
	return nil
}

// Sums returns the sums of removed rows, by month, and those that do not verify.
func (r *Reader) Sums(ctx context.Context) ([]journal.Sum, []journal.Damage, error) {
	return list(ctx, r, sumsTable, decodeSum, "ORDER BY month, direction, user, entry, number")
}
