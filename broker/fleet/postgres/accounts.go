package postgres

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/journal"
)

// Rows of accounts are locked and made in the order of their names, and before the row of a callback, so that
// transactions never wait for each other.
const (
	accountColumns = `a.scope, CASE WHEN octet_length(a.key) <= 65536 THEN a.key ELSE '' END, a.stripe,
		CASE WHEN octet_length(a.body) <= 65536 THEN a.body ELSE '!' END,
		CASE WHEN octet_length(a.mac) <= 65536 THEN a.mac ELSE '!' END`
	lockedSQL = `SELECT ` + accountColumns + ` FROM ringback.locked($1, $2, $3, $4) a`
	// Each row is written if those before it are ($6 of them), and if it is as this process knows it.
	chargedSQL = `coalesce(current_setting('ringback.charged', true), '') = `
	addSQL     = `INSERT INTO ringback.accounts (scope, key, stripe, body, mac) SELECT $1, $2, $3, $4, $5
		WHERE ` + chargedSQL + `$6 ON CONFLICT DO NOTHING RETURNING set_config('ringback.charged', $7, true)`
	chargeSQL = `UPDATE ringback.accounts SET body = $4, mac = $5 WHERE scope = $1 AND key = $2 AND stripe = $3
		AND body = $8 AND mac = $9 AND ` + chargedSQL + `$6 RETURNING set_config('ringback.charged', $7, true)`
	restoreSQL = `SELECT ` + accountColumns + ` FROM ringback.restore($1, $2, $3, $4, $5) a WHERE NOT ` + chargedSQL + `$6`
)

// insertChargedSQL is insertSQL, if so many rows of accounts were written before in the same transaction.
var insertChargedSQL = fmt.Sprintf("%s WHERE %s$%d", insertSQL, chargedSQL, strings.Count(insertSQL, "$")+1)

// locked are rows of accounts that a transaction has locked, or of which this process knows the present state.
type locked struct {
	a       *Authority
	all     map[charged]*stripe
	changed map[charged]bool
	written map[charged]noted // by write
	done    bool              // it is
	found   []*stripe         // they were not all as they were known, so that nothing is written, and are these
	failed  bool              // it is so
	held    []charged         // see recall
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
	b.Queue(lockedSQL, scopes, keys, numbers, ensure).Query(func(rows pgx.Rows) error {
		found, err := l.a.collectStripes(rows)
		for _, s := range found {
			l.all[s.at] = s
		}
		return err
	})
}

func (a *Authority) collectStripes(rows pgx.Rows) (all []*stripe, err error) {
	defer rows.Close()
	for rows.Next() {
		s, err := a.scanStripe(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
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

// write queues the changed rows. They are written if all are as they are known; those that are locked are.
func (l *locked) write(b *pgx.Batch) {
	l.written = map[charged]noted{}
	for i, at := range l.names() {
		s := l.all[at]
		body := s.encode()
		mac := l.a.keys.sum(l.a.keys.accountMac(at, body))
		l.written[at] = noted{string(body), string(mac)}
		args := []any{at.scope, []byte(at.key), smallint(at.stripe), body, mac, countOf(i), countOf(i + 1)}
		if s.there {
			b.Queue(chargeSQL, append(args, []byte(s.row.body), []byte(s.row.mac))...)
		} else {
			b.Queue(addSQL, args...)
		}
	}
}

// names returns the changed rows in their order.
func (l *locked) names() []charged { return slices.SortedFunc(maps.Keys(l.changed), compare) }

// countOf is a number of rows as ringback.charged has it.
func countOf(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// insertIf queues the insertion of a callback, if the rows are written. Otherwise they are put back and read.
func (l *locked) insertIf(b *pgx.Batch, r *record) {
	written := countOf(len(l.changed))
	args := append(l.a.insertArgs(r), written)
	b.Queue(insertChargedSQL, args...).Exec(func(tag pgconn.CommandTag) error {
		l.failed = tag.RowsAffected() == 0
		return nil
	})
	l.restoreUnless(b, written)
}

// restoreUnless queues that the rows are put back and read, unless ringback.charged is as it should be.
func (l *locked) restoreUnless(b *pgx.Batch, charged string) {
	names := l.names()
	scopes, keys, numbers := columnsOf(names)
	var bodies, macs [][]byte
	for _, at := range names {
		body, mac := []byte(nil), []byte(nil)
		if s := l.all[at]; s.there {
			body, mac = []byte(s.row.body), []byte(s.row.mac)
		}
		bodies, macs = append(bodies, body), append(macs, mac)
	}
	args := []any{scopes, keys, numbers, bodies, macs, charged}
	b.Queue(restoreSQL, args...).Query(func(rows pgx.Rows) (err error) {
		l.found, err = l.a.collectStripes(rows)
		return err
	})
}

// commit is commit of the pipe, with errNoRoom if rows were not as they were known.
func (l *locked) commit(t *pipe, b *pgx.Batch) error {
	err := t.commit(b)
	if err == nil && l.failed {
		return errNoRoom
	}
	l.done = err == nil
	return err
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
