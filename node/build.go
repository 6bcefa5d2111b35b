package node

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/certs"
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
		Screen:  func(ctx context.Context, r lines.RingingCall) bool { return d.broker.Screen(ctx, r) },
		Message: func(ctx context.Context, m lines.Message) bool { return d.broker.Message(ctx, m) },
		Full:    func(r lines.RingingCall) bool { return d.broker.Full(r) },
		// no line is up before the broker runs the pool
		Prepare: func(tty int, o lines.Occasion) lines.Preparation { return d.broker.Prepare(tty, o) },
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
	d.drivers = drivers{proofs: proofs, poller: &port.Poller{}, debug: d.feed.Topic("modem")}
	p.Reconfigure(d.drivers.planned(d.cfg))
	return p, nil
}

// drivers has what the drivers of all lines share.
type drivers struct {
	proofs *modem.Proofs
	poller *port.Poller
	debug  func(tty int, text string)
}

// planned returns the lines of a configuration, which stays in memory as long as they do.
func (ds drivers) planned(cfg *config.Config) []lines.Planned {
	all := make([]lines.Planned, len(cfg.Lines))
	for i := range cfg.Lines {
		l := &cfg.Lines[i]
		all[i] = lines.Planned{Config: &l.Config, Port: filesOf(l), Driver: func() lines.Driver {
			return modem.New(modem.Options{
				Config: &l.Config,
				Open: func(ctx context.Context) (lines.Port, error) {
					return l.Address.Open(ctx, port.Options{FlowControl: l.FlowControl, TTY: l.TTY, Poller: ds.poller,
						TLS: &l.TLS})
				},
				Proofs: ds.proofs,
				Debug:  ds.debug,
			})
		}}
	}
	return all
}

// filesOf returns what the port of a line uses besides its configuration, to be compared; nil: nothing.
func filesOf(l *config.Line) any {
	if l.TLS == (certs.Files{}) {
		return nil
	}
	return l.TLS
}

// leaving returns the lines in force that a new configuration does not have. They keep their method lists and their
// PPP profile for the calls and callbacks that still use them.
func (d *daemon) leaving(cfg *config.Config) []config.Line {
	stays := make(map[int]bool, len(cfg.Lines))
	for i := range cfg.Lines {
		stays[cfg.Lines[i].TTY] = true
	}
	var gone []config.Line
	for i := range d.known {
		if !stays[d.known[i].TTY] {
			gone = append(gone, d.known[i])
		}
	}
	return gone
}

// build creates from a configuration what a reload can replace. old are the methods in force; nil for none. leaving are
// lines that are not in the configuration any more, used those of them that a call or a pending callback needs.
func (d *daemon) build(cfg *config.Config, old *methods.Set, leaving []config.Line, used map[int]bool) (broker.Config,
	*methods.Set, error) {
	front, err := d.carrier.frontEnds(cfg, d.text(cfg.Exec), leaving, used)
	if err != nil {
		return broker.Config{}, nil, err
	}
	m, err := methods.New(cfg, methods.Options{From: old, Trace: d.tracePacket,
		Traced: func(of aaa.About) bool { return d.feed.HeardOf(topicAAA, of.TTY, of.User) },
		Silent: d.silent, Observe: d.observed})
	if err != nil {
		return broker.Config{}, nil, err
	}
	running, err := m.Lines(leaving, used)
	if err != nil {
		m.Close()
		return broker.Config{}, nil, err
	}
	sites, err := sitesOf(cfg, m)
	if err != nil {
		m.Close()
		return broker.Config{}, nil, err
	}
	s := cfg.Session
	s.FrontEnds, s.Debug, s.Trying = front, d.feed.Topic(topicAAA), d.trying
	return broker.Config{
		Session: s, Lines: running, Accounting: accountingLists(cfg), Policies: cfg.Policies,
		Lifetime:    cfg.Callback.Lifetime,
		HoldOff:     cfg.Callback.HoldOff,
		RandomWait:  cfg.Callback.RandomWait,
		Ceilings:    cfg.Ceilings,
		Tests:       cfg.ModemTests,
		ChatPolicy:  cfg.ChatPolicy,
		Triggers:    cfg.Triggers,
		Sites:       sites,
		Entries:     entries(cfg, m),
		Tariff:      cfg.Tariff,
		Dialer:      &dialer.Dialer{Scripts: cfg.Scripts, Debug: d.feed.Topic("chat")},
		LoginLimits: cfg.Logins, LocalUsers: localUsers(cfg),
	}, m, nil
}

// sitesOf returns the sites that operators dial, and how AAA is asked about others.
func sitesOf(cfg *config.Config, m *methods.Set) (broker.Sites, error) {
	s := broker.Sites{Known: cfg.Sites.Known, Suffix: cfg.Sites.Suffix, Password: cfg.Sites.Password}
	if cfg.Sites.List == "" {
		return s, nil
	}
	login, err := m.Login(config.Line{Lists: cfg.Lists.ForDialOut(cfg.Sites.List)})
	s.Login = login
	return s, err
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
