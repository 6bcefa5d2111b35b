package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// pollEach is the time between two looks for changes. A notification hastens them, and is not relied on.
const pollEach = 5 * time.Second

// channel is where nodes notify each other. The payload is the node that should look, or "" for each.
const channel = "ringback"

// notifySQL tells the holder of a callback ($1: the node, $2: the callback) that another node took or ended it. It
// belongs to the transaction that does so. The notice has no content: its node reads the callback itself.
const notifySQL = `
WITH notice AS (INSERT INTO ringback.notices (node, callback) VALUES ($1, $2) RETURNING node)
SELECT pg_notify('ringback', node) FROM notice`

// offeredSQL tells all nodes that callbacks may be taken. It belongs to the transaction that offers.
const offeredSQL = `SELECT pg_notify('ringback', '')`

// Changes implements fleet.Authority.
func (a *Authority) Changes() <-chan fleet.Change { return a.mail.out }

// hurry makes the next poll begin at once.
func (a *Authority) hurry() {
	select {
	case a.hurried <- struct{}{}:
	default:
	}
}

// polls looks for changes until ctx ends.
func (a *Authority) polls(ctx context.Context) {
	tick := time.NewTicker(a.pollEach)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-a.hurried:
		case <-ctx.Done():
			return
		}
		if err := a.poll(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug("a look for changes of the fleet failed")
		}
	}
}

// pollSQL is all that an idle node sends each poll: is anything offered, noticed or ordered?
const pollSQL = `SELECT
	EXISTS (SELECT FROM ringback.callbacks WHERE offered AND ended IS NULL),
	EXISTS (SELECT FROM ringback.callbacks WHERE holder = ANY($2) AND shared AND open = 0 AND ended IS NULL),
	EXISTS (SELECT FROM ringback.notices WHERE node = $1),
	EXISTS (SELECT FROM ringback.confirmations WHERE node = $1 AND result IS NULL)`

// poll looks for changes once.
func (a *Authority) poll(ctx context.Context) error {
	if _, err := a.incarnation(); err != nil {
		return nil // Back asks for all of it
	}
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	var offered, left, noticed, ordered bool
	err := a.link.pool.QueryRow(ctx, pollSQL, a.opt.Node, a.silentNodes()).Scan(&offered, &left, &noticed, &ordered)
	if err != nil {
		return err
	}
	if offered || left {
		a.mail.put(fleet.Change{Kind: fleet.Offered})
	}
	if noticed {
		err = a.readNotices(ctx)
	}
	if ordered {
		err = errors.Join(err, a.readOrders(ctx))
	}
	return errors.Join(err, a.feed(ctx), a.callRoll(ctx), a.confirmAgain(ctx), a.renew(ctx), a.showDrained(ctx))
}

// readNotices passes on what others did with callbacks that this node held, and removes the notices of the look before.
func (a *Authority) readNotices(ctx context.Context) error {
	type notice struct {
		seq int64
		id  string
	}
	rows, err := a.link.pool.Query(ctx, `SELECT seq, callback FROM ringback.notices WHERE node = $1
		ORDER BY seq LIMIT 1000`, a.opt.Node)
	if err != nil {
		return err
	}
	notices, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (n notice, err error) {
		err = r.Scan(&n.seq, &n.id)
		return n, err
	})
	if err != nil {
		return err
	}
	var ids []string
	var seqs []int64
	for _, n := range notices {
		ids, seqs = append(ids, n.id), append(seqs, n.seq)
	}
	changes, err := a.became(ctx, ids)
	if err != nil {
		return err
	}
	for _, c := range changes {
		a.mail.put(c)
	}
	// What was put stays in memory until it is received, and Resume asks for all of it after a crash.
	_, err = a.link.pool.Exec(ctx, `DELETE FROM ringback.notices WHERE seq = ANY($1)`, seqs)
	if len(seqs) == 1000 {
		a.hurry()
	}
	return err
}

// listens looks for changes as soon as it is notified, until ctx ends. It needs a connection of its own. Behind a
// pooler no notification comes: then it closes the connection, and tries again much later.
func (a *Authority) listens(ctx context.Context) {
	for {
		wait := pollEach
		if err := a.listen(ctx); errors.Is(err, errDeaf) {
			a.log.Info("no notifications come through, as behind a pooler: this node asks each 5 s")
			wait = 10 * time.Minute
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

var errDeaf = errors.New("no notification comes through")

// listen waits for notifications on a new connection until it is lost.
func (a *Authority) listen(ctx context.Context) error {
	dial, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	c, err := a.dialListener(dial, func(payload string) {
		if payload == "" || payload == a.opt.Node {
			a.hurry()
		}
	})
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	if _, err = c.Exec(dial, "LISTEN "+channel); err != nil {
		return err
	}
	// From another connection, because a pooler would pass on one that comes with an answer.
	if _, err = a.link.pool.Exec(dial, `SELECT pg_notify('ringback', $1)`, a.opt.Node); err != nil {
		return err
	}
	if err = c.PgConn().WaitForNotification(dial); err != nil {
		if ctx.Err() == nil && dial.Err() != nil {
			return errDeaf
		}
		return err
	}
	for {
		if err := c.PgConn().WaitForNotification(ctx); err != nil {
			return err
		}
	}
}
