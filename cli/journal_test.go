package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// journalTown is a state directory with an open journal, as with a running daemon, and the daemon's socket.
type journalTown struct {
	t      *testing.T
	dir    string
	socket string
	j      *sqlite.Journal
	noted  chan string
}

func newJournalTown(t *testing.T) *journalTown {
	t.Helper()
	w := &journalTown{t: t, dir: filepath.Join(t.TempDir(), "state"), noted: make(chan string, 1)}
	w.socket = filepath.Join(t.TempDir(), "s")
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(w.dir, "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	w.j = j
	t.Cleanup(w.stop)
	c := journal.Callback{ID: "cb1", Phase: "promised", User: "austin-01", Entry: "local", Number: "84001", Max: 1,
		Created: time.Now()}
	if err := j.Commit(t.Context(), journal.PutCallback{Callback: c}); err != nil {
		t.Fatal(err)
	}
	sock, err := api.Listen(w.socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	srv := api.Server{BackedUp: func(journal, dir, by string) error {
		w.noted <- journal + " to " + dir + " by " +
			by
		return nil
	}}
	go func() { defer close(ended); srv.ServeListener(ctx, sock) }()
	t.Cleanup(func() { cancel(); <-ended })
	return w
}

func (w *journalTown) stop() {
	if err := w.j.Close(); err != nil {
		w.t.Error(err)
	}
}

// run runs a command of `ringback journal`, and decodes its JSON.
func (w *journalTown) run(into any, args ...string) error {
	w.t.Helper()
	var out strings.Builder
	root := newRoot("test")
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append(append([]string{"journal"}, args...), "--state-dir", w.dir, "--socket", w.socket, "-o", "json"))
	err := root.ExecuteContext(w.t.Context())
	if into != nil {
		if err := json.Unmarshal([]byte(out.String()), into); err != nil {
			w.t.Fatalf("%v: %s", err, &out)
		}
	}
	return err
}

// TestJournalCommands: check and backup work while the daemon runs; restore, salvage and vacuum only without
// it. A restored callback is not dialed.
func TestJournalCommands(t *testing.T) {
	w := newJournalTown(t)
	var checked sqlite.Checked
	if err := w.run(&checked, "check"); err != nil || checked.Pending != 1 || checked.Rows["callbacks"] != 1 ||
		!checked.GivesBack {
		t.Errorf("check: %+v %v", checked, err)
	}
	backup := filepath.Join(t.TempDir(), "monday")
	var copied backedUp
	if err := w.run(&copied, "backup", backup); err != nil || !copied.Audited || copied.Dir != backup {
		t.Fatalf("backup: %+v %v", copied, err)
	}
	if got := <-w.noted; !strings.HasPrefix(got, filepath.Join(w.dir, "journal.db")+" to "+backup+" by uid ") {
		t.Errorf("the daemon was told %q", got)
	}
	for _, args := range [][]string{{"restore", backup}, {"salvage"}, {"vacuum"}} {
		if err := w.run(nil, args...); err == nil || !strings.Contains(err.Error(), "in use by process") ||
			!strings.Contains(err.Error(), "stop it") {
			t.Errorf("%v beside the daemon: %v", args, err)
		}
	}
	w.stop()
	var restored sqlite.Restored
	if err := w.run(&restored, "restore", backup); err != nil || len(restored.Cancelled) != 1 ||
		restored.Pending != 0 || restored.Kept == "" {
		t.Errorf("restore: %+v %v", restored, err)
	}
	var packed vacuumed
	if err := w.run(&packed, "vacuum"); err != nil || packed.After == 0 {
		t.Errorf("vacuum: %+v %v", packed, err)
	}
	var saved sqlite.Restored
	if err := w.run(&saved, "salvage"); err != nil || len(saved.Lost) > 0 || saved.Kept == "" {
		t.Errorf("salvage: %+v %v", saved, err)
	}
	second := filepath.Join(t.TempDir(), "tuesday")
	if err := w.run(&copied, "backup", second); err != nil || !copied.Audited {
		t.Errorf("backup without a daemon: %+v %v", copied, err)
	}
	r, err := sqlite.OpenReader(t.Context(), filepath.Join(w.dir, "journal.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	audit, _, err := r.AuditTail(t.Context(), 9)
	var kinds []string
	for _, a := range audit {
		kinds = append(kinds, a.Kind)
	}
	if got := strings.Join(kinds, ", "); err != nil ||
		got != "journal restored, callback cb1 ended, journal vacuumed, journal salvaged, journal backed up" {
		t.Errorf("the audit has %s, %v", got, err)
	}
}

// TestJournalCheckFinds: damage gives exit status 1 and is named.
func TestJournalCheckFinds(t *testing.T) {
	w := newJournalTown(t)
	w.stop()
	path := filepath.Join(w.dir, "journal.db")
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(file), "84001", "84009", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	var checked sqlite.Checked
	var status exitStatus
	if err := w.run(&checked, "check"); !errors.As(err, &status) || len(checked.Damaged) != 1 ||
		checked.Damaged[0].Table != "callbacks" {
		t.Errorf("%+v %v", checked, err)
	}
}
