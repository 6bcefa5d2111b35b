package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// TestBadPage damages one page of the journal's file after the other; the journal has a long history and one pending
// callback. The pending one continues, or an alarm says that it is lost, or the start is refused with a fix; in all
// cases the damaged files are kept unchanged.
func TestBadPage(t *testing.T) {
	ctx := context.Background()
	path := newPath(t)
	j := open(t, path)
	const history = 400
	for n := range history {
		id := fmt.Sprint("old", n)
		c := callback(id, id)
		ended := c
		ended.Phase, ended.Outcome, ended.Cause, ended.Ended = "failed", "failed", "busy", at(9)
		commit(t, j, journal.PutCall{Call: call("call" + id)}, journal.PutCallback{Callback: c},
			journal.PutCallback{Callback: ended}, journal.AddAudit{Audit: record(strings.Repeat(id, 40))})
		if n == history/2 {
			commit(t, j, journal.PutCallback{Callback: callback("cb", "austin-01")},
				journal.Spool{Record: spooled("r1")})
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	pages := len(file) / page
	step := sweep(6)
	var kept, lost, refused int
	for n := 0; n < pages; n += step {
		to := newPath(t)
		spoiled := bytes.Clone(file)
		copy(spoiled[n*page:(n+1)*page], bytes.Repeat([]byte("spoiled!"), page/8))
		copyFiles(t, path, to)
		if err := os.WriteFile(to, spoiled, 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := Open(ctx, Options{Path: to, Reserve: testReserve})
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "restore a backup") {
				t.Errorf("page %d: refused without a fix: %v", n+1, err)
			}
			if now, err := os.ReadFile(to); err != nil || !bytes.Equal(now, spoiled) {
				t.Errorf("page %d: what was refused was changed, %v", n+1, err)
			}
			continue
		}
		warnings := strings.Join(j.Warnings(), "\n")
		pending, bad, err := j.Pending(ctx)
		switch {
		case err != nil || len(bad) > 0:
			t.Errorf("page %d: pending: %v %v", n+1, bad, err)
		case len(pending) == 1:
			kept++
			commit(t, j, journal.PutCallback{Callback: dialing(pending[0], 1)},
				journal.PutAttempt{Attempt: attempt("cb", 1)})
			end := dialing(pending[0], 1)
			end.Phase, end.Outcome, end.Ended = "completed", "completed", at(9)
			commit(t, j, journal.EndAttempt{CallbackID: "cb", N: 1, Ended: at(8), Outcome: "connected"},
				journal.PutCallback{Callback: end}, journal.AddAudit{Audit: record("ended")})
		case strings.Contains(warnings, `the pending callback of austin-01`):
			lost++
		default:
			t.Errorf("page %d: the pending callback is lost silently: %s", n+1, warnings)
		}
		commit(t, j, journal.PutCallback{Callback: callback("new", "new")}, journal.PutCall{Call: call("new")})
		if warnings != "" {
			found, err := filepath.Glob(to + ".damaged-*Z")
			if err != nil || len(found) != 1 {
				t.Errorf("page %d: %v %v: %s", n+1, found, err, warnings)
			} else if was, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(was, spoiled) {
				t.Errorf("page %d: the damaged file was changed, %v", n+1, err)
			}
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		again := open(t, to)
		if w := again.Warnings(); len(w) > 0 {
			t.Errorf("page %d: after the rebuilding: %v", n+1, w)
		}
		again.Close()
	}
	t.Logf("%d pages: the callback was kept %d times, lost with an alarm %d times, the start refused %d times", pages,
		kept, lost, refused)
	if kept < 9*(kept+lost+refused)/10 {
		t.Error("a bad page of old history keeps pending callbacks from being dialed")
	}
}
