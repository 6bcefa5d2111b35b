package node

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// reloadAsk is an operator's order to reload.
type reloadAsk struct {
	by   string
	done chan<- client.Reload // has room for the answer
}

// bySignal is the operator of a reload by signal in the audit.
const bySignal = "SIGHUP"

// reloads reloads at each SIGHUP and at each order, one after the other, until ctx ends.
func (d *daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-d.hup:
			d.reload(ctx, bySignal)
		case ask := <-d.asks:
			ask.done <- d.reload(ctx, ask.by)
		case read := <-d.reads:
			read()
		case <-ctx.Done():
			return
		}
	}
}

// orderReload reloads for an operator and returns the result. An order that was taken is carried out, even if ctx ends.
func (d *daemon) orderReload(ctx context.Context, by string) (client.Reload, error) {
	done := make(chan client.Reload, 1)
	select {
	case d.asks <- reloadAsk{by, done}:
	case <-ctx.Done():
		return client.Reload{}, fmt.Errorf("not reloaded: %w", ctx.Err())
	}
	select {
	case r := <-done:
		return r, nil
	case <-ctx.Done():
		return client.Reload{}, fmt.Errorf("the result of the reload is in the log: %w", ctx.Err())
	}
}

// reload reopens the log file and reloads the configuration. On an error it keeps the old ones, logs why and says so in
// the result.
func (d *daemon) reload(ctx context.Context, by string) (r client.Reload) {
	r = newReload(d.cfg.File)
	defer d.reloading()()
	setGarbage(readGarbage)
	defer setGarbage(runGarbage)
	defer func() { // whatever is in the file, a reload never ends the calls
		if p := recover(); p != nil {
			r.Applied, r.Error = false, "internal error, see the log"
			d.stale.Store(&r.Error)
			d.log.Error("reload failed: internal error; the old configuration stays in force", zap.Any("panic", p),
				zap.Stack("stack"))
		}
	}()
	if err := d.reopenLog(); err != nil {
		r.Log = err.Error()
		d.log.Error("log file not reopened", zap.Error(err))
	}
	cfg, problems := config.LoadSettled(ctx, d.cfg.File, nil)
	if cfg != nil && len(cfg.Lines) == 0 && len(d.known) > 0 {
		cfg, problems = nil, append(problems, noLines(d.cfg.File, len(d.known)))
	}
	if cfg != nil && len(cfg.Policies.Groups()) == 0 {
		if n := len(d.applied.Policies.Groups()); n > 0 {
			cfg, problems = nil, append(problems, noPolicies(cfg.PoliciesDir, n))
		}
	}
	for _, p := range problems {
		d.log.Warn("configuration", zap.String("problem", p.String()))
	}
	var unsafe config.Problems
	if cfg != nil {
		unsafe = cfg.Unsafe
	}
	r.Problems = append(r.Problems, problemsFor(problems, unsafe)...)
	if cfg == nil || len(unsafe) > 0 {
		first := firstError(problems, unsafe)
		d.stale.Store(&first)
		d.scraped.notConfigured(problems, unsafe)
		d.broker.Happened(events.ReloadFailed{File: d.cfg.File, First: first, By: by})
		return r
	}
	if err := d.apply(ctx, cfg, by, &r); err != nil {
		r.Error = err.Error()
		d.stale.Store(&r.Error)
		d.scraped.notConfigured(config.Problems{{File: cfg.File, Severity: schema.Error}}, nil)
		d.broker.Happened(events.ReloadFailed{File: d.cfg.File, Err: err, By: by})
	}
	return r
}

