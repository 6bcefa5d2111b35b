package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"

	"github.com/pressly/goose/v3"
)

// schemaVersion is the schema of this code; the file has its own in PRAGMA user_version, set by a migration, or by
// upgrade.
const schemaVersion = 27

// sqlVersion is the schema after the SQL migrations of a new journal; upgrade does the last steps. Later migrations
// create tables and add columns, and leave the version to upgrade.
const sqlVersion = 13

// applicationID marks the file as a journal of ringback ("RBCK") in SQLite's header.
const applicationID = 0x5242434b

//go:embed migrations/*.sql
var migrations embed.FS

// smallFile is the size up to which the file's structure is checked when the file is opened again after a disk error.
// At the start it is always checked.
const smallFile = 16 << 20

// openWriter opens the connection that commits, after checking that the file is a journal and migrating it.
func openWriter(path string) (*conn, error) {
	c, err := openConn(path, "rw")
	if err != nil {
		return nil, err
	}
	if err := settle(c, path); err != nil {
		c.close() // err says more
		return nil, err
	}
	return c, nil
}

func settle(c *conn, path string) error {
	version, err := identify(c)
	if err != nil {
		return err
	}
	if err := c.durable(); err != nil {
		return err
	}
	if version < schemaVersion {
		return migrate(path)
	}
	return nil
}

// identify checks what the file is without changing it, and marks an empty one as a journal. It returns the schema's
// version.
func identify(c *conn) (int64, error) {
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return 0, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_master")
	if err != nil {
		return 0, err
	}
	switch {
	case id == 0 && version == 0 && tables == 0:
		// Before anything is in the file: pages that retention frees can be returned to the disk.
		if _, err := c.query("PRAGMA auto_vacuum = INCREMENTAL"); err != nil {
			return 0, err
		}
		_, err = c.query(fmt.Sprintf("PRAGMA application_id = %d", applicationID))
		return 0, err
	case id != applicationID:
		return 0, fmt.Errorf("is an SQLite file of another program (application id %#x): choose another state_dir", id)
	case version > schemaVersion:
		return 0, newerSchema(version)
	}
	return version, nil
}

// complete returns an error if a table of the current schema is missing.
func complete(names map[string]bool) error {
	for _, t := range append([]string{"marks", "set_aside"}, tableNames()...) {
		if !names[t] {
			return fmt.Errorf("lacks its table %s, which another program has removed%s", t, toRepair)
		}
	}
	return nil
}

// toRepair says what helps if a part of the journal is gone, which no start can replace.
const toRepair = " (stop ringback; restore a backup, or keep what can be read: `ringback journal salvage`)"

const tablesQuery = "SELECT name FROM sqlite_master WHERE type = 'table'"

func tableNames() (names []string) {
	for _, t := range signedTables {
		names = append(names, t.name)
	}
	return names
}

func newerSchema(version int64) error {
	return fmt.Errorf("has schema %d, this ringback knows %d: use the newer ringback that wrote it, or give this one "+
		"its own state_dir",
		version, schemaVersion)
}

// rowTrouble matches the results of SQLite's check that concern rows and not the file's structure. The checksums find
// the same, row by row.
var rowTrouble = regexp.MustCompile(`^(CHECK constraint failed in|NULL value in|non-unique entry in index|(NON-)?(INTEGER|TEXT|BLOB|REAL|NUMERIC) value in|row .* missing from index|wrong # of entries in index)`)

// quickCheck makes SQLite check the structure of the file: broken is what is wrong with it, "" if nothing; warnings
// concern single rows.
func quickCheck(c *conn) (broken string, warnings []string, err error) {
	rows, err := c.query("PRAGMA quick_check(20)")
	for _, r := range rows {
		text, _ := r[0].(string)
		switch {
		case text == "ok":
		case rowTrouble.MatchString(text):
			warnings = append(warnings, text)
		case broken == "":
			broken = text
		}
	}
	if code(err) == codeCorrupt {
		return cmp.Or(broken, err.Error()), warnings, nil
	}
	return broken, warnings, err
}

// migrate migrates the schema to sqlVersion at least, each step in its own transaction. goose needs database/sql: it
// gets a pool of one connection, opened and used on this goroutine only.
func migrate(path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, "mode", "rw", "_busy_timeout", busyTimeout, "_foreign_keys", "1",
		"_journal_mode", "WAL", "_synchronous", "FULL"))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, files)
	if err != nil {
		return err
	}
	if _, err := p.Up(context.Background()); err != nil {
		return fmt.Errorf("migrate the schema to version %d: %w", sqlVersion, err)
	}
	var version int64
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version < sqlVersion {
		return fmt.Errorf("the migrations left schema %d instead of %d", version, sqlVersion)
	}
	return nil
}
