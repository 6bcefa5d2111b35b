package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// result is that of connecting to one address.
type result struct {
	conn *conn
	err  error
}

// dial connects to the server that takes writes. The address that did so last has a head start before the others, which
// are all asked at once: one that does not answer must not use up the time.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	first := p.last
	p.mu.Unlock()
	results := make(chan result, len(p.opt.Addresses))
	start := func(i int) {
		p.closers.Go(func() { c, err := p.dialAddress(ctx, i); results <- result{c, err} })
	}
	start(first)
	running, others := 1, len(p.opt.Addresses)-1
	lead := time.NewTimer(headStart)
	defer lead.Stop()
	startOthers := func() {
		for i := range p.opt.Addresses {
			if i != first && others > 0 {
				start(i)
				running++
			}
		}
		others = 0
	}
	var faults []error
	for running > 0 {
		select {
		case <-lead.C:
			startOthers()
		case r := <-results:
			running--
			if r.err == nil {
				p.closeLate(results, running)
				return r.conn, nil
			}
			faults = append(faults, r.err)
			startOthers()
		}
	}
	return nil, join(faults)
}

// closeLate closes the connections of addresses that answer after another one did.
func (p *pool) closeLate(results chan result, n int) {
	if n == 0 {
		return
	}
	p.closers.Go(func() {
		for range n {
			if r := <-results; r.err == nil {
				r.conn.drop()
			}
		}
	})
}

// join makes one error of those of all addresses.
func join(faults []error) error {
	if len(faults) == 1 {
		return faults[0]
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	joined := &fault{kind: fleet.ErrAway, cause: errors.Join(faults...)}
	var texts []string
	standbys := 0
	for _, err := range faults {
		var f *fault
		if errors.As(err, &f) {
			texts = append(texts, f.text)
			if errors.Is(f.kind, fleet.ErrNotMember) { // the server that takes writes has answered
				return f
			}
			if f.standby {
				standbys++
			}
		}
	}
	joined.text = strings.Join(texts, "; ")
	if standbys == len(faults) {
		joined.text = "all addresses are standbys, and none takes writes: promote one, or add the primary to " +
			"fleet.postgres.addresses (" + joined.text + ")"
	}
	return joined
}

// dialAddress connects to one address and makes sure that it takes writes.
func (p *pool) dialAddress(ctx context.Context, i int) (*conn, error) {
	pooled := p.pooled.Load()
	c, err := p.connect(ctx, i, !pooled)
	if err == nil && !pooled && p.pooled.Load() {
		c.drop()
		c, err = p.connect(ctx, i, false)
	}
	return c, err
}

// connect connects to one address. prepare: statements are prepared on the connection, which saves the server most of
// the work for them.
func (p *pool) connect(ctx context.Context, i int, prepare bool) (*conn, error) {
	address := p.opt.Addresses[i]
	config, err := p.opt.config(address)
	if err != nil {
		return nil, &fault{kind: fleet.ErrAway, text: err.Error(), cause: err}
	}
	if prepare {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement
	}
	c := &conn{address: i}
	config.OnNotice = c.notice
	if c.Conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, p.opt.explain(address, err)
	}
	err = p.check(ctx, c)
	if err == nil && prepare && !p.pooled.Load() {
		err = p.opt.explain(address, p.configure(ctx, c))
	}
	if err != nil {
		c.drop()
		return nil, err
	}
	return c, nil
}

// configure gives a session that no pooler shares the settings of transactions, which each one would cost a statement.
// The plans of prepared statements are made once: each reads by an index, whatever its arguments are.
func (p *pool) configure(ctx context.Context, c *conn) error {
	_, err := c.Exec(ctx, "SELECT set_config('plan_cache_mode', 'force_generic_plan', false), "+
		durable(p.opt.Timeout, false), pgx.QueryExecModeExec)
	c.set = err == nil
	return err
}

// config returns how to connect to an address.
func (o *Options) config(address string) (*pgx.ConnConfig, error) {
	c, err := pgx.ParseConfig("sslmode=disable connect_timeout=0 passfile=/dev/null")
	if err != nil {
		return nil, err
	}
	if c.Host, c.Port, err = splitAddress(address); err != nil {
		return nil, fmt.Errorf("fleet.postgres.addresses: %w", err)
	}
	c.Database, c.User, c.Password = o.Database, o.User, o.Password
	if !filepath.IsAbs(c.Host) && o.TLS != nil {
		c.TLSConfig = o.TLS.Clone()
		if c.TLSConfig.ServerName == "" {
			c.TLSConfig.ServerName = c.Host
		}
	}
	c.Fallbacks, c.ConnectTimeout = nil, o.Timeout
	c.DialFunc = dialer.DialContext
	c.RuntimeParams = map[string]string{"application_name": "ringback " + o.Node}
	c.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // a pooler may have another server for each transaction
	return c, nil
}

