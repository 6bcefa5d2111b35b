package postgres

import (
	"context"
	"crypto/tls"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
	"github.com/ringback/ringback/certs"
)

// migrated is a database with the tables of a fleet.
var migrated = pgtest.Template{Fill: fill}

// options are those of a node for tests.
func options(database string, addresses ...string) Options {
	return Options{Addresses: addresses, Database: database, User: pgtest.User, Password: pgtest.Password,
		Node: "lyon-1", Incarnation: "1", JournalID: "1", Key: []byte("key of the tests"), Durability: Server,
		Takeover: 15 * time.Second, Lifetime: time.Hour, History: time.Hour}
}

// started is a server with the tables of a fleet.
func started(t *testing.T, o pgtest.Options) *pgtest.Server {
	t.Helper()
	s := pgtest.Start(t, o)
	migrate(t, s)
	return s
}

func migrate(t *testing.T, s *pgtest.Server) {
	t.Helper()
	if err := Migrate(t.Context(), options(s.Name, s.Address), "", func(string) {}); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, o Options) *Authority {
	t.Helper()
	a, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// mark inserts a row in one round trip, as a promise does.
func mark(a *Authority, name string) error {
	b := &pgx.Batch{}
	b.Queue("INSERT INTO ringback.marks (name, value) VALUES ($1, '')", name)
	return a.once(context.Background(), b)
}

func TestPeerTransactions(t *testing.T) {
	d := migrated.Shared(t)
	a := open(t, options(d.Name, d.Address))
	own := errors.New("own")
	ways := map[string]func(ctx context.Context, sql string, own error) error{
		"tx": func(ctx context.Context, sql string, own error) error {
			return a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, sql); err != nil {
					return err
				}
				return own
			})
		},
		"pipe": func(ctx context.Context, sql string, own error) error {
			return a.pipe(ctx, func(p *pipe) error {
				b := &pgx.Batch{}
				b.Queue(sql)
				if err := errors.Join(p.send(b), own); err != nil {
					return err
				}
				return p.commit(&pgx.Batch{})
			})
		},
	}
	for name, do := range ways {
		t.Run(name, func(t *testing.T) {
			insert := "INSERT INTO ringback.marks (name, value) VALUES ('" + name + "', '')"
			if err := do(t.Context(), insert, own); !errors.Is(err, own) || errors.Is(err, fleet.ErrAway) {
				t.Errorf("own error: %v", err)
			}
			if got := d.SQL(t, "SELECT count(*) FROM ringback.marks WHERE name = '"+name+"'"); got != "0" {
				t.Error("it is not rolled back")
			}
			if err := do(t.Context(), insert, nil); err != nil {
				t.Error(err)
			}
			if err := do(t.Context(), insert, nil); sqlState(err) != "23505" || errors.Is(err, fleet.ErrAway) {
				t.Errorf("a second row of the key: %v", err)
			}
			if err := do(t.Context(), "SELECT 1 FROM ringback.nothing", nil); !errors.Is(err, fleet.ErrNotMember) {
				t.Errorf("no such table: %v", err)
			}
			if got := d.SQL(t, "SELECT count(*) FROM ringback.marks WHERE name = '"+name+"'"); got != "1" {
				t.Errorf("%s rows", got)
			}
			if len(a.link.pool.idle) != 1 {
				t.Errorf("%d connections are idle, want 1", len(a.link.pool.idle))
			}
		})
	}
}

// Settings of a role do not make a commit less durable, and each transaction has limits: those of its session, or with
// a pooler, which passes on none, its own.
func TestPeerSettingsOfTransactions(t *testing.T) {
	d := migrated.Shared(t)
	t.Run("direct", func(t *testing.T) { settingsAt(t, d, d.Address, "on") })
	t.Run("pooler", func(t *testing.T) { settingsAt(t, d, pgtest.PgBouncer(t, d, ""), "off") })
}

