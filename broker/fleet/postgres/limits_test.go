package postgres

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// A table that is locked costs one time limit. The server ends the wait first if it knows the statement already.
func TestPeerLockedTable(t *testing.T) {
	d := migrated.Shared(t)
	for way, do := range marks {
		a, cold := open(t, options(d.Name, d.Address)), open(t, options(d.Name, d.Address))
		if err := do(a, "warm "+way); err != nil {
			t.Fatal(err)
		}
		lock := d.Connect(t, pgtest.User)
		if _, err := lock.Exec(t.Context(), "BEGIN; LOCK TABLE ringback.marks"); err != nil {
			t.Fatal(err)
		}
		err := do(a, way)
		if !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "was locked for longer than") {
			t.Errorf("%s: %v", way, err)
		}
		if err := do(cold, "cold "+way); !errors.Is(err, fleet.ErrAway) {
			t.Errorf("the first statement of a connection, %s: %v", way, err)
		}
		if _, err := lock.Exec(t.Context(), "ROLLBACK"); err != nil {
			t.Fatal(err)
		}
		if err := do(a, "free "+way); err != nil {
			t.Error(err)
		}
	}
}

// A server without room for connections says so, and a node never has more than its own limit.
func TestPeerTooManyConnections(t *testing.T) {
	s := started(t, pgtest.Options{Settings: map[string]string{"max_connections": "12",
		"superuser_reserved_connections": "3"}})
	o := options(s.Name, s.Address)
	o.Connections = 8
	a := open(t, o)
	if err := mark(a, "first"); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			if err := mark(a, fmt.Sprint(i)); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	wait.Wait()
	own := s.SQL(t, "SELECT count(*) <= 8 FROM pg_stat_activity WHERE usename = '"+pgtest.User+"'")
	if own != "t" {
		t.Error("the node has more than 8 connections")
	}
	a.Close()
	within(t, "the server has closed them", func() bool {
		return s.SQL(t, "SELECT count(*) FROM pg_stat_activity WHERE usename = '"+pgtest.User+"'") == "0"
	})
	for range 9 {
		s.Connect(t, pgtest.User)
	}
	err := mark(open(t, options(s.Name, s.Address)), "full")
	if !errors.Is(err, fleet.ErrAway) || !strings.Contains(err.Error(), "raise max_connections there") {
		t.Errorf("%v", err)
	}
}

// PgBouncer in transaction mode gives each transaction another server connection: nothing relies on a session.
func TestPeerPgBouncer(t *testing.T) {
	d := migrated.Shared(t)
	a := open(t, options(d.Name, pgtest.PgBouncer(t, d, "default_pool_size = 3\nmax_client_conn = 50")))
	var wait sync.WaitGroup
	for i := range 16 {
		wait.Go(func() {
			for j := range 10 {
				for way, do := range marks {
					if err := do(a, fmt.Sprint(way, i, "/", j)); err != nil {
						t.Errorf("%s: %v", way, err)
					}
				}
			}
		})
	}
	wait.Wait()
	if got := d.SQL(t, "SELECT count(*) FROM ringback.marks WHERE name LIKE '%/%'"); got != "320" {
		t.Errorf("%s rows, want 320", got)
	}
}

// Statements are prepared on connections to the server itself, and none behind a pooler, where another session would
// get them.
func TestPeerPrepared(t *testing.T) {
	d := migrated.Shared(t)
	for address, want := range map[string]string{d.Address: "some", pgtest.PgBouncer(t, d, ""): "none"} {
		a := open(t, options(d.Name, address))
		var got string
		b := &pgx.Batch{}
		b.Queue(`SELECT CASE WHEN count(*) > 0 THEN 'some' ELSE 'none' END FROM pg_prepared_statements`).
			QueryRow(func(r pgx.Row) error { return r.Scan(&got) })
		if err := errors.Join(mark(a, want), a.once(t.Context(), b)); err != nil || got != want {
			t.Errorf("%s statements are prepared, want %s: %v", got, want, err)
		}
	}
}
