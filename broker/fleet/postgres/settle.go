package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/journal"
)

// swapChargedSQL is swapSQL, if $22 rows of accounts were written before in the same transaction; then $23 are.
const swapChargedSQL = swapSQL + ` AND ` + chargedSQL + `$22 RETURNING set_config('ringback.charged', $23, true)`

// accountsSQL reads accounts without locks.
const accountsSQL = `SELECT ` + accountColumns + ` FROM unnest($1::text[], $2::bytea[], $3::smallint[])
	n (scope, key, stripe) JOIN ringback.accounts a USING (scope, key, stripe)`

// swapSettled makes the change of an edit and books what the callback has used: in one round trip if this process knows
// the accounts, otherwise in two.
func (a *Authority) swapSettled(ctx context.Context, e *edit, done *bool) error {
	accounts, amount, err := decodeReservation(e.reservation)
	if err != nil {
		return fmt.Errorf("its reservation: %w", err)
	}
	if len(accounts) == 0 {
		return a.swapAlone(ctx, e, done)
	}
	err = errNoRoom
	if e.knowsBest(accounts) {
		err = a.settleRecalled(ctx, e, accounts, amount, done)
	}
	if errors.Is(err, errNoRoom) {
		err = a.settleExactly(ctx, e, accounts, amount, done)
	}
	return err
}

// knowsBest reports that probably nobody else changes the accounts of a callback at this moment. The stripes that a
// node uses are changed with each of its callbacks.
func (e *edit) knowsBest(accounts []charged) bool {
	if e.home == e.a.opt.Node {
		return true
	}
	for _, at := range accounts {
		if striped(at.scope) {
			return false
		}
	}
	return true
}

// settleRecalled makes the change if the accounts are as this process remembers them. Otherwise it returns errNoRoom.
func (a *Authority) settleRecalled(ctx context.Context, e *edit, accounts []charged, amount journal.Amount,
	done *bool) error {
	return a.pipe(ctx, func(t *pipe) error {
		l := a.locks()
		defer func() { a.recall.release(l) }()
		if !a.recall.holdRows(l, accounts) {
			return errNoRoom
		}
		l.book(accounts, amount, *e.settle)
		b := &pgx.Batch{}
		l.write(b)
		after := countOf(len(l.changed) + 1)
		args := append(e.swapArgs(), countOf(len(l.changed)), after)
		b.Queue(swapChargedSQL, args...).Exec(func(tag pgconn.CommandTag) error {
			*done = tag.RowsAffected() == 1
			l.failed = !*done
			return nil
		})
		e.queueBeside(b)
		l.restoreUnless(b, after)
		return l.commit(t, b)
	})
}

// settleExactly locks the accounts first.
func (a *Authority) settleExactly(ctx context.Context, e *edit, accounts []charged, amount journal.Amount,
	done *bool) error {
	return a.pipe(ctx, func(t *pipe) error {
		b, l := &pgx.Batch{}, a.locks()
		defer func() { a.recall.release(l) }()
		l.lock(b, accounts, false)
		e.queue(b, done)
		if err := t.send(b); err != nil || !*done {
			return err
		}
		l.book(accounts, amount, *e.settle)
		b = &pgx.Batch{}
		l.write(b)
		return l.commit(t, b)
	})
}

// book books what a callback has used. A damaged account, or one that is gone, stays as it is: the end of a callback
// must not depend on it.
func (l *locked) book(accounts []charged, amount journal.Amount, settle journal.Settle) {
	r := journal.Reservation{Amount: amount}
	for _, at := range accounts {
		s := l.all[at]
		if s == nil || l.a.stripeErr(s) != nil {
			continue
		}
		s.release(amount)
		s.book(r.UsedIn(journal.Charge{Scope: at.scope, Key: at.key}, settle), settle.Time)
		l.change(s)
	}
}

// learn queues that this process reads the accounts of a callback, so that it can end it in one round trip.
func (e *edit) learn() {
	accounts, _, err := decodeReservation(e.reservation)
	if err != nil || len(accounts) == 0 || !e.knowsBest(accounts) {
		return
	}
	e.beside = append(e.beside, func(b *pgx.Batch) {
		scopes, keys, numbers := columnsOf(accounts)
		b.Queue(accountsSQL, scopes, keys, numbers).Query(func(rows pgx.Rows) error {
			found, err := e.a.collectStripes(rows)
			e.a.recall.see(found)
			return err
		})
	})
}
