package postgres

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/ringback/ringback/broker/fleet"
)

// Limits of a pool.
const (
	mostConns   = 16                     // unless Options.Connections says otherwise
	mostWaiting = 256                    // operations that wait for a connection; others fail at once
	idleLimit   = time.Minute            // a connection that was not used for so long is closed
	checkEach   = time.Minute            // how often the settings of the server are looked at
	headStart   = 300 * time.Millisecond // of the address that took writes last
)

// pool has the connections to the server that takes writes. It has no goroutine of its own: what does not answer costs
// the caller the time limit of its context, and nobody else.
type pool struct {
	opt     *Options
	slots   chan struct{} // has an element for each connection in use
	dialing chan struct{} // has an element while one connects: a server that hangs is asked once at a time
	waiting atomic.Int64
	closers sync.WaitGroup // of connections that were not needed
	pooled  atomic.Bool    // a pooler is between, with another server process for each transaction

	mu         sync.Mutex
	idle       []*conn // the one used last is the last
	generation int     // connections of an older one are closed
	closed     bool
	fault      error // why the last attempt to connect failed; nil: it did not
	last       int   // index of the address that took writes last
	server     facts // of the last server
	checked    time.Time
}

// conn is a connection, used by one goroutine at a time.
type conn struct {
	*pgx.Conn
	generation int
	address    int // its index
	used       time.Time
	set        bool   // its session has the settings of transactions
	doubt      string // a warning of this transaction: its commit may not be durable
}

func newPool(opt *Options) *pool {
	return &pool{opt: opt, slots: make(chan struct{}, opt.Connections), dialing: make(chan struct{}, 1)}
}

// acquire returns a connection to the server that takes writes. Its errors are of type *fault. Each connection must be
// released.
func (p *pool) acquire(ctx context.Context) (*conn, error) {
	if p.waiting.Add(1) > mostWaiting {
		p.waiting.Add(-1)
		return nil, p.tired("more operations wait for PostgreSQL than it can do")
	}
	defer p.waiting.Add(-1)
	if err := enter(ctx, p.slots); err != nil {
		return nil, p.tired("all connections of this node are busy")
	}
	c, err := p.connected(ctx)
	if err == nil {
		err = p.recheck(ctx, c)
	}
	if err != nil {
		<-p.slots
		return nil, err
	}
	return c, nil
}

// enter puts an element into a channel of limited room.
func enter(ctx context.Context, c chan struct{}) error {
	select {
	case c <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tired is the error of an operation that had no connection in time. Why the server does not answer is more useful.
func (p *pool) tired(text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault != nil {
		return p.fault
	}
	return &fault{kind: fleet.ErrAway, text: text}
}

// connected returns an idle connection or a new one.
func (p *pool) connected(ctx context.Context) (*conn, error) {
	if c := p.pop(); c != nil {
		return c, nil
	}
	if err := enter(ctx, p.dialing); err != nil {
		return nil, p.tired("no connection in time")
	}
	defer func() { <-p.dialing }()
	if c := p.pop(); c != nil {
		return c, nil
	}
	p.mu.Lock()
	generation := p.generation
	p.mu.Unlock()
	c, err := p.dial(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault = err; err != nil {
		return nil, err
	}
	c.generation, p.last, p.checked = generation, c.address, time.Now()
	return c, nil
}

// pop returns an idle connection that is alive, or nil. It closes those that are not, and those not used for long.
func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 && time.Since(p.idle[0].used) > idleLimit {
		p.idle[0].drop()
		p.idle = p.idle[1:]
	}
	for n := len(p.idle); n > 0; n = len(p.idle) {
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		if c.silent() {
			return c
		}
		c.drop()
	}
	return nil
}

// release gives a connection back. One with an open transaction is closed, which rolls it back.
func (p *pool) release(c *conn) {
	p.mu.Lock()
	if c.IsClosed() || c.PgConn().TxStatus() != 'I' || c.generation != p.generation || p.closed {
		c.drop()
	} else {
		c.used, c.doubt, p.fault = time.Now(), "", nil // it has answered, whatever another attempt to connect did
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	<-p.slots
}

// reset closes all connections, those in use when they are released: the next one is to the server that takes writes
// now.
func (p *pool) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.generation++
	for _, c := range p.idle {
		c.drop()
	}
	p.idle = nil
}

// close closes all connections and waits for those in use. It may be called twice.
func (p *pool) close() {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if again {
		return
	}
	p.reset()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	p.closers.Wait()
}

// drop closes a connection at once, whatever its server does.
func (c *conn) drop() {
	c.PgConn().Conn().Close()
	done, cancel := context.WithCancel(context.Background())
	cancel()
	c.Close(done)
}

// silent reports that the server has sent nothing: an idle connection on which it did was ended by it.
func (c *conn) silent() bool {
	under := c.PgConn().Conn()
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn()
	}
	s, ok := under.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	// Not raw.Read, which waits while another goroutine reads: pgconn leaves one in a read after a slow write, until
	// octets come.
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = err == syscall.EAGAIN
	})
	return err == nil && silent
}

// notice remembers a warning that makes a commit doubtful: a canceled wait for the standby has SQLSTATE 01000, and one
// that an administrator ended has 57P01.
func (c *conn) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	if n.Code == "01000" || n.Code == "57P01" {
		c.doubt = n.Message
	}
}

// Query runs one statement outside of a transaction. The connection is released when the rows are closed.
func (p *pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.Query(ctx, sql, args...)
	if err != nil {
		err = p.failed(c, err)
		p.release(c)
		return nil, err
	}
	return &rows{Rows: r, pool: p, conn: c}, nil
}

// Exec runs one statement outside of a transaction.
func (p *pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c, err := p.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer p.release(c)
	tag, err := c.Exec(ctx, sql, args...)
	return tag, p.failed(c, err)
}

// QueryRow runs one statement that returns a row, outside of a transaction.
func (p *pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return row{ctx, p, sql, args}
}

type row struct {
	ctx  context.Context
	pool *pool
	sql  string
	args []any
}

// Scan implements pgx.Row.
func (r row) Scan(dest ...any) error {
	c, err := r.pool.acquire(r.ctx)
	if err != nil {
		return err
	}
	defer r.pool.release(c)
	return r.pool.failed(c, c.QueryRow(r.ctx, r.sql, r.args...).Scan(dest...))
}

// rows release their connection.
type rows struct {
	pgx.Rows
	pool *pool
	conn *conn
}

// Next implements pgx.Rows.
func (r *rows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close implements pgx.Rows.
func (r *rows) Close() {
	r.Rows.Close()
	if r.conn != nil {
		r.pool.failed(r.conn, r.Rows.Err())
		r.pool.release(r.conn)
		r.conn = nil
	}
}

// Err implements pgx.Rows.
func (r *rows) Err() error {
	if err := r.Rows.Err(); err != nil {
		return r.pool.opt.explain("", err)
	}
	return nil
}

// dialer finds out within a minute that the other end of an idle connection is gone.
var dialer = net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 20 * time.Second,
	Interval: 10 * time.Second, Count: 3}}
