package postgres

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// TestPeerSettledRows: the node that ends a callback remembers its accounts as they were. Others have changed them, or
// they are gone or damaged: what was used is booked once, in those that are there, and the callback ends all the same.
func TestPeerSettledRows(t *testing.T) {
	for _, test := range []struct {
		name    string
		between string // what happens before the end
		other   bool   // another node promises and charges the same number before the end
		open    int64  // of the number afterwards
		used    int64
	}{
		{name: "as remembered", used: 1},
		{name: "changed by another node", other: true, open: 1, used: 1},
		{name: "the first row is gone", between: `DELETE FROM ringback.accounts WHERE scope = 'number'`},
		{name: "a later row is gone", between: `DELETE FROM ringback.accounts WHERE scope = 'user'`, used: 1},
		{name: "damaged", between: `UPDATE ringback.accounts SET mac = 'x' WHERE scope = 'user'`, used: 1},
	} {
		for _, taken := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, taken %v", test.name, taken), func(t *testing.T) {
				w := newTown(t)
				must := func(err error) {
					t.Helper()
					if err != nil {
						t.Fatal(err)
					}
				}
				home, holder := w.member("lyon-1"), w.member("lyon-2")
				p := charging("c1", "1", 1000)
				p.Charges = p.Charges[:2]
				must(home.Promise(t.Context(), p))
				row := p.Row
				row.Epoch, row.Home, row.Holder, row.Offered = 1, "lyon-1", "lyon-1", true
				if taken {
					must(home.Offer(t.Context(), row))
					w.waits(holder, "c1")
					var err error
					row, err = holder.Take(t.Context(), row)
					must(err)
					if n := len(holder.recall.rows); n != 2 {
						t.Errorf("the node that took it knows %d accounts, want 2", n)
					}
				} else {
					holder = home
				}
				if test.other {
					q := charging("c2", "1", 1000)
					q.Charges = q.Charges[:2]
					must(w.member("lyon-3").Promise(t.Context(), q))
				}
				if test.between != "" {
					w.sql(test.between)
				}
				now := time.Now()
				end := fleet.End{Claim: row.Claim(), Time: now, Outcome: "completed", Trace: "[]",
					Settle: &journal.Settle{Callback: "c1", Used: journal.Amount{Calls: 1}, Time: now}}
				must(holder.End(t.Context(), end))
				must(holder.End(t.Context(), end)) // its answer was lost
				if got := w.d.SQL(t, "SELECT outcome, settled FROM ringback.callbacks WHERE id = 'c1'"); got !=
					"completed|t" {
					t.Errorf("the callback: %s", got)
				}
				w.checkNumber(home, test.open, test.used)
			})
		}
	}
}

// TestPeerSettledByTheHolder: a node whose callback was taken ends it with what it remembers, in which the accounts are
// right. It is fenced, and what it has written of the accounts is put back: the holder's end books, once.
func TestPeerSettledByTheHolder(t *testing.T) {
	w := newTown(t)
	home, other := w.member("lyon-1"), w.member("lyon-2")
	p := charging("c1", "1", 1000)
	p.Charges = p.Charges[:2]
	err := home.Promise(t.Context(), p)
	row := p.Row
	row.Epoch, row.Home, row.Holder, row.Offered = 1, "lyon-1", "lyon-1", true
	if err == nil {
		err = home.Offer(t.Context(), row)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.waits(other, "c1")
	remembered, _ := home.known.get("c1")
	taken, err := other.Take(t.Context(), row)
	if err != nil {
		t.Fatal(err)
	}
	home.known.mu.Lock()
	home.known.seen["c1"] = remembered // it has not heard of the claim
	home.known.mu.Unlock()
	if err := home.End(t.Context(), endOf(row, "expired")); !errors.Is(err, fleet.ErrFenced) {
		t.Errorf("the end of the node before: %v", err)
	}
	w.checkNumber(other, 1, 0)
	end := endOf(taken, "completed")
	end.Settle.Used = journal.Amount{Calls: 1}
	if err := other.End(t.Context(), end); err != nil {
		t.Error(err)
	}
	w.checkNumber(other, 0, 1)
}

// checkNumber checks the account of the only number.
func (t *town) checkNumber(a *Authority, open, used int64) {
	t.Helper()
	all, err := a.Accounts(context.Background(), "number")
	if err != nil {
		t.Fatal(err)
	}
	var got journal.Account
	if len(all) > 0 {
		got = all[0]
	}
	for _, window := range got.Windows {
		if window.Used.Calls != used {
			t.Errorf("used %+v, want %d calls", window.Used, used)
		}
	}
	if got.Open != open || got.Reserved.Calls != open || len(all) == 0 && used > 0 {
		t.Errorf("open %d, reserved %+v, %d accounts; want %d and %d used", got.Open, got.Reserved, len(all), open,
			used)
	}
}