func settingsAt(t *testing.T, d *pgtest.Database, address, outside string) {
	d.SQL(t, "ALTER ROLE "+pgtest.User+" IN DATABASE "+d.Name+" SET synchronous_commit = off; "+
		"ALTER ROLE "+pgtest.User+" IN DATABASE "+d.Name+" SET lock_timeout = 0")
	a := open(t, options(d.Name, address))
	const query = `SELECT current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout') || ' ' ||
		current_setting('lock_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')`
	const want = "on 2s 1500ms 4s"
	var got string
	scan := func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, query).Scan(&got) }
	if err := a.tx(t.Context(), scan); err != nil || got != want {
		t.Errorf("tx: %q, %v", got, err)
	}
	b := &pgx.Batch{}
	b.Queue(query).QueryRow(func(r pgx.Row) error { return r.Scan(&got) })
	if err := a.once(t.Context(), b); err != nil || got != want {
		t.Errorf("once: %q, %v", got, err)
	}
	if err := a.read(t.Context(), scan); err != nil || got != outside+" 2s 1500ms 4s" {
		t.Errorf("read: %q, %v", got, err)
	}
	if err := a.link.pool.QueryRow(t.Context(), "SHOW synchronous_commit").Scan(&got); err != nil || got != outside {
		t.Errorf("outside of transactions: %q, %v", got, err)
	}
	err := a.read(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM ringback.marks")
		return err
	})
	if sqlState(err) != "25006" {
		t.Errorf("a reader writes: %v", err)
	}
}

