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

// Attempt implements fleet.Claims. An attempt whose commit was not known may be asked for again: if it is there, and
// this process inserted it and was not told so, it is granted.
func (a *Authority) Attempt(ctx context.Context, c fleet.Claim, at journal.Attempt) error {
	if _, err := a.incarnation(); err != nil {
		return err
	}
	if err := a.agreed(ctx); err != nil {
		return fmt.Errorf("attempt of callback %s: %w", c.ID, err)
	}
	body := encodeAttempt(at, a.opt.Incarnation)
	err := a.claimed(ctx, "attempt", c.ID, func(e *edit) error {
		if err := e.inForce(c); err != nil {
			return err
		}
		if e.attempts == at.N && e.open == at.N {
			return a.inserted(ctx, c, at.N, body)
		}
		if at.N != e.attempts+1 || at.N > e.max {
			return fmt.Errorf("attempt %d after %d of %d: %w", at.N, e.attempts, e.max, fleet.ErrSpent)
		}
		e.close("")
		e.attempts, e.open, e.offered = at.N, at.N, false
		e.also(attemptSQL, at.N, a.opt.Node, c.Epoch, body, a.attemptMac(c.ID, at.N, a.opt.Node, c.Epoch, body))
		return nil
	})
	if err != nil {
		return err
	}
	if !a.known.grant(c.ID, c.Epoch, at.N) {
		return fmt.Errorf("attempt of callback %s: attempt %d was granted before: %w", c.ID, at.N, fleet.ErrSpent)
	}
	return nil
}

// inserted returns errSame if this process has inserted the open attempt itself.
func (a *Authority) inserted(ctx context.Context, c fleet.Claim, n int, body []byte) error {
	var mine bool
	err := a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, `SELECT mac = $3 FROM ringback.attempts WHERE callback = $1 AND n = $2`, c.ID, n,
			a.attemptMac(c.ID, n, a.opt.Node, c.Epoch, body)).Scan(&mine)
	})
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows):
		return err
	case !mine:
		return fmt.Errorf("attempt %d is there: %w", n, fleet.ErrSpent)
	}
	return errSame
}

// lookLimit is the greatest age of the answer of Look.
const lookLimit = time.Second

// lookSQL reads the state of one callback. An answer of a server that has become a standby is none.
const lookSQL = `SELECT ` + columns + ` FROM ringback.callbacks WHERE id = $1 AND NOT pg_is_in_recovery()`

// Look implements fleet.Claims.
func (a *Authority) Look(ctx context.Context, c fleet.Claim, n int) error {
	begun := time.Now()
	if _, err := a.incarnation(); err != nil { // others may end the attempt of a node that does not beat
		return fmt.Errorf("last look at callback %s: %w", c.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	if err := a.agreed(ctx); err != nil {
		return fmt.Errorf("last look at callback %s: %w", c.ID, err)
	}
	before, expected := a.known.now(), a.serverSeen()
	r, server, err := a.look(ctx, c.ID)
	switch {
	case server != "" && server != expected:
		err = fmt.Errorf("%w: another server answers", fleet.ErrAway)
	case errors.Is(err, pgx.ErrNoRows):
		err = fleet.ErrFenced
	case err == nil && time.Since(begun) > lookLimit:
		err = fmt.Errorf("%w: its answer is older than %v", fleet.ErrAway, lookLimit)
	}
	if err == nil {
		err = a.check(r, before)
	}
	if err == nil {
		err = (&edit{a: a, record: *r}).inForce(c)
	}
	if err == nil && r.open != n {
		err = fmt.Errorf("attempt %d is not open: %w", n, fleet.ErrFenced)
	}
	if err != nil {
		return fmt.Errorf("last look at callback %s: %w", c.ID, err)
	}
	return nil
}

// look reads the state of a callback, and which server has it.
func (a *Authority) look(ctx context.Context, id string) (r *record, server string, err error) {
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		b := &pgx.Batch{}
		b.Queue("SELECT " + serverSQL).QueryRow(func(row pgx.Row) error { return row.Scan(&server) })
		b.Queue(lookSQL, id).QueryRow(func(row pgx.Row) (err error) { r, err = scan(row); return err })
		return tx.SendBatch(ctx, b).Close()
	})
	return r, server, err
}

// Continue implements fleet.Claims.
func (a *Authority) Continue(ctx context.Context, c fleet.Claim, n int, outcome string) error {
	return a.claimed(ctx, "end of an attempt", c.ID, func(e *edit) error {
		if err := e.inForce(c); err != nil {
			return err
		}
		if e.open != n {
			return errSame
		}
		e.close(outcome)
		return nil
	})
}
