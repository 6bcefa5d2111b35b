package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Standby starts a standby of the server, waits until it streams, and makes it synchronous: each commit with
// synchronous_commit = on then waits for it. Its Database has the primary's name.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	b := s.AsyncStandby(t)
	s.SQL(t, fmt.Sprintf("ALTER SYSTEM SET synchronous_standby_names = '%s'; SELECT pg_reload_conf()", b.name))
	s.waitFor(t, replication("sync_state", b), "sync")
	return b
}

// AsyncStandby is as Standby, and no commit waits for it.
func (s *Server) AsyncStandby(t testing.TB) *Server {
	t.Helper()
	dir, err := newDir(s.o.Disk)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	b := newServer(s.bin, dir, s.o)
	b.CAFile = s.CAFile
	from := fmt.Sprintf("host=%s port=%d user=%s application_name=%s", s.Address, s.port, Admin, b.name)
	err = b.run("pg_basebackup", "-d", from, "-D", b.data, "-R", "-X", "stream", "-C", "-S", b.name,
		"--checkpoint=fast", "--no-sync")
	owned(t, b, err)
	s.waitFor(t, replication("state", b), "streaming")
	return b
}

func replication(column string, standby *Server) string {
	return fmt.Sprintf("SELECT %s FROM pg_stat_replication WHERE application_name = '%s'", column, standby.name)
}

// Promote makes a standby a primary, on a new timeline.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if s.SQL(t, "SELECT pg_promote(true, 60)") != "t" {
		t.Fatalf("pgtest: %s is not promoted within a minute", s.name)
	}
}

// StandbyName is the server's name in synchronous_standby_names, if it is a standby.
func (s *Server) StandbyName() string { return s.name }

// waitFor waits until a query has a result.
func (s *Server) waitFor(t testing.TB, query, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	got := ""
	if !await(func() bool {
		got, _ = s.query(ctx, s.Name, Admin, query)
		return got == want
	}) {
		t.Fatalf("pgtest: %s returns %q after a minute, not %q", query, got, want)
	}
}

// SetClock sets the wall clock of a server that runs with Options.Clock: "+3600" is an hour ahead, "-20y" is twenty
// years behind. Its monotonic clock stays.
func (s *Server) SetClock(t testing.TB, offset string) {
	t.Helper()
	next := s.clockFile() + ".next"
	if err := os.WriteFile(next, []byte(offset+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, s.clockFile()); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) clockFile() string { return filepath.Join(s.Address, "clock") }

// faketime returns the path of libfaketime, or skips the test.
func faketime(t testing.TB) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if len(found) == 0 {
		missing(t, "needs libfaketime: apt-get install libfaketime")
	}
	return found[0]
}

func clockEnvironment(file string) []string {
	found, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
	if _, err := os.Stat(file); err != nil {
		os.WriteFile(file, []byte("+0\n"), 0o644)
	}
	return []string{"LD_PRELOAD=" + found[0], "FAKETIME_TIMESTAMP_FILE=" + file, "FAKETIME_NO_CACHE=1",
		"FAKETIME_DONT_FAKE_MONOTONIC=1"}
}
