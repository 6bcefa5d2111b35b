package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// swapSQL replaces a state, if the row has exactly the one that this process knows: its signature ($2) and its columns.
const swapSQL = `UPDATE ringback.callbacks SET holder = $3, epoch = $4, offered = $5, attempts = $6, open = $7,
	ended = nullif($8::bigint, 0), outcome = $9, cause = $10, settled = $11, mac = $12, roll = $21,
	ended_tx = CASE WHEN ended IS NULL AND $8::bigint <> 0 THEN pg_current_xact_id()::text::bigint ELSE ended_tx END
	WHERE id = $1 AND mac = $2 AND sum = $13 AND holder = $14 AND epoch = $15 AND offered = $16 AND attempts = $17
	AND open = $18 AND coalesce(ended, 0) = $19 AND settled = $20`

// The statements beside it do nothing unless callback $1 has got the signature $2.
const (
	guardSQL   = ` EXISTS (SELECT FROM ringback.callbacks WHERE id = $1 AND mac = $2)`
	attemptSQL = `INSERT INTO ringback.attempts (callback, n, node, epoch, body, mac) SELECT $1, $3, $4, $5, $6, $7
		WHERE` + guardSQL + ` ON CONFLICT DO NOTHING`
	closeSQL = `UPDATE ringback.attempts SET outcome = $4, end_mac = $5 WHERE callback = $1 AND n = $3
		AND outcome IS NULL AND` + guardSQL
	stepSQL = `INSERT INTO ringback.steps (callback, node, epoch, trace, mac) SELECT $1, $3, $4, $5, $6 WHERE` + guardSQL +
		` ON CONFLICT (callback, node, epoch) DO UPDATE SET trace = excluded.trace, mac = excluded.mac`
	bodySQL = `UPDATE ringback.callbacks SET rotary = $3, max = $4, body = $5, sum = $6, mac = $7
		WHERE id = $1 AND mac = $2`
)

// errSame ends a change that has been made before.
var errSame = errors.New("nothing to change")

// edit is a change of one callback that is being made.
type edit struct {
	a      *Authority
	record         // as it shall be
	was    *record // as it is
	settle *journal.Settle
	beside []func(*pgx.Batch) // queues statements that depend on the change
	mine   bool               // this process holds the claim afterwards
	wait   bool               // for a transaction that has locked the row; otherwise it is ErrFenced
}

// change makes a change of one callback. decide gets the callback as this process knows it. If it is not so any longer,
// nothing has happened, and decide gets it as it is now. Errors: fleet.ErrNotFound, fleet.ErrForged, those of decide
// (errSame: it is nil for the caller), those of a pipe.
func (a *Authority) change(ctx context.Context, what, id string, decide func(*edit) error) error {
	err := a.changes(ctx, id, decide)
	if errors.Is(err, errSame) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s of callback %s: %w", what, id, err)
	}
	return nil
}

// claimed is a change under a claim: if there is no such callback, the claim is not in force.
func (a *Authority) claimed(ctx context.Context, what, id string, decide func(*edit) error) error {
	err := a.change(ctx, what, id, decide)
	if errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("%w: %w", fleet.ErrFenced, err)
	}
	return err
}

// mostTries is how often a callback that others change meanwhile is read again.
const mostTries = 8

func (a *Authority) changes(ctx context.Context, id string, decide func(*edit) error) error {
	m, ok := a.known.get(id)
	r, fresh := &m.record, false
	if !ok || len(r.mac) == 0 {
		r = nil
	}
	for range mostTries {
		if r == nil {
			var err error
			if r, err = a.find(ctx, id); err != nil {
				return err
			}
			if r == nil {
				return fleet.ErrNotFound
			}
			fresh = true
		}
		e := &edit{a: a, record: *r, was: r, mine: r.holder == a.opt.Node, wait: true}
		if err := decide(e); err != nil {
			if fresh {
				return err
			}
			r = nil // the memory may be wrong
			continue
		}
		done, err := a.swap(ctx, e)
		if done || err != nil {
			return err
		}
		r = nil
	}
	return fmt.Errorf("%w: others changed it %d times meanwhile", fleet.ErrAway, mostTries)
}

