package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

var (
	// What is reserved and open is 0 since schema 21.
	accountsTable = &table{"accounts", 2, strings.Fields(`scope key reserved_calls reserved_time reserved_money
		hour hour_calls hour_time hour_money day day_calls day_time day_money
		month month_calls month_time month_money
		reserved_failures hour_failures day_failures month_failures open`), 5}
	reservationsTable = &table{"reservations", 1, strings.Fields(`callback accounts calls time money created failures`), 1}

	setAccount     = replace(accountsTable)
	putReservation = insert(reservationsTable)
)

func accountValues(a journal.Account) []any {
	out := make([]any, 0, len(accountsTable.cols))
	out = appendAmount(append(out, a.Scope, a.Key), a.Reserved)
	for _, w := range a.Windows {
		out = appendAmount(append(out, nanos(w.Begin)), w.Used)
	}
	out = append(out, a.Reserved.Failures)
	for _, w := range a.Windows {
		out = append(out, w.Used.Failures)
	}
	return append(out, a.Open)
}

// appendAmount appends the values of an amount except its Failures, which have a column added later.
func appendAmount(values []any, a journal.Amount) []any {
	return append(values, a.Calls, int64(a.Time), a.Money)
}

func (c *cols) amount() journal.Amount {
	return journal.Amount{Calls: c.i64(), Time: c.dur(), Money: c.i64()}
}

func decodeAccount(values []any) (journal.Account, error) {
	v := &cols{values: values}
	a := journal.Account{Scope: v.str(), Key: v.str(), Reserved: v.amount()}
	for i := range a.Windows {
		a.Windows[i] = journal.Window{Begin: v.time(), Used: v.amount()}
	}
	a.Reserved.Failures = v.i64()
	for i := range a.Windows {
		a.Windows[i].Used.Failures = v.i64()
	}
	a.Open = v.i64()
	return a, v.end()
}

func reservationValues(r journal.Reservation) []any {
	var accounts []byte
	for _, a := range r.Accounts { // not JSON: names may have any octets
		accounts = append(strconv.AppendQuote(accounts, a.Scope), ' ')
		accounts = append(strconv.AppendQuote(accounts, a.Key), ' ')
	}
	return append(appendAmount([]any{r.Callback, string(accounts)}, r.Amount), nanos(r.Created), r.Failures)
}

func decodeReservation(values []any) (journal.Reservation, error) {
	v := &cols{values: values}
	r := journal.Reservation{Callback: v.str()}
	for text := v.str(); text != "" && v.err == nil; {
		r.Accounts = append(r.Accounts, journal.Charge{Scope: v.quoted(&text), Key: v.quoted(&text)})
	}
	r.Amount, r.Created = v.amount(), v.time()
	r.Failures = v.i64()
	return r, v.end()
}

// quoted removes the first quoted text and the space after it.
func (c *cols) quoted(text *string) string {
	q, err := strconv.QuotedPrefix(*text)
	rest, ok := strings.CutPrefix((*text)[len(q):], " ")
	s, err2 := strconv.Unquote(q)
	if err != nil || err2 != nil || !ok || strconv.Quote(s) != q {
		c.fail("%.40q is not a list of accounts", *text)
	}
	*text = rest
	return s
}

// windows returns the present windows: those of now, or later ones that the ledger has seen. When a month begins, it
// removes the accounts that nothing has used since.
func (w *writer) windows(now time.Time) (latest [3]time.Time, err error) {
	clock, err := w.account("", "")
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		return latest, err
	}
	before := clock
	clock.Enter(journal.WindowsAt(now))
	latest = clock.Begins()
	if clock == before {
		return latest, nil
	}
	if err = w.putAccount(clock); err != nil {
		return latest, err
	}
	if month := latest[2]; month.After(before.Windows[2].Begin) {
		w.accounts.drop()
		_, err = w.c.exec("DELETE FROM accounts WHERE month < ? AND scope <> ''", nanos(month))
	}
	return latest, err
}

// present returns an account, existing or new, in the present windows.
func (w *writer) present(c journal.Charge, windows [3]time.Time) (journal.Account, error) {
	a, err := w.account(c.Scope, c.Key)
	if errors.Is(err, journal.ErrNotFound) {
		a, err = journal.Account{Scope: c.Scope, Key: c.Key}, nil
	}
	a.Enter(windows)
	return a, err
}

func (w *writer) reserveAmount(m journal.Reserve) error {
	if m.Negative() {
		return about("reservation of callback", m.Callback, fmt.Errorf("%+v is negative", m.Amount))
	}
	return about("reservation of callback", m.Callback, w.reserveIn(m))
}

func (w *writer) reserveIn(m journal.Reserve) error {
	windows, err := w.windows(m.Time)
	if err == nil {
		err = w.loadReserved()
	}
	if err != nil {
		return err
	}
	one := share{m.Amount, 1}
	w.reserved.change(accountName{}, one)
	for _, c := range m.Charges {
		a, err := w.present(c, windows)
		if err != nil {
			return err
		}
		n := accountName{c.Scope, c.Key}
		h := w.reserved.by[n].plus(w.reserved.lost)
		a.Reserved, a.Open = h.Amount, h.open
		if err := a.Reservable(c, m.Amount); err != nil {
			return err
		}
		w.reserved.change(n, one)
	}
	_, err = w.put(reservationsTable, putReservation, reservationValues(journal.Reservation{
		Callback: m.Callback, Accounts: m.Charges, Amount: m.Amount, Created: m.Time}))
	return err
}

// settle leaves rows that do not verify as they are: the end of a callback must not depend on them, and no promise is
// made with a damaged account.
func (w *writer) settle(m journal.Settle) error {
	r, err := get(w, reservationsTable, decodeReservation, m.Callback)
	switch {
	case errors.Is(err, journal.ErrNotFound), errors.Is(err, journal.ErrDamaged):
		return nil
	case err != nil:
		return about("settlement of callback", m.Callback, err)
	}
	return about("settlement of callback", m.Callback, w.settleIn(r, m))
}

func (w *writer) settleIn(r journal.Reservation, m journal.Settle) error {
	err := w.loadReserved()
	switch {
	case err == nil:
		for _, n := range namesOf(r.Accounts) {
			w.reserved.change(n, share{}.minus(share{r.Amount, 1}))
		}
	case !errors.Is(err, journal.ErrDamaged):
		return err
	}
	windows, err := w.windows(m.Time)
	for _, c := range r.Accounts {
		if err != nil && !errors.Is(err, journal.ErrDamaged) {
			return err
		}
		var a journal.Account
		if a, err = w.present(c, windows); err == nil {
			for i := range a.Windows {
				a.Windows[i].Used = a.Windows[i].Used.Plus(r.UsedIn(c, m))
			}
			err = w.putAccount(a)
		}
	}
	if err == nil || errors.Is(err, journal.ErrDamaged) {
		_, err = w.c.exec("DELETE FROM reservations WHERE callback = ?", r.Callback)
	}
	return err
}

// Reservations returns the open reservations, oldest first, and the rows that do not verify.
func (r *Reader) Reservations(ctx context.Context) ([]journal.Reservation, []journal.Damage, error) {
	return list(ctx, r, reservationsTable, decodeReservation, "ORDER BY created, callback")
}
