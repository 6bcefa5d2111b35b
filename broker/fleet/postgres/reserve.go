package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/journal"
)

// Reserve implements fleet.Claims.
func (a *Authority) Reserve(ctx context.Context, charges []journal.Charge, amount journal.Amount, now time.Time) error {
	if _, err := a.incarnation(); err != nil {
		return err
	}
	err := errNoRoom
	for try := 0; errors.Is(err, errNoRoom) && try < mostTries; try++ {
		err = a.keep(ctx, a.opt.Node, charges, amount, now)
	}
	return err
}

const (
	reserveSQL = `SELECT body, mac FROM ringback.reserves WHERE node = $1
		AND octet_length(body) + octet_length(mac) <= 65536 FOR UPDATE`
	keepSQL = `INSERT INTO ringback.reserves (node, body, mac) VALUES ($1, $2, $3)
		ON CONFLICT (node) DO UPDATE SET body = excluded.body, mac = excluded.mac`
)

// keep reserves amount for a node in place of what was reserved for it. After a *journal.Ceiling nothing is.
func (a *Authority) keep(ctx context.Context, node string, charges []journal.Charge, amount journal.Amount,
	now time.Time) (err error) {
	var ceiling error
	err = a.pipe(ctx, func(t *pipe) error {
		old, had, err := a.kept(t, node)
		if err != nil {
			return err
		}
		b, l := &pgx.Batch{}, a.locks()
		names := slices.Clone(old)
		for _, c := range charges {
			names = append(names, stripesOf(c.Scope, c.Key)...)
		}
		l.lock(b, names, true)
		if err := t.send(b); err != nil {
			return err
		}
		for _, at := range old {
			if s := l.all[at]; s != nil && a.stripeErr(s) == nil {
				s.release(had)
				l.change(s)
			}
		}
		accounts, err := l.reserve(charges, amount, now, true)
		if err != nil && !errors.Is(err, journal.ErrCeiling) {
			return err
		}
		ceiling = err
		b = &pgx.Batch{}
		l.write(b)
		body := encodeReservation(accounts, amount)
		b.Queue(keepSQL, node, body, a.keys.sum(a.reserveMac(node, body)))
		return l.commit(t, b)
	})
	if err == nil {
		err = ceiling
	}
	return err
}

// kept reads and locks what is reserved for a node. A row that does not verify is none.
func (a *Authority) kept(t *pipe, node string) (accounts []charged, amount journal.Amount, err error) {
	b := &pgx.Batch{}
	b.Queue(reserveSQL, node).Query(func(rows pgx.Rows) error {
		defer rows.Close()
		for rows.Next() {
			var body, mac []byte
			if err := rows.Scan(&body, &mac); err != nil {
				return err
			}
			if !a.keys.verify(a.reserveMac(node, body), mac) {
				a.forged("what node " + node + " keeps")
				continue
			}
			var err error
			if accounts, amount, err = decodeReservation(body); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	err = t.send(b)
	return accounts, amount, err
}

func (a *Authority) reserveMac(node string, body []byte) *mac {
	return a.keys.begin("reserves").text(node).octets(body)
}
