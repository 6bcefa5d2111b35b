package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Level says how bad a Finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "fail" // a node cannot work in the fleet, or the fleet may lose what it has acknowledged
)

// Finding is one result of Check.
type Finding struct {
	Name  string // of what was looked at
	Level Level
	Text  string
	Fix   string // what to do; "" if it is OK
}

// reached is what one address answered.
type reached struct {
	address string
	facts   facts
	err     error
}

// primary connects to the first address that takes writes, as a node does, and returns what the addresses before it
// answered too. The caller closes the connection.
func (o *Options) primary(ctx context.Context) (*pgx.Conn, []reached, error) {
	var all []reached
	var faults []error
	for _, address := range o.Addresses {
		c, f, err := o.reach(ctx, address)
		all = append(all, reached{address, f, err})
		if err == nil && !f.standby {
			return c, all, nil
		}
		if err == nil {
			err = o.usable(f)
			c.Close(ctx)
		}
		faults = append(faults, err)
	}
	if len(faults) == 0 {
		return nil, nil, errors.New("fleet.postgres.addresses: there are none")
	}
	return nil, all, join(faults)
}

// reach connects to an address, whether it takes writes or not.
func (o *Options) reach(ctx context.Context, address string) (*pgx.Conn, facts, error) {
	config, err := o.config(address)
	if err != nil {
		return nil, facts{}, err
	}
	limited, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	c, err := pgx.ConnectConfig(limited, config)
	if err != nil {
		return nil, facts{}, o.explain(address, err)
	}
	f, err := ask(limited, c)
	if err != nil {
		c.Close(limited)
		return nil, facts{}, o.explain(address, err)
	}
	f.address = address
	return c, f, nil
}

// checker collects findings.
type checker struct {
	opt  Options
	ctx  context.Context
	conn *pgx.Conn // of the primary
	all  []Finding
}

// add adds a finding.
func (k *checker) add(name string, level Level, text, fix string) {
	k.all = append(k.all, Finding{name, level, text, fix})
}

// Check looks at the servers of a fleet, at their settings and at the tables, and returns what it finds, with what to
// do about it. It changes nothing.
func Check(ctx context.Context, opt Options) []Finding {
	k := &checker{opt: opt.withDefaults(), ctx: ctx}
	c, addresses, err := k.opt.primary(ctx)
	k.addresses(addresses)
	if err != nil {
		k.add("primary", Fail, faultText(err), k.fixOfPrimary(addresses, err))
		return k.all
	}
	defer c.Close(context.WithoutCancel(ctx))
	k.conn = c
	f := addresses[len(addresses)-1].facts
	k.add("primary", OK, f.address+" takes writes", "")
	k.readOnly(f)
	k.version(f)
	k.encryption(f)
	k.settings()
	k.standbys(f)
	k.pooler()
	k.connections()
	k.schema(f)
	k.oldTransactions()
	k.clock()
	return k.all
}

// fixOfPrimary returns what to do when no address takes writes.
func (k *checker) fixOfPrimary(addresses []reached, err error) string {
	if fix := fixOf(err, ""); fix != "" {
		return fix
	}
	for _, r := range addresses {
		if fixOf(r.err, "") != "" {
			return "see the addresses above: one of them must take writes"
		}
	}
	return "start or promote a server that is in fleet.postgres.addresses"
}

// fixOf returns the fix of an error; otherwise, if it has none.
func fixOf(err error, otherwise string) string {
	var f *fault
	if errors.As(err, &f) && f.fix != "" {
		return f.fix
	}
	return otherwise
}

// faultText returns the text of an error without its kind.
func faultText(err error) string {
	var f *fault
	if errors.As(err, &f) {
		return f.text
	}
	return err.Error()
}

func (k *checker) addresses(all []reached) {
	for _, r := range all {
		switch {
		case r.err != nil:
			k.add("address", Warn, faultText(r.err), fixOf(r.err, "correct it, or remove "+r.address+
				" from fleet.postgres.addresses"))
		case r.facts.standby:
			k.add("address", OK, r.address+" is a standby", "")
		default:
			k.add("address", OK, r.address+" is a primary", "")
		}
	}
}

