package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// Promise implements fleet.Claims.
func (a *Authority) Promise(ctx context.Context, p fleet.Promise) error {
	if _, err := a.incarnation(); err != nil {
		return err
	}
	p.Epoch, p.Home, p.Holder, p.Format = 1, a.opt.Node, a.opt.Node, fleet.Format
	p.Offered, p.Open, p.Settled = false, 0, false
	r, err := newRecord(p.Row, encodeReservation(nil, journal.Amount{}))
	if err != nil {
		return err
	}
	defer a.known.claiming(p.ID)()
	if len(p.Charges) == 0 {
		b := &pgx.Batch{}
		a.insert(b, r)
		err = a.once(ctx, b)
	} else {
		err = a.reserveFor(ctx, p, r)
	}
	if err != nil {
		return fmt.Errorf("promise of callback %s: %w", p.ID, exists(err))
	}
	a.known.note(r, true)
	return nil
}

// exists returns journal.ErrPending for the error of a second callback of an identity.
func exists(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23505" && refused.ConstraintName == "callbacks_pending" {
		return journal.ErrPending
	}
	return err
}

// tombSQL makes it impossible that a promise arrives after it was withdrawn: its ID is taken.
const tombSQL = insertSQL + ` ON CONFLICT (id) DO NOTHING`

// Withdraw implements fleet.Claims.
func (a *Authority) Withdraw(ctx context.Context, id, cause string) error {
	now := time.Now()
	end := func(e *edit) error {
		if e.outcome == fleet.ByOrder && e.home == a.opt.Node && !e.settled {
			e.book(journal.Settle{Callback: id, Time: now})
			return nil
		}
		if e.ended != 0 || e.holder != a.opt.Node || e.home != a.opt.Node {
			return errSame
		}
		e.close("")
		e.end(now, "cancelled", cause, &journal.Settle{Callback: id, Time: now})
		return nil
	}
	err := a.change(ctx, "withdrawal", id, end)
	if !errors.Is(err, fleet.ErrNotFound) {
		return err
	}
	r := &record{id: id, home: a.opt.Node, rotary: fleet.NoRotary, format: fleet.Format, created: now.UnixNano(),
		reservation: []byte{}, body: encodeBody(journal.Callback{}), state: state{holder: a.opt.Node, epoch: 1,
			ended: now.UnixNano(), outcome: withdrawn, cause: cause, settled: true}}
	b := &pgx.Batch{}
	inserted := false
	b.Queue(tombSQL, a.insertArgs(r)...).Exec(func(tag pgconn.CommandTag) error {
		inserted = tag.RowsAffected() == 1
		return nil
	})
	if err := a.once(ctx, b); err != nil || inserted {
		return err
	}
	return a.change(ctx, "withdrawal", id, end) // it has arrived meanwhile
}

// Offer implements fleet.Claims.
func (a *Authority) Offer(ctx context.Context, o fleet.Row) error {
	err := a.claimed(ctx, "offer", o.ID, func(e *edit) error {
		if err := e.inForce(o.Claim()); err != nil {
			return err
		}
		if !e.shared {
			return fmt.Errorf("only the lines of node %s may dial for it: %w", e.home, fleet.ErrFenced)
		}
		e.close("")
		e.attempts, e.offered = max(e.attempts, o.Attempts), true
		o.Attempts, o.Max = e.attempts, max(o.Max, e.attempts)
		r, err := newRecord(o, e.reservation)
		if err != nil {
			return err
		}
		e.rotary, e.max, e.body = r.rotary, r.max, r.body
		e.sum = a.keys.sumOf(&e.record)
		e.replaceBody()
		e.beside = append(e.beside, func(b *pgx.Batch) { b.Queue(offeredSQL) })
		return nil
	})
	if err != nil { // the node may have nothing but this offer: then Resume offers it, as it is not reported
		a.known.disown(o.ID)
	}
	return err
}

// replaceBody queues what the holder writes anew, after the state: the state's signature covers it.
func (e *edit) replaceBody() {
	e.beside = append(e.beside, func(b *pgx.Batch) {
		b.Queue(bodySQL, e.id, e.mac, e.rotary, e.max, e.body, e.sum, e.mac)
	})
}

// Take implements fleet.Claims.
func (a *Authority) Take(ctx context.Context, want fleet.Row) (fleet.Row, error) {
	if _, err := a.incarnation(); err != nil {
		return fleet.Row{}, err
	}
	defer a.known.claiming(want.ID)()
	silent := a.silentNodes()
	tried := false
	err := a.claimed(ctx, "claim", want.ID, func(e *edit) error {
		gone := slices.Contains(silent, e.holder)
		switch {
		case tried, e.ended != 0, e.epoch != want.Epoch, e.open != 0, !e.shared, e.holder == a.opt.Node,
			!e.offered && !gone, e.format > fleet.Format, !a.mayTakeFrom(e.holder), !a.vouched(&e.record):
			return fleet.ErrFenced
		}
		e.also(takenSQL, e.holder) // of a silent node too: it may have been paused, and wake
		e.learn()
		tried = true
		want.Attempts = e.attempts
		e.holder, e.offered, e.mine, e.wait = a.opt.Node, false, true, false
		e.epoch++
		return nil
	})
	if err != nil {
		if errors.Is(err, fleet.ErrUnknown) {
			a.known.disown(want.ID)
		}
		return fleet.Row{}, err
	}
	want.Holder, want.Offered, want.Open = a.opt.Node, false, 0
	want.Epoch++
	return want, nil
}

// takenSQL tells the holder $3 of a callback that another node took or ended it, without a notification: the commits of
// all transactions that notify wait for each other.
const takenSQL = `INSERT INTO ringback.notices (node, callback) SELECT $3, $1 WHERE` + guardSQL

// End implements fleet.Claims. A former claim of this node adds its trace, and is fenced.
func (a *Authority) End(ctx context.Context, end fleet.End) error {
	fenced := error(nil)
	err := a.claimed(ctx, "end", end.ID, func(e *edit) error {
		fenced = e.inForce(end.Claim)
		switch {
		case fenced == nil:
			e.attempts = max(e.attempts, min(end.Attempts, e.max))
			e.end(end.Time, end.Outcome, end.Cause, end.Settle)
			e.trace(a.opt.Node, end.Epoch, end.Trace)
			return nil
		case e.ended != 0 && e.holder == a.opt.Node && e.epoch == end.Epoch && e.outcome == end.Outcome:
			fenced = nil
			if end.Settle == nil || e.settled {
				return errSame
			}
			e.book(*end.Settle)
			return nil
		case end.Trace == "" || end.Epoch >= e.epoch:
			return fenced
		}
		e.trace(a.opt.Node, end.Epoch, end.Trace)
		return nil
	})
	if err == nil && fenced != nil {
		return fmt.Errorf("end of callback %s: %w", end.ID, fenced)
	}
	return err
}

// Settle implements fleet.Claims.
func (a *Authority) Settle(ctx context.Context, c fleet.Claim, s journal.Settle, trace string) error {
	err := a.change(ctx, "settlement", c.ID, func(e *edit) error {
		switch {
		case e.settled:
			return errSame
		case e.ended == 0:
			return errors.New("it has not ended")
		}
		e.book(s)
		e.trace(a.opt.Node, c.Epoch, trace)
		return nil
	})
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	return err
}
