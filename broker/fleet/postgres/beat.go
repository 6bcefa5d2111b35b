package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ringback/ringback/broker/fleet"
)

// interval returns the time between two beats: a tenth of the takeover, from 200 ms to 2 s.
func (a *Authority) interval() time.Duration {
	return min(max(a.opt.Takeover/10, 200*time.Millisecond), 2*time.Second)
}

// beatSQL is all that an idle node sends between two polls. It does not wait for a standby: the beats of all nodes
// would be invisible while that is away, and everybody would look silent. A beat is only for the incarnation that this
// node wrote, and follows the one that it knows: a copy of this process (a restored snapshot of its machine) beats too.
const beatSQL = `
WITH quick AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true)),
mine AS (
	UPDATE ringback.nodes SET beat = beat + 1 FROM quick
	WHERE name = $1 AND incarnation = $2 AND state = 'up' AND beat BETWEEN $3 AND $3 + $4
	RETURNING name, beat),
here AS (SELECT ` + serverSQL + ` AS server)
SELECT h.server, n.name, n.incarnation, n.journal_id, n.state, n.beat, n.pace, n.timeline, n.drained, m.beat
FROM here h LEFT JOIN ringback.nodes n ON true LEFT JOIN mine m ON m.name = n.name`

// serverSQL is which server answers, and the timeline of its commits: another one, or another timeline, may lack
// commits that were acknowledged.
const serverSQL = `(SELECT system_identifier FROM pg_control_system()) || '/' ||
	substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`

// reading is the result of a beat.
type reading struct {
	server string
	rows   map[string]memberRow
	beat   *int64 // of this node; nil: it is not a member
}

