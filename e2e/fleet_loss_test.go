package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// TestPeerFleetClock: the clock of PostgreSQL's machine is set forward and back while callbacks wait: nothing is dialed
// twice, nothing expires, and nothing waits until the clock is right.
func TestPeerFleetClock(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{server: pgtest.Options{Clock: true},
		crashWorld: crashWorld{callers: 3, wait: 3 * time.Second}})
	town.logged(t)
	town.runAll(t)
	for i, offset := range []string{"+3600", "-3600", "-20y"} {
		town.callAll(t)
		town.hungUp(t)
		town.primary.SetClock(t, offset)
		town.standby.SetClock(t, offset)
		eventually(t, "PostgreSQL's clock is wrong by "+offset, func() bool {
			return town.count(t, fmt.Sprintf("SELECT (abs(extract(epoch FROM clock_timestamp()) - %d) > 3000)::int",
				time.Now().Unix())) == "1"
		})
		town.rest(t, 3*(i+1))
	}
	town.end(t, 3)
}

// count returns the result of a query that counts.
func (town *fleetTown) count(t *testing.T, query string) string {
	t.Helper()
	return strings.TrimSpace(town.db.SQL(t, query))
}

// TestPeerFleetLostCommits: an asynchronous standby is promoted that lacks what callers were told of. The nodes say so,
// write it back from their journals, and dial each callback once.
func TestPeerFleetLostCommits(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{async: true, crashWorld: crashWorld{callers: 4, wait: 8 * time.Second}})
	town.logged(t)
	town.runAll(t)
	town.standby.SQL(t, "ALTER SYSTEM SET primary_conninfo = ''; SELECT pg_reload_conf()")
	eventually(t, "the standby gets nothing", func() bool {
		return town.count(t, "SELECT count(*) FROM pg_stat_replication") == "0"
	})
	town.callAll(t)
	town.hungUp(t)
	town.primary.Kill()
	town.standby.Promote(t)
	town.primary, town.db, town.standby = town.standby, &town.standby.Database, nil
	town.rest(t, 4)
	town.end(t, 1)
	alarms := 0
	for _, n := range town.nodes {
		alarms += strings.Count(n.daemon.out.String(), "has lost acknowledged commits")
	}
	if alarms == 0 {
		t.Error("no node has said that acknowledged commits were lost")
	}
}

// TestPeerFleetPgBouncer: a fleet whose connections all go through PgBouncer in transaction mode, while a node is
// killed.
func TestPeerFleetPgBouncer(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{alone: true, pooled: true,
		crashWorld: crashWorld{callers: 4, wait: 100 * time.Millisecond}})
	town.logged(t)
	town.runAll(t)
	calling := town.callAgain()
	town.moreSessions(t, 12)
	town.nodes[0].daemon.kill()
	town.moreSessions(t, 4)
	town.run(t, town.nodes[0])
	town.moreSessions(t, 12)
	calling.stop()
	town.rest(t, 0)
	town.finish(t)
}

// TestPeerFleetPgBouncerOffers: without notifications, what one node offers is found by another one's poll.
func TestPeerFleetPgBouncerOffers(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{alone: true, pooled: true, crashWorld: crashWorld{callers: 2},
		only: map[int][]string{0: {"callin", "callin"}, 1: {"callout", "callout"}}})
	town.logged(t)
	for _, c := range town.callers {
		c.mains = []string{town.nodes[0].number}
	}
	town.runAll(t)
	town.callAll(t)
	town.rest(t, 2)
	if f := town.end(t, 1); f.taken != 2 {
		t.Errorf("%d callbacks were dialed by the other node, of 2", f.taken)
	}
}

// TestPeerFleetLocal: nodes that are cut off from PostgreSQL promise what was counted ahead, one callback a user, and
// dial it by their own lines. All nodes together do not pass the ceiling of the site.
func TestPeerFleetLocal(t *testing.T) {
	t.Parallel()
	const ceiling = 7 // 2 counted ahead by each node, and 3
	town := newFleetTown(t, fleetWorld{alone: true, proxied: true, onLoss: "local, local_calls: 2",
		crashWorld: crashWorld{callers: 6, more: "ceilings: {month: {calls: 7}}\n"}})
	town.logged(t)
	town.runAll(t)
	c := town.callers
	town.callAll(t, c[0], c[1], c[2])
	town.rest(t, 3)
	town.refused(t, c[3])
	for i, n := range town.nodes {
		n.cut()
		c[2*i].mains, c[2*i+1].mains, c[4+i].mains = []string{n.number}, []string{n.number}, []string{n.number}
	}
	town.callAll(t, c[:4]...)
	eventually(t, "callbacks while PostgreSQL is away", func() bool { return town.sessions() == ceiling })
	town.refused(t, c[0]) // this user has had it
	town.refused(t, c[4]) // nothing is left
	town.refused(t, c[5])
	for _, n := range town.nodes {
		n.heal()
	}
	town.rest(t, ceiling)
	town.refused(t, c[4])
	if f := town.finish(t); f.told != ceiling || f.dials != ceiling || f.completed != ceiling {
		t.Errorf("%d callbacks were expected, each told, dialed once and completed", ceiling)
	}
}

// TestPeerFleetCeiling: three nodes that are killed in turns do not pass the site's ceiling together, and reach it.
func TestPeerFleetCeiling(t *testing.T) {
	t.Parallel()
	const ceiling = 24
	town := newFleetTown(t, fleetWorld{alone: true, nodes: 3,
		crashWorld: crashWorld{callers: 6, wait: 100 * time.Millisecond, more: "ceilings: {month: {calls: 24}}\n"}})
	town.logged(t)
	town.runAll(t)
	calling := town.callAgain()
	for i, n := range town.nodes {
		at := (i + 1) * ceiling / 6
		eventually(t, "some callbacks", func() bool { return town.heard() >= at })
		n.daemon.kill()
		town.run(t, n)
	}
	eventually(t, "the ceiling is reached", func() bool {
		used := town.count(t, "SELECT count(*) FROM ringback.callbacks WHERE outcome NOT IN ('cancelled', 'withdrawn')")
		_, refused, _, _ := town.callers[0].saw()
		return used == "24" && refused > 0
	})
	<-time.After(2 * time.Second) // callers go on
	calling.stop()
	town.rest(t, 0)
	if f := town.finish(t); f.told > ceiling || f.dials > ceiling || f.dials < ceiling/2 {
		t.Errorf("%d told and %d dials with a ceiling of %d", f.told, f.dials, ceiling)
	}
}
