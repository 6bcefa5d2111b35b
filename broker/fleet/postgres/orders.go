package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// ordersTaken is what this process has read of the orders, so that it passes on each of them once.
type ordersTaken struct {
	mu      sync.Mutex
	orders  map[int64]fleet.Order // by number
	results map[int64]string      // of orders that were carried out, and whose confirmation is not known to be recorded
}

// mac signs an order, bound to its number, its node and its time.
func (a *Authority) orderMac(o fleet.Order) *mac {
	return a.keys.begin("orders").number(o.Seq).text(o.Node).text(string(o.Verb)).text(o.ID).text(o.Args).text(o.Who).
		text(o.Text).number(o.Made.UnixNano())
}

// resultMac signs the confirmation of an order.
func (a *Authority) resultMac(seq int64, node, result string) *mac {
	return a.keys.begin("confirmations").number(seq).text(node).text(result)
}

// Order implements fleet.Orders.
func (a *Authority) Order(ctx context.Context, o fleet.Order) (fleet.Order, error) {
	o.Made = time.Now().Round(0)
	err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT nextval('ringback.orders_seq_seq')`).Scan(&o.Seq); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO ringback.orders (seq, node, verb, callback, args, who, text, made, mac)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, o.Seq, o.Node, string(o.Verb), o.ID, []byte(o.Args), []byte(o.Who),
			[]byte(o.Text), o.Made.UnixNano(), a.keys.sum(a.orderMac(o)))
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `INSERT INTO ringback.confirmations (seq, node)
			SELECT $1, name FROM ringback.nodes WHERE state <> 'removed' AND $2 IN (name, '')`, o.Seq, o.Node)
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0 && o.Node != "":
			return fmt.Errorf("node %s: %w", o.Node, fleet.ErrNotFound)
		}
		_, err = tx.Exec(ctx, `SELECT pg_notify('ringback', $1)`, o.Node)
		return err
	})
	if err != nil {
		return fleet.Order{}, fmt.Errorf("order %s: %w", o.Verb, err)
	}
	a.hurry()
	return o, nil
}

// lockdownSQL orders the lockdown that is in force for a node that joins.
const lockdownSQL = `
INSERT INTO ringback.confirmations (seq, node)
SELECT seq, $1 FROM (SELECT seq, verb FROM ringback.orders WHERE node = '' AND verb IN ('lockdown', 'unlock')
	ORDER BY seq DESC LIMIT 1) AS last WHERE verb = 'lockdown'
ON CONFLICT DO NOTHING`

// readOrders passes on the orders for this node that it has not read yet.
func (a *Authority) readOrders(ctx context.Context) error {
	rows, err := a.link.pool.Query(ctx, `
		SELECT o.seq, o.node, o.verb, o.callback, o.args, o.who, o.text, o.made, o.mac
		FROM ringback.confirmations c JOIN ringback.orders o USING (seq)
		WHERE c.node = $1 AND c.result IS NULL ORDER BY seq LIMIT 1000`, a.opt.Node)
	if err != nil {
		return err
	}
	var o fleet.Order
	var verb string
	var args, who, text, signature []byte
	var made int64
	scans := []any{&o.Seq, &o.Node, &verb, &o.ID, &args, &who, &text, &made, &signature}
	_, err = pgx.ForEachRow(rows, scans, func() error {
		o.Verb, o.Args, o.Who, o.Text = fleet.Verb(verb), string(args), string(who), string(text)
		o.Made = time.Unix(0, made)
		a.takeOrder(o, signature)
		return nil
	})
	return err
}

// takeOrder passes on an order, once. An order that does not verify, or is for another node, is ignored.
func (a *Authority) takeOrder(o fleet.Order, signature []byte) {
	genuine := a.keys.verify(a.orderMac(o), signature) && (o.Node == "" || o.Node == a.opt.Node)
	t := &a.taken
	t.mu.Lock()
	_, known := t.orders[o.Seq]
	switch {
	case known:
	case genuine:
		t.orders[o.Seq] = o
	}
	t.mu.Unlock()
	if !genuine {
		a.alarmOnce(fmt.Sprintf("order %d of the fleet (%s) does not verify with the fleet's key and was ignored: "+
			"somebody can write to the fleet's database, or a node has another key", o.Seq, o.Verb))
	}
	if genuine && !known {
		a.mail.put(fleet.Change{Kind: fleet.Ordered, ID: o.ID, Order: o})
	}
}

// Confirm implements fleet.Orders. If it returns an error, the confirmation is sent again with the next look for
// changes.
func (a *Authority) Confirm(ctx context.Context, seq int64, result string) error {
	a.taken.mu.Lock()
	a.taken.results[seq] = result
	a.taken.mu.Unlock()
	return a.confirm(ctx, seq, result)
}

func (a *Authority) confirm(ctx context.Context, seq int64, result string) error {
	a.taken.mu.Lock()
	order := a.taken.orders[seq]
	a.taken.mu.Unlock()
	err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		var found bool
		err := tx.QueryRow(ctx, `UPDATE ringback.confirmations SET result = coalesce(result, $3), mac = coalesce(mac, $4)
			WHERE seq = $1 AND node = $2 RETURNING true`, seq, a.opt.Node, []byte(result),
			a.keys.sum(a.resultMac(seq, a.opt.Node, result))).Scan(&found)
		if errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("order %d for this node: %w", seq, fleet.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if reason, ok := drained(order); ok {
			_, err = tx.Exec(ctx, `UPDATE ringback.nodes SET drained = $2 WHERE name = $1`, a.opt.Node, reason)
		}
		return err
	})
	if err == nil || errors.Is(err, fleet.ErrNotFound) {
		a.taken.mu.Lock()
		delete(a.taken.results, seq)
		a.taken.mu.Unlock()
	}
	return err
}

// drained returns what an order changes in the row of its node: why it is drained, or "".
func drained(o fleet.Order) (reason string, ok bool) {
	switch {
	case o.Verb == fleet.Undrain:
		return "", true
	case o.Verb == fleet.Drain && o.Text == "":
		return "ordered by " + o.Who, true
	}
	return o.Text, o.Verb == fleet.Drain
}

// confirmAgain sends the confirmations that are not known to be recorded.
func (a *Authority) confirmAgain(ctx context.Context) error {
	a.taken.mu.Lock()
	results := make(map[int64]string, len(a.taken.results))
	for seq, result := range a.taken.results {
		results[seq] = result
	}
	a.taken.mu.Unlock()
	for seq, result := range results {
		if err := a.confirm(ctx, seq, result); err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Confirmed implements fleet.Orders. A confirmation that does not verify is none.
func (a *Authority) Confirmed(ctx context.Context, seq int64) (done map[string]string, waiting []string, err error) {
	done = make(map[string]string)
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT c.node, c.result, c.mac, coalesce(n.state, '') FROM ringback.confirmations c
			LEFT JOIN ringback.nodes n ON n.name = c.node WHERE seq = $1 ORDER BY c.node`, seq)
		if err != nil {
			return err
		}
		var node, state string
		var result, signature []byte
		tag, err := pgx.ForEachRow(rows, []any{&node, &result, &signature, &state}, func() error {
			switch {
			case result != nil && a.keys.verify(a.resultMac(seq, node, string(result)), signature):
				done[node] = string(result)
			case state != stateRemoved: // nobody waits for a node that is off
				waiting = append(waiting, node)
			}
			return nil
		})
		if err == nil && tag.RowsAffected() == 0 {
			return fmt.Errorf("order %d: %w", seq, fleet.ErrNotFound)
		}
		return err
	})
	return done, waiting, err
}