// beats keeps this node a member until ctx ends.
func (a *Authority) beats(ctx context.Context) {
	tick := time.NewTicker(a.interval())
	defer tick.Stop()
	for {
		a.step(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// step makes one beat and acts on what it reads.
func (a *Authority) step(ctx context.Context) {
	r, err := a.pulse(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.unanswered(err)
		return
	}
	a.answered(r)
	if _, err := a.incarnation(); err == nil {
		return
	}
	a.member.mu.Lock()
	reason, operator := a.member.candidate(a.opt.Node, a.opt.JournalID)
	a.member.mu.Unlock()
	if reason != "" {
		a.outside(reason, operator)
		return
	}
	err = a.join(ctx)
	switch {
	case err == nil || ctx.Err() != nil:
	case errors.Is(err, fleet.ErrNotMember):
		a.outside(faultText(err), true)
	default:
		a.outside("joins: "+err.Error(), false)
	}
}

// pulse sends the beat.
func (a *Authority) pulse(ctx context.Context) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, a.opt.Timeout)
	defer cancel()
	m := &a.member
	m.mu.Lock()
	mine, beat, doubtful := m.incarnation, m.beat, m.doubtful+m.strays.count(a.clock())
	m.doubtful++ // until it is answered
	m.mu.Unlock()
	r := reading{rows: make(map[string]memberRow)}
	rows, err := a.link.beats.Query(ctx, beatSQL, a.opt.Node, mine, beat, doubtful)
	if err != nil {
		return r, err
	}
	var name, incarnation, journal, state, timeline, drained *string
	var n, pace, own *int64
	_, err = pgx.ForEachRow(rows, []any{&r.server, &name, &incarnation, &journal, &state, &n, &pace,
		&timeline, &drained, &own}, func() error {
		if name == nil {
			return nil // there is no node yet
		}
		r.rows[*name] = memberRow{sight: sight{*incarnation, *n, *state, time.Duration(*pace)}, journal: *journal,
			timeline: *timeline, drained: *drained}
		if own != nil {
			beat := *own
			r.beat = &beat
		}
		return nil
	})
	return r, err
}

// unanswered notes a beat that was not answered. After two in sequence, the server is away.
func (a *Authority) unanswered(err error) {
	m := &a.member
	m.mu.Lock()
	m.failures++
	gone := m.connected && m.failures >= 2
	news := !m.connected && m.reason != err.Error() || gone
	if gone || !m.connected {
		if gone {
			m.since = time.Now()
		}
		m.connected, m.reason = false, err.Error()
	}
	m.mu.Unlock()
	if news && errors.Is(err, fleet.ErrNotMember) {
		a.opt.Alarm(err.Error())
	}
	if gone {
		a.log.Warn("the fleet's PostgreSQL does not answer")
		a.mail.put(fleet.Change{Kind: fleet.Gone})
	}
}

// strays are beats without an answer that the server may still get: a network can hold octets back and let them go.
type strays struct {
	n    int64
	last time.Duration // when the last one was given up
}

// strayFor is how long a beat may be under way after this node has given it up. Servers end an idle connection long
// before.
const strayFor = 10 * time.Minute

// count returns how many may still arrive.
func (s strays) count(at time.Duration) int64 {
	if at-s.last > strayFor {
		return 0
	}
	return s.n
}

// news is what a beat tells beside the beats of the others.
type news struct {
	back    bool // the server answers again
	moved   bool // it is another one, or has another timeline
	resumed bool // a node has resumed
	fenced  bool // this node is no longer the member that it was
	behind  bool // it is, and the other server has an older beat of it
	late    bool // this node has joined, although the answer to that was lost
}

// answered takes the result of a beat.
func (a *Authority) answered(r reading) {
	row := r.rows[a.opt.Node]
	n := a.member.take(r, a.opt.Node, a.clock())
	if n.fenced && row.state == stateRemoved {
		a.opt.Alarm("an operator has removed this node from the fleet: what it had open there was ended. It joins " +
			"again; stop it if it must stay out")
	}
	if n.moved {
		a.known.forget()
		a.watch.anew()
		a.log.Warn("another server answers for the fleet: what it has is compared with the journal")
	}
	switch {
	case n.late:
		a.joined(row.incarnation, row.beat)
	case n.behind, r.beat != nil && (n.back || n.moved):
		a.mail.put(fleet.Change{Kind: fleet.Back})
	}
	if n.resumed { // others may take from it now
		a.hurry()
	}
	a.followable()
}

// take takes the result of a beat of a node at a time of the monotonic clock.
func (m *membership) take(r reading, node string, at time.Duration) (n news) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.back = !m.connected
	if n.back {
		m.since = time.Now()
	}
	if m.doubtful > 1 {
		m.strays = strays{m.strays.count(at) + m.doubtful - 1, at}
	}
	m.connected, m.failures, m.doubtful = true, 0, 0
	sights := make(map[string]sight, len(r.rows))
	for name, row := range r.rows {
		sights[name] = row.sight
		n.resumed = n.resumed || row.timeline == r.server && m.rows[name].timeline != r.server
	}
	m.rows = r.rows
	m.view.read(at, sights)
	n.moved = m.server != "" && m.server != r.server
	if m.server != r.server {
		m.server, m.changed = r.server, m.view.watched
	}
	n.late = m.incarnation == "" && m.tried != "" && r.rows[node].incarnation == m.tried
	n.fenced = m.incarnation != "" && r.beat == nil
	if own := r.rows[node]; n.fenced && n.moved && own.incarnation == m.incarnation && own.state == stateUp {
		// Beats do not wait for a standby: the new server lacks the last ones.
		n.fenced, n.behind, m.beat = false, true, own.beat
	}
	switch {
	case r.beat != nil:
		m.beat, m.answered, m.reason = *r.beat, at, ""
	case n.fenced:
		m.incarnation, m.since = "", time.Now()
		m.view.anew(node)
	}
	return n
}

// outside notes why this node is not a member.
func (a *Authority) outside(reason string, operator bool) {
	m := &a.member
	m.mu.Lock()
	news := m.reason != reason
	m.reason = reason
	m.mu.Unlock()
	if news && operator {
		a.opt.Alarm("this node is not a member of the fleet: " + reason)
	}
}

// Run implements fleet.Authority.
func (a *Authority) Run(ctx context.Context) error {
	if !validName(a.opt.Node) {
		return fmt.Errorf("fleet.node: %q is no name of a node: 1 to 63 of a-z, 0-9 and -, not at an end", a.opt.Node)
	}
	done := make(chan struct{})
	tasks := []func(context.Context){a.beats, a.polls, a.listens, a.sweeps, a.renewals, a.mail.deliver}
	for _, task := range tasks {
		go func() { task(ctx); done <- struct{}{} }()
	}
	for range tasks {
		<-done
	}
	a.leave(ctx)
	return nil
}
