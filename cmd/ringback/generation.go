package main

import (
	"context"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
)

// generation is the methods of a configuration that another has replaced.
type generation struct {
	*methods
	replaced time.Time
}

// generationKept is how long the servers of a replaced configuration are given what began with them: one that was taken out because it is
// gone for good must not hold records for ever.
const generationKept = 24 * time.Hour

// Send implements aaa.Accountant. A session is accounted to the end where its Start went, though a reload may have named other servers meanwhile: else
// the one would hold it for open for ever, and the other would hear of an end without a beginning.
func (d *daemon) Send(ctx context.Context, r aaa.Record) error {
	return d.generation(r, time.Now()).Send(ctx, r)
}

// generation is the methods that were in force when the record's session began.
func (d *daemon) generation(r aaa.Record, now time.Time) *methods {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Type == aaa.On || r.Type == aaa.Off {
		return d.methods
	}
	began := r.Time.Add(-r.SessionTime)
	for _, g := range d.old {
		if began.Before(g.replaced) && now.Sub(g.replaced) < generationKept && !slices.Equal(g.accountingServers(r.List), d.methods.accountingServers(r.List)) {
			return g.methods
		}
	}
	return d.methods
}

// accountingServers are the servers that a list's records go to, by name and address.
func (m *methods) accountingServers(list string) []string {
	var servers []string
	for _, name := range m.accountants(list) {
		members := []string(nil) // nil: all of the protocol
		for _, g := range m.cfg.Groups {
			if g.Name == name {
				members = g.Servers
			}
		}
		in := func(server string) bool { return members == nil || slices.Contains(members, server) }
		if m.cfg.Protocol(name) == config.MethodTACACS {
			for _, s := range m.cfg.TACACS.Servers {
				if in(s.Name) {
					servers = append(servers, "tacacs "+s.Name+" "+s.Address)
				}
			}
			continue
		}
		for _, s := range m.cfg.RADIUS.Servers {
			if in(s.Name) && s.Accounting != "" {
				servers = append(servers, "radius "+s.Name+" "+s.Accounting)
			}
		}
	}
	return servers
}

// warnOfPending tells which promises a new configuration leaves without the method that must prove leg two.
func (d *daemon) warnOfPending(ctx context.Context, m *methods) {
	pending, _, err := d.broker.CallbackList(ctx, broker.CallbackQuery{})
	if err != nil {
		d.log.Error("journal: read the pending callbacks", zap.Error(err))
		return
	}
	for _, c := range pending {
		if _, err := m.method(c.Entry); err != nil {
			d.log.Warn("reload: the method that answered the first call is gone: who is called back will not be let in", zap.String("callback", c.ID),
				zap.String("user", c.User), zap.String("method", c.Entry))
		}
	}
}
