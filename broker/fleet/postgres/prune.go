package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/journal"
)

// accountsKept is how long an account without use is kept: longer than its longest window.
const accountsKept = 62 * 24 * time.Hour

// pruneEach is the time between two removals of accounts.
const pruneEach = 24 * time.Hour

const (
	// oldAccountsSQL reads accounts after one, and the time of the server.
	oldAccountsSQL = `SELECT ` + accountColumns + `, (extract(epoch FROM clock_timestamp()) * 1e9)::bigint
		FROM ringback.accounts a WHERE (scope, key, stripe) > ($1, $2, $3) ORDER BY scope, key, stripe LIMIT 500`
	dropAccountsSQL = `DELETE FROM ringback.accounts a
		USING unnest($1::text[], $2::bytea[], $3::smallint[], $4::bytea[]) AS w (scope, key, stripe, mac)
		WHERE a.scope = w.scope COLLATE "C" AND a.key = w.key AND a.stripe = w.stripe AND a.mac = w.mac`
)

// pruneAccounts removes the accounts that nothing has used for long, by both clocks: a clock that is wrong resets no
// ceiling. Those that do not verify stay.
func (a *Authority) pruneAccounts(ctx context.Context, now time.Time) error {
	last := charged{stripe: -1}
	for more := true; more; {
		err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
			old, macs, next, err := a.oldAccounts(ctx, tx, last, now)
			if more = err == nil && next != last; !more || len(old) == 0 {
				last = next
				return err
			}
			last = next
			scopes, keys, numbers := columnsOf(old)
			_, err = tx.Exec(ctx, dropAccountsSQL, scopes, keys, numbers, macs)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// oldAccounts reads a page of accounts after one, and returns those to remove, with the last one of the page.
func (a *Authority) oldAccounts(ctx context.Context, tx pgx.Tx, after charged, now time.Time) (old []charged,
	macs [][]byte, last charged, err error) {
	last = after
	rows, err := tx.Query(ctx, oldAccountsSQL, after.scope, []byte(after.key), after.stripe)
	if err != nil {
		return nil, nil, last, err
	}
	defer rows.Close()
	for rows.Next() {
		s := &stripe{}
		var key, body, mac []byte
		var n int16
		var server int64
		if err := rows.Scan(&s.at.scope, &key, &n, &body, &mac, &server); err != nil {
			return nil, nil, last, err
		}
		s.at.key, s.at.stripe = string(key), int(n)
		a.keys.read(s, body, mac)
		last = s.at
		before := time.Unix(0, min(now.UnixNano(), server)).Add(-accountsKept)
		if !s.bad && s.Open == 0 && s.Reserved == (journal.Amount{}) && s.Windows[2].Begin.Before(before) {
			old, macs = append(old, s.at), append(macs, mac)
		}
	}
	return old, macs, last, rows.Err()
}
