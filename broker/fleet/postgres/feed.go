package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// feedSQL reads up to $2 of the ends and $2 of the attempts that transactions from $1 on have recorded, and from which
// transaction the next read must be: all before it are over, and what they have recorded is in this result.
const feedSQL = `
WITH present AS (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS tx)
SELECT p.tx, coalesce(f.tx, 0), coalesce(f.id, ''), coalesce(f.n, 0) FROM present p LEFT JOIN LATERAL (
	(SELECT ended_tx AS tx, left(id, 64) AS id, 0 AS n FROM ringback.callbacks
		WHERE $1 > 0 AND ended_tx >= $1 ORDER BY ended_tx LIMIT $2)
	UNION ALL
	(SELECT tx, left(callback, 64), n FROM ringback.attempts WHERE $1 > 0 AND tx >= $1 ORDER BY tx LIMIT $2)) f ON true`

// The most that one look reads of the feed. If there is more, the next look goes on.
const (
	feedPage  = 1000
	feedPages = 20
)

// news of the feed: an attempt of a callback has begun, or, if number is 0, it has ended.
type fed struct {
	id     string
	number int
}

// feed reads what was attempted and ended since the look before it, of all callbacks: an earlier row of one is an old
// one from then on. It is not verified: it makes this node refuse what it would take, never take what it would refuse.
func (a *Authority) feed(ctx context.Context) error {
	at := a.clock()
	watch, from := a.watch.reads(at, a.longestGap())
	for range feedPages {
		page, present, last, err := a.feedPage(ctx, from)
		if err != nil {
			return err
		}
		switch {
		case !a.known.raise(page):
			a.watch.anew()
			return nil
		case last == 0:
			a.watch.read(watch, present, at)
			a.known.prune(a.opt.Lifetime + memoryMore)
			return nil
		}
		from = max(last, from+1)
	}
	a.watch.goOn(watch, from)
	a.hurry()
	return nil
}

// feedPage reads a page of the feed. last is 0 if it was the last one.
func (a *Authority) feedPage(ctx context.Context, from int64) (page []fed, present, last int64, err error) {
	rows, err := a.link.pool.Query(ctx, feedSQL, from, feedPage)
	if err != nil {
		return nil, 0, 0, err
	}
	var ends, attempts int
	var endsTo, attemptsTo, tx int64
	var f fed
	_, err = pgx.ForEachRow(rows, []any{&present, &tx, &f.id, &f.number}, func() error {
		switch {
		case tx == 0: // there is nothing
			return nil
		case f.number == 0:
			ends, endsTo = ends+1, max(endsTo, tx)
		default:
			attempts, attemptsTo = attempts+1, max(attemptsTo, tx)
		}
		page = append(page, f)
		return nil
	})
	switch {
	case ends == feedPage && attempts == feedPage:
		last = min(endsTo, attemptsTo)
	case ends == feedPage:
		last = endsTo
	case attempts == feedPage:
		last = attemptsTo
	}
	return page, present, last, err
}

// reads begins a read of the feed, and a new watch if nothing was read for too long.
func (w *watch) reads(at, gap time.Duration) (number, from int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.number == 0 || w.begun && at-w.fed > gap {
		w.again()
	}
	return w.number, w.from
}

// read ends a read that has begun with a watch.
func (w *watch) read(number, next int64, at time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.number == number {
		w.begun, w.from, w.fed = true, next, at
	}
}

// goOn notes how far a read has come that has not read all.
func (w *watch) goOn(number, next int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.number == number {
		w.from = next
	}
}
