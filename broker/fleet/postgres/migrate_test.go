package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// Several nodes may migrate at once: each step is done once. Then there is nothing to do.
func TestPeerMigrate(t *testing.T) {
	d := pgtest.Shared(t)
	var mu sync.Mutex
	var steps []string
	note := func(s string) { mu.Lock(); defer mu.Unlock(); steps = append(steps, s) }
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if err := Migrate(t.Context(), options(d.Name, d.Address), "", note); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	files, err := migrations.ReadDir("schema")
	if err != nil || len(steps) != len(files) {
		t.Errorf("%d steps, %d files: %v", len(steps), len(files), steps)
	}
	role := "other_" + d.Name
	d.SQL(t, "CREATE ROLE "+role+" LOGIN")
	t.Cleanup(func() { d.SQL(t, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	o := options(d.Name, d.Address)
	o.User = role
	if err := mark(open(t, o), "without rights"); !errors.Is(err, fleet.ErrNotMember) {
		t.Errorf("without rights: %v", err)
	}
	if err := Migrate(t.Context(), o, "", note); err == nil || !isPlain(err.Error()) ||
		!strings.Contains(err.Error(), "as the owner of the tables") {
		t.Errorf("a migration of tables without rights: %v", err)
	}
	fresh := pgtest.Shared(t)
	stranger := options(fresh.Name, fresh.Address)
	stranger.User = role
	if err := Migrate(t.Context(), stranger, "", note); err == nil || !isPlain(err.Error()) ||
		!strings.Contains(err.Error(), "migrate --user OWNER --grant "+role) {
		t.Errorf("a migration without rights: %v", err)
	}
	if err := Migrate(t.Context(), options(d.Name, d.Address), role, note); err != nil {
		t.Fatal(err)
	}
	if err := mark(open(t, o), "with rights"); err != nil {
		t.Errorf("with rights: %v", err)
	}
	d.SQL(t, "INSERT INTO ringback.goose_db_version (version_id, is_applied) VALUES (99999, true)")
	err = Migrate(t.Context(), options(d.Name, d.Address), "", note)
	if err == nil || !strings.Contains(err.Error(), "install a newer ringback") {
		t.Errorf("newer tables: %v", err)
	}
	foreign := pgtest.Shared(t)
	foreign.SQL(t, "CREATE SCHEMA ringback; CREATE TABLE ringback.calls (id int)")
	err = Migrate(t.Context(), options(foreign.Name, foreign.Address), "", note)
	if err == nil || !strings.Contains(err.Error(), "use another database") {
		t.Errorf("foreign tables: %v", err)
	}
}

// levels returns the level of each finding.
func levels(all []Finding) map[string]Level {
	m := make(map[string]Level)
	for _, f := range all {
		m[f.Name] = f.Level
	}
	return m
}

// Check finds what is wrong, and says what to do about each.
func TestPeerCheck(t *testing.T) {
	s := started(t, pgtest.Options{})
	o := options(s.Name, s.Address)
	all := Check(t.Context(), o)
	for _, f := range all {
		if f.Level != OK || f.Fix != "" {
			t.Errorf("a server in order: %+v", f)
		}
	}
	standby := s.Standby(t)
	o.Durability, o.Addresses = Replicated, []string{standby.Address, s.Address}
	for _, f := range Check(t.Context(), o) {
		if f.Level != OK {
			t.Errorf("a server with a standby: %+v", f)
		}
	}
	standby.Kill()
	within(t, "the server notices the end of the standby", func() bool {
		return s.SQL(t, "SELECT count(*) FROM pg_stat_replication") == "0"
	})
	check := func(o Options, name string, want Level, text string) {
		t.Helper()
		found := Check(t.Context(), o)
		i := slices.IndexFunc(found, func(f Finding) bool { return f.Name == name && f.Level == want })
		if i < 0 || !strings.Contains(found[i].Text+" "+found[i].Fix, text) || want != OK && found[i].Fix == "" {
			t.Errorf("%s: %+v\nwant %s: %s", name, found, want, text)
		}
	}
	check(o, "address", Warn, "does not run")
	check(o, "standbys", Fail, "start the standby")
	s.SQL(t, "ALTER SYSTEM SET synchronous_standby_names = ''; ALTER SYSTEM SET fsync = off; "+
		"ALTER SYSTEM SET full_page_writes = off; ALTER SYSTEM SET autovacuum = off; SELECT pg_reload_conf()")
	within(t, "the server has its new settings", func() bool { return s.SQL(t, "SHOW fsync") == "off" })
	check(o, "standbys", Fail, "set synchronous_standby_names")
	check(o, "fsync", Fail, "set fsync = on")
	check(o, "full_page_writes", Fail, "set full_page_writes = on")
	check(o, "autovacuum", Warn, "set autovacuum = on")
	s.SQL(t, "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA ringback TO reader; "+
		"GRANT SELECT ON ALL TABLES IN SCHEMA ringback TO reader")
	o.User, o.Durability = "reader", Server
	check(o, "rights", Fail, "migrate --grant reader")
	o.Addresses = []string{pgtest.PgBouncer(t, &s.Database, "")}
	check(o, "pooler", Warn, "within 5 s")
	o = options("empty", s.Address)
	s.SQL(t, "CREATE DATABASE empty")
	check(o, "schema", Fail, "fleet migrate")
	check(options("nothing", s.Address), "primary", Fail, "createdb")
	if got := fmt.Sprint(levels(all)["clock"]); got != string(OK) {
		t.Errorf("clock: %s", got)
	}
}
