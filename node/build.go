package node

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/node/methods"
)

// pool creates the lines. They are opened when the pool runs.
func (d *daemon) pool() (*lines.Pool, error) {
	p := lines.NewPool(lines.PoolOptions{
		Debug: d.feed.Topic("modem"),
		// no call is screened before the broker exists
		Screen: func(ctx context.Context, r lines.RingingCall) bool { return d.broker.Screen(ctx, r) },
		Full:   func(r lines.RingingCall) bool { return d.broker.Full(r) },
	})
	p.SetHunts(d.cfg.Hunts)
	busy, err := d.busyouts().read()
	if err != nil {
		return nil, err
	}
	p.SetBusyouts(busy)
	proofs, err := modem.OpenProofs(filepath.Join(d.cfg.StateDir, "lines"))
	if err != nil {
		return nil, err
	}
	poller, debug := &port.Poller{}, d.feed.Topic("modem")
	for i := range d.cfg.Lines {
		l := &d.cfg.Lines[i] // no copy: it lives as long as the daemon
		driver := modem.New(modem.Options{
			Config: &l.Config,
			Open: func(ctx context.Context) (lines.Port, error) {
				return l.Address.Open(ctx, port.Options{FlowControl: l.FlowControl, TTY: l.TTY, Poller: poller,
					TLS: &l.TLS})
			},
			Proofs: proofs,
			Debug:  debug,
		})
		if err := p.Add(&l.Config, driver); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// build creates from a configuration what a reload can replace. old are the methods in force; nil for none.
func (d *daemon) build(cfg *config.Config, old *methods.Set) (broker.Config, *methods.Set, error) {
	front, err := d.carrier.frontEnds(cfg, d.cfg.Lines)
	if err != nil {
		return broker.Config{}, nil, err
	}
	m, err := methods.New(cfg, methods.Options{From: old, Trace: d.tracePacket,
		Traced: func() bool { return d.feed.Heard(topicAAA) }, Silent: d.silent})
	if err != nil {
		return broker.Config{}, nil, err
	}
	running, err := m.Lines(d.cfg.Lines)
	if err != nil {
		m.Close()
		return broker.Config{}, nil, err
	}
	s := cfg.Session
	s.FrontEnds, s.Debug = front, d.feed.Topic(topicAAA)
	return broker.Config{
		Session: s, Lines: running, Accounting: accountingLists(cfg), Policies: cfg.Policies,
		Lifetime:    cfg.Callback.Lifetime,
		HoldOff:     cfg.Callback.HoldOff,
		RandomWait:  cfg.Callback.RandomWait,
		Ceilings:    cfg.Ceilings,
		Tariff:      cfg.Tariff,
		Dialer:      &dialer.Dialer{Scripts: cfg.Scripts, Debug: d.feed.Topic("chat")},
		LoginLimits: cfg.Logins, LocalUsers: localUsers(cfg),
	}, m, nil
}

func localUsers(cfg *config.Config) map[string]bool {
	names := map[string]bool{}
	for _, u := range cfg.Users {
		names[u.Name] = true
	}
	return names
}

func accountingLists(cfg *config.Config) map[string]broker.AccountingList {
	lists, first := map[string]broker.AccountingList{}, map[string]string{}
	for _, l := range cfg.Lists[config.AccountingLists] {
		methods := strings.Join(l.Methods, " ")
		if _, ok := first[methods]; !ok && l.Record != string(broker.NoRecording) {
			first[methods] = l.Name
		}
		lists[l.Name] = broker.AccountingList{Record: broker.Recording(l.Record), Interim: l.Interim,
			Commands: l.Commands, SendAs: first[methods]}
	}
	if len(lists) == 0 { // nothing is accounted until a reload configures it
		lists["default"] = broker.AccountingList{Record: broker.NoRecording}
	}
	return lists
}