// splitAddress splits host:port; a directory has the socket of port 5432.
func splitAddress(address string) (host string, port uint16, err error) {
	if filepath.IsAbs(address) {
		return address, 5432, nil
	}
	host, p, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(p, 10, 16)
	return host, uint16(n), err
}

// facts are what a server says about itself.
type facts struct {
	address  string
	version  int    // 150018 is 15.18
	standby  bool   // in recovery
	readOnly bool   // transactions are, by a setting
	names    string // synchronous_standby_names
	standbys int    // connected ones
	tables   bool   // there is something in a schema ringback
	versions bool   // it has the table of its version
	process  uint32 // that answered
}

const factsSQL = `SELECT pg_backend_pid(),
	current_setting('server_version_num')::int, pg_is_in_recovery(),
	current_setting('transaction_read_only') = 'on', current_setting('synchronous_standby_names'),
	(SELECT count(*) FROM pg_stat_replication)::int,
	EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('ringback')),
	EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('ringback') AND relname = '` + versionTable + `')`

// ask returns the facts of a server. It prepares nothing: a pooler may be between.
func ask(ctx context.Context, c *pgx.Conn) (f facts, err error) {
	err = c.QueryRow(ctx, factsSQL, pgx.QueryExecModeExec).Scan(&f.process, &f.version, &f.standby,
		&f.readOnly, &f.names, &f.standbys, &f.tables, &f.versions)
	return f, err
}

// check makes sure that a server takes writes, and that the fleet may use it as it is configured.
func (p *pool) check(ctx context.Context, c *conn) error {
	address := p.opt.Addresses[c.address]
	f, err := ask(ctx, c.Conn)
	f.address = address
	if err == nil && f.process != c.PgConn().PID() {
		p.pooled.Store(true)
	}
	if err == nil {
		err = p.opt.usable(f)
	}
	if err == nil {
		err = p.opt.migrated(ctx, c.Conn)
	}
	if err != nil {
		return p.opt.explain(address, err)
	}
	p.mu.Lock()
	alone := f.names != "" && f.standbys == 0 && (p.server.standbys > 0 || p.server.address == "")
	p.server = f
	p.mu.Unlock()
	if alone {
		p.opt.Alarm("no standby is connected to PostgreSQL at " + address + ", and commits wait for one " +
			"(synchronous_standby_names): start the standby")
	}
	return nil
}

// usable returns why a fleet cannot use a server with these facts; nil if it can.
func (o *Options) usable(f facts) error {
	notMember := func(text string, args ...any) error {
		return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf(text, args...)}
	}
	switch {
	case f.version < 150000:
		return notMember("PostgreSQL at %s is version %d: a fleet needs 15 or later", f.address, f.version/10000)
	case f.standby:
		return &fault{kind: fleet.ErrAway, text: f.address + " is a standby and takes no writes", standby: true}
	case f.readOnly:
		return &fault{kind: fleet.ErrAway, text: fmt.Sprintf("PostgreSQL at %s is read-only for user %s "+
			"(default_transaction_read_only = on)", f.address, o.User)}
	case o.Durability == Replicated && f.names == "":
		return notMember("PostgreSQL at %s has no synchronous standby, and fleet.durability is replicated: set "+
			"synchronous_standby_names there, or fleet.durability: server", f.address)
	}
	return o.usableTables(f)
}

// usableTables returns why the tables cannot be those of a fleet; nil if they can.
func (o *Options) usableTables(f facts) error {
	switch {
	case !f.tables:
		return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf("database %s has no tables of a fleet: run "+
			"'ringback fleet migrate'", o.Database)}
	case !f.versions:
		return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf("database %s has a schema ringback that is not of "+
			"a fleet: use another database", o.Database), fix: "set fleet.postgres.database to another database"}
	}
	return nil
}

// recheck looks at the settings of the server each minute, with a connection that is about to be used.
func (p *pool) recheck(ctx context.Context, c *conn) error {
	p.mu.Lock()
	due := time.Since(p.checked) > checkEach
	if due {
		p.checked = time.Now()
	}
	p.mu.Unlock()
	if !due {
		return nil
	}
	err := p.check(ctx, c)
	if err != nil {
		c.drop()
		p.reset()
		p.mu.Lock()
		p.fault = err
		p.mu.Unlock()
	}
	return err
}
