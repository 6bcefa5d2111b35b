package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
)

// access is who may use the admin API. A reload replaces it.
type access struct {
	roles        atomic.Pointer[api.Roles]
	certificates atomic.Pointer[tls.Config] // for clients over TLS
	monitoring   atomic.Pointer[tls.Config] // of metrics.listen
}

// prepare reads the certificates of a configuration, and returns what puts it in force.
func (a *access) prepare(c config.API, m config.Metrics) (place func(), err error) {
	var t, monitoring *tls.Config
	if m.TLS != nil {
		if monitoring, err = m.TLS.Config(); err != nil {
			return nil, fmt.Errorf("metrics.%w", err)
		}
	}
	if c.Listen != "" {
		if t, err = c.TLS.Config(); err != nil {
			return nil, fmt.Errorf("api.%w", err)
		}
	}
	return func() {
		a.roles.Store(&c.Roles)
		if t != nil {
			a.certificates.Store(t)
		}
		if monitoring != nil {
			a.monitoring.Store(monitoring)
		}
	}, nil
}

// doors are the listeners of the admin API.
type doors struct {
	socket net.Listener
	tcp    net.Listener // nil: none
}

// listen opens the admin API, which serve serves.
func (d *daemon) listen(ctx context.Context) (doors, error) {
	place, err := d.access.prepare(d.cfg.API, d.cfg.Metrics)
	if err != nil {
		return doors{}, err
	}
	place()
	on, err := d.openDoors(ctx)
	if err == nil {
		err = d.systemd.Unused(passedSocket, passedTLS)
	}
	if err != nil {
		on.close()
		return doors{}, err
	}
	return on, nil
}

// serve serves the admin API until ctx ends.
func (d *daemon) serve(ctx context.Context, parts *sync.WaitGroup, on doors, started time.Time) {
	srv := &api.Server{
		Daemon: api.FromFleet(d.broker, d.fleetAPI()), Fleet: d.fleetAPI(),
		AAAServers: func() []client.AAAServer { return d.inForce().Servers() },
		Feed:       d.feed, Events: d.events,
		PPP: api.PPP{Sessions: d.carrier.sessions, Pools: d.carrier.addresses.Snapshot,
			Happened: d.broker.Happened},
		Recordings: api.Recordings{Store: d.records, Happened: d.broker.Happened},
		Version:    func() client.Version { return d.about(started) },
		BackedUp:   d.backedUp,
		LogLevel:   d.logLevel.state, SetLogLevel: d.setLogLevel,
		Reload:   d.orderReload,
		Health:   d.healthOf,
		Metrics:  d.metrics.WriteText,
		PageLink: d.pageLink, Listeners: d.doors.list,
		Roles:  func() api.Roles { return *d.access.roles.Load() },
		Log:    d.log,
		Config: d.effective, ConfigDiff: d.diff,
		Explain: api.Explain{Policy: d.explainPolicy, Login: d.testLogin, Simulate: d.simulate},
	}
	failed := func(err error) {
		if err != nil {
			d.log.Error("admin API", zap.Error(err))
		}
	}
	parts.Go(func() { failed(srv.ServeListener(ctx, on.socket)) })
	parts.Go(func() { failed(srv.ServeInside(ctx, d.inside)) })
	if on.tcp != nil {
		parts.Go(func() { failed(srv.ServeTLS(ctx, on.tcp, d.access.certificates.Load)) })
	}
}
