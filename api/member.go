package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/orders"
	"github.com/ringback/ringback/broker/journal"
)

// FromFleet returns the Daemon of a node of a fleet: its callbacks are those of all nodes, and orders about them reach
// the node that has them. While the fleet cannot be asked, they are those of this node.
func FromFleet(b *broker.Broker, f Fleet) Daemon {
	if f.Node == nil {
		return FromBroker(b)
	}
	return member{daemon{b}, f}
}

type member struct {
	daemon
	f Fleet
}

func (m member) self() string { return m.f.Node.Status().Node }

// Callbacks returns those of the fleet, and those that only this node's journal has: promised without the fleet, or
// before there was one. What this node holds is as its journal has it.
func (m member) Callbacks(ctx context.Context, q client.CallbackQuery) ([]client.Callback, int, error) {
	local, older, err := m.daemon.Callbacks(ctx, client.CallbackQuery{All: q.All, Limit: q.Limit, Since: q.Since,
		User: q.User})
	if err != nil {
		return nil, 0, err
	}
	limit := q.Limit
	if limit > 0 {
		limit++ // whether there are more
	}
	rows, err := m.f.Node.Callbacks(ctx, limit, fleet.Filter{Node: q.Node,
		Filter: journal.Filter{Pending: !q.All, Since: q.Since, User: q.User}})
	if err != nil {
		rows = nil // what this node knows; the route says that it is stale
	}
	all := m.merge(local, rows, q.Node)
	if q.Limit > 0 && len(all) > q.Limit {
		return all[:q.Limit], -1, nil
	}
	return all, older, nil
}

// merge returns the callbacks of the journal and of the fleet, newest first.
func (m member) merge(local []client.Callback, rows []fleet.Row, node string) []client.Callback {
	self := m.self()
	shared := make(map[string]fleet.Row, len(rows))
	for _, r := range rows {
		shared[r.ID] = r
	}
	all := make([]client.Callback, 0, len(local)+len(rows))
	for _, c := range local {
		r, known := shared[c.ID]
		if known && (r.Holder != self || c.Phase == journal.GivenUp) {
			continue // another node took it, or ended it
		}
		c.Node, c.Home = self, cmp.Or(c.Home, self)
		if known {
			c.Offered = r.Offered && c.Ended == nil
		}
		if node == "" || node == c.Node || node == c.Home {
			all = append(all, c)
		}
		delete(shared, c.ID)
	}
	for _, r := range shared {
		all = append(all, fromRow(r))
	}
	slices.SortFunc(all, func(a, b client.Callback) int {
		return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
	})
	return all
}

// fromRow returns a callback as the fleet has it. Its row is from when it was promised or offered.
func fromRow(r fleet.Row) client.Callback {
	switch {
	case !r.Pending():
		r.Phase = r.Outcome
	case r.Open > 0:
		r.Phase = "dialing"
	}
	c := callback(broker.ViewOf(r.Callback, nil))
	c.Node, c.Home, c.Offered, c.TTY = r.Holder, r.Home, r.Offered, r.TTY
	return c
}

// Callback returns a callback of any node, with the steps of all nodes that worked on it.
func (m member) Callback(ctx context.Context, id string) (client.CallbackDetail, error) {
	row, attempts, steps, err := m.f.Node.Callback(ctx, id)
	local, here := m.daemon.Callback(ctx, id)
	switch {
	case err != nil && here != nil:
		return client.CallbackDetail{}, m.noCallback(id, err, here)
	case err != nil && local.ID != id:
		if row, attempts, steps, err = m.f.Node.Callback(ctx, local.ID); err == nil { // id is a prefix
			return m.detail(row, attempts, steps, local, nil), nil
		}
		fallthrough
	case err != nil:
		local.Node, local.Home = m.self(), cmp.Or(local.Home, m.self())
		local.Stale = m.f.status().Stale()
		return local, nil
	}
	return m.detail(row, attempts, steps, local, here), nil
}

// noCallback returns the error for an ID that neither the fleet nor the journal has.
func (m member) noCallback(id string, err, here error) error {
	if errors.Is(err, fleet.ErrNotFound) {
		return here
	}
	return fmt.Errorf("%w; the other nodes were not asked: %w", here, err)
}

// detail returns a callback of the fleet. What this node did is as its journal has it: local, unless here is set.
func (m member) detail(row fleet.Row, attempts []fleet.Attempt, steps []fleet.Step, local client.CallbackDetail,
	here error) client.CallbackDetail {
	v, self := local, m.self()
	others := here != nil || row.Holder != self || local.Phase == journal.GivenUp
	if others {
		v = detailOf(broker.ViewOf(row.Callback, nil))
		v.Callback = fromRow(row)
	}
	v.Node, v.Home, v.Offered = row.Holder, row.Home, row.Offered && row.Pending()
	v.History, v.Dials = histories(row, steps, self, local.History), v.Dials[:0:0]
	if here == nil {
		v.Dials = append(v.Dials, local.Dials...)
	}
	for _, a := range attempts {
		own := slices.ContainsFunc(v.Dials, func(d client.Attempt) bool { return d.N == a.N })
		if own && a.Node == self {
			continue
		}
		d := attempt(a.Attempt)
		d.Node = a.Node
		v.Dials = append(v.Dials, d)
		if others {
			v.TTY = a.TTY // at last the last one's
		}
	}
	for i := range v.Dials {
		v.Dials[i].Node = cmp.Or(v.Dials[i].Node, self)
	}
	slices.SortStableFunc(v.Dials, func(a, b client.Attempt) int { return a.N - b.N })
	return v
}

