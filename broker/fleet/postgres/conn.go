package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/ringback/ringback/broker/fleet"
)

// link is the connection layer of an Authority.
type link struct {
	pool *pgxpool.Pool
}

// begin is the beginning of every durable transaction: a role or a database may have another default.
const begin = "BEGIN; SET LOCAL synchronous_commit = on"

func (a *Authority) connect(ctx context.Context) error {
	c, err := pgxpool.ParseConfig("")
	if err != nil {
		return err
	}
	c.ConnConfig.Database, c.ConnConfig.User, c.ConnConfig.Password = a.opt.Database, a.opt.User, a.opt.Password
	c.ConnConfig.TLSConfig, c.ConnConfig.Fallbacks = a.opt.TLS, nil
	c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // PgBouncer has no prepared statements
	c.MaxConns = 16
	if c.ConnConfig.Host, c.ConnConfig.Port, err = address(a.opt.Addresses[0]); err != nil {
		return err
	}
	a.link.pool, err = pgxpool.NewWithConfig(ctx, c)
	return err
}

// address splits host:port; a directory has the socket of port 5432, or of the port after its last colon.
func address(s string) (host string, port uint16, err error) {
	if filepath.IsAbs(s) && filepath.Ext(s) == "" {
		return s, 5432, nil
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.ParseUint(p, 10, 16)
	return host, uint16(n), err
}

func (a *Authority) disconnect() { a.link.pool.Close() }

// tx runs do in one durable transaction with the time limit of operations. Its errors wrap fleet.ErrAway if nothing
// has happened because the server could not be asked, and fleet.ErrUnknown if COMMIT was sent and it is not known
// whether it is durable; the errors of do are returned as they are, after a rollback.
func (a *Authority) tx(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	tx, err := a.link.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return away(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := do(ctx, tx); err != nil {
		return away(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return unknown(err)
	}
	return nil
}

// read runs do in a transaction that only reads, with the time limit of operations. Its errors are those of do, or wrap
// fleet.ErrAway.
func (a *Authority) read(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	tx, err := a.link.pool.BeginTx(ctx, pgx.TxOptions{BeginQuery: "BEGIN READ ONLY"})
	if err != nil {
		return away(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	return away(do(ctx, tx))
}

// pipe is a durable transaction whose statements travel in batches: the first has BEGIN, the last COMMIT. A
// transaction of one batch needs one round trip.
type pipe struct {
	conn  *pgxpool.Conn
	ctx   context.Context
	begun bool
	ended bool
}

// pipe runs do in one durable transaction, with errors as those of tx. Without p.commit it is rolled back.
func (a *Authority) pipe(ctx context.Context, do func(p *pipe) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	c, err := a.link.pool.Acquire(ctx)
	if err != nil {
		return away(err)
	}
	defer c.Release() // closes a connection with an open transaction
	p := &pipe{conn: c, ctx: ctx}
	err = do(p)
	if p.begun && !p.ended {
		_, _ = c.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	}
	return err
}

// once is a pipe of one batch.
func (a *Authority) once(ctx context.Context, b *pgx.Batch) error {
	return a.pipe(ctx, func(p *pipe) error { return p.commit(b) })
}

// send runs statements that are not the last of the transaction. An error of a statement, or of the function that
// reads its result, ends the transaction.
func (p *pipe) send(b *pgx.Batch) error { return away(p.run(b)) }

// commit runs the last statements, if there are any, and COMMIT. It commits whatever the functions that read the
// results return: their error does not undo what the statements have done.
func (p *pipe) commit(b *pgx.Batch) error {
	committed := false
	b.Queue("COMMIT").Exec(func(pgconn.CommandTag) error { committed = true; return nil })
	err := p.run(b)
	p.ended = committed
	var refused *pgconn.PgError
	switch {
	case committed || errors.As(err, &refused):
		return err
	}
	return unknown(err)
}

func (p *pipe) run(b *pgx.Batch) error {
	if !p.begun {
		first := &pgx.Batch{}
		first.Queue("BEGIN")
		first.Queue("SET LOCAL synchronous_commit = on")
		first.QueuedQueries = append(first.QueuedQueries, b.QueuedQueries...)
		b, p.begun = first, true
	}
	return p.conn.SendBatch(p.ctx, b).Close()
}

// away wraps the errors of a connection before COMMIT.
func away(err error) error {
	var refused *pgconn.PgError
	var lost net.Error
	if err == nil || errors.As(err, &refused) {
		return err
	}
	if errors.As(err, &lost) || errors.Is(err, context.DeadlineExceeded) || pgconn.SafeToRetry(err) {
		return fmt.Errorf("%w: %w", fleet.ErrAway, err)
	}
	return err
}

// unknown wraps the errors of a connection after COMMIT was sent.
func unknown(err error) error { return fmt.Errorf("%w: %w", fleet.ErrUnknown, err) }
