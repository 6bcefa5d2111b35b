package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// Status implements fleet.Authority.
func (a *Authority) Status() fleet.Status {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	return fleet.Status{Node: a.opt.Node, Connected: m.connected, Member: m.connected && m.incarnation != "",
		Reason: m.reason, Since: m.since, Server: a.serverAddress(), Durability: a.opt.Durability, Lost: m.lost,
		Forged: a.known.forgedRows()}
}

// Nodes implements fleet.Views.
func (a *Authority) Nodes(ctx context.Context) (nodes []fleet.Node, err error) {
	err = a.read(ctx, func(ctx context.Context, tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name, incarnation, journal_id, state, version, format, digests, drained, since,
			mac FROM ringback.nodes ORDER BY name`)
		if err != nil {
			return err
		}
		if nodes, err = pgx.CollectRows(rows, a.node); err != nil {
			return err
		}
		held, err := a.held(ctx, tx)
		for i := range nodes {
			nodes[i].Claims = held[nodes[i].Name]
		}
		return err
	})
	return nodes, err
}

// mostHeld is the most pending callbacks that are counted: a person who can write to the database can make more.
const mostHeld = 100_000

// heldSQL reads the pending callbacks without their bodies, which the signature of the state does not need.
var heldSQL = `SELECT ` + strings.Replace(columns, bodyColumn, `''::bytea`, 1) +
	fmt.Sprintf(` FROM ringback.callbacks WHERE ended IS NULL LIMIT %d`, mostHeld)

// held counts the pending callbacks by holder, without those whose state does not verify.
func (a *Authority) held(ctx context.Context, tx pgx.Tx) (map[string]int, error) {
	rows, err := tx.Query(ctx, heldSQL)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	count := map[string]int{}
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		if !r.big && bytes.Equal(r.mac, a.keys.macOf(r)) {
			count[r.holder]++
		}
	}
	return count, rows.Err()
}

// node reads one row of Nodes.
func (a *Authority) node(r pgx.CollectableRow) (n fleet.Node, err error) {
	var i identity
	var digests string
	var since int64
	var signature []byte
	err = r.Scan(&n.Name, &i.incarnation, &i.journal, &n.State, &n.Version, &n.Format, &digests, &n.Drained, &since,
		&signature)
	if err != nil {
		return n, err
	}
	i.name, i.version, i.format = n.Name, n.Version, n.Format
	if err := json.Unmarshal([]byte(digests), &i.digests); err != nil || !a.keys.verify(i.mac(a.keys), signature) {
		a.alarmOnce("the row of node " + n.Name + " does not verify with the fleet's key: it has another key, or " +
			"somebody can write to the fleet's database")
		i.digests, n.Version = nil, "?"
	}
	n.Digests, n.Since, n.Self = i.digests, time.Unix(0, since), n.Name == a.opt.Node
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	n.Silence = m.view.quiet(n.Name)
	switch {
	case n.State != stateUp:
	case n.Self:
		n.Silence = 0
	case m.view.absent(n.Name):
		n.State = "silent"
	}
	if n.State == stateUp && n.Drained != "" {
		n.State = "drained"
	}
	return n, nil
}
