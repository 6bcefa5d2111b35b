package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// twoOfEach writes two rows into each table; damage to the first must not affect the second.
func twoOfEach(t testing.TB, j *Journal) {
	commit(t, j, everything()...)
	cb := callback("cb2", "austin-02")
	commit(t, j, journal.PutCall{Call: call("call2")}, journal.PutCallback{Callback: dialing(cb, 1)},
		journal.PutAttempt{Attempt: attempt("cb2", 1)}, journal.Spool{Record: spooled("r2")},
		journal.AddAudit{Audit: record("two")})
}

// flipped returns v with one bit changed, with the same type.
func flipped(v any) any {
	switch v := v.(type) {
	case int64:
		return v ^ 2
	case string:
		if v == "" {
			return "\x01"
		}
		return string(v[0]^1) + v[1:]
	case []byte:
		b := append([]byte(nil), v...)
		b[len(b)/2] ^= 8
		return b
	}
	return int64(0) // NULL
}

// TestEveryColumnIsGuarded changes one bit of one column of the first row of each table: the row must be reported, not
// returned, and the others must still be returned.
func TestEveryColumnIsGuarded(t *testing.T) {
	ctx := context.Background()
	for _, table := range []*table{callsTable, callbacksTable, attemptsTable, spoolTable, auditTable} {
		for _, column := range strings.Split(table.columns(), ", ") {
			t.Run(table.name+"."+column, func(t *testing.T) {
				t.Parallel()
				path := newPath(t)
				j := open(t, path)
				twoOfEach(t, j)
				db, err := sql.Open("sqlite", dsn(path, "_busy_timeout", "5000", "_pragma",
					"ignore_check_constraints(1)"))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				var v any
				first := " WHERE " + table.cols[0] + " = (SELECT min(" + table.cols[0] + ") FROM " + table.name + ")"
				if err := db.QueryRow("SELECT " + column + " FROM " + table.name + first).Scan(&v); err != nil {
					t.Fatal(err)
				}
				if _, err := db.Exec("UPDATE "+table.name+" SET "+column+" = ?"+first, flipped(v)); err != nil {
					t.Fatal(err)
				}
				bad, err := j.Verify(ctx)
				if err != nil || len(bad) == 0 || bad[0].Table != table.name {
					t.Errorf("verify: %v, %v", bad, err)
				}
				good, bad, err := readAll(j.Reader, table)
				if err != nil || good != 1 || len(bad) != 1 {
					t.Errorf("%d rows are good, damaged are %v, error %v", good, bad, err)
				}
				commit(t, j, journal.PutCallback{Callback: callback("cb3", "austin-03")},
					journal.AddAudit{Audit: record("goes on")})
			})
		}
	}
}

// readAll reads a table as the broker does.
func readAll(r *Reader, t *table) (good int, bad []journal.Damage, err error) {
	ctx := context.Background()
	switch t {
	case callsTable:
		cs, bad, err := r.Calls(ctx, 0, journal.CallFilter{})
		return len(cs), bad, err
	case callbacksTable:
		cs, bad, err := r.Pending(ctx)
		return len(cs), bad, err
	case attemptsTable:
		as, bad, err := list(ctx, r, attemptsTable, decodeAttempt, "ORDER BY callback_id, n")
		return len(as), bad, err
	case spoolTable:
		ss, bad, err := r.SpoolNext(ctx, 0)
		return len(ss), bad, err
	}
	as, bad, err := list(ctx, r, auditTable, r.key.decodeAudit, "")
	return len(as), bad, err
}

