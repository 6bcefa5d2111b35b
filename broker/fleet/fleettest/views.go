package fleettest

import (
	"context"
	"maps"
	"slices"

	"github.com/ringback/ringback/broker/fleet"
)

// Nodes implements fleet.Views.
func (n *Node) Nodes(ctx context.Context) (all []fleet.Node, err error) {
	err = n.do(ctx, "Nodes", func() error {
		for _, name := range slices.Sorted(maps.Keys(n.f.nodes)) {
			all = append(all, n.f.nodes[name].view(n))
		}
		return nil
	})
	return all, err
}

func (n *Node) view(by *Node) fleet.Node {
	v := fleet.Node{Name: n.name, State: "up", Format: fleet.Format, Since: n.since, Self: n == by, Drained: n.drained}
	switch {
	case n.removed:
		v.State = "removed"
	case !n.silent.IsZero():
		v.State, v.Silence = "silent", n.f.now().Sub(n.silent)
	case n.drained != "":
		v.State = "drained"
	}
	for _, r := range n.f.data.rows {
		if r.Pending() && r.Holder == n.name {
			v.Claims++
		}
	}
	return v
}

// Callbacks implements fleet.Views.
func (n *Node) Callbacks(ctx context.Context, limit int, f fleet.Filter) (all []fleet.Row, err error) {
	err = n.do(ctx, "Callbacks", func() error {
		rows := n.f.data.sorted()
		slices.Reverse(rows)
		for _, r := range rows {
			if len(all) == limit && limit > 0 {
				break
			}
			if f.User != "" && f.User != r.User || f.Pending && !r.Pending() || f.Ended && r.Pending() ||
				r.Outcome == fleet.ByOrder || r.Created.Before(f.Since) ||
				f.Node != "" && f.Node != r.Home && f.Node != r.Holder {
				continue
			}
			last := r.Row
			if n := len(r.attempts); n > 0 {
				last.TTY = r.attempts[n-1].TTY
			}
			all = append(all, last)
		}
		return nil
	})
	return all, err
}

// Callback implements fleet.Views.
func (n *Node) Callback(ctx context.Context, id string) (out fleet.Row, attempts []fleet.Attempt, steps []fleet.Step,
	err error) {
	err = n.do(ctx, "Callback", func() error {
		r := n.f.data.rows[id]
		if r == nil {
			return fleet.ErrNotFound
		}
		out, attempts, steps = r.Row, slices.Clone(r.attempts), slices.Clone(r.steps)
		return nil
	})
	return out, attempts, steps, err
}
