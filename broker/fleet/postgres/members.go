package postgres

import (
	"context"
	"encoding/json"
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
		rows, err := tx.Query(ctx, `SELECT name, incarnation, journal_id, state, version, format, digests, drained, since, mac,
			(SELECT count(*) FROM ringback.callbacks WHERE holder = name AND ended IS NULL) FROM ringback.nodes ORDER BY name`)
		if err != nil {
			return err
		}
		nodes, err = pgx.CollectRows(rows, a.node)
		return err
	})
	return nodes, err
}

// node reads one row of Nodes.
func (a *Authority) node(r pgx.CollectableRow) (n fleet.Node, err error) {
	var i identity
	var digests string
	var since int64
	var signature []byte
	err = r.Scan(&n.Name, &i.incarnation, &i.journal, &n.State, &n.Version, &n.Format, &digests, &n.Drained, &since,
		&signature, &n.Claims)
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