// A server that cannot be used says why, in one sentence with what to do.
func TestPeerReasons(t *testing.T) {
	s := started(t, pgtest.Options{TLS: true, HBA: []string{"local all barred reject"}})
	s.SQL(t, "CREATE ROLE barred LOGIN; CREATE ROLE few LOGIN CONNECTION LIMIT 0; CREATE ROLE reader LOGIN; "+
		"CREATE ROLE slow LOGIN; ALTER ROLE slow SET default_transaction_read_only = on; "+
		"CREATE DATABASE empty OWNER ringback; CREATE DATABASE foreign_tables OWNER ringback; "+
		"CREATE DATABASE newer OWNER ringback; CREATE DATABASE older OWNER ringback")
	for name, sql := range map[string]string{
		"foreign_tables": "CREATE SCHEMA ringback; CREATE TABLE ringback.calls (id int)",
		"newer":          "INSERT INTO ringback.goose_db_version (version_id, is_applied) VALUES (99999, true)",
		"older":          "DELETE FROM ringback.goose_db_version WHERE version_id > 0",
	} {
		d := pgtest.Database{Server: s, Name: name, Address: s.Address}
		if name != "foreign_tables" {
			if err := Migrate(t.Context(), options(name, s.Address), "", func(string) {}); err != nil {
				t.Fatal(err)
			}
		}
		d.SQL(t, sql)
	}
	verify, err := certs.Files{CAFile: s.CAFile, ServerName: "localhost"}.Config("")
	if err != nil {
		t.Fatal(err)
	}
	other := verify.Clone()
	other.ServerName = "db.example.net"
	user := func(name string) func(*Options) { return func(o *Options) { o.User = name } }
	in := func(database string) func(*Options) { return func(o *Options) { o.Database = database } }
	for name, c := range map[string]struct {
		change    func(*Options)
		kind      error
		want, fix string // of the error, and of Check
	}{
		"works": {func(o *Options) { o.Addresses, o.TLS = []string{s.TCP}, verify }, nil, "", ""},
		"password": {func(o *Options) { o.Addresses, o.TLS, o.Password = []string{s.TCP}, verify, "wrong" },
			fleet.ErrAway, "rejects the password of user ringback (fleet.postgres.password_file)",
			"ALTER ROLE ringback"},
		"name in the certificate": {func(o *Options) { o.Addresses, o.TLS = []string{s.TCP}, other }, fleet.ErrAway,
			"the server's certificate is for another name", "server_name"},
		"authority": {func(o *Options) { o.Addresses, o.TLS = []string{s.TCP}, &tls.Config{ServerName: "localhost"} },
			fleet.ErrAway, "the server's certificate is signed by an unknown authority", "ca_file"},
		"no TLS": {func(o *Options) { o.Addresses = []string{s.TCP} }, fleet.ErrAway, "pg_hba.conf",
			"pg_hba.conf"},
		"barred":         {user("barred"), fleet.ErrAway, "rejects user barred: pg_hba.conf rejects", "pg_hba.conf"},
		"limit":          {user("few"), fleet.ErrAway, `too many connections for role "few"`, "raise max_connections"},
		"rights":         {user("reader"), fleet.ErrNotMember, "fleet migrate' as the owner", "fleet migrate"},
		"read-only role": {user("slow"), fleet.ErrAway, "read-only for user slow", "RESET"},
		"database":       {in("nothing"), fleet.ErrAway, "createdb -O ringback nothing", "createdb"},
		"no tables":      {in("empty"), fleet.ErrNotMember, "run 'ringback fleet migrate'", "fleet migrate"},
		"foreign":        {in("foreign_tables"), fleet.ErrNotMember, "use another database", "to another database"},
		"newer":          {in("newer"), fleet.ErrNotMember, "install a newer ringback", "the tables are right"},
		"older":          {in("older"), fleet.ErrNotMember, "run 'ringback fleet migrate'", "fleet migrate"},
		"no standby": {func(o *Options) { o.Durability = Replicated }, fleet.ErrNotMember,
			"has no synchronous standby, and fleet.durability is replicated", "synchronous_standby_names"},
		"nobody listens": {func(o *Options) { o.Addresses = []string{"127.0.0.1:1"} }, fleet.ErrAway, "does not run",
			"start the server"},
		"no socket": {func(o *Options) { o.Addresses = []string{"/tmp/nothing"} }, fleet.ErrAway, "does not run",
			"start the server"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(s.Name, s.Address)
			c.change(&o)
			err := mark(open(t, o), name)
			if c.kind == nil && err != nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Fatalf("%v", err)
			}
			if c.kind == nil {
				return
			}
			if text := err.Error(); !strings.Contains(text, c.want) || !isPlain(text) {
				t.Errorf("%v\nwant, as one plain line: %s", err, c.want)
			}
			found := Check(t.Context(), o)
			failed := func(f Finding) bool {
				return f.Level == Fail && strings.Contains(f.Fix, c.fix) && isPlain(f.Text)
			}
			if !slices.ContainsFunc(found, failed) {
				t.Errorf("check: %+v\nwant the fix: %s", found, c.fix)
			}
		})
	}
}

// isPlain reports whether a text is one line without what pgx adds.
func isPlain(text string) bool {
	for _, odd := range []string{"\n", "failed to connect", "failed to write", "SQLSTATE", "user="} {
		if strings.Contains(text, odd) {
			return false
		}
	}
	return true
}

// sqlState returns the SQLSTATE of an error.
func sqlState(err error) string {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return ""
	}
	return refused.Code
}

// TestPeerIdleReader has a connection that pgconn still reads from, as after a write that took long: looking at it must
// not wait for the server.
func TestPeerIdleReader(t *testing.T) {
	d := migrated.Shared(t)
	p := open(t, options(d.Name, d.Address)).link.pool
	c, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reading := make(chan struct{})
	go func() {
		close(reading)
		c.PgConn().Conn().Read(make([]byte, 1)) // until the pool is closed
	}()
	<-reading
	p.release(c)
	popped := make(chan *conn)
	go func() {
		for range 1000 { // the reader may not have begun yet
			got := p.pop()
			p.slots <- struct{}{}
			p.release(got)
		}
		popped <- p.pop()
	}()
	select {
	case got := <-popped:
		if got != c {
			t.Errorf("the connection is %v, want the idle one", got)
		}
		p.slots <- struct{}{}
		p.release(got)
	case <-time.After(time.Minute):
		t.Fatal("the pool waits for the server")
	}
}
