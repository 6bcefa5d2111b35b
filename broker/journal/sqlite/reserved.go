package sqlite

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// What is reserved of an account is the sum of its open reservations: a promise writes its reservation and the total of
// all, not each account. What the reservations that can be read lack of the total belongs to those that cannot, and
// counts as reserved in every account.

// share is what reservations reserve. Its sums wrap: no order of additions and subtractions changes them.
type share struct {
	journal.Amount
	open int64 // reservations
}

func (h share) plus(o share) share {
	return share{journal.Amount{Calls: h.Calls + o.Calls, Failures: h.Failures + o.Failures, Time: h.Time + o.Time,
		Money: h.Money + o.Money}, h.open + o.open}
}

func (h share) minus(o share) share {
	return share{journal.Amount{Calls: h.Calls - o.Calls, Failures: h.Failures - o.Failures, Time: h.Time - o.Time,
		Money: h.Money - o.Money}, h.open - o.open}
}

// over is h without o, and 0 in place of a negative value.
func (h share) over(o share) share { return share{h.Amount.Minus(o.Amount), max(h.open-o.open, 0)} }

// most has the larger value of each field.
func (h share) most(o share) share { return h.plus(o.over(h)) }

// shares are sums of reservations by account. That of all reservations has no name.
type shares map[accountName]share

func (s shares) add(r journal.Reservation) {
	one := share{r.Amount, 1}
	for _, n := range namesOf(r.Accounts) {
		s[n] = s[n].plus(one)
	}
}

// namesOf returns the names under which a reservation counts.
func namesOf(charges []journal.Charge) []accountName {
	names := []accountName{{}}
	for _, c := range charges {
		names = append(names, accountName{c.Scope, c.Key})
	}
	return names
}

// reservedSums are what the writer knows of the open reservations, as they are in its transaction. The zero value
// knows nothing.
type reservedSums struct {
	by    shares // nil: unknown
	lost  share  // reserved by reservations that cannot be read
	total share  // as of the last commit
	undo  []reverted
}

// reverted is what an account had before a change of the transaction.
type reverted struct {
	name accountName
	share
}

// change adds to what an account has, or subtracts.
func (s *reservedSums) change(n accountName, h share) {
	was := s.by[n]
	s.undo = append(s.undo, reverted{n, was})
	s.set(n, was.plus(h))
}

func (s *reservedSums) set(n accountName, h share) {
	if h == (share{}) {
		delete(s.by, n)
		return
	}
	s.by[n] = h
}

// revert undoes the changes after the first n of the transaction.
func (s *reservedSums) revert(n int) {
	for _, r := range slices.Backward(s.undo[n:]) {
		s.set(r.name, r.share)
	}
	s.undo = s.undo[:n]
}

// begun forgets what the writer knows of accounts and reservations if another connection has committed since its own
// last commit. A transaction must be open.
func (w *writer) begun() {
	w.reserved.undo = w.reserved.undo[:0]
	if !w.accounts.current(w.c) {
		w.accounts.drop()
		w.reserved = reservedSums{}
	}
}

// committed keeps what the writer knows for its next transaction.
func (w *writer) committed() {
	w.accounts.committed(w.c)
	w.reserved.total = w.reserved.now()
}

// now returns the total in the transaction.
func (s *reservedSums) now() share { return s.by[accountName{}].plus(s.lost) }

// loadReserved reads the open reservations, unless they are known. It returns an error that wraps ErrDamaged if their
// total does not verify.
func (w *writer) loadReserved() error {
	if w.reserved.by != nil {
		return nil
	}
	row, err := w.c.scalar(totalQuery)
	if err != nil {
		return err
	}
	total, err := w.key.decodeTotal(row)
	if err != nil {
		return err
	}
	by := shares{}
	err = w.c.each("SELECT "+reservationsTable.columns()+" FROM reservations", func(row []any) error {
		if values, bad := reservationsTable.check(w.key, row); bad == nil {
			if r, err := decodeReservation(values); err == nil {
				by.add(r)
			}
		}
		return nil
	})
	if err == nil {
		w.reserved = reservedSums{by: by, total: total, lost: total.over(by[accountName{}])}
	}
	return err
}

// totalQuery reads the mark of the total, NULL if it is missing.
const totalQuery = "SELECT (SELECT hash FROM marks WHERE name = 'reserved')"

// totalColumns describes what the checksum of the total covers.
var totalColumns = &table{"reserved", 0, strings.Fields("calls failures time money open"), 0}

func (h share) values() []any {
	return []any{h.Calls, h.Failures, int64(h.Time), h.Money, h.open}
}

// encodeTotal returns the total as its mark has it: its values, big-endian, and their checksum.
func (k rowKey) encodeTotal(h share) []byte {
	var b []byte
	for _, v := range h.values() {
		b = binary.BigEndian.AppendUint64(b, uint64(v.(int64)))
	}
	return append(b, totalColumns.sum(k, h.values())...)
}

