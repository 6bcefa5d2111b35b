package node

import (
	"context"
	"fmt"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/policies"
)

// read runs f in the goroutine of reloads, between two of them.
func (d *daemon) read(ctx context.Context, f func()) error {
	done := make(chan struct{})
	select {
	case d.reads <- func() { defer close(done); f() }:
		<-done
		return nil
	case <-ctx.Done():
		return fmt.Errorf("a reload is in progress: %w", ctx.Err())
	}
}

// effective returns the configuration in force.
func (d *daemon) effective(ctx context.Context) (v client.Config, err error) {
	if failed := d.read(ctx, func() {
		var all []config.Setting
		all, err = d.applied.Effective()
		v = client.Config{File: d.applied.File, Digest: d.applied.Digest, Settings: []client.Setting{}}
		for _, s := range all {
			v.Settings = append(v.Settings, client.Setting(s))
		}
	}); failed != nil {
		return v, failed
	}
	return v, err
}

// diff returns what a reload would change. It changes nothing.
func (d *daemon) diff(ctx context.Context) (r client.Reload, err error) {
	cfg, problems := config.Load(d.cfg.File, nil)
	err = d.read(ctx, func() {
		r = newReload(d.cfg.File)
		if cfg != nil && len(cfg.Lines) == 0 && len(d.known) > 0 {
			cfg, problems = nil, append(problems, noLines(d.cfg.File, len(d.known)))
		}
		var unsafe config.Problems
		if cfg != nil {
			unsafe = cfg.Unsafe
		}
		r.Problems = append(r.Problems, problemsFor(problems, unsafe)...)
		if cfg == nil || len(unsafe) > 0 {
			return
		}
		r.Applied, r.Digest = true, cfg.Digest
		r.Changed = append(r.Changed, changedKeys(d.applied, cfg)...)
		r.Groups = append(r.Groups, policies.ChangedGroups(d.applied.Policies, cfg.Policies)...)
		r.Restart = append(r.Restart, config.NeedsRestart(d.cfg, cfg)...)
	})
	return r, err
}

// changedKeys returns the keys that differ between two configurations.
func changedKeys(old, now *config.Config) (all []client.ChangedKey) {
	for _, c := range config.Changes(old, now) {
		k := client.ChangedKey{Key: c.Key}
		for _, e := range c.Effect {
			k.Effect = append(k.Effect, string(e))
		}
		all = append(all, k)
	}
	return all
}