// swap makes the change of an edit in one transaction. It returns false if the row is not as the edit knows it.
func (a *Authority) swap(ctx context.Context, e *edit) (done bool, err error) {
	e.sign()
	if e.settle != nil && len(e.reservation) > 0 {
		err = a.swapSettled(ctx, e, &done)
	} else {
		err = a.swapAlone(ctx, e, &done)
	}
	if done && err == nil {
		a.known.note(&e.record, e.mine)
	}
	return done && err == nil, err
}

// swapAlone makes a change that books nothing.
func (a *Authority) swapAlone(ctx context.Context, e *edit, done *bool) error {
	b := &pgx.Batch{}
	e.queue(b, done)
	return a.once(ctx, b)
}

// sign writes the signature of the state. What this process writes of a callback that it holds has its present roll.
func (e *edit) sign() {
	if e.mine && e.ended == 0 {
		e.roll = e.a.watch.present()
	}
	e.mac = e.a.keys.macOf(&e.record)
}

// queue queues the change.
func (e *edit) queue(b *pgx.Batch, done *bool) {
	sql := swapSQL
	if !e.wait {
		sql += ` AND id = (SELECT id FROM ringback.callbacks WHERE id = $1 FOR UPDATE SKIP LOCKED)`
	}
	b.Queue(sql, e.swapArgs()...).
		Exec(func(tag pgconn.CommandTag) error { *done = tag.RowsAffected() == 1; return nil })
	e.queueBeside(b)
}

// swapArgs are the arguments of swapSQL.
func (e *edit) swapArgs() []any {
	was := e.was
	return []any{e.id, was.mac, e.holder, e.epoch, e.offered, e.attempts, e.open, e.ended, e.outcome, []byte(e.cause),
		e.settled, e.mac, was.sum, was.holder, was.epoch, was.offered, was.attempts, was.open, was.ended, was.settled,
		e.roll}
}

// queueBeside queues the statements that depend on the change.
func (e *edit) queueBeside(b *pgx.Batch) {
	for _, queue := range e.beside {
		queue(b)
	}
}

// also queues a statement whose first arguments are the callback and its new signature.
func (e *edit) also(sql string, args ...any) {
	e.beside = append(e.beside, func(b *pgx.Batch) { b.Queue(sql, append([]any{e.id, e.mac}, args...)...) })
}

// close closes the open attempt.
func (e *edit) close(outcome string) {
	if e.open == 0 {
		return
	}
	e.also(closeSQL, e.open, []byte(outcome), e.a.endMac(e.id, e.open, outcome))
	e.open = 0
}

// trace records the steps of a node under an epoch.
func (e *edit) trace(node string, epoch int64, trace string) {
	if trace != "" {
		e.also(stepSQL, node, epoch, []byte(trace), e.a.stepMac(e.id, node, epoch, trace))
	}
}

// end ends the callback.
func (e *edit) end(at time.Time, outcome, cause string, settle *journal.Settle) {
	e.ended, e.outcome, e.cause = max(nanos(at), 1), outcome, cause
	e.open, e.offered = 0, false
	if settle != nil {
		e.book(*settle)
	}
}

// book books what the callback has used, unless that was done before.
func (e *edit) book(s journal.Settle) {
	if !e.settled {
		e.settled, e.settle = true, &s
	}
}

// inForce returns nil if this node holds the callback under a claim.
func (e *edit) inForce(c fleet.Claim) error {
	switch {
	case e.ended != 0:
		return fmt.Errorf("it has ended, %s: %w", e.outcome, fleet.ErrFenced)
	case e.holder != e.a.opt.Node:
		return fmt.Errorf("node %s has it: %w", e.holder, fleet.ErrFenced)
	case e.epoch != c.Epoch:
		return fmt.Errorf("epoch %d is over: %w", c.Epoch, fleet.ErrFenced)
	}
	return nil
}

func (a *Authority) attemptMac(id string, n int, node string, epoch int64, body []byte) []byte {
	return a.keys.sum(a.keys.begin("attempts").text(id).number(int64(n)).text(node).number(epoch).octets(body))
}

func (a *Authority) endMac(id string, n int, outcome string) []byte {
	return a.keys.sum(a.keys.begin("ends").text(id).number(int64(n)).text(outcome))
}

func (a *Authority) stepMac(id, node string, epoch int64, trace string) []byte {
	return a.keys.sum(a.keys.begin("steps").text(id).text(node).number(epoch).text(trace))
}