func (k *checker) version(f facts) {
	text := fmt.Sprintf("PostgreSQL %d.%d", f.version/10000, f.version%10000)
	if f.version < 150000 {
		k.add("version", Fail, text, "install PostgreSQL 15 or later")
		return
	}
	k.add("version", OK, text, "")
}

func (k *checker) encryption(f facts) {
	switch {
	case strings.HasPrefix(f.address, "/"):
		k.add("tls", OK, "a socket of this machine", "")
	case k.opt.TLS == nil:
		k.add("tls", Warn, "the connection is not encrypted",
			"set fleet.postgres.tls if the server is on another machine")
	case k.opt.TLS.InsecureSkipVerify:
		k.add("tls", Warn, "the server's certificate is not checked",
			"set ca_file and remove insecure in fleet.postgres.tls")
	default:
		k.add("tls", OK, "the server's certificate is valid", "")
	}
}

// setting is a setting of the server that the fleet needs.
type setting struct {
	name, want string
	level      Level
	why        string
}

var settings = []setting{
	{"fsync", "on", Fail, "a crash of the server's machine loses or damages what was acknowledged"},
	{"full_page_writes", "on", Fail, "a crash of the server's machine may damage the database"},
	{"synchronous_commit", "on", OK, "the fleet sets it to on in its transactions"},
	{"autovacuum", "on", Warn, "dead rows stay, and claims become slower"},
	{"track_counts", "on", Warn, "autovacuum does not work without it"},
}

func (k *checker) settings() {
	for _, s := range settings {
		value, err := k.value("SELECT current_setting('" + s.name + "')")
		switch {
		case err != nil:
			k.add(s.name, Warn, faultText(err), "")
		case value == s.want:
			k.add(s.name, OK, s.name+" = "+value, "")
		case s.level == OK:
			k.add(s.name, OK, s.name+" = "+value+": "+s.why, "")
		default:
			k.add(s.name, s.level, s.name+" = "+value+": "+s.why, "set "+s.name+" = "+s.want+" in postgresql.conf")
		}
	}
}

// value returns the one value of a query as a text.
func (k *checker) value(query string) (text string, err error) {
	ctx, cancel := context.WithTimeout(k.ctx, k.opt.Timeout)
	defer cancel()
	err = k.conn.QueryRow(ctx, "SELECT ("+query+")::text").Scan(&text)
	return text, k.opt.explain("", err)
}

func (k *checker) standbys(f facts) {
	// Only a role with pg_monitor sees which of them are synchronous; the others see how many there are.
	synchronous, _ := k.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')")
	visible, _ := k.value("SELECT count(*) FROM pg_stat_replication WHERE sync_state IS NOT NULL")
	switch {
	case f.names == "" && k.opt.Durability == Replicated:
		k.add("standbys", Fail, "fleet.durability is replicated, and the server has no synchronous standby",
			"set synchronous_standby_names in postgresql.conf, or fleet.durability: server")
	case f.names == "":
		k.add("standbys", OK, "none is synchronous, as fleet.durability: server allows: the loss of the server's disk "+
			"loses what was acknowledged", "")
	case f.standbys == 0:
		k.add("standbys", Fail, "no standby is connected, and commits wait for one (synchronous_standby_names = "+
			f.names+")", "start the standby")
	case synchronous == "0" && visible != "0":
		k.add("standbys", Fail, fmt.Sprintf("none of %d connected standbys is synchronous (synchronous_standby_names "+
			"= %s)", f.standbys, f.names), "use the application_name of a standby in synchronous_standby_names")
	case visible == "0":
		k.add("standbys", OK, fmt.Sprintf("%d connected; synchronous_standby_names = %s", f.standbys, f.names), "")
	default:
		k.add("standbys", OK, fmt.Sprintf("%d connected, %s synchronous", f.standbys, synchronous), "")
	}
}

