package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/broker/journal"
)

// sql changes rows as somebody does who can write to the database.
func (t *town) sql(text string, args ...any) {
	t.Helper()
	if _, err := t.d.Connect(t, pgtest.User).Exec(context.Background(), text, args...); err != nil {
		t.Fatal(err)
	}
}

// alarmed is an Option that collects the alarms.
type alarmed struct {
	mu    sync.Mutex
	texts []string
}

func (a *alarmed) option(o *Options) {
	o.Alarm = func(text string) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.texts = append(a.texts, text)
	}
}

func (a *alarmed) count(text string) (n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.texts {
		if strings.Contains(t, text) {
			n++
		}
	}
	return n
}

// TestPeerForgedRows: a row that somebody has changed is never taken, looked at, dialed or ended, whatever was changed,
// by its holder or by another node. It is counted, and told once. The next row is not affected.
func TestPeerForgedRows(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	alarms := &alarmed{}
	holder, other := w.member("lyon-1"), w.member("lyon-2", alarms.option)
	within(t, "what the one writes is vouched for to the other", func() bool { return len(other.rolls()) > 0 })
	changes := []string{"", // a row that stays as it is, for those that copy from it
		`entry = 'x'`, `username = 'x'`, `home = 'lyon-9'`, `holder = 'lyon-9'`, `max = 99`, `created = created + 1`,
		`format = 0`, `epoch = epoch + 1`, `attempts = attempts + 1`, `reservation = 'x'`, `outcome = 'x'`, `cause = 'x'`,
		`settled = true`, `roll = roll + 1`, `body = body || 'x'`,
		`body = repeat('x', 10000000)::bytea`, `cause = repeat('x', 100000)::bytea`,
		`outcome = repeat('x', 100000)`, `sum = ''`, `mac = sum`, `mac = repeat('m', 1000000)::bytea`,
		`mac = (SELECT mac FROM ringback.callbacks c WHERE c.id <> callbacks.id LIMIT 1)`,
		`(body, sum, mac) = (SELECT body, sum, mac FROM ringback.callbacks c WHERE c.id <> callbacks.id LIMIT 1)`,
	}
	for i, change := range changes {
		id := fmt.Sprint("cb", i)
		p := promiseOf(id, fmt.Sprint("user", i))
		if err := holder.Promise(ctx, p); err != nil {
			t.Fatal(err)
		}
		row, _, _, err := holder.Callback(ctx, id)
		if err == nil {
			err = holder.Offer(ctx, row)
		}
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		w.sql(`UPDATE ringback.callbacks SET ` + change + ` WHERE id = '` + id + `'`)
		all, err := other.Waiting(ctx, []int{7}, nil, 100)
		if err != nil || slices.ContainsFunc(all, func(r fleet.Row) bool { return r.ID == id }) {
			t.Errorf("%s: it may be taken (%v)", change, err)
		}
		row.Offered = true
		if _, err := other.Take(ctx, row); !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: taken: %v", change, err)
		}
		if err := other.Look(ctx, row.Claim(), 0); !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: looked at: %v", change, err)
		}
		if _, _, err := other.Cancel(ctx, id, "ann", ""); !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: cancelled: %v", change, err)
		}
		err = other.Attempt(ctx, fleet.Claim{ID: id, Epoch: 2}, attemptOf(id, 1))
		if !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: dialed: %v", change, err)
		}
		if alarms.count(id+" ") != 1 {
			t.Errorf("%s: told %d times", change, alarms.count(id+" "))
		}
	}
	if n := other.Status().Forged; n != uint64(len(changes)-1) {
		t.Errorf("%d rows were counted", n)
	}
	var all []fleet.Row
	var err error
	for deadline := time.Now().Add(time.Minute); len(all) == 0 && time.Now().Before(deadline); {
		if all, err = other.Waiting(ctx, []int{7}, nil, 1); err != nil {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	if err != nil || len(all) != 1 || all[0].ID != "cb0" {
		t.Errorf("behind them waits %+v, %v", all, err)
	}
}

// TestPeerHolderChecks: the holder itself is not fooled by columns that were changed under a signature that is right.
func TestPeerHolderChecks(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a := w.member("lyon-1")
	for i, change := range []string{`attempts = attempts + 1`, `open = 1`, `offered = true`, `epoch = 2`, `sum = ''`,
		`settled = true`, `ended = 1`} {
		p := promiseOf(fmt.Sprint("cb", i), fmt.Sprint("user", i))
		if err := a.Promise(ctx, p); err != nil {
			t.Fatal(err)
		}
		w.sql(`UPDATE ringback.callbacks SET ` + change + ` WHERE id = '` + p.ID + `'`)
		claim := fleet.Claim{ID: p.ID, Epoch: 1}
		if err := a.Attempt(ctx, claim, attemptOf(p.ID, 1)); !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: %v", change, err)
		}
	}
}

