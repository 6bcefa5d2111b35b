package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// renewedAtOnce is how many rows one transaction gives the present roll.
const renewedAtOnce = 100

// renewals gives the rows that wait at this node its present roll, until ctx ends: a node that has begun to watch since
// they were written may take them then.
func (a *Authority) renewals(ctx context.Context) {
	for {
		select {
		case <-a.renewed:
		case <-ctx.Done():
			return
		}
		if err := a.renewRows(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug("callbacks that wait were not written anew")
		}
	}
}

// renewRows writes what this process knows to wait, not what the rows say.
func (a *Authority) renewRows(ctx context.Context) error {
	ids := a.known.unlisted(a.watch.present())
	if len(ids) == 0 {
		return nil
	}
	for some := range slices.Chunk(ids, renewedAtOnce) {
		if err := a.renewSome(ctx, some); err != nil {
			return err
		}
	}
	_, err := a.link.pool.Exec(ctx, offeredSQL)
	return err
}

func (a *Authority) renewSome(ctx context.Context, ids []string) error {
	b := &pgx.Batch{}
	edits := make([]*edit, len(ids))
	done := make([]bool, len(ids))
	for i, id := range ids {
		m, _ := a.known.get(id)
		edits[i] = &edit{a: a, record: m.record, was: &m.record, mine: true}
		if edits[i].renew() == nil && len(m.mac) > 0 {
			edits[i].sign()
			edits[i].queue(b, &done[i])
		}
	}
	if b.Len() > 0 {
		if err := a.once(ctx, b); err != nil {
			return err
		}
	}
	for i, e := range edits {
		if done[i] {
			a.known.note(&e.record, true)
			continue
		}
		err := a.change(ctx, "renewal", ids[i], (*edit).renew)
		if err != nil && !errors.Is(err, fleet.ErrForged) && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
	}
	return nil
}

// renew gives the callback the present roll, if it waits at this node.
func (e *edit) renew() error {
	if !e.waits(e.a.opt.Node) || e.roll == e.a.watch.present() {
		return errSame
	}
	e.wait = false
	return nil
}

// waits reports whether a callback waits at a node, and others may take it when that is silent, or offers it.
func (r *record) waits(node string) bool {
	return r.holder == node && r.shared && r.open == 0 && r.ended == 0
}

// unlisted returns the callbacks that wait at this process and were written with another roll.
func (m *memory) unlisted(roll int64) (ids []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, s := range m.seen {
		if s.mine && s.roll != roll && s.waits(s.holder) && !m.bad[id] {
			ids = append(ids, id)
		}
	}
	return ids
}
