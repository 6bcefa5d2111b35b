package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet/orders"
	"github.com/ringback/ringback/broker/fleet/postgres"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
)

// membership is the daemon's part in a fleet. The zero value: the node is alone.
type membership struct {
	authority *postgres.Authority
	orders    *orders.Node                      // the authority as the broker and the API have it; nil: alone
	digests   atomic.Pointer[map[string]string] // of the configuration in force
}

// PostgresOptions returns the connection settings of a configuration, for the daemon and for commands.
func PostgresOptions(f *config.Fleet) (postgres.Options, error) {
	p := f.Postgres
	o := postgres.Options{Addresses: p.Addresses, Database: p.Database, User: p.User, Password: string(p.Password),
		Node: f.Node, Key: []byte(f.Key), Durability: f.Durability, Takeover: f.Takeover, History: f.History}
	if p.TLS == nil {
		return o, nil
	}
	var err error
	if o.TLS, err = tlsOf(p); err != nil {
		return o, fmt.Errorf("fleet.postgres.%w", err)
	}
	return o, nil
}

// tlsOf reads the certificates. Without server_name, that of each address is verified.
func tlsOf(p config.Postgres) (*tls.Config, error) { return p.TLS.Config(p.TLS.ServerName) }

// openFleet makes the authority, which connects in the background.
func (d *daemon) openFleet(ctx context.Context) error {
	if d.cfg.Fleet == nil {
		return nil
	}
	o, err := PostgresOptions(d.cfg.Fleet)
	if err != nil {
		return err
	}
	d.fleetConfigured(d.cfg)
	o.Incarnation, o.JournalID, o.Version = rand.Text(), d.journal.AuditHead().Journal, d.version
	o.Lifetime, o.Log = d.cfg.Callback.Lifetime, d.log
	o.Digests = func() map[string]string { return *d.fleet.digests.Load() }
	o.Drained = d.whyDrained
	o.Alarm = func(text string) { d.broker.Happened(events.Alarm{Text: text}) }
	if d.fleet.authority, err = postgres.Open(ctx, o); err != nil {
		return fmt.Errorf("fleet: %w", err)
	}
	d.fleet.orders = orders.New(d.fleet.authority, d.log)
	d.fleet.orders.Owed = func() int { return d.broker.Owed() } // the broker is made later
	d.fleet.orders.Observe = func(operation string, took time.Duration, err error) {
		d.metrics.FleetOperation(operation, orders.ResultOf(err), took)
	}
	return nil
}

// fleetConfigured notes what others see of a configuration that is put in force.
func (d *daemon) fleetConfigured(cfg *config.Config) {
	digests := cfg.FleetDigests()
	d.fleet.digests.Store(&digests)
}

// whyDrained returns why no line takes calls, as the order of a fleet has it; "" if they do.
func (d *daemon) whyDrained() string {
	order := d.broker.DrainState().Order
	if order == nil {
		return ""
	}
	return cmp.Or(order.Reason, "ordered by "+order.By)
}

// fleetAPI is what the API needs of the fleet.
func (d *daemon) fleetAPI() api.Fleet {
	return api.Fleet{Node: d.fleet.orders, Happened: d.broker.Happened}
}

// join adds to the options of a broker what it needs as a node of the fleet.
func (d *daemon) join(o broker.Options) broker.Options {
	if d.fleet.orders == nil { // an interface with a nil pointer would be a fleet
		return o
	}
	f := d.cfg.Fleet
	o.Fleet, o.Node = d.fleet.orders, f.Node
	o.FleetRules = broker.FleetRules{Rotaries: f.Rotaries, OnLoss: broker.OnLoss(f.OnLoss), LocalCalls: f.LocalCalls}
	return o
}

// entries are the entries of method lists whose users this node of a fleet can call back for another one; nil: alone.
func entries(cfg *config.Config, m *methods.Set) map[string]bool {
	if cfg.Fleet == nil {
		return nil
	}
	all := map[string]bool{config.MethodLocal: true}
	for _, name := range m.Names() {
		all[name] = true
	}
	return all
}

// runFleet keeps the node a member of its fleet until the function that it returns is called, which waits for the end:
// what the shutdown of the broker records is recorded by it.
func (d *daemon) runFleet(ctx context.Context) (stop func()) {
	if d.fleet.orders == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.memberOf(ctx)
	}()
	return func() {
		cancel()
		<-ended
		d.fleet.authority.Close()
	}
}

// lookEach is how often the nodes are read for the health and the metrics.
const lookEach = 15 * time.Second

// memberOf runs the parts of a membership until ctx ends.
func (d *daemon) memberOf(ctx context.Context) {
	n := d.fleet.orders
	done := make(chan struct{}, 3)
	part := func(run func(context.Context)) {
		go func() { run(ctx); done <- struct{}{} }()
	}
	part(func(ctx context.Context) { n.Serve(ctx, carryOut(d.broker)) })
	part(d.shipAudit)
	part(func(ctx context.Context) { d.lookAtNodes(ctx, lookEach) })
	if err := n.Run(ctx); err != nil {
		d.log.Error("this node can never be a member of its fleet", zap.Error(err))
	}
	for range 3 {
		<-done
	}
}

// lookAtNodes keeps what is known of the nodes new.
func (d *daemon) lookAtNodes(ctx context.Context, each time.Duration) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for {
		_, _, _ = d.fleet.orders.Known(ctx) // the status has the reason of an error
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
