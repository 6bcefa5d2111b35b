package node

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/schema"
)

// reloads reopens the log file and reloads the configuration at each SIGHUP; on an error it keeps the old ones
// and logs why.
func (d *daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-d.hup:
			if err := d.reopenLog(); err != nil {
				d.log.Error("log file not reopened", zap.Error(err))
			}
			d.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) reload(ctx context.Context) {
	defer func() { // whatever is in the file, a reload never ends the calls
		if p := recover(); p != nil {
			d.stale.Store(new("internal error, see the log"))
			d.log.Error("reload failed: internal error; the old configuration stays in force", zap.Any("panic", p),
				zap.Stack("stack"))
		}
	}()
	cfg, problems := config.Load(d.cfg.File, nil)
	for _, p := range problems {
		d.log.Warn("configuration", zap.String("problem", p.String()))
	}
	if cfg == nil || len(cfg.Unsafe) > 0 {
		var unsafe config.Problems
		if cfg != nil {
			unsafe = cfg.Unsafe
		}
		first := firstError(problems, unsafe)
		d.stale.Store(&first)
		d.broker.Happened(events.ReloadFailed{File: d.cfg.File, First: first, By: "SIGHUP"})
		return
	}
	leaving := d.leaving(cfg)
	bc, m, err := d.build(cfg, d.inForce(), leaving, d.broker.LinesInUse())
	if err != nil {
		d.stale.Store(new(err.Error()))
		d.broker.Happened(events.ReloadFailed{File: d.cfg.File, Err: err, By: "SIGHUP"})
		return
	}
	old := d.replace(m, time.Now())
	d.carrier.addresses.Reload(cfg.PPP.Pools)
	if text := tooFewDescriptors(cfg, descriptorLimit()); text != "" {
		d.log.Error(text)
	}
	d.lines.SetHunts(cfg.Hunts)
	changed := d.lines.Reconfigure(d.drivers.planned(cfg)) // first: no call may come on a line without method lists
	d.broker.Reload(bc)
	d.known = slices.Concat(cfg.Lines, leaving)
	d.keep.Store(int64(cfg.Journal.Keep))
	old.Retire() // conversations under way continue with them
	d.stale.Store(nil)
	d.broker.Happened(events.Reloaded{File: cfg.File, Digest: cfg.Digest, By: "SIGHUP"})
	d.warnOfPending(ctx, m)
	if e := (events.LinesReloaded{Added: ranges(changed.Added), Changed: ranges(changed.Changed),
		Removed: ranges(changed.Removed), Waiting: ranges(changed.Waiting)}); e != (events.LinesReloaded{}) {
		d.broker.Happened(e)
	}
	for _, key := range config.NeedsRestart(d.cfg, cfg) {
		d.broker.Happened(events.RestartNeeded{Key: key})
	}
}

// firstError returns the first error of a configuration that is not applied. Problems are shown in the log as well,
// and contain no secrets.
func firstError(problems, unsafe config.Problems) string {
	if all := append(problems.Only(schema.Error), unsafe...); len(all) > 0 {
		return all[0].String()
	}
	return "unknown"
}

// ranges formats sorted TTYs as `65-68, 70`.
func ranges(ttys []int) string {
	var b strings.Builder
	for i := 0; i < len(ttys); {
		first := i
		for i++; i < len(ttys) && ttys[i] == ttys[i-1]+1; i++ {
		}
		if first > 0 {
			b.WriteString(", ")
		}
		if b.WriteString(strconv.Itoa(ttys[first])); i-first > 1 {
			b.WriteString("-" + strconv.Itoa(ttys[i-1]))
		}
	}
	return b.String()
}

// warnOfPending reports the pending callbacks whose method for the login on leg two is missing in the new
// configuration.
func (d *daemon) warnOfPending(ctx context.Context, m *methods.Set) {
	pending, _, err := d.broker.CallbackList(ctx, broker.CallbackQuery{})
	if err != nil {
		d.log.Error("journal: read the pending callbacks", zap.Error(err))
		return
	}
	for _, c := range pending {
		if _, err := m.Method(c.Entry); err != nil {
			d.broker.Happened(events.MethodGone{Callback: c.ID, User: c.User, Method: c.Entry})
		}
	}
}
