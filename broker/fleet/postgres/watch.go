package postgres

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// silentNodes returns the nodes of which others may take what waits: they have been silent for longer than the time of
// a takeover, by this node's monotonic clock, have shut down, or an operator has removed them.
func (a *Authority) silentNodes() []string {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	absent := m.view.absentees()
	delete(absent, a.opt.Node)
	return slices.Sorted(maps.Keys(absent))
}

// mayTakeFrom reports whether rows of a node may be taken now: after the server has changed, only if this node has
// resumed with the new one, and that node has too, or is absent and its attempts are over.
func (a *Authority) mayTakeFrom(holder string) bool {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[holder]
	switch {
	case !ok, holder == a.opt.Node, m.server == "", m.rows[a.opt.Node].timeline != m.server:
		return false
	case row.timeline == m.server:
		return true
	}
	return m.view.absent(holder) && m.view.watched-m.changed >= a.opt.AttemptLimit
}

// resumed records that this node has resumed with a server, if that is still the one that answers, and the node is
// still the member that it was: otherwise Back asks again.
func (a *Authority) resumed(ctx context.Context, incarnation, server string) error {
	done := false
	err := a.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE ringback.nodes SET timeline = $3
			WHERE name = $1 AND incarnation = $2 AND $3 = `+serverSQL, a.opt.Node, incarnation, server)
		done = tag.RowsAffected() == 1
		return err
	})
	if err != nil || !done {
		return err
	}
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.incarnation == incarnation {
		m.resumed = server
	}
	if row, ok := m.rows[a.opt.Node]; ok {
		row.timeline = server
		m.rows[a.opt.Node] = row
	}
	return nil
}

// lostCommits tells operators that the server has lost what it had acknowledged.
func (a *Authority) lostCommits(text string) {
	a.member.mu.Lock()
	a.member.lost = text
	a.member.mu.Unlock()
	a.opt.Alarm(text)
}

// serverSeen returns the server that answered last, with its timeline.
func (a *Authority) serverSeen() string {
	a.member.mu.Lock()
	defer a.member.mu.Unlock()
	return a.member.server
}

// followable asks for a look when a node has become absent: it may have callbacks waiting.
func (a *Authority) followable() {
	absent := a.silentNodes()
	m := &a.member
	m.mu.Lock()
	var news []string
	for _, name := range absent {
		if !m.followed[name] {
			news = append(news, name)
		}
	}
	m.followed = make(map[string]bool, len(absent))
	for _, name := range absent {
		m.followed[name] = true
	}
	states := make(map[string]string, len(news))
	for _, name := range news {
		states[name] = m.rows[name].state
	}
	m.mu.Unlock()
	for _, name := range news {
		if states[name] == stateUp {
			a.log.Warn("node " + name + " of the fleet is silent: others may take what it has waiting")
		}
	}
	if len(news) > 0 {
		a.hurry()
	}
}

// sweepEach is the time between two looks for what absent nodes have left.
const sweepEach = 5 * time.Second

// sweeps ends what absent nodes have left and nobody can take, and removes old history, until ctx ends.
func (a *Authority) sweeps(ctx context.Context) {
	tick := time.NewTicker(sweepEach)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, err := a.incarnation(); err != nil {
			continue
		}
		if err := a.expireOrphans(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug("callbacks of which this node has no record were not ended")
		}
		if n%lateLooks == 0 {
			if err := a.findLate(ctx); err != nil && ctx.Err() == nil {
				a.log.Debug("a look for what has arrived late failed")
			}
		}
		if !a.first() {
			continue
		}
		if err := a.sweep(ctx); err != nil && ctx.Err() == nil {
			a.log.Debug("a look for what absent nodes have left failed")
		}
		a.retain(ctx)
	}
}

// first reports whether this node is the first of those that are present, by name: one is enough for such work, and
// several do no harm.
func (a *Authority) first() bool {
	m := &a.member
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.rows {
		if name < a.opt.Node && !m.view.absent(name) {
			return false
		}
	}
	return true
}

// left is a callback of an absent node.
type left struct {
	hold
	holder string
}

// limit returns how long it is left alone: an attempt until it must be over, and what waits as long as its own node
// would let it wait.
func (l left) limit(a *Authority) time.Duration {
	if l.attempt > 0 {
		return a.opt.AttemptLimit
	}
	return a.opt.Lifetime + a.opt.AttemptLimit
}

// sweep looks at what absent nodes have left, and ends what has been seen for long enough.
func (a *Authority) sweep(ctx context.Context) error {
	m := &a.member
	m.mu.Lock()
	absent := m.view.absentees()
	delete(absent, a.opt.Node)
	m.mu.Unlock()
	all, err := a.lefts(ctx, absent)
	if err != nil {
		return err
	}
	holds := make([]hold, len(all))
	for i, l := range all {
		holds[i] = l.hold
	}
	var over []left
	m.mu.Lock()
	m.view.hold(holds)
	for _, l := range all {
		if m.view.over(l.hold, l.limit(a)) {
			over = append(over, l)
		}
	}
	m.mu.Unlock()
	for _, l := range over {
		if err := a.endLeft(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// lefts reads what absent nodes have left, without those that have moved since they were last seen: a node that has
// just woken up may go on with its attempt.
func (a *Authority) lefts(ctx context.Context, absent map[string]sight) (all []left, err error) {
	if len(absent) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	rows, err := a.link.pool.Query(ctx, `SELECT c.id, c.epoch, c.open, c.holder, n.incarnation, n.beat
		FROM ringback.callbacks c JOIN ringback.nodes n ON n.name = c.holder
		WHERE c.holder = ANY($1) AND c.ended IS NULL`, slices.Sorted(maps.Keys(absent)))
	if err != nil {
		return nil, err
	}
	var l left
	var incarnation string
	var beat int64
	_, err = pgx.ForEachRow(rows, []any{&l.id, &l.epoch, &l.attempt, &l.holder, &incarnation, &beat}, func() error {
		if seen := absent[l.holder]; seen.incarnation == incarnation && seen.beat == beat {
			all = append(all, l)
		}
		return nil
	})
	return all, err
}
