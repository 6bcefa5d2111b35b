package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// onWriter calls a function on the writer's goroutine, in its transaction.
type onWriter struct {
	journal.Mutation
	do func(*writer) error
}

func (m onWriter) apply(w *writer) error { return m.do(w) }

// sameAccounts compares what the writer knows of accounts and reservations with their tables, whose rows must verify.
// It returns how many rows of accounts the cache has.
func sameAccounts(t testing.TB, j *Journal) (n int) {
	t.Helper()
	commit(t, j, onWriter{do: func(w *writer) error {
		n = len(w.accounts.rows)
		for name, values := range w.accounts.rows {
			rows, err := w.c.query("SELECT "+accountsTable.columns()+" FROM accounts WHERE scope = ? AND key = ?",
				name.scope, name.key)
			if values == nil && err == nil && len(rows) == 0 {
				continue
			}
			if err != nil || len(rows) != 1 {
				t.Errorf("%v is in the cache, and its rows are %v, %v", name, rows, err)
				continue
			}
			if row, d := accountsTable.check(w.key, rows[0]); d != nil || !reflect.DeepEqual(row, values) {
				t.Errorf("the cache has %v, the table %v (%v)", values, row, d)
			}
		}
		by, total := shares{}, share{}
		for _, r := range rows(j.Reservations(context.Background())) {
			total = total.plus(share{r.Amount, 1})
			for _, c := range r.Accounts {
				n := accountName{c.Scope, c.Key}
				by[n] = by[n].plus(share{r.Amount, 1})
			}
		}
		if by[accountName{}] = total; total == (share{}) {
			delete(by, accountName{})
		}
		if w.reserved.by != nil && !maps.Equal(w.reserved.by, by) {
			t.Errorf("the writer has %v, the table %v", w.reserved.by, by)
		}
		mark, err := w.c.scalar(totalQuery)
		if err != nil {
			return err
		}
		if got, err := w.key.decodeTotal(mark); err != nil || got != total {
			t.Errorf("the total is %+v (%v), not %+v", got, err, total)
		}
		return nil
	}})
	return n
}

// TestRevertedAccounts: what a transaction reserved or settled before it was reverted neither takes nor makes room.
func TestRevertedAccounts(t *testing.T) {
	ctx := context.Background()
	group := func(m ...journal.Mutation) []journal.Mutation { return m }
	two := reserving("x", "u", 2, 0, at(1))
	settled := journal.Settle{Callback: "a", Used: journal.Amount{}, Time: at(1)}
	other := group(reserving("y", "v", 1, 0, at(1)))
	missing := journal.EndCall{ID: "none"}
	disk := refusing{err: errors.New("disk on fire")}
	// A row without its callback: only COMMIT refuses it.
	dangling := onWriter{do: func(w *writer) error {
		if _, err := w.c.query("PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
		_, err := w.put(attemptsTable, putAttemptSQL, attemptValues(attempt("none", 1)))
		return err
	}}
	for name, groups := range map[string][][]journal.Mutation{
		"a group that fails alone":      {group(two, missing)},
		"the same, settled":             {group(settled, missing)},
		"a group that fails first":      {group(two, missing), other},
		"a group that fails last":       {other, group(settled, two, missing)},
		"twice in a group that fails":   {group(settled, reserving("x", "u", 3, 0, at(1)), missing), other},
		"an error of the disk":          {group(two), group(disk)},
		"the same, settled, and others": {group(settled), other, group(disk)},
		"a commit that fails":           {group(two), group(settled), group(dangling)},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, newPath(t))
			commit(t, j, reserving("a", "u", 1, 0, at(0)))
			failed := false
			for _, err := range j.CommitEach(ctx, groups...) {
				failed = failed || err != nil
			}
			if !failed {
				t.Fatal("no group fails")
			}
			sameAccounts(t, j)
			if err := j.Commit(ctx, reserving("b", "u", 3, 0, at(2))); !errors.Is(err, journal.ErrCeiling) {
				t.Errorf("4 calls of 3: %v", err)
			}
			if err := j.Commit(ctx, reserving("b", "u", 2, 0, at(2))); err != nil {
				t.Errorf("3 calls of 3: %v", err)
			}
			if a := accountOf(t, j, "user", "u"); a.Reserved.Calls != 3 || a.Open != 2 {
				t.Errorf("%+v", a)
			}
			reserved := int64(0)
			for _, r := range rows(j.Reservations(ctx)) {
				reserved += r.Calls
			}
			if a := accountOf(t, j, "site", ""); a.Reserved.Calls != reserved {
				t.Errorf("%+v beside reservations of %d calls", a, reserved)
			}
			sameAccounts(t, j)
		})
	}
}