// apply puts a valid configuration in force, and adds what it changes to r. After an error the old one is in force.
func (d *daemon) apply(ctx context.Context, cfg *config.Config, by string, r *client.Reload) error {
	leaving := d.leaving(cfg)
	placeAccess, err := d.access.prepare(cfg.API, cfg.Metrics)
	if err != nil {
		return err
	}
	bc, m, err := d.build(cfg, d.inForce(), leaving, d.broker.LinesInUse())
	if err != nil {
		return err
	}
	placeListeners, _, err := d.doors.prepare(ctx, cfg, m)
	if err != nil {
		m.Close()
		return err
	}
	old := d.replace(m, time.Now())
	d.carrier.addresses.Reload(cfg.PPP.Pools)
	if text := tooFewDescriptors(cfg, descriptorLimit()); text != "" {
		d.log.Error(text)
	}
	d.lines.SetHunts(cfg.Hunts)
	changed := d.lines.Reconfigure(d.drivers.planned(cfg)) // first: no call may come on a line without method lists
	d.broker.Reload(bc)
	d.known = append(slices.Clip(cfg.Lines), leaving...)
	d.keep.Store(int64(cfg.Journal.Keep))
	d.records.Configure(cfg.Recordings.Limits)
	select {
	case d.newLimits <- struct{}{}:
	default: // a disk that hangs holds up no reload
	}
	d.tariff.Store(cfg.Tariff)
	d.page.configured(cfg)
	placeAccess()
	placeListeners() // after the broker has the method lists
	d.sealer.Reload(cfg.Audit)
	d.hooks.Reload(cfg.Hostname, cfg.Hooks)
	old.Retire() // conversations under way continue with them
	d.stale.Store(nil)
	d.scraped.configured(cfg)
	d.fleetConfigured(cfg)
	d.broker.Happened(events.Reloaded{File: cfg.File, Digest: cfg.Digest, By: by})
	r.Applied, r.Digest = true, cfg.Digest
	r.Unverifiable = append(r.Unverifiable, d.warnOfPending(ctx, m)...)
	r.Lines = client.ReloadedLines(changed)
	if e := (events.LinesReloaded{
		Added: schema.FormatTTYs(changed.Added), Changed: schema.FormatTTYs(changed.Changed),
		Removed: schema.FormatTTYs(changed.Removed), Waiting: schema.FormatTTYs(changed.Waiting),
	}); e != (events.LinesReloaded{}) {
		d.broker.Happened(e)
	}
	r.Changed = append(r.Changed, changedKeys(d.applied, cfg)...)
	r.Groups = append(r.Groups, policies.ChangedGroups(d.applied.Policies, cfg.Policies)...)
	for _, key := range config.NeedsRestart(d.cfg, cfg) {
		r.Restart = append(r.Restart, key)
		d.broker.Happened(events.RestartNeeded{Key: key})
	}
	d.applied = cfg
	return nil
}

// noLines is the error of a reload that would remove all lines: the file was cut off, more likely than not.
func noLines(file string, n int) config.Problem {
	return config.Problem{File: file, Key: "lines",
		Msg: fmt.Sprintf("the file has no lines, and a reload does not remove all lines (%d)", n),
		Hint: "is the file complete? `ringback line busyout` takes lines out of service, and a restart removes " +
			"all of them"}
}

// noPolicies is the error of a reload that would put the built-in policy, which has no deny lists and limits, in the
// place of all policy files: their disk is not mounted, more likely than not.
func noPolicies(dir string, n int) config.Problem {
	return config.Problem{File: dir, Key: "policies_dir",
		Msg:  fmt.Sprintf("there are no policy files, and a reload does not remove all policies (%d)", n),
		Hint: "is the directory complete, and its disk mounted? A restart removes all policies"}
}

// problemsFor returns the problems of a configuration for clients. One that is unsafe replaces the warning of
// check-config about it.
func problemsFor(problems, unsafe config.Problems) (all []client.ConfigProblem) {
	for _, p := range problems {
		if same := p; same.Severity == schema.Warning {
			if same.Severity = schema.Error; slices.Contains(unsafe, same) {
				p = same
			}
		}
		all = append(all, client.ConfigProblem{File: p.File, Line: p.Line, Column: p.Column, Key: p.Key, Msg: p.Msg,
			Hint: p.Hint, Severity: p.Severity.String(), Text: p.String()})
	}
	return all
}

// firstError returns the first error of a configuration that is not applied. Problems are shown in the log as well,
// and contain no secrets.
func firstError(problems, unsafe config.Problems) string {
	if all := append(problems.Only(schema.Error), unsafe...); len(all) > 0 {
		return all[0].String()
	}
	return "unknown"
}

// warnOfPending reports and returns the pending callbacks whose method for the login on leg two is missing in the new
// configuration.
func (d *daemon) warnOfPending(ctx context.Context, m *methods.Set) (gone []string) {
	pending, _, err := d.broker.CallbackList(ctx, broker.CallbackQuery{})
	if err != nil {
		d.log.Error("journal: read the pending callbacks", zap.Error(err))
		return nil
	}
	for _, c := range pending {
		if _, err := m.Method(c.Entry); err != nil {
			gone = append(gone, c.ID)
			d.broker.Happened(events.MethodGone{Callback: c.ID, User: c.User, Method: c.Entry})
		}
	}
	return gone
}

// newReload returns the result of a reload that has changed nothing so far.
func newReload(file string) client.Reload {
	return client.Reload{File: file, Problems: []client.ConfigProblem{}, Changed: []client.ChangedKey{},
		Groups: []string{}, Restart: []string{}, Unverifiable: []string{}}
}
