package node

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
	"go.uber.org/zap"
)

// reloads opens the log's file and takes the configuration anew at each SIGHUP, or keeps the old one and says why.
func (d *daemon) reloads(ctx context.Context) {
	for {
		select {
		case <-d.hup:
			if err := d.reopenLog(); err != nil {
				d.log.Error("the log goes on in the old file", zap.Error(err))
			}
			d.reload(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) reload(ctx context.Context) {
	defer func() { // whatever stands in the file: a reload never ends the calls
		if p := recover(); p != nil {
			d.log.Error("reload: a defect of ringback's; the old configuration stays", zap.Any("panic", p), zap.Stack("stack"))
		}
	}()
	cfg, problems := config.Load(d.cfg.File, nil)
	for _, p := range problems {
		d.log.Warn("configuration", zap.String("problem", p.String()))
	}
	if cfg == nil || len(cfg.Unsafe) > 0 {
		d.log.Error("reload: the new configuration has mistakes: the old one stays", zap.String("file", d.cfg.File))
		d.broker.Audit("reload failed", "SIGHUP", d.cfg.File+": the new configuration has mistakes")
		return
	}
	bc, m, err := d.build(cfg, d.inForce())
	if err != nil {
		d.log.Error("reload: the old configuration stays", zap.Error(err))
		d.broker.Audit("reload failed", "SIGHUP", d.cfg.File+": "+err.Error())
		return
	}
	old := d.replace(m, time.Now())
	d.broker.Reload(bc)
	old.Retire() // conversations that they began are still their own
	d.broker.Audit("reload", "SIGHUP", cfg.File+", digest "+cfg.Digest)
	d.log.Info("reloaded", zap.String("file", cfg.File), zap.String("digest", cfg.Digest))
	d.warnOfPending(ctx, m)
	for _, what := range needsRestart(d.cfg, cfg) {
		d.log.Warn("reload: this changes with a restart only", zap.String("key", what))
	}
}

// needsRestart names what a reload left as it was.
func needsRestart(old, now *config.Config) []string {
	var keys []string
	if old.StateDir != now.StateDir {
		keys = append(keys, "state_dir")
	}
	if old.API != now.API {
		keys = append(keys, "api")
	}
	if old.Log != now.Log {
		keys = append(keys, "log")
	}
	if accounts(old) != accounts(now) {
		keys = append(keys, "aaa.lists.accounting: that there is accounting at all")
	}
	if !reflect.DeepEqual(old.DynamicAuthor, now.DynamicAuthor) {
		keys = append(keys, "aaa.dynamic_author")
	}
	if fmt.Sprint(old.LineConfigs()) != fmt.Sprint(now.LineConfigs()) {
		keys = append(keys, "lines")
	}
	return keys
}

// warnOfPending tells which promises a new configuration leaves without the method that must prove leg two.
func (d *daemon) warnOfPending(ctx context.Context, m *methods.Set) {
	pending, _, err := d.broker.CallbackList(ctx, broker.CallbackQuery{})
	if err != nil {
		d.log.Error("journal: read the pending callbacks", zap.Error(err))
		return
	}
	for _, c := range pending {
		if _, err := m.Method(c.Entry); err != nil {
			d.log.Warn("reload: the method that answered the first call is gone: who is called back will not be let in", zap.String("callback", c.ID),
				zap.String("user", c.User), zap.String("method", c.Entry))
		}
	}
}
