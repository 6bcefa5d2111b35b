package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// Rows of accounts are locked in the order of their names, and before the row of a callback, so that transactions never
// wait for each other. A row that may be in use by others is only taken out of this order if it is free.
const (
	accountColumns = `a.scope, CASE WHEN octet_length(a.key) <= 65536 THEN a.key ELSE '' END, a.stripe,
		CASE WHEN octet_length(a.body) <= 65536 THEN a.body ELSE '!' END,
		CASE WHEN octet_length(a.mac) <= 65536 THEN a.mac ELSE '!' END`
	namesSQL  = `unnest($1::text[], $2::bytea[], $3::smallint[]) AS w (scope, key, stripe)`
	lockedSQL = `SELECT ` + accountColumns + ` FROM ringback.accounts a JOIN ` + namesSQL + `
		ON a.scope = w.scope COLLATE "C" AND a.key = w.key AND a.stripe = w.stripe
		ORDER BY a.scope, a.key, a.stripe FOR UPDATE OF a`
	// A row that another transaction makes at the same time is in neither part.
	ensureSQL = `WITH made AS (INSERT INTO ringback.accounts AS a (scope, key, stripe, body, mac)
		SELECT w.scope, w.key, w.stripe, '', '' FROM ` + namesSQL + `
		ORDER BY w.scope COLLATE "C", w.key, w.stripe ON CONFLICT DO NOTHING RETURNING ` + accountColumns + `),
		there AS (` + lockedSQL + `)
		SELECT * FROM made UNION ALL SELECT * FROM there`
	freeSQL = `SELECT ` + accountColumns + ` FROM ringback.accounts a WHERE scope = $1 AND key = $2
		ORDER BY (stripe + $3::int) % 16 LIMIT 1 FOR UPDATE SKIP LOCKED`
	updateSQL = `UPDATE ringback.accounts a SET body = w.body, mac = w.mac
		FROM unnest($1::text[], $2::bytea[], $3::smallint[], $4::bytea[], $5::bytea[]) AS w (scope, key, stripe, body, mac)
		WHERE a.scope = w.scope COLLATE "C" AND a.key = w.key AND a.stripe = w.stripe`
)

// locked are rows of accounts that a transaction has locked.
type locked struct {
	a       *Authority
	all     map[charged]*stripe
	changed map[charged]bool
}

func (a *Authority) locks() *locked {
	return &locked{a: a, all: map[charged]*stripe{}, changed: map[charged]bool{}}
}

// columnsOf returns names as the arrays of namesSQL, in their order.
func columnsOf(names []charged) (scopes []string, keys [][]byte, numbers []int16) {
	names = slices.Clone(names)
	slices.SortFunc(names, compare)
	for _, n := range slices.Compact(names) {
		scopes, keys = append(scopes, n.scope), append(keys, []byte(n.key))
		numbers = append(numbers, smallint(n.stripe))
	}
	return scopes, keys, numbers
}

func compare(a, b charged) int {
	return cmp.Or(strings.Compare(a.scope, b.scope), strings.Compare(a.key, b.key), a.stripe-b.stripe)
}

// lock queues the locks of rows; ensure: those that do not exist are made.
func (l *locked) lock(b *pgx.Batch, names []charged, ensure bool) {
	if len(names) == 0 {
		return
	}
	scopes, keys, numbers := columnsOf(names)
	sql := lockedSQL
	if ensure {
		sql = ensureSQL
	}
	b.Queue(sql, scopes, keys, numbers).Query(l.collect)
}

// lockFree queues the lock of a stripe of an account that nobody has locked; the search begins at number n.
func (l *locked) lockFree(b *pgx.Batch, scope, key string, n int) {
	b.Queue(freeSQL, scope, []byte(key), stripes-n).Query(l.collect)
}

func (l *locked) collect(rows pgx.Rows) error {
	defer rows.Close()
	for rows.Next() {
		s, err := l.a.scanStripe(rows)
		if err != nil {
			return err
		}
		l.all[s.at] = s
	}
	return rows.Err()
}

func (a *Authority) scanStripe(row pgx.Row) (*stripe, error) {
	s := &stripe{}
	var key, body, mac []byte
	var n int16
	if err := row.Scan(&s.at.scope, &key, &n, &body, &mac); err != nil {
		return nil, err
	}
	s.at.key, s.at.stripe = string(key), int(n)
	a.keys.read(s, body, mac)
	return s, nil
}

// of returns the locked stripes of an account by number.
func (l *locked) of(scope, key string) (all []*stripe) {
	for n := range stripes {
		if s := l.all[charged{scope, key, n}]; s != nil {
			all = append(all, s)
		}
	}
	return all
}

// change marks stripes as changed.
func (l *locked) change(all ...*stripe) {
	for _, s := range all {
		l.changed[s.at] = true
	}
}

// write queues the changed rows.
func (l *locked) write(b *pgx.Batch) {
	names := make([]charged, 0, len(l.changed))
	for at := range l.changed {
		names = append(names, at)
	}
	if len(names) == 0 {
		return
	}
	slices.SortFunc(names, compare)
	scopes, keys, numbers := columnsOf(names)
	var bodies, macs [][]byte
	for _, at := range names {
		body := l.all[at].encode()
		bodies, macs = append(bodies, body), append(macs, l.a.keys.sum(l.a.keys.accountMac(at, body)))
	}
	b.Queue(updateSQL, scopes, keys, numbers, bodies, macs)
}

