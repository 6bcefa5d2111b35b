package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// errNoRoom: it is not known that a reservation fits, or others have changed an account meanwhile.
var errNoRoom = errors.New("no stripe with room")

// turn chooses one of the stripes.
type turn struct{ n atomic.Uint32 }

func (t *turn) next() int { return int(t.n.Add(1) % stripes) }

// recalls is how often a promise relies on what this process remembers of accounts, before it locks them. The second
// time it has just read them.
const recalls = 3

// reserveFor records a promise that charges accounts: in one round trip if this process knows the accounts, otherwise
// in two.
func (a *Authority) reserveFor(ctx context.Context, p fleet.Promise, r *record) error {
	if p.Amount.Negative() {
		return fmt.Errorf("%+v is negative", p.Amount)
	}
	err := errNoRoom
	for try := 0; errors.Is(err, errNoRoom) && try < mostTries; try++ {
		if try < recalls {
			err = a.reserveRecalled(ctx, p, r)
		} else {
			err = a.reserveExactly(ctx, p, r)
		}
	}
	return err
}

// reserveRecalled records a promise if it surely fits in the accounts as this process remembers them, and they are
// still so.
func (a *Authority) reserveRecalled(ctx context.Context, p fleet.Promise, r *record) error {
	return a.pipe(ctx, func(t *pipe) error {
		l := a.locks()
		defer func() { a.recall.release(l) }()
		for _, c := range p.Charges {
			if !a.recall.hold(l, c, p.Amount, journal.WindowsAt(p.Time)) {
				return errNoRoom
			}
		}
		accounts, err := l.reserve(p.Charges, p.Amount, p.Time, false)
		if err != nil {
			return errNoRoom
		}
		r.reservation = encodeReservation(accounts, p.Amount)
		b := &pgx.Batch{}
		l.write(b)
		l.insertIf(b, r)
		return l.commit(t, b)
	})
}

func (a *Authority) reserveExactly(ctx context.Context, p fleet.Promise, r *record) error {
	return a.pipe(ctx, func(t *pipe) error {
		b, l := &pgx.Batch{}, a.locks()
		defer func() { a.recall.release(l) }()
		l.lockFor(b, p.Charges)
		if err := t.send(b); err != nil {
			return err
		}
		accounts, err := l.reserve(p.Charges, p.Amount, p.Time, true)
		if err != nil {
			return err
		}
		r.reservation = encodeReservation(accounts, p.Amount)
		b = &pgx.Batch{}
		l.write(b)
		a.insert(b, r)
		return l.commit(t, b)
	})
}

// lockFor queues the locks of the accounts that charges name, of all their stripes.
func (l *locked) lockFor(b *pgx.Batch, charges []journal.Charge) {
	var names []charged
	for _, c := range charges {
		names = append(names, stripesOf(c.Scope, c.Key)...)
	}
	l.lock(b, names, true)
}

// stripesOf returns the rows of an account.
func stripesOf(scope, key string) (names []charged) {
	n := 1
	if striped(scope) {
		n = stripes
	}
	for i := range n {
		names = append(names, charged{scope, key, i})
	}
	return names
}

// reserve reserves an amount in all accounts, or in none. exact: all their stripes are locked. Errors:
// *journal.Ceiling, errNoRoom.
func (l *locked) reserve(charges []journal.Charge, add journal.Amount, at time.Time, exact bool) ([]charged, error) {
	begins := journal.WindowsAt(at)
	var chosen []*stripe
	for _, c := range charges {
		s, err := l.choose(c, add, begins, exact)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	var accounts []charged
	for i, s := range chosen {
		s.reserve(add)
		l.change(s)
		if c := charges[i]; exact && striped(c.Scope) {
			all := l.of(c.Scope, c.Key)
			share(all, boundsOf(c))
			l.change(all...)
		}
		accounts = append(accounts, s.at)
	}
	return accounts, nil
}

// choose returns the stripe in which a reservation fits.
func (l *locked) choose(c journal.Charge, add journal.Amount, begins [3]time.Time, exact bool) (*stripe, error) {
	all := l.of(c.Scope, c.Key)
	if len(all) == 0 || exact && len(all) < len(stripesOf(c.Scope, c.Key)) {
		return nil, errNoRoom // others remove these rows right now
	}
	for _, s := range all {
		if err := l.a.stripeErr(s); err != nil {
			return nil, err
		}
	}
	if striped(c.Scope) && !exact {
		return all[0], nil // it has room
	}
	t := total(all, begins)
	if err := t.Reservable(c, add); err != nil {
		return nil, err
	}
	return all[l.a.turn.next()%len(all)], nil
}