// pooler finds out whether the process that answers is the one that this connection began with.
func (k *checker) pooler() {
	pid, err := k.value("SELECT pg_backend_pid()")
	switch {
	case err != nil:
		k.add("pooler", Warn, faultText(err), "")
	case pid != fmt.Sprint(k.conn.PgConn().PID()):
		k.add("pooler", Warn, "a pooler is between: in transaction mode notifications do not come through, and nodes "+
			"see changes of others within 5 s", "use the server's own address if that is too late")
	default:
		k.add("pooler", OK, "none", "")
	}
}

func (k *checker) connections() {
	ctx, cancel := context.WithTimeout(k.ctx, k.opt.Timeout)
	defer cancel()
	var most, used, role int
	err := k.conn.QueryRow(ctx, `SELECT current_setting('max_connections')::int -
		current_setting('superuser_reserved_connections')::int, (SELECT sum(numbackends) FROM pg_stat_database)::int,
		(SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user)`).Scan(&most, &used, &role)
	need := k.opt.Connections + 2 // for heartbeats and notifications
	if role >= 0 {
		most = min(most, role)
	}
	switch {
	case err != nil:
		k.add("connections", Warn, faultText(k.opt.explain("", err)), "")
	case most < need:
		k.add("connections", Fail, fmt.Sprintf("the server allows %d, and a node has up to %d", most, need),
			"raise max_connections, or use PgBouncer")
	case most-used < need:
		k.add("connections", Warn, fmt.Sprintf("%d of %d are in use, and a node has up to %d", used, most, need),
			"raise max_connections, or use PgBouncer")
	default:
		k.add("connections", OK, fmt.Sprintf("%d of %d are in use, and a node has up to %d", used, most, need), "")
	}
}

func (k *checker) schema(f facts) {
	err := k.opt.usableTables(f)
	if err == nil {
		err = k.opt.migrated(k.ctx, k.conn)
	}
	if err != nil {
		err = k.opt.explain("", err)
		if locked := k.lockers(); locked != unlocked {
			k.add("tables", Fail, "locked by others: "+locked, endLock)
		}
		k.add("schema", Fail, faultText(err), fixOf(err, "run 'ringback fleet migrate'"))
		return
	}
	version, _ := schemaVersion()
	k.add("schema", OK, fmt.Sprintf("version %d", version), "")
	k.trial()
	k.key()
	missing, err := k.value(`SELECT coalesce(string_agg(relname, ', ' ORDER BY relname), '') FROM pg_class
		WHERE relnamespace = to_regnamespace('ringback') AND relkind = 'r' AND relname <> '` + versionTable + `'
		AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT')
			AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))`)
	switch {
	case err != nil:
		k.add("rights", Fail, faultText(err), "")
	case missing != "":
		k.add("rights", Fail, fmt.Sprintf("user %s may not read and write: %s", k.opt.User, missing),
			"run 'ringback fleet migrate --grant "+k.opt.User+"' as the owner of the tables")
	default:
		k.add("rights", OK, "user "+k.opt.User+" may read and write all tables", "")
	}
}

func (k *checker) oldTransactions() {
	text, err := k.value(`SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start))::bigint, 0)
		FROM pg_stat_activity
		WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()`)
	age, _ := time.ParseDuration(text + "s")
	switch {
	case err != nil:
		k.add("old transactions", Warn, faultText(err), "")
	case age > 10*time.Minute:
		k.add("old transactions", Warn, fmt.Sprintf("one has been open for %v: dead rows stay until it ends, "+
			"and claims become slower", age), "end it (pg_stat_activity, pg_terminate_backend)")
	default:
		k.add("old transactions", OK, "none is older than 10 minutes", "")
	}
}

func (k *checker) clock() {
	before := time.Now()
	text, err := k.value("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
	var ms int64
	if _, scan := fmt.Sscan(text, &ms); err != nil || scan != nil {
		k.add("clock", OK, "unknown", "")
		return
	}
	off := time.UnixMilli(ms).Sub(before.Add(time.Since(before) / 2)).Round(10 * time.Millisecond)
	k.add("clock", OK, fmt.Sprintf("the server's clock is %v from this node's; no decision uses it", off), "")
}
