package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// charging is a promise of a user of its own that charges a number, which many call, and the site.
func charging(id, number string, most int64) fleet.Promise {
	p := promiseOf(id, id)
	p.Amount = journal.Amount{Calls: 1}
	limits := []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: most}}}
	p.Charges = []journal.Charge{{Scope: "user", Key: id}, {Scope: "number", Key: number},
		{Scope: "site", Limits: limits}}
	return p
}

// TestPeerRecalled: nodes rely on what they remember of accounts, which others change meanwhile. No ceiling is passed,
// what is reserved is what was promised, and nothing of a promise stays that was not made.
func TestPeerRecalled(t *testing.T) {
	const most, each = 60, 12
	w := newTown(t)
	nodes := []*Authority{w.member("lyon-1"), w.member("lyon-2")}
	var promised, refused atomic.Int64
	var all sync.WaitGroup
	for worker := range 8 {
		a := nodes[worker%2]
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("w%d-%d", worker, i)
				err := a.Promise(context.Background(), charging(id, fmt.Sprint(i%3), most))
				switch {
				case err == nil:
					promised.Add(1)
				case errors.Is(err, journal.ErrCeiling):
					refused.Add(1)
				default:
					t.Errorf("%s: %v", id, err)
				}
			}
		})
	}
	all.Wait()
	if promised.Load() != most || refused.Load() != 8*each-most {
		t.Errorf("%d promises and %d refused, want %d and %d", promised.Load(), refused.Load(), most, 8*each-most)
	}
	sums := map[string]journal.Account{}
	accounts, err := nodes[0].Accounts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		sum := sums[a.Scope]
		sum.Reserved, sum.Open = sum.Reserved.Plus(a.Reserved), sum.Open+a.Open
		sums[a.Scope] = sum
	}
	for _, scope := range []string{"user", "number", "site"} {
		if got := sums[scope]; got.Open != most || got.Reserved != (journal.Amount{Calls: most}) {
			t.Errorf("%s: %d are open, %+v is reserved; want %d", scope, got.Open, got.Reserved, most)
		}
	}
}

// TestPeerRecalledRows: a node remembers rows that another one has changed, or that are gone. The promise is made all
// the same, with the rows as they are; a user who has one pending gets no second one, and its accounts stay.
func TestPeerRecalledRows(t *testing.T) {
	ctx := t.Context()
	w := newTown(t)
	a, b := w.member("lyon-1"), w.member("lyon-2")
	number := func(want int64) {
		t.Helper()
		all, err := a.Accounts(ctx, "number")
		if err != nil || len(all) != 1 || all[0].Open != want || all[0].Reserved.Calls != want {
			t.Errorf("the account of the number: %+v, %v; want %d", all, err, want)
		}
	}
	for i, node := range []*Authority{a, a, b, a, b, b} {
		if err := node.Promise(ctx, charging(fmt.Sprint("c", i), "1", 1000)); err != nil {
			t.Fatal(err)
		}
		number(int64(i + 1))
	}
	again := charging("other", "1", 1000)
	again.User, again.Charges[0].Key = "c0", "c0"
	if err := a.Promise(ctx, again); !errors.Is(err, journal.ErrPending) {
		t.Errorf("a second callback of a user: %v", err)
	}
	number(6)
	w.sql(`DELETE FROM ringback.accounts WHERE scope = 'number'`)
	if err := b.Promise(ctx, charging("after", "1", 1000)); err != nil {
		t.Errorf("a promise with an account that is gone: %v", err)
	}
	number(1)
}
