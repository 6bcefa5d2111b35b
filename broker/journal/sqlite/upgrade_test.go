package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// oldMarks returns the statement that makes the marks those of a schema without a seal.
func oldMarks(t *testing.T, path string) string {
	t.Helper()
	key, err := readKey(keyPath(path))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("UPDATE marks SET hash = x'%x' WHERE name = 'key'; DELETE FROM marks WHERE name = 'seal'",
		key.print(sqlVersion))
}

// dropFleet removes what only a journal of a fleet has.
const dropFleet = "DROP TABLE owed; ALTER TABLE callbacks DROP COLUMN epoch; " +
	"ALTER TABLE callbacks DROP COLUMN home; ALTER TABLE callbacks DROP COLUMN shared"

// older returns a journal of schema 11, in which the JSON of a callback's row repeats phase, attempts, number and more,
// and has no plan.
func older(t *testing.T, change func(*journal.Callback), statements ...string) (path string) {
	t.Helper()
	path = newPath(t)
	j := open(t, path)
	for _, id := range []string{"cb1", "cb2"} {
		c := dialing(callback(id, id), 1)
		c.Cause, c.Plan = "busy", ""
		c.State = `{"id":"` + id +
			`","phase":"dialing","attempt":1,"max":2,"cause":"busy","held":true,"life_gen":18446744073709551615}`
		c.Decision = `{"outcome":"callback","number":"84001","no_verify":true,"callback_line":[66,67],"callback_rotary":7,"digest":"sha256:00","group":"g"}`
		c.PolicyDigest = "sha256:00"
		if id == "cb1" && change != nil {
			change(&c)
		}
		commit(t, j, journal.PutCallback{Callback: c}, journal.PutAttempt{Attempt: attempt(id, 1)})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, append(statements, oldMarks(t, path),
		"ALTER TABLE callbacks DROP COLUMN plan", "ALTER TABLE attempts DROP COLUMN step",
		"DROP TABLE accounts", "DROP TABLE reservations", "DROP TABLE lockdown", "DROP TABLE access_windows",
		"DROP TABLE line_records", "DROP TABLE dialed_numbers",
		"DROP TABLE triggered", dropFleet, "ALTER TABLE audit DROP COLUMN digest",
		"DELETE FROM goose_db_version WHERE version_id > 11", "PRAGMA user_version = 11")...)
	return path
}

// TestUpgrade: afterwards the JSON of a callback's row repeats no columns, the row verifies, and nothing else has
// changed.
func TestUpgrade(t *testing.T) {
	j := open(t, older(t, nil))
	for _, c := range rows(j.Pending(context.Background())) {
		if c.State != `{"held":true,"life_gen":18446744073709551615}` ||
			c.Decision != `{"group":"g","outcome":"callback"}` {
			t.Errorf("%s: state %s, decision %s", c.ID, c.State, c.Decision)
		}
		if c.Phase != "dialing" || c.Attempts != 1 || c.Max != 2 || c.Cause != "busy" || c.Number != "84001" ||
			!c.NoVerify || len(c.Lines) != 2 || *c.Rotary != 7 {
			t.Errorf("%+v", c)
		}
	}
	if c, a, err := j.Callback(context.Background(), "cb1"); err != nil || c.Plan != "" || len(a) != 1 ||
		a[0].Step != 0 || a[0].Number != "84001" {
		t.Errorf("%+v %+v, %v", c, a, err)
	}
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) > 0 || len(j.Warnings()) > 0 {
		t.Errorf("%v %v %v", bad, err, j.Warnings())
	}
}

// TestLedgerIsAdded: a journal of the last schema without a ledger gets one. Its seal is not written again: the upgrade
// must not sign what another program may have replaced.
func TestLedgerIsAdded(t *testing.T) {
	path := filled(t)
	edit(t, path, "DROP TABLE accounts", "DROP TABLE reservations", "DROP TABLE lockdown", "DROP TABLE access_windows",
		"DROP TABLE line_records", "DROP TABLE dialed_numbers",
		"DROP TABLE triggered", dropFleet, "ALTER TABLE audit DROP COLUMN digest",
		"DELETE FROM goose_db_version WHERE version_id > 13", "PRAGMA user_version = 15",
		"UPDATE marks SET hash = zeroblob(32) WHERE name = 'seal'")
	j := open(t, path)
	if n := len(rows(j.Accounts(context.Background()))) + len(rows(j.Reservations(context.Background()))); n != 0 {
		t.Errorf("%d rows", n)
	}
	if bad, err := j.VerifyAudit(context.Background()); err != nil || len(bad) == 0 {
		t.Errorf("the upgrade has signed the end of the audit: %v", err)
	}
}