// errNoRoom: the locked stripe of an account has no room, or none was free, or others make the account right now. All
// stripes are asked then.
var errNoRoom = errors.New("no stripe with room")

// turn chooses the stripe at which a search begins.
type turn struct{ n atomic.Uint32 }

func (t *turn) next() int { return int(t.n.Add(1) % stripes) }

// reserveFor records a promise that charges accounts: in two round trips if a stripe of each has room, otherwise with
// all stripes.
func (a *Authority) reserveFor(ctx context.Context, p fleet.Promise, r *record) error {
	if p.Amount.Negative() {
		return fmt.Errorf("%+v is negative", p.Amount)
	}
	err := a.reserveIn(ctx, p, r, false)
	for range mostTries {
		if !errors.Is(err, errNoRoom) {
			return err
		}
		err = a.reserveIn(ctx, p, r, true)
	}
	return err
}

func (a *Authority) reserveIn(ctx context.Context, p fleet.Promise, r *record, exact bool) error {
	return a.pipe(ctx, func(t *pipe) error {
		b, l := &pgx.Batch{}, a.locks()
		l.lockFor(b, p.Charges, exact)
		if err := t.send(b); err != nil {
			return err
		}
		accounts, err := l.reserve(p.Charges, p.Amount, p.Time, exact)
		if err != nil {
			return err
		}
		r.reservation = encodeReservation(accounts, p.Amount)
		b = &pgx.Batch{}
		l.write(b)
		a.insert(b, r)
		return t.commit(b)
	})
}

// lockFor queues the locks of the accounts that charges name. exact: all stripes of them; otherwise a free one.
func (l *locked) lockFor(b *pgx.Batch, charges []journal.Charge, exact bool) {
	var names []charged
	for _, c := range charges {
		switch {
		case !striped(c.Scope):
			names = append(names, charged{c.Scope, c.Key, 0})
		case exact:
			names = append(names, stripesOf(c.Scope, c.Key)...)
		}
	}
	l.lock(b, names, true)
	for _, c := range charges {
		if striped(c.Scope) && !exact {
			l.lockFree(b, c.Scope, c.Key, l.a.turn.next())
		}
	}
}

func stripesOf(scope, key string) (names []charged) {
	for n := range stripes {
		names = append(names, charged{scope, key, n})
	}
	return names
}

// reserve reserves an amount in all accounts, or in none. Errors: *journal.Ceiling, errNoRoom.
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
	if n := len(all); n == 0 || exact && striped(c.Scope) && n < stripes {
		return nil, errNoRoom // others make these rows right now
	}
	for _, s := range all {
		if err := l.a.stripeErr(s); err != nil {
			return nil, err
		}
	}
	if striped(c.Scope) && !exact {
		s := all[0]
		if s.Enter(begins); !s.room(boundsOf(c), add) {
			return nil, errNoRoom
		}
		return s, nil
	}
	t := total(all, begins)
	if err := t.Reservable(c, add); err != nil {
		return nil, err
	}
	return all[l.a.turn.next()%len(all)], nil
}

// swapSettled makes the change of an edit and books what the callback has used, in two round trips.
func (a *Authority) swapSettled(ctx context.Context, e *edit, swap *pgx.Batch, done *bool) error {
	accounts, amount, err := decodeReservation(e.reservation)
	if err != nil {
		return fmt.Errorf("its reservation: %w", err)
	}
	return a.pipe(ctx, func(t *pipe) error {
		b, l := &pgx.Batch{}, a.locks()
		l.lock(b, accounts, false)
		b.QueuedQueries = append(b.QueuedQueries, swap.QueuedQueries...)
		if err := t.send(b); err != nil || !*done {
			return err
		}
		l.book(accounts, amount, *e.settle)
		b = &pgx.Batch{}
		l.write(b)
		return t.commit(b)
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

// Accounts implements fleet.Claims. Those that do not verify are counted and left out.
func (a *Authority) Accounts(ctx context.Context, scopes ...string) (out []journal.Account, err error) {
	type name struct{ scope, key string }
	all := map[name][]*stripe{}
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+accountColumns+` FROM ringback.accounts a
			WHERE cardinality($1::text[]) = 0 OR scope = ANY($1)`, slices.Clip(append([]string{}, scopes...)))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			s, err := a.scanStripe(rows)
			if err != nil {
				return err
			}
			if a.stripeErr(s) == nil {
				all[name{s.Scope, s.Key}] = append(all[name{s.Scope, s.Key}], s)
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	var latest journal.Account
	for _, of := range all {
		latest.Enter(total(of, [3]time.Time{}).Begins())
	}
	for _, of := range all {
		t := total(of, latest.Begins())
		if t != (journal.Account{Scope: t.Scope, Key: t.Key, Windows: latest.Windows}) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b journal.Account) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(a.Key, b.Key))
	})
	return out, nil
}
