package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// endLeft ends what an absent node has left, if it is as it was seen.
func (a *Authority) endLeft(ctx context.Context, l left) error {
	err := a.change(ctx, "end", l.id, func(e *edit) error {
		if e.ended != 0 || e.holder != l.holder || e.epoch != l.epoch || e.open != l.attempt {
			return errSame
		}
		e.also(takenSQL, e.holder)
		if l.attempt > 0 {
			e.lost("failed", "its node was lost during an attempt")
			return nil
		}
		e.lost("expired", "its node was lost")
		return nil
	})
	if errors.Is(err, fleet.ErrForged) || errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	return err
}

// lost ends a callback whose node cannot tell what it has used.
func (e *edit) lost(outcome, cause string) {
	now := time.Now()
	undialed := e.shared && e.attempts == 0
	e.close(cause)
	e.end(now, outcome, cause, &journal.Settle{Callback: e.id, Worst: !undialed, Time: now})
}

// became returns what this node must know of callbacks that it held.
func (a *Authority) became(ctx context.Context, ids []string) (out []fleet.Change, err error) {
	all, err := a.records(ctx, `id = ANY ($1)`, ids)
	for _, r := range all {
		switch {
		case r.holder != a.opt.Node:
			out = append(out, fleet.Change{Kind: fleet.Taken, ID: r.id, Holder: r.holder})
		case r.ended != 0:
			out = append(out, fleet.Change{Kind: fleet.Ended, ID: r.id, Outcome: r.outcome, Cause: r.cause})
		}
	}
	return out, err
}

// Cancel implements fleet.Orders. A callback that only the lines of another node may dial is cancelled by that node:
// its attempts are in its journal alone.
func (a *Authority) Cancel(ctx context.Context, id, who, text string) (holder string, ended bool, err error) {
	now := time.Now()
	cause := "by " + who
	if text != "" {
		cause += ": " + text
	}
	err = a.change(ctx, "cancellation", id, func(e *edit) error {
		holder = e.holder
		switch {
		case e.ended != 0:
			return fmt.Errorf("it has ended, %s: %w", e.outcome, fleet.ErrFenced)
		case e.open > 0 || !e.shared:
			ended = false
			return errSame
		}
		e.end(now, "cancelled", cause, nil)
		if holder != a.opt.Node {
			e.beside = append(e.beside, func(b *pgx.Batch) { b.Queue(notifySQL, holder, id) })
		}
		ended = true
		return nil
	})
	return holder, ended && err == nil, err
}

// Remove implements fleet.Orders.
func (a *Authority) Remove(ctx context.Context, node, who string) error {
	err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error { return a.remove(ctx, tx, node) })
	cause := "its node was removed by " + who
	if err == nil {
		err = a.changeAll(ctx, `holder = $1 AND ended IS NULL AND (open > 0 OR NOT shared)`, node, func(e *edit) error {
			if e.ended != 0 || e.holder != node || e.open == 0 && e.shared {
				return errSame
			}
			e.lost("failed", cause)
			return nil
		})
	}
	if err == nil {
		err = a.changeAll(ctx, `holder = $1 AND ended IS NOT NULL AND NOT settled`, node, func(e *edit) error {
			if e.settled || e.ended == 0 {
				return errSame
			}
			e.book(journal.Settle{Callback: e.id, Worst: true, Time: time.Now()})
			return nil
		})
	}
	if err == nil {
		err = a.keep(ctx, node, nil, journal.Amount{}, time.Now())
	}
	if err == nil {
		err = a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, offeredSQL)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("removal of node %s: %w", node, err)
	}
	return nil
}

// remove marks a node as removed. One that runs would only join again.
func (a *Authority) remove(ctx context.Context, tx pgx.Tx, node string) error {
	var state string
	err := tx.QueryRow(ctx, `SELECT state FROM ringback.nodes WHERE name = $1 FOR UPDATE`, node).Scan(&state)
	if errors.Is(err, pgx.ErrNoRows) {
		return fleet.ErrNotFound
	}
	if err != nil {
		return err
	}
	a.member.mu.Lock()
	absent := a.member.view.absent(node)
	a.member.mu.Unlock()
	if state == stateUp && !absent {
		return fmt.Errorf("%w; one that was switched off is silent after %v (fleet.takeover), and may be removed then",
			fleet.ErrUp, a.opt.Takeover)
	}
	_, err = tx.Exec(ctx, `UPDATE ringback.nodes SET state = 'removed' WHERE name = $1`, node)
	return err
}

// changeAll changes each callback that a condition with the node $1 finds, except those that do not verify.
func (a *Authority) changeAll(ctx context.Context, where, node string, decide func(*edit) error) error {
	const page = 500
	for last := ""; ; {
		all, err := a.records(ctx, where+` AND id > $2 ORDER BY id LIMIT $3`, node, last, page)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, r := range all {
			last = r.id
			err := a.change(ctx, "change", r.id, decide)
			if err != nil && !errors.Is(err, fleet.ErrForged) && !errors.Is(err, fleet.ErrNotFound) {
				return err
			}
		}
	}
}
