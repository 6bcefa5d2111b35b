package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
)

// link is the connection layer of an Authority.
type link struct {
	pool     *pool
	beats    *pool  // one connection for heartbeats alone: what others wait for must not make this node silent
	settings string // the statement that sets limits in a durable transaction, unless the session has them
	readOnly string // the beginning of one that only reads
}

// connect prepares the connections. None is made before it is needed.
func (a *Authority) connect() error {
	if len(a.opt.Addresses) == 0 {
		return errors.New("fleet.postgres.addresses: there are none")
	}
	for _, address := range a.opt.Addresses {
		if _, err := a.opt.config(address); err != nil {
			return err
		}
	}
	a.link = newLink(&a.opt)
	return nil
}

func newLink(opt *Options) link {
	one := *opt
	one.Connections, one.Alarm = 1, func(string) {} // the other pool tells operators
	return link{pool: newPool(opt), beats: newPool(&one), settings: "SELECT " + durable(opt.Timeout, true),
		readOnly: "BEGIN READ ONLY; SELECT " + limits(opt.Timeout, true)}
}

// limits are the settings of time limits, of a transaction or of the session: a role or a database may have other
// defaults, and a pooler passes on no settings of a session. The server ends what waits for a lock before the client
// does, and what a node that is paused has left open: it may hold locks.
func limits(timeout time.Duration, transaction bool) string {
	ms := timeout.Milliseconds()
	return fmt.Sprintf("set_config('statement_timeout', '%d', %v), set_config('lock_timeout', '%d', %[2]v), "+
		"set_config('idle_in_transaction_session_timeout', '%[4]d', %[2]v)", ms, transaction, ms*3/4, 2*ms)
}

// durable are limits with that of durable commits.
func durable(timeout time.Duration, transaction bool) string {
	return fmt.Sprintf("set_config('synchronous_commit', 'on', %v), %s", transaction, limits(timeout, transaction))
}

func (a *Authority) disconnect() {
	a.link.pool.close()
	a.link.beats.close()
}

// tx runs do in one durable transaction with the time limit of operations. Its errors wrap fleet.ErrAway if nothing
// has happened because the server could not be asked, fleet.ErrNotMember if the server must be set up first, and
// fleet.ErrUnknown if COMMIT was sent and it is not known whether it is durable; the errors of do are returned as they
// are, after a rollback.
func (a *Authority) tx(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return a.inTx(ctx, "BEGIN; "+a.link.settings, do, a.commit)
}

// read runs do in a transaction that only reads, with the time limit of operations. Its errors are those of tx without
// fleet.ErrUnknown.
func (a *Authority) read(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	return a.inTx(ctx, a.link.readOnly, do, func(ctx context.Context, c *conn, tx pgx.Tx) error {
		return tx.Rollback(ctx)
	})
}

func (a *Authority) inTx(ctx context.Context, begin string, do func(context.Context, pgx.Tx) error,
	end func(context.Context, *conn, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	p := a.link.pool
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	defer p.release(c)
	tx, err := c.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return p.failed(c, err)
	}
	if err := do(ctx, tx); err != nil {
		_ = tx.Rollback(ctx) // if it fails, the connection is closed
		return p.failed(c, err)
	}
	return end(ctx, c, tx)
}

func (a *Authority) commit(ctx context.Context, c *conn, tx pgx.Tx) error {
	err := tx.Commit(ctx)
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return &fault{kind: fleet.ErrAway, text: "a statement of the transaction failed", cause: err}
	}
	return a.committed(c, err == nil, err)
}

