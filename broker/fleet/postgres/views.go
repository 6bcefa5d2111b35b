package postgres

import (
	"bytes"
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// Callbacks implements fleet.Views.
func (a *Authority) Callbacks(ctx context.Context, limit int, f fleet.Filter) ([]fleet.Row, error) {
	if limit <= 0 {
		limit = 100
	}
	where := `outcome NOT IN ('withdrawn', 'by order') AND ($1::bytea = '' OR username = $1) AND created >= $2
		AND ($3::text = '' OR home = $3 OR holder = $3)`
	if f.Pending {
		where += ` AND ended IS NULL`
	}
	if f.Ended {
		where += ` AND ended IS NOT NULL`
	}
	all, err := a.records(ctx, where+` ORDER BY created DESC, id DESC LIMIT $4`, []byte(f.User), nanos(f.Since), f.Node,
		limit)
	if err != nil {
		return nil, err
	}
	last, err := a.lastTTYs(ctx, all)
	if err != nil {
		return nil, err
	}
	var out []fleet.Row
	for _, r := range all {
		row, err := r.row()
		if err != nil {
			return nil, err
		}
		row.TTY = last[r.id]
		out = append(out, row)
	}
	return out, nil
}

// lastTTYs returns from which lines the last attempts of callbacks were dialed.
func (a *Authority) lastTTYs(ctx context.Context, all []*record) (map[string]int, error) {
	var ids []string
	var last []int
	for _, r := range all {
		if r.attempts > 0 {
			ids, last = append(ids, r.id), append(last, r.attempts)
		}
	}
	ttys := make(map[string]int, len(ids))
	if len(ids) == 0 {
		return ttys, nil
	}
	err := a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		found, err := a.attempts(ctx, tx, `(callback, n) IN (SELECT * FROM unnest($1::text[], $2::integer[]))`, ids, last)
		for _, at := range found {
			ttys[at.CallbackID] = at.TTY
		}
		return err
	})
	return ttys, err
}

// Callback implements fleet.Views. Attempts and traces that do not verify are left out.
func (a *Authority) Callback(ctx context.Context, id string) (row fleet.Row, attempts []fleet.Attempt,
	steps []fleet.Step, err error) {
	r, err := a.find(ctx, id)
	if err == nil && (r == nil || r.outcome == withdrawn) {
		err = fmt.Errorf("callback %s: %w", id, fleet.ErrNotFound)
	}
	if err != nil {
		return row, nil, nil, err
	}
	if row, err = r.row(); err != nil {
		return row, nil, nil, err
	}
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		if attempts, err = a.attemptsOf(ctx, tx, id); err == nil {
			steps, err = a.stepsOf(ctx, tx, id)
		}
		return err
	})
	return row, attempts, steps, err
}

// attemptsSQL reads attempts by a condition; what is too big is not read.
const attemptsSQL = `SELECT left(callback, 64), n, node, epoch, body, mac, coalesce(outcome, ''), coalesce(end_mac, '')
	FROM ringback.attempts WHERE octet_length(body) + octet_length(node) + octet_length(mac) +
	coalesce(octet_length(outcome), 0) + coalesce(octet_length(end_mac), 0) <= 1048576 AND `

// attemptsOf reads the attempts of a callback.
func (a *Authority) attemptsOf(ctx context.Context, tx pgx.Tx, id string) ([]fleet.Attempt, error) {
	return a.attempts(ctx, tx, `callback = $1 ORDER BY n LIMIT 1000`, id)
}

// attempts reads attempts by a condition, and leaves out those that do not verify.
func (a *Authority) attempts(ctx context.Context, tx pgx.Tx, where string, args ...any) (out []fleet.Attempt,
	err error) {
	rows, err := tx.Query(ctx, attemptsSQL+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var n int
		var at fleet.Attempt
		var body, mac, outcome, endMac []byte
		if err := rows.Scan(&id, &n, &at.Node, &at.Epoch, &body, &mac, &outcome, &endMac); err != nil {
			return nil, err
		}
		if !bytes.Equal(mac, a.attemptMac(id, n, at.Node, at.Epoch, body)) ||
			len(endMac) > 0 && !bytes.Equal(endMac, a.endMac(id, n, string(outcome))) {
			a.forged(fmt.Sprintf("attempt %d of callback %s", n, id))
			continue
		}
		if at.Attempt, _, err = decodeAttempt(body); err != nil {
			return nil, fmt.Errorf("attempt %d of callback %s: %w", n, id, err)
		}
		at.CallbackID, at.N, at.Outcome = id, n, string(outcome)
		out = append(out, at)
	}
	return out, rows.Err()
}

const stepsSQL = `SELECT node, epoch, trace, mac FROM ringback.steps WHERE callback = $1
	AND octet_length(trace) + octet_length(node) + octet_length(mac) <= 1048576 ORDER BY epoch, node LIMIT 1000`

func (a *Authority) stepsOf(ctx context.Context, tx pgx.Tx, id string) (out []fleet.Step, err error) {
	rows, err := tx.Query(ctx, stepsSQL, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s fleet.Step
		var trace, mac []byte
		if err := rows.Scan(&s.Node, &s.Epoch, &trace, &mac); err != nil {
			return nil, err
		}
		s.Trace = string(trace)
		if !bytes.Equal(mac, a.stepMac(id, s.Node, s.Epoch, s.Trace)) {
			a.forged("the trace of callback " + id)
			continue
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