// TestPeerReplayedRows: a row with good signatures that is older than a node has seen it is not acted on.
func TestPeerReplayedRows(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a, b := w.member("lyon-1"), w.member("lyon-2")
	p := promiseOf("cb", "kim")
	if err := a.Promise(ctx, p); err != nil {
		t.Fatal(err)
	}
	row, _, _, err := a.Callback(ctx, p.ID)
	if err == nil {
		err = a.Offer(ctx, row)
	}
	if err != nil {
		t.Fatal(err)
	}
	w.sql(`CREATE TABLE old AS SELECT * FROM ringback.callbacks`)
	offered, _, _, err := b.Callback(ctx, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	taken := offered
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(10 * time.Millisecond) {
		if taken, err = b.Take(ctx, offered); err == nil {
			break
		}
	}
	if err == nil {
		err = b.Attempt(ctx, taken.Claim(), attemptOf(p.ID, 1))
	}
	if err == nil {
		err = b.End(ctx, endOf(taken, "completed"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := a.Callback(ctx, p.ID); err != nil {
		t.Fatal(err)
	}
	w.sql(`DELETE FROM ringback.callbacks`)
	w.sql(`INSERT INTO ringback.callbacks SELECT * FROM old`)
	for name, err := range map[string]error{
		"the holder of then attempts": a.Attempt(ctx, row.Claim(), attemptOf(p.ID, 1)),
		"the last holder attempts":    b.Attempt(ctx, taken.Claim(), attemptOf(p.ID, 2)),
		"the last holder looks":       b.Look(ctx, taken.Claim(), 1),
	} {
		if !errors.Is(err, fleet.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := b.Waiting(ctx, []int{7}, nil, 10); err != nil || len(all) != 0 {
		t.Errorf("it may be taken again: %+v, %v", all, err)
	}
}

// TestPeerDamagedAccounts: an account that somebody has changed refuses the promises that charge it, and no others. A
// callback that charges it ends.
func TestPeerDamagedAccounts(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a := w.member("lyon-1")
	charging := func(id string, scope string) fleet.Promise {
		p := promiseOf(id, id)
		p.Charges, p.Amount = []journal.Charge{{Scope: scope, Key: "k"}, {Scope: "number", Key: "33"}},
			journal.Amount{Calls: 1}
		return p
	}
	for _, scope := range []string{"user", "group"} {
		if err := a.Promise(ctx, charging("1"+scope, scope)); err != nil {
			t.Fatal(err)
		}
		w.sql(`UPDATE ringback.accounts SET body = body || 'x' WHERE scope = $1`, scope)
		if err := a.Promise(ctx, charging("2"+scope, scope)); !errors.Is(err, fleet.ErrForged) {
			t.Errorf("a promise that charges a changed account of a %s: %v", scope, err)
		}
		row, _, _, err := a.Callback(ctx, "1"+scope)
		if err != nil {
			t.Fatal(err)
		}
		end := endOf(row, "completed")
		end.Settle.Used = journal.Amount{Calls: 1}
		if err := a.End(ctx, end); err != nil {
			t.Errorf("an end: %v", err)
		}
	}
	p := promiseOf("3", "3")
	p.Charges, p.Amount = []journal.Charge{{Scope: "number", Key: "33"}}, journal.Amount{Calls: 1}
	if err := a.Promise(ctx, p); err != nil {
		t.Errorf("a promise beside them: %v", err)
	}
	all, err := a.Accounts(ctx)
	if err != nil || len(all) != 1 || all[0].Key != "33" || all[0].Reserved.Calls != 1 || all[0].Open != 1 {
		t.Errorf("the accounts are %+v, %v", all, err)
	}
}

// TestPeerForgedClaims: rows that somebody has inserted are no claims of the node that they name.
func TestPeerForgedClaims(t *testing.T) {
	w := newTown(t)
	a := w.member("lyon-1")
	if err := a.Promise(context.Background(), promiseOf("cb", "kim")); err != nil {
		t.Fatal(err)
	}
	w.sql(`INSERT INTO ringback.callbacks SELECT (jsonb_populate_record(c, jsonb_build_object('id', 'forged' || n,
		'folded', '\\x' || encode(('u' || n)::bytea, 'hex')))).* FROM ringback.callbacks c, generate_series(1, 300) n`)
	nodes, err := a.Nodes(context.Background())
	if err != nil || len(nodes) != 1 || nodes[0].Claims != 1 {
		t.Errorf("%+v, %v", nodes, err)
	}
}

// TestPeerUnknownAttempt: an attempt whose outcome was not known may be asked for again, and is granted once, by the
// same process.
func TestPeerUnknownAttempt(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a := w.member("lyon-1")
	for i, name := range []string{"recorded", "not recorded"} {
		p := promiseOf(fmt.Sprint("cb", i), fmt.Sprint("user", i))
		if err := a.Promise(ctx, p); err != nil {
			t.Fatal(err)
		}
		claim := fleet.Claim{ID: p.ID, Epoch: 1}
		before, _ := a.known.get(p.ID)
		if name == "recorded" {
			if err := a.Attempt(ctx, claim, attemptOf(p.ID, 1)); err != nil {
				t.Fatal(err)
			}
			a.known.mu.Lock()
			a.known.seen[p.ID] = before // as after an answer that was lost
			a.known.mu.Unlock()
		}
		if err := a.Attempt(ctx, claim, attemptOf(p.ID, 1)); err != nil {
			t.Errorf("%s: asked again: %v", name, err)
		}
		if err := a.Attempt(ctx, claim, attemptOf(p.ID, 1)); !errors.Is(err, fleet.ErrSpent) {
			t.Errorf("%s: a third time: %v", name, err)
		}
	}
}

// TestPeerLatePromise: a promise that arrives after it was withdrawn is not recorded.
func TestPeerLatePromise(t *testing.T) {
	ctx := context.Background()
	w := newTown(t)
	a := w.member("lyon-1")
	p := promiseOf("cb", "kim")
	if err := a.Withdraw(ctx, p.ID, "its outcome was not known"); err != nil {
		t.Fatal(err)
	}
	if err := a.Promise(ctx, p); err == nil {
		t.Error("it is promised")
	}
	if _, _, _, err := a.Callback(ctx, p.ID); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("operators see it: %v", err)
	}
	if rows, err := a.Callbacks(ctx, 10, fleet.Filter{}); err != nil || len(rows) != 0 {
		t.Errorf("operators see %+v, %v", rows, err)
	}
	if err := a.Promise(ctx, promiseOf("next", "kim")); err != nil {
		t.Errorf("the next promise of its user: %v", err)
	}
}
