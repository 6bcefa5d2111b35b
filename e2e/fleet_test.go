package e2e

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// callAll lets callers call until each of them was told of one more callback.
func (town *fleetTown) callAll(t *testing.T, callers ...*crashCaller) {
	t.Helper()
	if len(callers) == 0 {
		callers = town.callers
	}
	town.callUntil(t, "all callers are told of a callback", callers, func(c *crashCaller) int {
		heard, _, _, _ := c.saw()
		return heard
	})
}

// callUntil lets callers call until what each of them has seen has grown.
func (town *fleetTown) callUntil(t *testing.T, what string, callers []*crashCaller, seen func(*crashCaller) int) {
	t.Helper()
	before, called := map[*crashCaller]int{}, map[*crashCaller]time.Time{}
	for _, c := range callers {
		before[c] = seen(c)
	}
	eventually(t, what, func() bool {
		all := true
		for _, c := range callers {
			if seen(c) > before[c] {
				continue
			}
			all = false
			if c.idle() && time.Since(called[c]) > 3*time.Second { // a modem that is sent anything stops dialing
				called[c] = time.Now()
				c.call()
			}
		}
		return all
	})
}

// hungUp waits until no caller is in a call.
func (town *fleetTown) hungUp(t *testing.T) {
	t.Helper()
	eventually(t, "all callers have hung up", func() bool {
		return !slices.ContainsFunc(town.callers, func(c *crashCaller) bool { return !c.idle() })
	})
}

// refused lets a caller call until the caller reads that there is no callback.
func (town *fleetTown) refused(t *testing.T, c *crashCaller) {
	t.Helper()
	town.callUntil(t, "the caller is refused", []*crashCaller{c}, func(c *crashCaller) int {
		_, refused, _, _ := c.saw()
		return refused
	})
}

// settled waits until no callback is pending in the journal of a node that runs.
func (n *fleetNode) settled(t *testing.T) {
	t.Helper()
	if err := n.daemon.rest(0); err != nil {
		t.Fatalf("%s: %v", n.name, err)
	}
}

// end stops all nodes, and checks all that happened. Each caller was told n times, and called back.
func (town *fleetTown) end(t *testing.T, n int) fleetFigures {
	t.Helper()
	f := town.finish(t)
	if want := n * len(town.callers); f.told != want || f.dials != want || f.completed != want || f.sessions != want {
		t.Errorf("%d callbacks were expected, each told, dialed once and completed", want)
	}
	return f
}

// TestPeerFleetDialsOverNodes: one node answers, and the other one has the lines that dial.
func TestPeerFleetDialsOverNodes(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 3},
		only: map[int][]string{0: {"callin", "callin"}, 1: {"callout", "callout"}}})
	town.logged(t)
	for _, c := range town.callers {
		c.mains = []string{town.nodes[0].number}
	}
	town.runAll(t)
	town.callAll(t)
	town.rest(t, 3)
	if f := town.end(t, 1); f.taken != 3 {
		t.Errorf("%d callbacks were dialed by the other node, of 3", f.taken)
	}
	if d := town.dialsOf(town.nodes[1]); len(d) != 3 {
		t.Errorf("node-2 has dialed %d times", len(d))
	}
}

// TestPeerFleetOnePending: a user who has a callback pending at one node gets no other one at another node.
func TestPeerFleetOnePending(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{wait: 20 * time.Second}})
	town.logged(t)
	town.runAll(t)
	c := town.callers[0]
	town.callAll(t)
	eventually(t, "the caller has hung up", c.idle)
	c.call()
	select {
	case <-c.over:
	case <-time.After(patience):
		t.Error("the second call does not end")
	}
	if heard, refused, _, _ := c.saw(); heard > 1 {
		t.Errorf("the caller was told of %d callbacks, and refused %d times", heard, refused)
	}
	if rows := town.rows(t); len(rows) != 1 {
		t.Errorf("%d callbacks are on record: %+v", len(rows), rows)
	}
}

// takenOver lets node-1 promise callbacks, makes it silent with away, waits until node-2 has dialed them, and lets it
// come back. On a busy machine node-1 may dial before it is away: then all that holds is the law, and it is played
// again.
func (town *fleetTown) takenOver(t *testing.T, away, back func(*fleetNode)) {
	t.Helper()
	first := town.nodes[0]
	for _, c := range town.callers {
		c.mains = []string{first.number}
	}
	town.runAll(t)
	for round := range 5 {
		before := len(town.rows(t))
		town.callAll(t)
		town.hungUp(t)
		away(first)
		town.noneWaits(t)
		back(first)
		town.rest(t, before+len(town.callers))
		if late := town.firstDials(t, first, before); late > 0 {
			t.Logf("round %d: node-1 dialed %d of its callbacks itself", round, late)
			continue
		}
		if round == 0 {
			town.end(t, 1) // each promise was kept
			return
		}
		town.finish(t)
		return
	}
	t.Error("node-1 was always faster than the test")
}

