package node

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
)

// TestConfigDiff: the difference between the file and what is in force is reported, and nothing is changed.
func TestConfigDiff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "ringback.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"aaa: {lists: {login: {default: [none]}}}\nlines: [{tty: 65, port: "+
			"\"tcp://127.0.0.1:1\"}]\nstate_dir: state\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hostname: one\n")
	cfg, problems := config.Load(file, nil)
	if cfg == nil {
		t.Fatal(problems)
	}
	d := &daemon{cfg: cfg, applied: cfg, known: cfg.Lines, log: zap.NewNop(), reads: make(chan func())}
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { d.reloads(ctx) })
	defer loop.Wait()
	defer cancel()
	if r, err := d.diff(t.Context()); err != nil || !r.Applied || len(r.Changed)+len(r.Restart)+len(r.Groups) > 0 {
		t.Errorf("the same file: %+v, %v", r, err)
	}
	write("hostname: two\nlog: {level: debug}\n")
	r, err := d.diff(t.Context())
	if err != nil || !r.Applied || len(r.Changed) != 2 || r.Changed[0].Key != "hostname" ||
		!slices.Equal(r.Restart, []string{"log.level"}) {
		t.Errorf("another file: %+v, %v", r, err)
	}
	write("life: 1h\n")
	r, err = d.diff(t.Context())
	if err != nil || r.Applied || !slices.ContainsFunc(r.Problems, func(p client.ConfigProblem) bool {
		return strings.Contains(p.Text, "life: unknown key")
	}) {
		t.Errorf("a file with an error: %+v, %v", r, err)
	}
	v, err := d.effective(t.Context())
	if err != nil || v.File != file || !slices.Contains(v.Settings,
		client.Setting{Key: "hostname", Value: `"one"`, Set: true}) {
		t.Errorf("in force: %+v, %v", v, err)
	}
	cancel()
	loop.Wait()
	if _, err := d.effective(ctx); err == nil {
		t.Error("after the end")
	}
}
