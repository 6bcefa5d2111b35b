package postgres

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestPeerPruneAccounts: accounts that nothing has used for two months are removed, whatever this node's clock says,
// but not those with a reservation, and not those that do not verify.
func TestPeerPruneAccounts(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a := w.member("lyon-1")
	now := time.Now()
	for i, tt := range []struct {
		key  string
		age  time.Duration
		open bool
	}{{"old", 200 * 24 * time.Hour, false}, {"forged", 200 * 24 * time.Hour, false}, {"new", 0, false},
		{"open", 200 * 24 * time.Hour, true}} {
		p := promiseOf(fmt.Sprint("cb", i), tt.key)
		p.Time = now.Add(-tt.age)
		p.Charges, p.Amount = []journal.Charge{{Scope: "user", Key: tt.key}}, journal.Amount{Calls: 1}
		if err := a.Promise(ctx, p); err != nil {
			t.Fatal(err)
		}
		if tt.open {
			continue
		}
		row, _, _, err := a.Callback(ctx, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		end := endOf(row, "completed")
		end.Settle.Used, end.Settle.Time = journal.Amount{Calls: 1}, p.Time
		if err := a.End(ctx, end); err != nil {
			t.Fatal(err)
		}
	}
	w.sql(`UPDATE ringback.accounts SET body = body || 'x' WHERE key = 'forged'`)
	if err := a.pruneAccounts(ctx, now.Add(500*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := w.d.SQL(t, `SELECT string_agg(convert_from(key, 'UTF8'), ' ' ORDER BY key) FROM ringback.accounts`); got !=
		"forged new open" {
		t.Errorf("left are %s", got)
	}
}
