package pgtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Database is a database of a server. Its owner is User.
type Database struct {
	Server  *Server
	Name    string
	Address string // directory of the server's socket
}

// Shared returns an empty database on a server that all tests of the process share. Do not stop that server, or change
// its settings. The database is dropped at the test's end.
func Shared(t testing.TB) *Database {
	t.Helper()
	return copied(t, "template1")
}

// Template is how the databases of several tests begin.
type Template struct {
	// Fill makes the tables. It is called once.
	Fill func(context.Context, *Database) error

	once sync.Once
	name string
	err  error
}

// Shared is as the function Shared; the database is a copy of the template.
func (p *Template) Shared(t testing.TB) *Database {
	t.Helper()
	s := shared(t)
	p.once.Do(func() {
		d := &Database{Server: s, Name: nextName(), Address: s.Address}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if p.err = d.create(ctx, "template1"); p.err == nil {
			p.name, p.err = d.Name, p.Fill(ctx, d)
		}
	})
	if p.err != nil {
		t.Fatalf("pgtest: fill the template: %v", p.err)
	}
	return copied(t, p.name)
}

// one is the server that tests share.
var one struct {
	sync.Mutex
	server *Server
	err    error
}

func shared(t testing.TB) *Server {
	t.Helper()
	programs(t)
	one.Lock()
	defer one.Unlock()
	if one.server == nil && one.err == nil {
		one.server, one.err = prepare(t, Options{Settings: map[string]string{"max_connections": "200"}})
	}
	if one.err != nil {
		t.Fatalf("pgtest: %v", one.err)
	}
	return one.server
}

func nextName() string {
	count.Lock()
	defer count.Unlock()
	count.n++
	return fmt.Sprintf("t%d", count.n)
}

func copied(t testing.TB, template string) *Database {
	t.Helper()
	s := shared(t)
	d := &Database{Server: s, Name: nextName(), Address: s.Address}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := d.create(ctx, template); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { s.query(context.Background(), "postgres", Admin, "DROP DATABASE "+d.Name+" WITH (FORCE)") })
	return d
}

func (d *Database) create(ctx context.Context, template string) error {
	one.Lock() // a template may be copied by one at a time
	defer one.Unlock()
	_, err := d.Server.query(ctx, "postgres", Admin,
		fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s OWNER %s", d.Name, template, User))
	return err
}

// SQL runs statements as the superuser and returns the rows of the last one, as psql -At prints them: a line each, with
// | between columns.
func (d *Database) SQL(t testing.TB, text string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := d.Server.query(ctx, d.Name, Admin, text)
	if err != nil {
		t.Fatalf("pgtest: %s: %v", text, err)
	}
	return out
}

// Connect opens a connection of the role User, or of another role, for what SQL cannot do.
func (d *Database) Connect(t testing.TB, role string) *pgx.Conn {
	t.Helper()
	c, err := d.Server.connect(context.Background(), d.Name, role)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

func (s *Server) connect(ctx context.Context, database, role string) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(fmt.Sprintf("host=%s port=%d dbname=%s user=%s", s.Address, Port, database, role))
	if err != nil {
		return nil, err
	}
	c.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	return pgx.ConnectConfig(ctx, c)
}

func (s *Server) query(ctx context.Context, database, role, text string) (string, error) {
	c, err := s.connect(ctx, database, role)
	if err != nil {
		return "", err
	}
	defer c.Close(context.Background())
	var last []string
	for _, statement := range split(text) {
		results, err := c.PgConn().Exec(ctx, statement).ReadAll()
		if err != nil {
			return "", err
		}
		last = nil
		for _, r := range results[len(results)-1].Rows {
			columns := make([]string, len(r))
			for i, v := range r {
				columns[i] = string(v)
			}
			last = append(last, strings.Join(columns, "|"))
		}
	}
	return strings.Join(last, "\n"), nil
}

// split cuts text into statements, because several at once are a transaction, in which CREATE DATABASE and ALTER SYSTEM
// are refused. A ; at the end of a line, or before a space, ends one outside of $$.
func split(text string) []string {
	var all []string
	for i, part := range strings.Split(text, "$$") {
		if i%2 == 1 {
			all[len(all)-1] += "$$" + part + "$$"
			continue
		}
		pieces := strings.Split(part+" ", "; ")
		if i > 0 {
			all[len(all)-1] += pieces[0]
			pieces = pieces[1:]
		}
		all = append(all, pieces...)
	}
	var kept []string
	for _, s := range all {
		if s = strings.Trim(s, "; \n\t"); s != "" {
			kept = append(kept, s)
		}
	}
	return kept
}
