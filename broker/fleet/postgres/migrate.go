package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/ringback/ringback/broker/fleet"
)

// versionTable has which migrations were done.
const versionTable = "goose_db_version"

// migrationLock is the key of the advisory lock under which one node migrates.
const migrationLock = 5210190417

// schemaVersion returns the version of the last migration.
func schemaVersion() (int64, error) {
	files, err := migrations.ReadDir("schema") // sorted
	if err != nil {
		return 0, err
	}
	return goose.NumericComponent(files[len(files)-1].Name())
}

// migrated returns nil if the tables are those of this version.
func (o *Options) migrated(ctx context.Context, c *pgx.Conn) error {
	want, err := schemaVersion()
	if err != nil {
		return err
	}
	var have int64
	err = c.QueryRow(ctx, "SELECT coalesce(max(version_id) FILTER (WHERE is_applied), 0) FROM ringback."+
		versionTable, pgx.QueryExecModeExec).Scan(&have)
	switch {
	case err != nil:
		return err
	case have > want:
		return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf("the tables of database %s are of version %d, and "+
			"this ringback knows up to %d: install a newer ringback on this node", o.Database, have, want),
			fix: "install a newer ringback on this node: the tables are right"}
	case have < want:
		return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf("the tables of database %s are of version %d, and "+
			"this ringback needs %d: run 'ringback fleet migrate'", o.Database, have, want)}
	}
	return nil
}

// Migrate brings the tables to the version of this program, under a lock, one step in a transaction each, and calls
// progress with the name of each step that it has done. It refuses tables that are newer, and a schema ringback that is
// not of a fleet. It needs the rights of the owner of the database; with grant it gives the role of that name the
// rights that a node needs. Through a pooler the lock does not work: use an address of the server.
func Migrate(ctx context.Context, opt Options, grant string, progress func(step string)) error {
	opt = opt.withDefaults()
	c, _, err := opt.primary(ctx)
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if err := opt.mayMigrate(ctx, c); err != nil {
		return err
	}
	if err := opt.up(ctx, c, progress); err != nil {
		return opt.explain("", err)
	}
	if grant == "" || grant == opt.User {
		return nil
	}
	role := pgx.Identifier{grant}.Sanitize()
	for _, statement := range []string{"GRANT USAGE ON SCHEMA ringback TO " + role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ringback TO " + role,
		"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ringback TO " + role,
		"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ringback TO " + role} {
		if _, err := c.Exec(ctx, statement); err != nil {
			return opt.explain("", err)
		}
	}
	progress("rights of role " + grant)
	return nil
}

// mayMigrate refuses a server or a schema that is not for this program.
func (o *Options) mayMigrate(ctx context.Context, c *pgx.Conn) error {
	f, err := ask(ctx, c)
	if err != nil {
		return o.explain("", err)
	}
	settable := *o
	settable.Durability = Server // not the business of a migration
	usable := f
	usable.tables, usable.versions = true, !f.tables || f.versions
	if err := settable.usable(usable); err != nil {
		return err
	}
	if !f.versions {
		if err := o.ownsSchema(ctx, c); err != nil {
			return err
		}
		_, err := c.PgConn().Exec(ctx, fmt.Sprintf("BEGIN; SELECT pg_advisory_xact_lock(%d); "+
			"CREATE SCHEMA IF NOT EXISTS ringback; COMMIT", migrationLock+1)).ReadAll()
		return o.explain("", err)
	}
	err = o.explain("", o.migrated(ctx, c))
	if errors.Is(err, fleet.ErrNotMember) {
		want, _ := schemaVersion()
		var have int64
		if e := c.QueryRow(ctx, "SELECT max(version_id) FROM ringback."+versionTable).Scan(&have); e == nil &&
			have < want {
			return o.ownsSchema(ctx, c)
		}
	}
	return err
}

// ownsSchema returns why the user may not make or change the tables; nil if it may.
func (o *Options) ownsSchema(ctx context.Context, c *pgx.Conn) error {
	var may bool
	err := c.QueryRow(ctx, `SELECT CASE WHEN to_regnamespace('ringback') IS NULL
		THEN has_database_privilege(current_database(), 'CREATE')
		ELSE pg_has_role((SELECT nspowner FROM pg_namespace WHERE nspname = 'ringback'), 'USAGE') END`).Scan(&may)
	if err != nil || may {
		return o.explain("", err)
	}
	return &fault{kind: fleet.ErrNotMember, text: fmt.Sprintf("user %s may not make or change the tables of database "+
		"%s: run 'ringback fleet migrate --user OWNER --grant %s' with the owner of the database", o.User, o.Database,
		o.User)}
}

// up runs the migrations that are not done.
func (o *Options) up(ctx context.Context, c *pgx.Conn, progress func(string)) error {
	config := c.Config().Copy()
	db := stdlib.OpenDB(*config)
	defer db.Close()
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockID(migrationLock), lock.WithLockTimeout(1, 60))
	if err != nil {
		return err
	}
	files, err := fs.Sub(migrations, "schema")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker),
		goose.WithTableName("ringback."+versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		progress(fmt.Sprintf("%s (%v)", r.Source.Path, r.Duration.Round(time.Millisecond)))
	}
	return err
}
