package postgres

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answers reports whether something accepts connections on the server's socket.
func answers(s *Server) bool {
	c, err := net.Dial("unix", filepath.Join(s.Dir, ".s.PGSQL.5432"))
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// TestPeerServer: a server is made once in a directory, starts again, and ends.
func TestPeerServer(t *testing.T) {
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	held, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	s, err := New(t.Context(), filepath.Join(dir, "postgres"), Debian)
	if errors.Is(err, ErrMissing) && os.Getenv("RINGBACK_REQUIRE_PEERS") != "1" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 {
		if answers(s) {
			t.Error("answers before its start")
		}
		if err := s.Start(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		if !answers(s) {
			t.Error("does not answer")
		}
		s.Stop()
	}
	if !s.Fresh {
		t.Error("the new database is not fresh")
	}
	again := &Server{Dir: s.Dir, bin: s.bin, user: s.user}
	if err := again.make(t.Context()); err != nil || again.Fresh {
		t.Errorf("made again: %v, fresh: %v", err, again.Fresh)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Dir); s.temporary != errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the end: temporary %v, %v", s.temporary, err)
	}
}

// TestMissing: without PostgreSQL the error names the package of Debian.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, version := range []string{"", "13"} {
		dir := t.TempDir()
		if version != "" {
			bin := filepath.Join(dir, version, "bin")
			if err := os.MkdirAll(bin, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(bin, "postgres"), nil, 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Programs(dir); !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "postgresql-15") {
			t.Errorf("%q: %v", version, err)
		}
	}
}

// TestNewest: the newest version is used, compared as numbers.
func TestNewest(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"15", "9.6", "100", "17"} {
		bin := filepath.Join(dir, v, "bin")
		if err := os.MkdirAll(bin, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "postgres"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := Programs(dir); err != nil || got != filepath.Join(dir, "100", "bin") {
		t.Errorf("%s, %v", got, err)
	}
}
