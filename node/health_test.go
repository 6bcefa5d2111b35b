package node

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/hooks"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/metrics"
	"github.com/ringback/ringback/recordings"
)

// TestProblems: each problem is reported, and nothing if all is well.
func TestProblems(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	well := journal.Health{Path: "/var/lib/ringback/journal.db", Free: 1 << 30, Reachable: true,
		Last: 2 * time.Millisecond, Longest: 3 * time.Second, Slow: 1}
	seen := map[string]bool{}
	for name, tt := range map[string]struct { // by codes
		change func(s *state, j *journal.Health)
		want   string
		ready  bool
	}{
		"": {func(*state, *journal.Health) {}, "", true},
		"disk_hangs": {func(_ *state, j *journal.Health) { j.Busy = 75 * time.Second },
			"the disk of /var/lib/ringback has not finished a transaction for 1m15s", false},
		"disk_slow": {func(_ *state, j *journal.Health) { j.Last, j.Slow = 1500*time.Millisecond, 7 },
			"the last transaction took 1.5s, the longest 3s, and 7 more than 1s", true},
		"disk_full": {func(_ *state, j *journal.Health) { j.Free = 3 << 20 },
			"the disk of /var/lib/ringback has 3 MiB free", true},
		"journal_fails": {func(_ *state, j *journal.Health) { j.Failed, j.Since = errors.New("disk full"), now },
			"nothing can be recorded since 2026-11-28 12:00:00: disk full", false},
		"reserve": {func(_ *state, j *journal.Health) {
			j.Room, j.Reserved, j.Reserve = errors.New("no room"), 1<<10, 4<<20
		}, "1 of 4096 KiB of the disk of /var/lib/ringback are reserved", false},
		"arrears": {func(s *state, _ *journal.Health) { s.Arrears = 2 },
			"2 calls have ended and are in memory only", true},
		" fresh spool": {func(s *state, _ *journal.Health) {
			s.Spool = []client.Backlog{{List: "default", Records: 1, Oldest: now.Add(-time.Minute)}}
		}, "", true},
		"spool_old": {func(s *state, _ *journal.Health) {
			s.Spool = []client.Backlog{{List: "isp", Records: 9, Oldest: now.Add(-2 * time.Hour)}}
		}, "9 accounting records of list isp wait for a server to acknowledge them, the oldest for 2h0m0s", true},
		"spool_unread": {func(s *state, _ *journal.Health) { s.read = errors.New("damaged") },
			"the accounting spool could not be read: damaged", true},
		" gone": {func(_ *state, j *journal.Health) { j.Free, j.Reachable = 0, false }, "", true},
		"file_missing": {func(_ *state, j *journal.Health) { j.Missing = []string{"journal.key"} },
			"/var/lib/ringback/journal.key was removed while ringback was running", true},
		" log dropped": {func(s *state, _ *journal.Health) { s.Log.Dropped = 12 }, "", true},
		"log_lost": {func(s *state, _ *journal.Health) { s.Log = client.Log{Dropped: 4100, Untold: 4096} },
			"the log loses records, 4096 so far", true},
		"syslog_down": {func(s *state, _ *journal.Health) {
			s.Log.Syslog = &client.Syslog{Server: "tls://syslog.example.net:6514", Down: true, Dropped: 12}
		}, "the syslog server tls://syslog.example.net:6514 is out of reach; 12 records were dropped", true},
		" syslog is back": {func(s *state, _ *journal.Health) { s.Log.Syslog = &client.Syslog{Dropped: 12} }, "", true},
		"lines_out": {func(s *state, _ *journal.Health) { s.Lines, s.Out = 8, []int{65, 67} },
			"2 of 8 lines are out of service: [65 67]", true},
		"no_lines": {func(s *state, _ *journal.Health) { s.Lines, s.Out = 2, []int{65, 67} },
			"none of 2 lines is in service", false},
		"starting":   {func(s *state, _ *journal.Health) { s.broker = broker.Starting }, "it reads the journal", false},
		"stopping":   {func(s *state, _ *journal.Health) { s.broker = broker.Stopping }, "no more calls", false},
		"loop_hangs": {func(s *state, _ *journal.Health) { s.loop = errors.New("x") }, "for 3s", false},
		"health_hangs": {func(s *state, _ *journal.Health) { s.hangs = errors.New("x") }, "within 3s",
			false},
		"lockdown": {func(s *state, _ *journal.Health) {
			s.Lockdown = client.Lockdown{Active: true, OnDisk: true, By: "ops", Reason: "fraud"}
		}, "a lockdown is in force, by ops: fraud", false},
		"drained": {func(s *state, _ *journal.Health) {
			s.Drain = client.Drain{Active: true, By: "ops", Reason: "kernel"}
		}, "drained by ops: kernel", false},
		"lockdown lockdown_not_on_disk": {func(s *state, _ *journal.Health) { s.Lockdown.Active = true },
			"a restart would end it", false},
		"listener_fails": {func(s *state, _ *journal.Health) {
			s.doors = []client.Listener{{Address: "[::]:2023", MaxSessions: 16, Error: "too many open files"}}
		}, "listener [::]:2023 takes no connections: too many open files", true},
		"listener_full": {func(s *state, _ *journal.Health) {
			s.doors = []client.Listener{{Address: "a", Sessions: 4, MaxSessions: 5}, {Address: "b", Sessions: 5,
				MaxSessions: 5}}
		}, "all 5 sessions of the listener b are in use", true},
		"hook_fails": {func(s *state, _ *journal.Health) {
			s.hooks = []hooks.State{{Name: "pager"}, {Name: "siem", Waiting: 7, Failing: now.Add(-2 * time.Minute),
				Err: errors.New("no answer")}}
		}, "hook siem fails since 2026-11-28 11:58:00, 7 events wait: no answer", true},
		" hook_fails": {func(s *state, _ *journal.Health) {
			s.hooks = []hooks.State{{Name: "siem", Gone: true, Err: errors.New("410")}}
		}, "hook siem wants no more events until the next reload: 410", true},
		" hook fails now": {func(s *state, _ *journal.Health) {
			s.hooks = []hooks.State{{Name: "siem", Failing: now.Add(-time.Second), Lost: 1,
				LostAt: now.Add(-2 * time.Hour)}}
		}, "", true},
		"hook_lost": {func(s *state, _ *journal.Health) {
			s.hooks = []hooks.State{{Name: "siem", Lost: 3, LostAt: now.Add(-time.Minute)}}
		}, "hook siem has lost 3 events since the start, the last at 2026-11-28 11:59:00", true},
		"recordings_fail": {func(s *state, _ *journal.Health) {
			s.records = recordings.State{Since: now, Failed: errors.New("no space left on device")}
		}, "recordings fail since 2026-11-28 12:00:00: no space left on device", true},
		"recording_lost": {func(s *state, _ *journal.Health) {
			s.records = recordings.State{Lost: 7, LostAt: now.Add(-time.Minute), Why: "the disk is too slow"}
		}, "lost 7 octets of output since the start, the last at 2026-11-28 11:59:00: the disk is too slow", true},
		" recording lost before": {func(s *state, _ *journal.Health) {
			s.records = recordings.State{Lost: 7, LostAt: now.Add(-2 * time.Hour)}
		}, "", true},
		"audit_not_as_sealed": {func(s *state, _ *journal.Health) { s.seals.Changed = "it ends at row 2" },
			"before the start: it ends at row 2", true},
		"seals_fail": {func(s *state, _ *journal.Health) {
			s.seals = audit.State{Rows: 7, Since: now, Failed: errors.New("no space left on device")}
		}, "the audit is not sealed since 2026-11-28 12:00:00, 7 rows wait: no space left on device", true},
		" seals_fail": {func(s *state, _ *journal.Health) {
			s.seals = audit.State{File: "/mnt/seals", Busy: now.Add(-time.Minute)}
		}, "the disk of /mnt/seals has not finished a seal of the audit for 1m0s", true},
		"audit_changed": {func(s *state, _ *journal.Health) { s.broken = "row 4" }, "row 4", true},
		" in a fleet": {func(s *state, _ *journal.Health) {
			s.fleet = fleet.Status{Node: "lyon-1", Connected: true, Member: true}
		}, "", true},
		"fleet_away": {func(s *state, _ *journal.Health) {
			s.fleet = fleet.Status{Node: "lyon-1", Since: now, Reason: "no route to host"}
		}, "node lyon-1 works without its fleet since 2026-11-28 12:00:00: no route to host", true},
		"fleet_lost": {func(s *state, _ *journal.Health) {
			s.fleet = fleet.Status{Node: "lyon-1", Connected: true, Member: true, Lost: "2 callbacks were missing"}
		}, "acknowledged commits of the fleet were lost: 2 callbacks were missing", true},
		"fleet_forged": {func(s *state, _ *journal.Health) {
			s.fleet = fleet.Status{Node: "lyon-1", Connected: true, Member: true, Forged: 3}
		}, "3 rows of the fleet did not verify since the start", true},
		"reload_failed": {func(s *state, _ *journal.Health) { s.stale = "a.yaml:1:1" },
			"the next start may fail: a.yaml:1:1", true},
	} {
		s := state{broker: broker.Running, journal: well, now: now}
		tt.change(&s, &s.journal)
		var got, codes []string
		ready := true
		for _, p := range problemsOf(s) {
			got, codes = append(got, p.text()), append(codes, p.Code)
			ready = ready && !p.Unready
			seen[p.Code] = true
			if p.Fix == "" {
				t.Errorf("%s: no fix", p.Code)
			}
		}
		if code, _ := strings.CutPrefix(name, " "); code == name && strings.Join(codes, " ") != name {
			t.Errorf("%q: codes %q", name, codes)
		}
		if text := strings.Join(got, "\n"); tt.want == "" && text != "" || !strings.Contains(text, tt.want) ||
			ready != tt.ready {
			t.Errorf("%q: %q, ready %t; want %q, %t", name, text, ready, tt.want, tt.ready)
		}
	}
	for _, c := range checks {
		if !seen[c.code] {
			t.Errorf("no row of this test makes %s", c.code)
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
		told.tell([]problem{{"spool", client.Warning{What: now.String()}}}, now, log)
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
			h := d.healthOf(ctx)
			if !slices.Contains(h.Warnings, client.Warning{Code: "starting", What: "ringback is starting: it reads " +
				"the journal", Fix: "wait; if it lasts, see the log", Unready: true}) || h.Ready {
				t.Errorf("the broker has not begun: %+v", h)
			}
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

// TestHealthReference compares docs/reference/health.md with the table; `go test ./node -run HealthReference -update`
// rewrites it.
func TestHealthReference(t *testing.T) {
	t.Parallel()
	compareDocument(t, filepath.Join("..", "docs", "reference", "health.md"), "HealthReference", healthReference())
}

// healthReference returns docs/reference/health.md.
func healthReference() string {
	var b strings.Builder
	b.WriteString(healthHead)
	for _, c := range checks {
		ready := "yes"
		if c.unready {
			ready = "**no**"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.code, c.doc, ready, c.fix)
	}
	return b.String()
}

const healthHead = `# Health checks

<!-- Printed from node/checks.go: go test ./node -run HealthReference -update -->

` + "`ringback show health`, `GET /v1/health` of the admin API, `/readyz`" + ` and the log report the same problems, from this
table, the most urgent first. Each has a code for programs, a text, and what to do. While there is a
problem with *ready: no*, callers cannot be served, and ` + "`/readyz`" + ` answers with status 503. The log has a problem
when it begins, each 15 minutes while it lasts, and when it is over. See [Monitoring](../how-to/monitoring.md).

| code | problem | ready | what to do |
|---|---|---|---|
`

// TestHealthWhileTheDiskHangs: a state that cannot be read does not hold up who asks for it, and is a problem of its
// own; the metrics lack that part and say so.
func TestHealthWhileTheDiskHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &daemon{broker: broker.New(broker.Options{Pool: lines.NewPool(lines.PoolOptions{})}, broker.Config{})}
		hung, free := make(chan struct{}), make(chan struct{})
		go d.examined.get(context.Background(), func(context.Context) state { close(hung); <-free; return state{} })
		<-hung
		began := time.Now()
		h := d.healthOf(t.Context())
		if took := time.Since(began); took > healthPatience || h.Ready || len(h.Warnings) != 2 ||
			h.Warnings[1].Code != "health_hangs" {
			t.Errorf("after %v: %+v", took, h)
		}
		var s metrics.Snapshot
		ctx, cancel := context.WithTimeout(t.Context(), scrapePatience)
		defer cancel()
		if d.snapshotHealth(ctx, &s); s.Journal != nil || s.Health.Ready {
			t.Errorf("the snapshot: %+v", s)
		}
		close(free)
	})
}
