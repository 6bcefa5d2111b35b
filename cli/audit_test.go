package cli

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// auditTown is the state directory of a daemon that has written 20 rows, each of another day, and has sealed them.
type auditTown struct {
	t     *testing.T
	dir   string
	pub   string
	seals string
}

func newAuditTown(t *testing.T) *auditTown {
	t.Helper()
	w := &auditTown{t: t, dir: filepath.Join(t.TempDir(), "state"), pub: filepath.Join(t.TempDir(), "pub")}
	w.seals = filepath.Join(w.dir, audit.SealsFile)
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(w.dir, "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	sealed := make(chan struct{}, 100)
	s := audit.Start(w.dir, audit.Settings{File: w.seals, Every: time.Hour, Rows: 1000}, j, func(events.Event) {
		sealed <- struct{}{}
	})
	<-sealed
	for i := range 20 {
		a := journal.Audit{Time: time.Date(2026, 11, 1+i, 12, 0, 0, 0, time.Local), Kind: "login",
			Who: []string{"ted", "=ann"}[i%2], Text: fmt.Sprintf("<b>tty %d", i)}
		if err := j.Commit(t.Context(), journal.AddAudit{Audit: a}); err != nil {
			t.Fatal(err)
		}
	}
	s.Reload(audit.Settings{File: w.seals, Every: time.Hour, Rows: 1000})
	<-sealed
	t.Cleanup(func() {
		if err := errors.Join(s.Close(patience), j.Close()); err != nil {
			t.Error(err)
		}
	})
	key, err := w.run("key")
	if err == nil {
		err = os.WriteFile(w.pub, []byte(key), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// run runs a command of `ringback audit`, and returns what it prints.
func (w *auditTown) run(command string, args ...string) (string, error) {
	w.t.Helper()
	var out strings.Builder
	root := newRoot("test")
	root.SetOut(&out)
	root.SetErr(&strings.Builder{})
	root.SetArgs(append([]string{"audit", command, "--state-dir", w.dir}, args...))
	err := root.ExecuteContext(w.t.Context())
	return out.String(), err
}

// verify runs `audit verify`.
func (w *auditTown) verify(args ...string) (r audit.Report, err error) {
	w.t.Helper()
	out, err := w.run("verify", append([]string{"--key", w.pub, "--seals", w.seals, "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		w.t.Fatalf("%v: %s", err, out)
	}
	return r, err
}

// TestAuditCommands: an auditor with the public key and the seals verifies the journal while it is in use, a copy of
// it, and exports; the journal's own keys do not help to change a row.
func TestAuditCommands(t *testing.T) {
	w := newAuditTown(t)
	if r, err := w.verify(); err != nil || r.Rows != 20 || r.Sealed != 20 || len(r.Findings)+len(r.Notes) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	copied := filepath.Join(t.TempDir(), "copy")
	if err := sqlite.Backup(t.Context(), filepath.Join(w.dir, "journal.db"), copied); err != nil {
		t.Fatal(err)
	}
	if r, err := w.verify("--journal", copied+"/journal.db"); err != nil || r.Sealed != 20 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, tt := range []struct {
		args       []string
		rows, kept int64
	}{
		{[]string{"-o", "json"}, 20, 0},
		{[]string{"-o", "csv"}, 20, 0},
		{[]string{"-o", "json", "--user", "ted"}, 20, 10},
		{[]string{"-o", "json", "--from", "2026-11-03", "--to", "2026-11-05"}, 18, 15},
		{[]string{"-o", "json", "--from", "2026-11-03 12:00", "--to", "2026-11-05 12:00"}, 18, 16},
	} {
		text, err := w.run("export", tt.args...)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "export")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r, err := w.verify("--export", file); err != nil || r.Rows != tt.rows || r.Kept != tt.kept ||
			r.Sealed != 20 {
			t.Errorf("%v: %+v, %v", tt.args, r, err)
		}
	}
	if text, err := w.run("export", "-o", "csv", "--user", "=ann"); err != nil ||
		strings.Count(text, ",'=ann,") != 10 ||
		strings.Contains(text, ",=") {
		t.Errorf("%s, %v", text, err)
	}
	if text, err := w.run("export", "-o", "html", "--site", "maui"); err != nil || strings.Contains(text, "<b>") ||
		!strings.Contains(text, "Audit of maui") || strings.Count(text, "<tr>") != 21 {
		t.Errorf("%s, %v", text, err)
	}
	db, err := sql.Open("sqlite", copied+"/journal.db")
	if err == nil {
		_, err = db.Exec("UPDATE audit SET who = 'bob' WHERE seq = 7; DELETE FROM audit WHERE seq > 18")
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := w.verify("--journal", copied+"/journal.db")
	var status exitStatus
	if !errors.As(err, &status) || status != 1 || len(r.Findings) != 2 || r.Findings[0].Row != 7 ||
		!strings.Contains(r.Findings[1].Text, "the rows end at row 18") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAuditUsage: what is missing or contradicts itself is a usage error; a file that is not there is named.
func TestAuditUsage(t *testing.T) {
	w := newAuditTown(t)
	for _, tt := range []struct {
		args  string
		usage bool
		want  string
	}{
		{"verify --seals x", true, "--key is required"},
		{"verify --key " + w.pub, true, "--seals is required"},
		{"verify --key " + w.pub + " --seals x --journal a --export b", true, "give one of them"},
		{"verify --key " + w.pub + " --seals /nonexistent", false, "/nonexistent"},
		{"verify --key " + w.dir + "/audit.key --seals x", false, "this is the private key"},
		{"verify --key " + w.pub + " --seals " + w.seals + " --export " + w.seals, false, "no export of ringback"},
		{"verify --key " + w.pub + " --seals " + w.seals + " --journal " + w.seals, false, "not a journal"},
		{"export --from yesterday", true, `--from "yesterday": give a time`},
		{"export -o table", true, "must be csv, json or html"},
		{"key --state-dir /nonexistent", false, "start the daemon once"},
	} {
		args := strings.Fields(tt.args)
		_, err := w.run(args[0], args[1:]...)
		var usage usageError
		if err == nil || errors.As(err, &usage) != tt.usage || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.args, err)
		}
	}
}