// noneWaits waits until each pending callback has an attempt open: node-1's, before it went away, or none is pending.
func (town *fleetTown) noneWaits(t *testing.T) {
	t.Helper()
	eventually(t, "no callback waits", func() bool {
		return town.db.SQL(t, "SELECT count(*) FROM ringback.callbacks WHERE ended IS NULL AND open = 0") == "0"
	})
}

// firstDials counts the callbacks, from the given one on, whose first attempt is one of node n.
func (town *fleetTown) firstDials(t *testing.T, n *fleetNode, from int) (count int) {
	t.Helper()
	attempts := town.attempts(t)
	for _, r := range town.rows(t)[from:] {
		if slices.ContainsFunc(attempts, func(a attemptOf) bool {
			return a.id == r.id && a.n == 1 && a.node == n.name
		}) {
			count++
		}
	}
	return count
}

// finish stops all nodes in order, when nothing is pending, and checks what happened.
func (town *fleetTown) finish(t *testing.T) fleetFigures {
	t.Helper()
	for _, node := range town.nodes {
		if node.daemon != nil && !node.daemon.over() {
			node.settled(t)
		}
	}
	town.stop(t)
	f := town.witness(t)
	t.Log(f)
	return f
}

// TestPeerFleetPaused: a node is stopped with what it has waiting; another one takes and dials it; the first wakes up.
func TestPeerFleetPaused(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 2, wait: 3 * time.Second}})
	town.logged(t)
	town.takenOver(t, func(n *fleetNode) { n.daemon.cmd.Process.Signal(syscall.SIGSTOP) },
		func(n *fleetNode) { n.daemon.cmd.Process.Signal(syscall.SIGCONT) })
}

// TestPeerFleetKilled: a node is killed with what it has waiting, and started again when another one has dialed.
func TestPeerFleetKilled(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 2, wait: 3 * time.Second}})
	town.logged(t)
	town.takenOver(t, func(n *fleetNode) { n.daemon.kill() }, func(n *fleetNode) { town.run(t, n) })
}

// TestPeerFleetPrimaryKilled: the primary is killed while callers call, and its synchronous standby is promoted. Nobody
// who was told is lost or rung twice.
func TestPeerFleetPrimaryKilled(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 4, wait: 100 * time.Millisecond, lines: 3}})
	town.logged(t)
	town.runAll(t)
	calling := town.callAgain()
	town.moreSessions(t, 8)
	town.failOver(t)
	town.moreSessions(t, 8)
	calling.stop()
	town.rest(t, 0)
	town.finish(t)
}

// failOver kills the primary, promotes its standby, and gives that one a standby of its own, which takes the place of
// the primary in the network of nodes that have proxies.
func (town *fleetTown) failOver(t *testing.T) {
	t.Helper()
	dead := town.primary.Address
	town.primary.Kill()
	town.standby.Promote(t)
	town.primary, town.db = town.standby, &town.standby.Database
	town.standby = town.primary.Standby(t)
	for _, n := range town.nodes {
		for _, p := range n.proxies {
			p.move(dead, town.standby.Address)
		}
	}
}

// moreSessions waits until callers have had n more sessions on leg two.
func (town *fleetTown) moreSessions(t *testing.T, n int) {
	t.Helper()
	want := town.sessions() + n
	eventually(t, fmt.Sprintf("%d more sessions", n), func() bool { return town.sessions() >= want })
}

// sessions is how often callers were called back.
func (town *fleetTown) sessions() (sum int) {
	for _, c := range town.callers {
		_, _, s, _ := c.saw()
		sum += s
	}
	return sum
}

// TestPeerFleetStandbyLost: without its synchronous standby PostgreSQL acknowledges nothing: no caller is told, lines
// answer; and with the standby callers are told again.
func TestPeerFleetStandbyLost(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 2}})
	town.logged(t)
	town.runAll(t)
	town.callAll(t)
	town.rest(t, 2)
	town.standby.Pause()
	c := town.callers[0]
	town.refused(t, c)
	if heard, _, _, _ := c.saw(); heard > 1 {
		t.Errorf("the caller was told %d times", heard)
	}
	town.standby.Resume()
	town.callAll(t)
	town.rest(t, 4)
	town.finish(t)
}