// TestLimitsAreAdded: rows of a ledger without failures still verify, and count none.
func TestLimitsAreAdded(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, reserving("a", "u", 2, 0, at(0)),
		journal.Settle{Callback: "a", Used: journal.Amount{Calls: 2}, Time: at(1)})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	drop := []string{"DELETE FROM goose_db_version WHERE version_id > 16", "PRAGMA user_version = 16",
		"DROP TABLE lockdown", "DROP TABLE access_windows",
		"DROP TABLE line_records", "DROP TABLE dialed_numbers",
		"DROP TABLE triggered", dropFleet, "ALTER TABLE audit DROP COLUMN digest",
		"ALTER TABLE reservations DROP COLUMN failures"}
	for _, c := range accountsTable.cols[len(accountsTable.cols)-accountsTable.late:] {
		drop = append(drop, "ALTER TABLE accounts DROP COLUMN "+c)
	}
	edit(t, path, drop...)
	j = open(t, path)
	want := journal.Amount{Calls: 2}
	if a := accountOf(t, j, "user", "u"); a.Windows[1].Used != want || a.Reserved != (journal.Amount{}) || a.Open != 0 {
		t.Errorf("%+v", a)
	}
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) > 0 {
		t.Errorf("%v, %v", bad, err)
	}
}

// TestLateColumns: a column that a migration added is signed if it has a value, and changes no checksum otherwise.
func TestLateColumns(t *testing.T) {
	plain, planned := callback("c", "u"), callback("c", "u")
	plain.Plan = ""
	first, second := attempt("c", 1), attempt("c", 1)
	second.Step = 1
	for _, tt := range []struct {
		t           *table
		none, other []any
	}{{callbacksTable, callbackValues(plain), callbackValues(planned)},
		{attemptsTable, attemptValues(first), attemptValues(second)}} {
		first := len(tt.t.cols) - tt.t.late
		before := &table{tt.t.name, tt.t.key, tt.t.cols[:first], 0}
		want := before.sum(testKey, tt.none[:first])
		if !bytes.Equal(tt.t.sum(testKey, tt.none), want) {
			t.Errorf("%s: an older row no longer verifies", tt.t.name)
		}
		if bytes.Equal(tt.t.sum(testKey, tt.other), want) {
			t.Errorf("%s: the new column is not signed", tt.t.name)
		}
	}
}

// TestFleetColumns: each of the columns of a fleet is signed, also beside empty ones.
func TestFleetColumns(t *testing.T) {
	sums := map[string]bool{}
	for _, change := range []func(*journal.Callback){func(*journal.Callback) {},
		func(c *journal.Callback) { c.Plan = "p" },
		func(c *journal.Callback) { c.Epoch = 1 }, func(c *journal.Callback) { c.Home = "lyon-2" },
		func(c *journal.Callback) { c.Shared = true }, func(c *journal.Callback) { c.Plan, c.Shared = "p", true }} {
		c := callback("c", "u")
		c.Plan = ""
		change(&c)
		sums[string(callbacksTable.sum(testKey, callbackValues(c)))] = true
	}
	if len(sums) != 6 {
		t.Errorf("%d checksums of 6 rows", len(sums))
	}
}

// TestFleetIsAdded: the rows of the last schema without a fleet verify, belong to their own node, and can be written.
func TestFleetIsAdded(t *testing.T) {
	ctx := context.Background()
	path := filled(t)
	edit(t, path, dropFleet, "DELETE FROM goose_db_version WHERE version_id > 26", "PRAGMA user_version = 26")
	j := open(t, path)
	if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 || len(j.Warnings()) > 0 {
		t.Errorf("%v %v %v", bad, err, j.Warnings())
	}
	pending := rows(j.Pending(ctx))
	if len(pending) == 0 {
		t.Fatal("no callback is left")
	}
	for _, c := range pending {
		if c.Epoch != 0 || c.Home != "" || c.Shared {
			t.Errorf("%+v", c)
		}
		c.Epoch, c.Shared = 1, true
		commit(t, j, journal.PutCallback{Callback: c})
	}
	if owed := rows(j.Owed(ctx)); len(owed) > 0 {
		t.Errorf("%+v", owed)
	}
}