// committed returns what the answer to COMMIT, or to the Sync that commits, means.
func (a *Authority) committed(c *conn, done bool, err error) error {
	var refused *pgconn.PgError
	var prepared pgx.ErrPreprocessingBatch
	switch {
	case done && c.doubt != "":
		return &fault{kind: fleet.ErrUnknown, text: "not durable: " + c.doubt, cause: err}
	case done && a.opt.unreached("", err) != "": // lost after the answer
		return nil
	case done:
		return err
	case errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR", errors.As(err, &prepared):
		return a.link.pool.failed(c, err)
	}
	err = a.link.pool.failed(c, err)
	text := err.Error()
	var f *fault
	if errors.As(err, &f) {
		text = f.text
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text = fmt.Sprintf("COMMIT was not confirmed within %v (is the synchronous standby connected?)",
			a.opt.Timeout)
	}
	return &fault{kind: fleet.ErrUnknown, text: text}
}

// pipe is a durable transaction whose statements travel in batches: the first has BEGIN, the last COMMIT. One of a
// single batch has neither: PostgreSQL makes one transaction of all statements up to Sync, which is the end of a batch.
type pipe struct {
	a     *Authority
	conn  *conn
	ctx   context.Context
	begun bool
	ended bool
}

// pipe runs do in one durable transaction, with errors as those of tx. Without p.commit it is rolled back.
func (a *Authority) pipe(ctx context.Context, do func(p *pipe) error) error {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	c, err := a.link.pool.acquire(ctx)
	if err != nil {
		return err
	}
	defer a.link.pool.release(c) // closes a connection with an open transaction
	p := &pipe{a: a, conn: c, ctx: ctx}
	err = do(p)
	if p.begun && !p.ended && !c.IsClosed() {
		_, _ = c.Exec(ctx, "ROLLBACK")
	}
	return err
}

// once is a pipe of one batch.
func (a *Authority) once(ctx context.Context, b *pgx.Batch) error {
	return a.pipe(ctx, func(p *pipe) error { return p.commit(b) })
}

// send runs statements that are not the last of the transaction. An error of a statement, or of the function that
// reads its result, ends the transaction.
func (p *pipe) send(b *pgx.Batch) error { return p.a.link.pool.failed(p.conn, p.run(b)) }

// commit runs the last statements, if there are any, and commits. It does so whatever the functions that read the
// results return: their error does not undo what the statements have done.
func (p *pipe) commit(b *pgx.Batch) error {
	if !p.begun {
		err := p.conn.SendBatch(p.ctx, p.limited(b)).Close() // nil: the server is ready again, after its commit
		return p.a.committed(p.conn, err == nil, err)
	}
	answer := ""
	b.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error { answer = tag.String(); return nil })
	err := p.run(b)
	p.ended = answer != ""
	if answer == "ROLLBACK" {
		return &fault{kind: fleet.ErrAway, text: "a statement of the transaction failed", cause: err}
	}
	return p.a.committed(p.conn, p.ended, err)
}

func (p *pipe) run(b *pgx.Batch) error {
	if !p.begun {
		b, p.begun = p.limited(b, "BEGIN"), true
	}
	return p.conn.SendBatch(p.ctx, b).Close()
}

// limited returns a batch that begins with some statements and with the settings of a transaction, unless the session
// has them.
func (p *pipe) limited(b *pgx.Batch, first ...string) *pgx.Batch {
	if !p.conn.set {
		first = append(first, p.a.link.settings)
	}
	if len(first) == 0 {
		return b
	}
	all := &pgx.Batch{}
	for _, sql := range first {
		all.Queue(sql)
	}
	all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	return all
}

// dialListener returns a connection of its own to the server that takes writes, for notifications, which go to the
// function. The caller closes it.
func (a *Authority) dialListener(ctx context.Context, notified func(payload string)) (*pgx.Conn, error) {
	p := a.link.beats
	p.mu.Lock()
	address := p.opt.Addresses[p.last]
	p.mu.Unlock()
	config, err := p.opt.config(address)
	if err != nil {
		return nil, err
	}
	config.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { notified(n.Payload) }
	c, err := pgx.ConnectConfig(ctx, config)
	return c, p.opt.explain(address, err)
}

// serverAddress returns the address that takes writes; "" if none does.
func (a *Authority) serverAddress() string {
	p := a.link.beats
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		return ""
	}
	return p.server.address
}