func (k rowKey) decodeTotal(mark any) (share, error) {
	b, _ := mark.([]byte)
	if len(b) == 8*len(totalColumns.cols)+sha256.Size {
		v := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[8*i:])) }
		h := share{journal.Amount{Calls: v(0), Failures: v(1), Time: time.Duration(v(2)), Money: v(3)}, v(4)}
		if hmac.Equal(b, k.encodeTotal(h)) {
			return h, nil
		}
	}
	return share{}, fmt.Errorf("%w: the total of the reservations does not match its checksum", journal.ErrDamaged)
}

// putTotal records the total of the open reservations.
func (w *writer) putTotal(h share) error {
	_, err := w.c.exec("INSERT INTO marks (name, n, hash) VALUES ('reserved', 0, ?) ON CONFLICT (name) DO UPDATE SET "+
		"hash = excluded.hash", w.key.encodeTotal(h))
	return err
}

// Accounts returns what is used and reserved of each account, in the order of scope and key, and the rows that do not
// verify; with scopes, only the accounts in them. The windows are the latest that any promise or end has begun. What
// reservations reserve that do not verify counts in every account.
func (r *Reader) Accounts(ctx context.Context, scopes ...string) ([]journal.Account, []journal.Damage, error) {
	where, args := "", []any{}
	if len(scopes) > 0 {
		where = "WHERE scope IN (''" + strings.Repeat(", ?", len(scopes)) + ")" // '': begins the windows of all
		for _, s := range scopes {
			args = append(args, s)
		}
	}
	accounts, bad, err := r.accounts(ctx, where, args...)
	if len(scopes) > 0 {
		others := func(a journal.Account) bool { return !slices.Contains(scopes, a.Scope) }
		accounts = slices.DeleteFunc(accounts, others)
	}
	return accounts, bad, explain(r.path, err)
}

// accounts reads accounts and reservations in one transaction, because the writer continues meanwhile.
func (r *Reader) accounts(ctx context.Context, where string, args ...any) (out []journal.Account,
	bad []journal.Damage, err error) {
	tx, err := r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, nil, err
	}
	defer tx.Rollback() // it only reads
	all := map[accountName]journal.Account{}
	damaged := func(d journal.Damage) { bad = append(bad, d) }
	err = each(ctx, tx, r.key, accountsTable, decodeAccount, func(a journal.Account) {
		all[accountName{a.Scope, a.Key}] = a
	}, damaged, where, args...)
	by := shares{}
	if err == nil {
		err = each(ctx, tx, r.key, reservationsTable, decodeReservation, by.add, damaged, "")
	}
	var mark any
	if err == nil {
		err = tx.QueryRowContext(ctx, totalQuery).Scan(&mark)
	}
	if err != nil {
		return nil, nil, err
	}
	total, err := r.key.decodeTotal(mark)
	if err != nil {
		bad = append(bad, journal.Damage{Table: "marks", Key: "reserved", Reason: err.Error()})
	}
	lost := total.over(by[accountName{}])
	return accountsWith(all, by, lost), bad, nil
}

// accountsWith returns the accounts with what is reserved of each, in the order of scope and key. Only here an account
// without a row is one with a reservation and no use.
func accountsWith(all map[accountName]journal.Account, by shares, lost share) (out []journal.Account) {
	latest := all[accountName{}].Begins()
	names := slices.Collect(maps.Keys(by))
	if lost != (share{}) {
		names = append(names, accountName{scope: "site"}) // shows it even if there is no other account
	}
	for _, n := range names {
		if _, ok := all[n]; !ok {
			all[n] = journal.Account{Scope: n.scope, Key: n.key}
		}
	}
	delete(all, accountName{})
	for n, a := range all {
		a.Enter(latest)
		h := by[n].plus(lost)
		a.Reserved, a.Open = a.Reserved.Plus(h.Amount), a.Open+h.open
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b journal.Account) int {
		return cmp.Or(strings.Compare(a.Scope, b.Scope), strings.Compare(a.Key, b.Key))
	})
	return out
}

// reservedVersion is the first schema that has the total of the reservations.
const reservedVersion = 21

// moveReserved makes the total from what the accounts of schema 20 have reserved. What an account has reserved without
// a reservation that can be read stays reserved.
func (w *writer) moveReserved() error {
	if err := w.putTotal(share{}); err != nil {
		return err
	}
	if err := w.loadReserved(); err != nil {
		return err
	}
	rows, err := w.c.query("SELECT " + accountsTable.columns() + " FROM accounts")
	if err != nil {
		return err
	}
	var lost share
	for _, row := range rows {
		values, bad := accountsTable.check(w.key, row)
		if bad != nil {
			continue // it is reported when it is read
		}
		a, err := decodeAccount(values)
		had := share{a.Reserved, a.Open}
		if err != nil || had == (share{}) {
			continue
		}
		lost = lost.most(had.over(w.reserved.by[accountName{a.Scope, a.Key}]))
		a.Reserved, a.Open = journal.Amount{}, 0
		if err := w.putAccount(a); err != nil {
			return err
		}
	}
	total := w.reserved.by[accountName{}].plus(lost)
	w.reserved = reservedSums{}
	return w.putTotal(total)
}
