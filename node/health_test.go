package node

import (
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lines"
)

// TestProblems: each problem is reported, and nothing if all is well.
func TestProblems(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	well := journal.Health{Path: "/var/lib/ringback/journal.db", Free: 1 << 30, Reachable: true,
		Last: 2 * time.Millisecond, Longest: 3 * time.Second, Slow: 1}
	for name, tt := range map[string]struct {
		change func(*client.Health, *journal.Health)
		want   string
	}{
		"well": {func(*client.Health, *journal.Health) {}, ""},
		"hangs": {func(_ *client.Health, j *journal.Health) { j.Busy = 75 * time.Second },
			"the disk of /var/lib/ringback has not finished a transaction for 1m15s"},
		"slow": {func(_ *client.Health, j *journal.Health) { j.Last, j.Slow = 1500*time.Millisecond, 7 },
			"the last transaction took 1.5s, the longest 3s, and 7 more than 1s"},
		"full": {func(_ *client.Health, j *journal.Health) { j.Free = 3 << 20 },
			"the disk of /var/lib/ringback has 3 MiB free"},
		"fails": {func(_ *client.Health, j *journal.Health) { j.Failed, j.Since = errors.New("disk full"), now },
			"nothing can be recorded since 2026-11-28 12:00:00: disk full"},
		"reserve": {func(_ *client.Health, j *journal.Health) {
			j.Room = errors.New("/var/lib/ringback/reserve holds 0 of 4096 KiB")
		}, "reserve holds 0 of 4096 KiB"},
		"arrears": {func(h *client.Health, _ *journal.Health) { h.Arrears = 2 },
			"2 calls have ended and are in memory only"},
		"fresh": {func(h *client.Health, _ *journal.Health) {
			h.Spool = []client.Backlog{{List: "default", Records: 1, Oldest: now.Add(-time.Minute)}}
		}, ""},
		"old spool": {func(h *client.Health, _ *journal.Health) {
			h.Spool = []client.Backlog{{List: "isp", Records: 9, Oldest: now.Add(-2 * time.Hour)}}
		}, "9 accounting records of list isp wait for a server to acknowledge them, the oldest for 2h0m0s"},
		"gone": {func(_ *client.Health, j *journal.Health) { j.Free, j.Reachable = 0, false }, ""},
		"key": {func(_ *client.Health, j *journal.Health) { j.Missing = []string{"journal.key"} },
			"/var/lib/ringback/journal.key was removed while ringback was running"},
		"log dropped": {func(h *client.Health, _ *journal.Health) { h.Log.Dropped = 12 }, ""},
		"log": {func(h *client.Health, _ *journal.Health) { h.Log = client.Log{Dropped: 4100, Untold: 4096} },
			"the log loses records, 4096 so far"},
		"lines": {func(h *client.Health, _ *journal.Health) { h.Lines, h.Out = 8, []int{65, 67} },
			"2 of 8 lines are out of service: [65 67]"},
	} {
		h, j := client.Health{}, well
		tt.change(&h, &j)
		var got []string
		for _, p := range problemsOf(h, j, now) {
			got = append(got, p.text)
		}
		if text := strings.Join(got, "\n"); tt.want == "" && text != "" || !strings.Contains(text, tt.want) ||
			len(got) > 1 {
			t.Errorf("%s: %q, want %q", name, text, tt.want)
		}
	}
}

// TestProblemsAreRepeated: a problem is logged when it appears, again at long intervals and not at each check,
// and when it is over.
func TestProblemsAreRepeated(t *testing.T) {
	t.Parallel()
	core, seen := observer.New(zapcore.InfoLevel)
	log, told, now := events.Log{Logger: zap.New(core)}.Take, troubles{}, time.Now()
	for range 4 * 60 { // an hour of checks, every 15 s; the text changes each time
		told.tell([]problem{{"spool", now.String()}}, now, log)
		now = now.Add(healthEvery)
	}
	if n := seen.FilterMessage("health").Len(); n != 4 {
		t.Errorf("logged %d times in an hour, want 4", n)
	}
	told.tell(nil, now, log)
	told.tell(nil, now, log)
	if n := seen.FilterMessage("health: problem over").Len(); n != 1 {
		t.Errorf("its end is logged %d times", n)
	}
}

// TestAuditOfBefore: a record of the audit that was removed while no process ran raises an alarm, which the audit
// records, and is reported as a problem; a whole audit is not.
func TestAuditOfBefore(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		"SELECT 1":                        "",
		"DELETE FROM audit WHERE seq = 2": "audit row 3: the record before it is 1: a part of the chain is missing",
		"DELETE FROM audit WHERE seq = 4": "audit row 4: the chain ends at 3, its mark says 4",
	} {
		t.Run(statement, func(t *testing.T) {
			ctx := t.Context()
			path := filepath.Join(t.TempDir(), "state", "journal.db")
			openJournal := func() *sqlite.Journal {
				j, err := sqlite.Open(ctx, sqlite.Options{Path: path})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { j.Close() })
				return j
			}
			j := openJournal()
			for range 4 {
				record := journal.Audit{Time: time.Now(), Kind: "login", Who: "paia-01", Text: "x"}
				if err := j.Commit(ctx, journal.AddAudit{Audit: record}); err != nil {
					t.Fatal(err)
				}
			}
			j.Close()
			db, err := sql.Open("sqlite", path)
			if err == nil {
				_, err = db.Exec(statement)
			}
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			j = openJournal()
			core, logged := observer.New(zap.ErrorLevel)
			log := zap.New(core)
			d := &daemon{log: log, journal: j, logHealth: func() client.Log { return client.Log{} }, broker: broker.New(
				broker.Options{Journal: j, Log: log, Pool: lines.NewPool(lines.PoolOptions{})}, broker.Config{})}
			d.verifyAudit(ctx, j.VerifyAudit)
			h, _ := d.health(ctx)
			alarms := logged.FilterMessageSnippet("the audit was changed by another program: " + want).Len()
			if want == "" {
				if slices.ContainsFunc(h.Problems, func(p string) bool { return strings.Contains(p, "audit") }) ||
					alarms != 0 {
					t.Errorf("problems %q, %d alarms", h.Problems, alarms)
				}
				return
			}
			if !strings.Contains(strings.Join(h.Problems, "\n"), want) || alarms != 1 {
				t.Errorf("problems %q, logged %v", h.Problems, logged.All())
			}
			last, _, err := j.AuditTail(ctx, 1)
			if err != nil || len(last) != 1 || last[0].Kind != "alarm" || !strings.Contains(last[0].Text, want) {
				t.Errorf("audit: %v, %v", last, err)
			}
		})
	}
}
