package postgres

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// waitingSQL reads up to $4 callbacks that node $5 may take, oldest first: those offered for rotaries $1, each from the
// time $2, without $3, and those that nodes $6 have waiting for these rotaries, if they have one of the rolls $7. Each
// part reads in the order of an index.
const waitingSQL = `SELECT ` + columns + ` FROM (
	(SELECT c.* FROM unnest($1::integer[], $2::bigint[]) AS w (number, since) CROSS JOIN LATERAL (
		SELECT * FROM ringback.callbacks WHERE rotary = w.number AND offered AND ended IS NULL AND created >= w.since
		AND holder <> $5 AND roll = ANY ($7::bigint[]) AND id <> ALL ($3::text[]) ORDER BY created, id LIMIT $4) c)
	UNION ALL
	(SELECT c.* FROM unnest($6::text[]) AS h (name) CROSS JOIN LATERAL (
		SELECT * FROM ringback.callbacks WHERE holder = h.name AND ended IS NULL AND shared AND open = 0 AND NOT offered
		AND rotary = ANY ($1::integer[]) AND holder <> $5 AND roll = ANY ($7::bigint[]) AND id <> ALL ($3::text[]) ORDER BY created, id LIMIT $4) c)
	) AS found ORDER BY created, id LIMIT $4`

// cursors remember how far a search for offers has come, while an old transaction keeps PostgreSQL from removing what
// was offered before: a search from the beginning would pass all of it again. What is offered behind a cursor is found
// by the next search from the beginning.
type cursors struct {
	mu    sync.Mutex
	slow  int           // searches from the beginning that were slow, in sequence
	since map[int]int64 // by rotary: the oldest offer seen; nil: searches begin at the beginning
	full  time.Time     // when a search from the beginning was made
}

// Cursors are used after some slow searches from the beginning, which are then made this often.
const (
	fullEach   = 5 * time.Second
	slowFull   = 2 * time.Millisecond
	slowBefore = 5
)

// begin returns from where to search. full: from the beginning.
func (c *cursors) begin(rotaries []int) (since []int64, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	full = c.since == nil || time.Since(c.full) >= fullEach
	since = make([]int64, len(rotaries))
	for i, r := range rotaries {
		if !full {
			since[i] = c.since[r]
		}
	}
	return since, full
}

// found takes the result of a search for all offers that took a time.
func (c *cursors) found(full bool, took time.Duration, all []*record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if full {
		c.since, c.full = nil, time.Now()
		if c.slow++; took < slowFull {
			c.slow = 0
		}
		if c.slow < slowBefore {
			return
		}
		c.since = map[int]int64{}
	}
	for _, r := range slices.Backward(all) {
		if r.offered && c.since != nil {
			c.since[r.rotary] = r.created
		}
	}
}

// Waiting implements fleet.Claims.
func (a *Authority) Waiting(ctx context.Context, rotaries []int, skip []string, n int) ([]fleet.Row, error) {
	if _, err := a.incarnation(); err != nil {
		return nil, err
	}
	rolls := a.rolls()
	if len(rolls) == 0 {
		return nil, nil
	}
	before := a.known.now()
	since, full := a.cursors.begin(rotaries)
	begun := time.Now()
	others := len(skip)
	skip = append(a.known.badRows(), skip...)
	var all []*record
	err := a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, waitingSQL, rotaries, since, skip, n, a.opt.Node, a.silentNodes(),
			rolls)
		if err != nil {
			return err
		}
		all, err = collect(rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	if others == 0 {
		a.cursors.found(full, time.Since(begun), all)
	}
	var out []fleet.Row
	for _, r := range all {
		if a.check(r, before) != nil || r.format > fleet.Format || !r.shared || !a.mayTakeFrom(r.holder) ||
			!a.vouched(r) {
			continue
		}
		if row, err := r.row(); err == nil {
			out = append(out, row)
		}
	}
	return out, nil
}

// collect reads records.
func collect(rows pgx.Rows) (all []*record, err error) {
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// records reads records by a condition, checks them, and leaves out those that do not verify.
func (a *Authority) records(ctx context.Context, where string, args ...any) (all []*record, err error) {
	before := a.known.now()
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+columns+` FROM ringback.callbacks WHERE `+where, args...)
		if err != nil {
			return err
		}
		all, err = collect(rows)
		return err
	})
	return slices.DeleteFunc(all, func(r *record) bool { return errors.Is(a.check(r, before), fleet.ErrForged) }), err
}