func TestDamagedRowsAreNotChangedEither(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	edit(t, path, "UPDATE calls SET user = 'x' WHERE id = 'call1'",
		"UPDATE attempts SET number = '900' WHERE callback_id = 'cb1'", "UPDATE spool SET body = '' WHERE id = 'r1'")
	for _, m := range []journal.Mutation{journal.EndCall{ID: "call1", End: at(1)},
		journal.EndAttempt{CallbackID: "cb1", N: 1, Ended: at(1)}, journal.SpoolTried{ID: "r1"}} {
		if err := j.Commit(ctx, m); !errors.Is(err, journal.ErrDamaged) {
			t.Errorf("%T: %v", m, err)
		}
	}
	if _, err := j.Call(ctx, "call1"); !errors.Is(err, journal.ErrDamaged) {
		t.Error(err)
	}
	if _, _, err := j.Callback(ctx, "cb1"); !errors.Is(err, journal.ErrDamaged) {
		t.Error(err)
	}
}

func TestTheAuditIsAChain(t *testing.T) {
	for name, sql := range map[string]string{
		"one record gone": "DELETE FROM audit WHERE seq = 2",
		"the first gone":  "DELETE FROM audit WHERE seq = 1",
		"the end gone":    "DELETE FROM audit WHERE seq = 4",
		"all gone":        "DELETE FROM audit",
		"one more": "INSERT INTO audit SELECT 5, time, kind, who, text, prev, hash, digest FROM audit WHERE " +
			"seq = 4",
		"the mark moved":  "UPDATE marks SET n = 3 WHERE name = 'audit'",
		"the mark's hash": "UPDATE marks SET hash = zeroblob(32) WHERE name = 'audit'",
		"two records exchanged": "UPDATE audit SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3); " +
			"UPDATE audit SET seq = -seq WHERE seq < 0",
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			path := newPath(t)
			j := open(t, path)
			for i := range 4 {
				commit(t, j, journal.AddAudit{Audit: record(fmt.Sprint(i))})
			}
			if bad, err := j.Verify(ctx); err != nil || len(bad) != 0 {
				t.Fatalf("verify: %v, %v", bad, err)
			}
			edit(t, path, sql)
			if bad, err := j.Verify(ctx); err != nil || len(bad) == 0 || bad[0].Table != "audit" {
				t.Errorf("verify: %v, %v", bad, err)
			}
		})
	}
}

// TestFlippedBitsOfTheFile flips one bit of the file at a time, at places chosen by a fixed seed. Wherever it is, no
// callback comes back with other content, and none is lost silently.
func TestFlippedBitsOfTheFile(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	twoOfEach(t, j)
	want := map[string]journal.Callback{}
	for _, c := range rows(j.Pending(ctx)) {
		want[c.ID] = c
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flips := 600 / sweep(6)
	rnd := rand.New(rand.NewPCG(1, 2))
	var refused, damaged, harmless int
	for range flips {
		at, bit := rnd.IntN(len(file)), byte(1)<<rnd.IntN(8)
		b := append([]byte(nil), file...)
		b[at] ^= bit
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		where := fmt.Sprintf("byte %d, bit %#x", at, bit)
		j, err := Open(ctx, Options{Path: path, Reserve: testReserve})
		if err != nil {
			refused++
			continue
		}
		got, bad, err := j.Pending(ctx)
		for _, c := range got {
			if !reflect.DeepEqual(c, want[c.ID]) {
				t.Errorf("%s: wrong content of callback %s", where, c.ID)
			}
		}
		all, err2 := j.Verify(ctx)
		switch {
		case err != nil || len(bad) > 0 || err2 != nil || len(all) > 0 || len(j.Warnings()) > 0:
			damaged++
		case len(got) != len(want):
			t.Errorf("%s: %d of %d callbacks, and no report", where, len(got), len(want))
		default:
			harmless++ // free space, or a counter of SQLite
		}
		if len(got)+len(bad) < len(want) && err == nil && len(j.Warnings()) == 0 {
			t.Errorf("%s: Pending lost a callback silently", where)
		}
		if err := j.Close(); err != nil && err2 == nil {
			t.Logf("%s: close: %v", where, err)
		}
		for _, tail := range []string{"-wal", "-shm"} {
			if err := os.Remove(path + tail); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d flips in %d bytes: %d refused at open, %d reported, %d without effect", flips, len(file), refused,
		damaged, harmless)
}