// TestAccountsOfAnotherProgram: a row that another program changes while the journal is open is not trusted for the
// next promise, although the writer knows what it was, and is not replaced by a sound one.
func TestAccountsOfAnotherProgram(t *testing.T) {
	ctx := context.Background()
	for name, damage := range map[string]string{
		"the user":  "UPDATE accounts SET hour_calls = 7 WHERE scope = 'user'",
		"the site":  "UPDATE accounts SET day_calls = -5 WHERE scope = 'site'",
		"the clock": "UPDATE accounts SET hour = 1 WHERE scope = ''",
		"the total": "UPDATE marks SET hash = zeroblob(72) WHERE name = 'reserved'",
		"a sum":     "UPDATE accounts SET sum = x'00'",
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			commit(t, j, reserving("0", "u", 1, 0, at(0)), journal.Settle{Callback: "0", Time: at(0)})
			commit(t, j, journal.PutCallback{Callback: callback("a", "u")}, reserving("a", "u", 1, 0, at(0)))
			if n := sameAccounts(t, j); n != 3 {
				t.Fatalf("the cache has %d rows", n)
			}
			edit(t, path, damage)
			commit(t, j, journal.SetAside{Time: at(1)}) // takes only rows of other tables out of use
			for range 2 {
				if err := j.Commit(ctx, reserving("b", "u", 1, 0, at(2))); !errors.Is(err, journal.ErrDamaged) {
					t.Errorf("a promise: %v", err)
				}
			}
			commit(t, j, journal.PutCallback{Callback: ended(callback("a", "u"), "completed")},
				journal.Settle{Callback: "a", Used: journal.Amount{Calls: 1}, Time: at(3)})
			if err := j.Commit(ctx, reserving("c", "u", 1, 0, at(4))); !errors.Is(err, journal.ErrDamaged) {
				t.Errorf("a promise after the end: %v", err)
			}
			if _, bad, err := j.Accounts(ctx); err != nil || len(bad) == 0 {
				t.Errorf("no row is damaged any more, %v", err)
			}
		})
	}
}

// TestCachedAccountsOfAnOldMonth: rows that are removed at the beginning of a month are gone from the cache too.
func TestCachedAccountsOfAnOldMonth(t *testing.T) {
	j := open(t, newPath(t))
	commit(t, j, reserving("a", "old", 3, 0, at(0)), reserving("b", "open", 1, 0, at(0)),
		journal.Settle{Callback: "a", Worst: true, Time: at(1)})
	later := at(0).AddDate(0, 1, 0)
	commit(t, j, reserving("c", "new", 1, 0, later))
	if n := sameAccounts(t, j); n == 0 {
		t.Error("the cache is empty")
	}
	commit(t, j, reserving("d", "old", 3, 0, later))
	sameAccounts(t, j)
	if a := accountOf(t, j, "user", "old"); a.Reserved.Calls != 3 || a.Windows[2].Used.Calls != 0 || a.Open != 1 {
		t.Errorf("%+v", a)
	}
	if a := accountOf(t, j, "site", ""); a.Reserved.Calls != 5 {
		t.Errorf("%+v", a)
	}
}

// TestAccountCacheIsBounded: more users than it holds, in few transactions.
func TestAccountCacheIsBounded(t *testing.T) {
	j := open(t, newPath(t))
	const users = 2*maxAccounts + 50
	var groups [][]journal.Mutation
	for i := range users {
		user := fmt.Sprint("u", i)
		groups = append(groups, []journal.Mutation{journal.Reserve{Callback: user, Amount: journal.Amount{Calls: 1},
			Charges: []journal.Charge{{Scope: "user", Key: user}, {Scope: "site"}}, Time: at(0)}})
	}
	for _, err := range j.CommitEach(context.Background(), groups...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := sameAccounts(t, j); n == 0 || n > maxAccounts {
		t.Errorf("the cache has %d accounts", n)
	}
	if a := accountOf(t, j, "site", ""); a.Reserved.Calls != users {
		t.Errorf("%+v", a)
	}
}

// TestAccountsOfABackup: a backup of a running journal has its accounts, and a restored journal counts with those of
// the backup.
func TestAccountsOfABackup(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	commit(t, j, reserving("a", "u", 1, 0, at(0)))
	backup := filepath.Join(t.TempDir(), "backup")
	if err := Backup(ctx, path, backup); err != nil {
		t.Fatal(err)
	}
	commit(t, j, reserving("b", "u", 2, 0, at(1)))
	if n := sameAccounts(t, j); n != 3 {
		t.Errorf("the cache has %d accounts", n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(ctx, path, backup, "uid 7", true); err != nil {
		t.Fatal(err)
	}
	j = open(t, path)
	if err := j.Commit(ctx, reserving("c", "u", 3, 0, at(2))); !errors.Is(err, journal.ErrCeiling) {
		t.Errorf("4 calls of 3: %v", err)
	}
	commit(t, j, reserving("c", "u", 2, 0, at(2)))
	sameAccounts(t, j)
}
