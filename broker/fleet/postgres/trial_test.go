package postgres

import (
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// TestPeerTrial: Check finds what keeps a node from writing, and each table of the schema is looked at.
func TestPeerTrial(t *testing.T) {
	s := started(t, pgtest.Options{})
	o := options(s.Name, s.Address)
	check := func(name string, want Level, text string) {
		t.Helper()
		found := Check(t.Context(), o)
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Name == name && f.Level == want })
		if i < 0 || !strings.Contains(found[i].Text+" "+found[i].Fix, text) || want != OK && found[i].Fix == "" {
			t.Errorf("%s: %+v\nwant %s: %s", name, found, want, text)
		}
	}
	have := s.SQL(t, `SELECT string_agg(relname, ' ' ORDER BY relname COLLATE "C") FROM pg_class WHERE relkind = 'r' AND
		relnamespace = to_regnamespace('ringback') AND relname <> 'goose_db_version'`)
	if want := strings.Join(tables, " "); have != want {
		t.Errorf("tables %q, want %q", want, have)
	}
	check("tables", OK, "")
	check("writes", OK, "")
	holder := open(t, o)
	tx, err := holder.link.pool.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lock := "BEGIN; LOCK TABLE ringback.nodes IN ACCESS EXCLUSIVE MODE"
	if _, err := tx.PgConn().Exec(t.Context(), lock).ReadAll(); err != nil {
		t.Fatal(err)
	}
	check("tables", Fail, "nodes (PID ")
	holder.link.pool.release(tx)
	within(t, "the lock is gone", func() bool {
		return s.SQL(t, `SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock'`) == "0"
	})
	s.SQL(t, "ALTER TABLE ringback.steps RENAME TO stairs")
	check("tables", Fail, "missing in the schema ringback: steps")
	s.SQL(t, "ALTER TABLE ringback.stairs RENAME TO steps; ALTER DATABASE "+s.Name+
		" SET default_transaction_read_only = on")
	check("writes", Fail, "read-only")
}