// histories returns what all nodes did for a callback, each step once and with the node that did it. A node that takes
// a callback continues the history of the one before it, so a step is of the first node that has it: the home's come
// first. local is what the journal of self has.
func histories(row fleet.Row, steps []fleet.Step, self string, local []client.Happening) []client.Happening {
	var home, later []client.Happening
	for _, s := range steps {
		all := ofNode(s.Node, happenings(broker.HistoryOf(s.Trace)))
		if s.Node == row.Home {
			home = append(home, all...)
		} else {
			later = append(later, all...)
		}
	}
	if self == row.Home {
		home = append(home, ofNode(self, local)...)
	} else {
		later = append(later, ofNode(self, local)...)
	}
	if len(home) == 0 {
		home = ofNode(row.Home, happenings(broker.HistoryOf(row.Trace)))
	}
	type step struct {
		at          int64
		event, text string
	}
	seen, all := map[step]bool{}, []client.Happening{}
	for _, h := range append(home, later...) {
		if s := (step{h.Time.UnixNano(), h.Event, h.Text}); !seen[s] {
			seen[s] = true
			all = append(all, h)
		}
	}
	slices.SortStableFunc(all, func(a, b client.Happening) int { return a.Time.Compare(b.Time) })
	return all
}

func ofNode(node string, all []client.Happening) []client.Happening {
	all = slices.Clone(all)
	for i := range all {
		all[i].Node = node
	}
	return all
}

// CancelCallback cancels a callback that any node holds. It returns nil when no node dials for it anymore.
func (m member) CancelCallback(ctx context.Context, id string) error {
	v, err := m.Callback(ctx, id)
	if err != nil {
		return err
	}
	if err := m.b.CancelCallback(ctx, v.ID, By(ctx)); err != nil || v.Node == m.self() {
		return err
	}
	m.f.Happened(events.FleetOrdered{Verb: string(fleet.Cancel), Node: v.Node, Target: v.ID, By: By(ctx)})
	return nil
}

// RetryCallback ends the wait of a callback of this node.
func (m member) RetryCallback(ctx context.Context, id string) error {
	v, err := m.Callback(ctx, id)
	switch {
	case err != nil:
		return err
	case v.Node != m.self():
		return fmt.Errorf("callback %s is held by node %s (repeat the command there)", v.ID, v.Node)
	}
	return m.b.RetryCallback(ctx, v.ID, By(ctx))
}

// OrderLockdown orders it here first, whatever the fleet does, then at all nodes.
func (m member) OrderLockdown(ctx context.Context, reason string, sessions bool) (client.Lockdown, error) {
	v, err := m.daemon.OrderLockdown(ctx, reason, sessions)
	if err != nil {
		return v, err
	}
	v.Nodes = m.everywhere(ctx, fleet.Order{Verb: fleet.Lockdown, Text: reason, Who: By(ctx),
		Args: orders.Args(orders.LockdownArgs{Sessions: sessions})})
	return v, nil
}

// everywhere sends a lockdown that is in force at this node to all nodes, and returns the results. If no node has it,
// this node sends it later.
func (m member) everywhere(ctx context.Context, o fleet.Order) []client.NodeResult {
	all, err := m.f.Node.Send(ctx, o, nil)
	if err != nil {
		why := "no other node has the order yet: " + err.Error()
		if err := m.b.OweLockdown(ctx, o); err != nil {
			why += "; and it is not sent later: " + err.Error()
		} else {
			why += "; it is sent as soon as PostgreSQL answers"
		}
		return []client.NodeResult{{Node: m.self()}, {Node: "*", Error: why}}
	}
	m.f.Happened(events.FleetOrdered{Verb: string(o.Verb), By: By(ctx), Reason: o.Text})
	return nodeResults(all)
}

// LiftLockdown ends the lockdown of all nodes. The error names those where it may still be in force.
func (m member) LiftLockdown(ctx context.Context, reason string) error {
	if err := m.daemon.LiftLockdown(ctx, reason); err != nil && !errors.Is(err, broker.ErrNoLockdown) {
		return err
	}
	all, err := m.f.Node.Send(ctx, fleet.Order{Verb: fleet.Unlock, Text: reason, Who: By(ctx)}, nil)
	if err != nil {
		return fmt.Errorf("the lockdown is lifted here; no other node has the order, and it is not sent later: repeat "+
			"it when PostgreSQL answers: %w", err)
	}
	m.f.Happened(events.FleetOrdered{Verb: string(fleet.Unlock), By: By(ctx), Reason: reason})
	return resultError(all)
}

// resultError returns what failed at which node, or nil.
func resultError(all []orders.Result) error {
	var failed []string
	for _, r := range all {
		switch {
		case r.Waiting:
			failed = append(failed, "node "+r.Node+" has not confirmed the order, and will carry it out when it is "+
				"back")
		case r.Error != "":
			failed = append(failed, "node "+r.Node+": "+r.Error)
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return errors.New(strings.Join(failed, "; "))
}
