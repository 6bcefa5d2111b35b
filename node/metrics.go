package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/metrics"
	"github.com/ringback/ringback/schema"
)

// scrapePatience is the time limit of what a scrape reads.
const scrapePatience = 2 * time.Second

// scraped is what scrapes read.
type scraped struct {
	lines    reading[lines.Tally]
	broker   reading[broker.Stats]
	ceilings reading[ceilings]

	mu       sync.Mutex
	conf     metrics.Configuration // without Failed
	policies string                // directory of the policy files
}

type ceilings struct {
	all []broker.CeilingView
	err error
}

// configured notes that a configuration was put in force.
func (s *scraped) configured(cfg *config.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conf = metrics.Configuration{Generation: s.conf.Generation + 1, Loaded: time.Now(),
		Groups: len(cfg.Policies.Groups())}
	s.policies = cfg.PoliciesDir
}

// notConfigured notes the errors of a configuration that was not put in force.
func (s *scraped) notConfigured(problems, unsafe config.Problems) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conf.PolicyErrors, s.conf.OtherErrors = 0, 0
	for _, p := range append(problems.Only(schema.Error), unsafe...) {
		if rel, err := filepath.Rel(s.policies, p.File); err == nil && filepath.IsLocal(rel) {
			s.conf.PolicyErrors++
		} else {
			s.conf.OtherErrors++
		}
	}
}

// snapshot reads what a scrape exports. Parts that take longer than scrapePatience are missing.
func (d *daemon) snapshot(ctx context.Context) metrics.Snapshot {
	ctx, cancel := context.WithTimeout(ctx, scrapePatience)
	defer cancel()
	s := metrics.Snapshot{Version: d.version, Go: runtime.Version(), Checks: checkCodes()}
	var parts sync.WaitGroup
	parts.Go(func() {
		s.Lines = part(ctx, &d.scraped.lines, func(context.Context) lines.Tally { return d.broker.Tally() })
	})
	parts.Go(func() {
		s.Broker = part(ctx, &d.scraped.broker, func(context.Context) broker.Stats { return d.broker.Stats() })
	})
	parts.Go(func() {
		c := part(ctx, &d.scraped.ceilings, func(ctx context.Context) ceilings {
			all, err := d.broker.SharedCeilings(ctx)
			return ceilings{all, err}
		})
		if c != nil && c.err == nil {
			s.Ceilings = append([]broker.CeilingView{}, c.all...)
		}
	})
	parts.Go(func() {
		began := time.Now()
		_ = d.progress(ctx) // the delay says it, and the health
		s.Delay = time.Since(began)
	})
	parts.Go(func() { d.snapshotHealth(ctx, &s) })
	m := d.inForce()
	s.AAA, s.Methods = m.Servers(), m.Names()
	s.Listeners, s.BeforeLogin = d.doors.list(), d.doors.beforeLogin()
	if d.fleet.orders != nil {
		s.Fleet = api.FleetOf(d.fleet.orders.Status())
		for _, n := range d.fleet.orders.LastRead() {
			s.Nodes = append(s.Nodes, client.Node{Name: n.Name, State: n.State, Silence: n.Silence.Seconds(),
				Claims: n.Claims})
		}
	}
	s.PPPSessions, s.Pools = len(d.carrier.sessions.List()), d.carrier.pools()
	d.scraped.mu.Lock()
	s.Configuration = d.scraped.conf
	d.scraped.mu.Unlock()
	s.Configuration.Failed = d.stale.Load() != nil
	parts.Wait()
	return s
}

// snapshotHealth reads the health, the journal and the spool.
func (d *daemon) snapshotHealth(ctx context.Context, s *metrics.Snapshot) {
	state, _ := d.check(ctx)
	s.Health = state.Health
	if state.hangs != nil {
		return
	}
	j := &metrics.JournalState{Health: state.journal, Spool: map[string]journal.Backlog{}}
	for _, list := range d.inForce().AccountingLists() {
		j.Spool[list] = journal.Backlog{List: list}
	}
	for _, b := range state.Spool {
		j.Spool[b.List] = journal.Backlog{List: b.List, Records: b.Records, Oldest: b.Oldest}
	}
	s.Journal = j
}

// part reads a part of a snapshot; nil if it takes too long.
func part[T any](ctx context.Context, r *reading[T], f func(context.Context) T) *T {
	v, err := r.get(ctx, f)
	if err != nil {
		return nil
	}
	return &v
}

// monitoring starts to listen for readers of the metrics, if the configuration says so, and returns what serves them
// until ctx ends; nil if nobody is served.
func (d *daemon) monitoring(ctx context.Context) (func(), error) {
	c := d.cfg.Metrics
	if c.Listen == "" {
		return nil, nil
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("metrics.listen: %w (set another address)", err)
	}
	d.log.Info("metrics are served", zap.Stringer("address", l.Addr()))
	var certificates func() *tls.Config
	if c.TLS != nil {
		certificates = d.access.monitoring.Load
	}
	srv := metrics.Server{Metrics: d.metrics, Live: d.progress, Health: d.healthOf, Certificates: certificates,
		Log: d.log}
	return func() {
		if err := srv.Serve(ctx, l); err != nil {
			d.log.Error("metrics", zap.Error(err))
		}
	}, nil
}

// observed counts an exchange with an AAA server.
func (d *daemon) observed(protocol string, e aaa.Exchange) { d.metrics.Exchange(protocol, e) }

// checkCodes returns the codes of all checks, each once.
func checkCodes() (all []string) {
	for _, c := range checks {
		all = append(all, c.code)
	}
	return all
}
