package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// conn is the write connection. It uses the driver directly, without database/sql, because no statement may move to
// another goroutine and each microsecond here delays every promise. Only the writer's goroutine uses it.
type conn struct {
	c     driver.Conn
	stmts map[string]driver.Stmt
	args  []driver.NamedValue
}

// dsn returns the data source name of the file. Parameters of SQLite and of the driver follow as key, value.
func dsn(path string, params ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	u := url.URL{Scheme: "file", Path: path, OmitHost: true, RawQuery: q.Encode()}
	return u.String()
}

// busyTimeout in ms: the maximum wait for a tool that reads, or for its checkpoint.
const busyTimeout = "5000"

// openConn opens the file, which must exist; mode is SQLite's "rw" or "ro".
func openConn(path, mode string) (*conn, error) {
	c, err := (&sqlite.Driver{}).Open(dsn(path, "mode", mode, "_busy_timeout", busyTimeout, "_foreign_keys", "1"))
	if err != nil {
		return nil, err
	}
	return &conn{c: c, stmts: map[string]driver.Stmt{}}, nil
}

// logKept is the size that the write-ahead log keeps after a checkpoint; the rest is returned to the disk.
const logKept = 4 << 20

// durable sets the modes that Commit's guarantee needs, and checks that SQLite applied them.
func (c *conn) durable() error {
	for _, p := range []struct {
		set, get string
		want     any
	}{
		{"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
		{"PRAGMA synchronous = FULL", "PRAGMA synchronous", int64(2)},
		{"PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", int64(1)},
		{fmt.Sprintf("PRAGMA journal_size_limit = %d", logKept), "PRAGMA journal_size_limit", int64(logKept)},
	} {
		if _, err := c.query(p.set); err != nil {
			return err
		}
		if got, err := c.scalar(p.get); err != nil {
			return err
		} else if got != p.want {
			return fmt.Errorf("SQLite refuses %q and says %v (a file system without shared memory, such as NFS?)",
				p.set, got)
		}
	}
	return nil
}

func (c *conn) close() error {
	for _, s := range c.stmts {
		s.Close()
	}
	return c.c.Close()
}

// stmt returns the prepared statement of this text, and keeps it for reuse.
func (c *conn) stmt(text string) (driver.Stmt, error) {
	if s := c.stmts[text]; s != nil {
		return s, nil
	}
	s, err := c.c.Prepare(text)
	if err == nil {
		c.stmts[text] = s
	}
	return s, err
}

func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// exec runs a statement and returns how many rows it changed. The context never ends: otherwise the driver would start
// a goroutine for it.
func (c *conn) exec(text string, args ...any) (int64, error) {
	s, err := c.stmt(text)
	if err != nil {
		return 0, err
	}
	r, err := s.(driver.StmtExecContext).ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// query returns all rows of a statement; with an error, the rows before it.
func (c *conn) query(text string, args ...any) (out [][]any, err error) {
	err = c.each(text, func(row []any) error {
		out = append(out, row)
		return nil
	}, args...)
	return out, err
}

// each calls f with each row of a statement, until f returns an error.
func (c *conn) each(text string, f func(row []any) error, args ...any) error {
	s, err := c.stmt(text)
	if err != nil {
		return err
	}
	rows, err := s.(driver.StmtQueryContext).QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		values := make([]any, len(row))
		for i, v := range row {
			values[i] = v
		}
		if err := f(values); err != nil {
			return err
		}
	}
}

// scalar returns the first column of the first row; nil if there is none.
func (c *conn) scalar(text string, args ...any) (any, error) {
	rows, err := c.query(text, args...)
	if err != nil || len(rows) == 0 || len(rows[0]) == 0 {
		return nil, err
	}
	return rows[0][0], nil
}

// number is scalar for integers; 0 if there is none.
func (c *conn) number(text string, args ...any) (int64, error) {
	v, err := c.scalar(text, args...)
	n, _ := v.(int64)
	return n, err
}

// version returns SQLite's count of the changes that this connection knows: its own commits, and those of others that
// it noticed when it began a transaction.
func (c *conn) version() (uint32, error) {
	f, ok := c.c.(sqlite.FileControl)
	if !ok {
		return 0, errors.New("the driver does not tell the version of the data")
	}
	return f.FileControlDataVersion("main")
}
