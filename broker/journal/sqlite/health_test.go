package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestHealth: waiting records are reported by list, and a failed transaction until one succeeds.
func TestHealth(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	for i, list := range []string{"", "isp", "isp"} {
		r := spooled([]string{"r1", "r2", "r3"}[i])
		r.List, r.Created = list, time.Unix(int64(100*(i+1)), 0)
		commit(t, j, journal.Spool{Record: r})
	}
	got, err := j.Backlogs(context.Background())
	if err != nil || len(got) != 2 ||
		got[0] != (journal.Backlog{List: "", Records: 1, Oldest: time.Unix(100, 0).UTC()}) ||
		got[1] != (journal.Backlog{List: "isp", Records: 2, Oldest: time.Unix(200, 0).UTC()}) {
		t.Errorf("%+v %v", got, err)
	}
	h := j.Health()
	if h.Path != path || h.Octets == 0 || h.Log == 0 || h.Free == 0 || h.Last <= 0 || h.Longest < h.Last ||
		h.Failed != nil || h.Busy != 0 {
		t.Errorf("%+v", h)
	}
	for name, want := range map[string]string{identityName: "[journal.id]", "journal.key": "[journal.key]",
		namesKeyName: "[names.key]"} {
		at := filepath.Join(filepath.Dir(path), name)
		if err := os.Rename(at, at+".away"); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(j.Health().Missing); got != want {
			t.Errorf("without %s: %s are missing", name, got)
		}
		if err := os.Rename(at+".away", at); err != nil {
			t.Fatal(err)
		}
	}
	if missing := j.Health().Missing; missing != nil {
		t.Errorf("%v are missing", missing)
	}
	j.disk.begin()
	j.disk.begun = j.disk.begun.Add(-3 * time.Second)
	if h := j.Health(); h.Busy < 3*time.Second {
		t.Errorf("a transaction under way for 3 s: %v", h.Busy)
	}
	j.disk.end(journal.ErrClosed)
	if h := j.Health(); h.Slow != 1 || h.Failed == nil || h.Since.IsZero() || h.Busy != 0 {
		t.Errorf("%+v", h)
	}
	commit(t, j, journal.AddAudit{Audit: record("again")})
	if h := j.Health(); h.Failed != nil || h.Longest < 3*time.Second {
		t.Errorf("%+v", h)
	}
}

// TestHint: what SQLite reports while the disk is full says so, and other errors of the disk do not.
func TestHint(t *testing.T) {
	const full = "free space on the disk of /s;"
	for code, want := range map[int]string{13: full, 10 | 19<<8: full, 10 | 3<<8: "see the kernel log",
		10: "see the kernel log", 14: "may this user write to /s", 1: ""} {
		if got := hint("/s/journal.db", code); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%d: %q", code, got)
		}
	}
}