// TestUpgradeDoesNotGuess: if a row contradicts itself, or was forged, nothing is dialed for it; the other callback
// continues.
func TestUpgradeDoesNotGuess(t *testing.T) {
	swap := func(from, to string) func(*journal.Callback) {
		return func(c *journal.Callback) {
			c.State, c.Decision = strings.Replace(c.State, from, to, 1), strings.Replace(c.Decision, from, to, 1)
		}
	}
	for name, tt := range map[string]struct {
		change    func(*journal.Callback)
		statement string
		want      string // in a warning; "": the row is damaged, and was before
	}{
		"attempts": {swap(`"attempt":1`, `"attempt":0`), "", `its state says attempt 0, its column 1`},
		"budget":   {swap(`"max":2`, `"max":9`), "", `its state says max 9`},
		"phase":    {swap(`"dialing"`, `"promised"`), "", `its state says phase "promised"`},
		"number":   {swap(`"84001"`, `"900"`), "", `its decision says number "900", its column 84001`},
		"no login": {swap(`"no_verify":true`, `"no_verify":false`), "", `its decision says no_verify false`},
		"lines":    {swap(`[66,67]`, `[66]`), "", `its decision says callback_line [66]`},
		"no state": {func(c *journal.Callback) { c.State = "" }, "", "its state cannot be read"},
		"forged":   {nil, "UPDATE callbacks SET number = '900' WHERE id = 'cb1'", ""},
		"forged state": {nil,
			`UPDATE callbacks SET state = replace(state, '"attempt":1', '"attempt":0') WHERE id = 'cb1'`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, older(t, tt.change, tt.statement))
			warnings := strings.Join(j.Warnings(), "\n")
			pending, bad, err := j.Pending(context.Background())
			if err != nil || len(pending) != 1 || pending[0].ID != "cb2" {
				t.Fatalf("pending %v, damaged %v, %v", pending, bad, err)
			}
			if tt.want == "" {
				if len(bad) != 1 || warnings != "" {
					t.Errorf("damaged %v, warnings %s", bad, warnings)
				}
				return
			}
			c, _, err := j.Callback(context.Background(), "cb1")
			if err != nil || c.Outcome != "failed" || c.Cause != journal.DamagedCause ||
				!strings.Contains(warnings, tt.want) {
				t.Errorf("%+v %v; warnings %s", c, err, warnings)
			}
			if kept := texts(t, j.path, "SELECT content FROM set_aside"); len(kept) != 1 {
				t.Errorf("set aside are %v", kept)
			}
		})
	}
}

// TestUpgradeAllows: a login that was required after the decision had omitted it is no contradiction.
func TestUpgradeAllows(t *testing.T) {
	j := open(t, older(t, func(c *journal.Callback) { c.NoVerify = false }))
	if pending := rows(j.Pending(context.Background())); len(pending) != 2 || pending[0].NoVerify {
		t.Errorf("%+v", pending)
	}
}

// TestReservedIsMoved: in schema 20 each account had what was reserved of it. What it had more than its reservations
// stays reserved.
func TestReservedIsMoved(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, reserving("0", "u", 1, 0, at(0)), journal.Settle{Callback: "0", Worst: true, Time: at(0)},
		reserving("a", "u", 1, time.Hour, at(0)), onWriter{do: func(w *writer) error {
			for _, name := range []accountName{{"user", "u"}, {"site", ""}} {
				a, err := w.account(name.scope, name.key)
				if err != nil {
					return err
				}
				a.Reserved, a.Open = journal.Amount{Calls: 2, Time: time.Hour}, 2
				if err := w.putAccount(a); err != nil {
					return err
				}
			}
			return nil
		}})
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "DELETE FROM marks WHERE name = 'reserved'", "PRAGMA user_version = 20")
	j = open(t, path)
	for range 2 { // a second start moves nothing
		for _, scope := range []accountName{{"user", "u"}, {"site", ""}} {
			if a := accountOf(t, j, scope.scope, scope.key); a.Open != 2 || a.Windows[1].Used.Calls != 1 ||
				a.Reserved != (journal.Amount{Calls: 2, Time: time.Hour}) {
				t.Errorf("%+v", a)
			}
		}
		if err := j.Commit(context.Background(), reserving("b", "u", 1, 0, at(1))); !errors.Is(err,
			journal.ErrCeiling) {
			t.Errorf("a fourth call of 3: %v", err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		j = open(t, path)
	}
	commit(t, j, journal.Settle{Callback: "a", Time: at(2)})
	if a := accountOf(t, j, "user", "u"); a.Open != 1 || a.Reserved != (journal.Amount{Calls: 1}) {
		t.Errorf("%+v", a)
	}
}

// TestReservedIsKept: a journal that has the total keeps what a reservation reserves that cannot be read, at every
// later upgrade.
func TestReservedIsKept(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, reserving("a", "u", 2, 0, at(0)))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, "UPDATE reservations SET calls = 1", fmt.Sprintf("PRAGMA user_version = %d", reservedVersion))
	staysReserved(t, open(t, path))
}
