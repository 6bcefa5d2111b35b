package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/policies"
)

// Without an accounting method nothing is recorded, until a reload configures one.
func TestNothingAccounted(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, "users: [{name: kim, password_file: password}]\naaa: {lists: {login: {default: "+
		"[local]}}}\n"+
		"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n")
	want := map[string]broker.AccountingList{"default": {Record: broker.NoRecording}}
	if got := accountingLists(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A reload changes the access server's name in later requests.
func TestReloadOfHostname(t *testing.T) {
	t.Parallel()
	named := func(name string) *methods.Set {
		text := strings.NewReplacer("hostname: h", "hostname: "+name, "METHOD", "radius").Replace(generationConfig)
		return methodsOf(t, configtest.Load(t, text))
	}
	d := &daemon{methods: named("maui")}
	if got := d.about(time.Now()).Hostname; got != "maui" {
		t.Errorf("at the start: %q", got)
	}
	d.replace(named("kihei"), time.Now())
	if got := d.about(time.Now()).Hostname; got != "kihei" {
		t.Errorf("after the reload: %q", got)
	}
}

// TestReloadFailedSaysWhy: the audit has the first error of a configuration that is not applied.
func TestReloadFailedSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "state", "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	file := filepath.Join(dir, "ringback.yaml")
	if err := os.WriteFile(file, []byte("hostname: h\nlife: 1h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cfg: &config.Config{File: file}, log: zap.NewNop(), journal: j,
		logHealth: func() client.Log { return client.Log{} },
		reopenLog: func() error { return errors.New("no such directory") },
		broker:    broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{})}, broker.Config{})}
	r := d.reload(t.Context(), "uid 1000 (alice, api)")
	if r.Applied || r.Log != "no such directory" || !slices.ContainsFunc(r.Problems, func(p client.ConfigProblem) bool {
		return p.Key == "life" && p.Line == 2 && p.Severity == "error" && strings.HasPrefix(p.Text, file+":2:1: life")
	}) {
		t.Errorf("the result: %+v", r)
	}
	audit, _, err := j.AuditTail(t.Context(), 1)
	if err != nil || len(audit) != 1 || audit[0].Kind != "reload failed" || audit[0].Who != "uid 1000 (alice, api)" ||
		!strings.HasPrefix(audit[0].Text, file+": the new configuration has errors: "+file+":2:1: life: unknown key") {
		t.Errorf("%+v, %v", audit, err)
	}
	if h := d.healthOf(t.Context()); !slices.ContainsFunc(h.Problems, func(p string) bool {
		return strings.HasPrefix(p, "the last reload failed") && strings.Contains(p, file+":2:1: life: unknown key")
	}) {
		t.Errorf("health: %q", h.Problems)
	}
}

// TestOrderedReloads: orders and signals are carried out one after the other, each order gets its own result, and one
// that comes too late says that nothing was done.
func TestOrderedReloads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "state", "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	hup := make(chan os.Signal, 1)
	opened := 0 // not locked: one goroutine alone reloads
	d := &daemon{cfg: &config.Config{File: filepath.Join(dir, "none.yaml")}, log: zap.NewNop(), journal: j, hup: hup,
		asks: make(chan reloadAsk), reopenLog: func() error { opened++; return nil },
		broker: broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{})}, broker.Config{})}
	ctx, cancel := context.WithCancel(t.Context())
	var loop, orders sync.WaitGroup
	loop.Go(func() { d.reloads(ctx) })
	hup <- syscall.SIGHUP
	for range 20 {
		orders.Go(func() {
			if r, err := d.orderReload(t.Context(), "uid 7 (api)"); err != nil || r.Applied || len(r.Problems) != 1 {
				t.Errorf("%+v, %v", r, err)
			}
		})
	}
	orders.Wait()
	eventually(t, "the signal is handled", func() bool { return len(hup) == 0 })
	cancel()
	loop.Wait()
	if opened != 21 {
		t.Errorf("%d reloads, want 21", opened)
	}
	if _, err := d.orderReload(ctx, "uid 7 (api)"); !errors.Is(err, context.Canceled) ||
		!strings.HasPrefix(err.Error(), "not reloaded: ") {
		t.Errorf("after the end: %v", err)
	}
}

// A file that was cut off before its lines is valid, and a policies_dir that is not mounted has no files: neither must
// end the service, or the rules.
func TestReloadToNothing(t *testing.T) {
	t.Parallel()
	set, err := policies.New(policies.Site{}, policies.Policy{Group: "default"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		key, says string
		old       config.Config
	}{
		{"lines", "a reload does not remove all lines (2)", config.Config{Lines: []config.Line{
			{Config: lines.Config{TTY: 65}}, {Config: lines.Config{TTY: 66}}}}},
		{"policies_dir", "a reload does not remove all policies (1)", config.Config{Policies: set}},
	} {
		t.Run(tt.key, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "state", "journal.db")})
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			old := &tt.old
			old.File = filepath.Join(dir, "ringback.yaml")
			if err := os.WriteFile(old.File, []byte("hostname: h\nstate_dir: state\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			d := &daemon{cfg: old, applied: old, known: old.Lines, log: zap.NewNop(), journal: j,
				reopenLog: func() error { return nil },
				broker: broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{})},
					broker.Config{})}
			r := d.reload(t.Context(), "uid 7 (api)")
			if r.Applied || d.applied != old || !slices.ContainsFunc(r.Problems, func(p client.ConfigProblem) bool {
				return p.Key == tt.key && p.Severity == "error" && p.File != "" && p.Hint != "" &&
					strings.Contains(p.Text, tt.says)
			}) {
				t.Errorf("%+v", r)
			}
			if stale := d.stale.Load(); stale == nil || !strings.Contains(*stale, tt.says) {
				t.Errorf("health: %v", stale)
			}
		})
	}
}
