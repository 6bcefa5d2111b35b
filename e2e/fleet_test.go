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
	for _, node := range town.nodes {
		if node.daemon != nil && !node.daemon.over() {
			node.settled(t)
		}
	}
	town.stop(t)
	f := town.witness(t)
	t.Logf("%v, %d operations", f, town.linearizable(t))
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

// TestPeerFleetPaused: a node is stopped with what it has waiting; another one takes and dials it; the first wakes up.
func TestPeerFleetPaused(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 2, wait: 3 * time.Second}})
	town.logged(t)
	for _, c := range town.callers {
		c.mains = []string{town.nodes[0].number}
	}
	town.runAll(t)
	town.callAll(t)
	town.hungUp(t)
	town.nodes[0].daemon.cmd.Process.Signal(syscall.SIGSTOP)
	town.rest(t, 2)
	town.nodes[0].daemon.cmd.Process.Signal(syscall.SIGCONT)
	if f := town.end(t, 1); f.taken != 2 {
		t.Errorf("%d callbacks were taken, of 2", f.taken)
	}
}

// TestPeerFleetKilled: a node is killed with what it has waiting, and started again when another one has dialed.
func TestPeerFleetKilled(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{crashWorld: crashWorld{callers: 2, wait: 3 * time.Second}})
	town.logged(t)
	for _, c := range town.callers {
		c.mains = []string{town.nodes[0].number}
	}
	town.runAll(t)
	town.callAll(t)
	town.hungUp(t)
	town.nodes[0].daemon.kill()
	town.rest(t, 2)
	town.run(t, town.nodes[0])
	if f := town.end(t, 1); f.taken != 2 {
		t.Errorf("%d callbacks were taken, of 2", f.taken)
	}
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
	for _, node := range town.nodes {
		node.settled(t)
	}
	town.stop(t)
	f := town.witness(t)
	t.Logf("%v, %d operations", f, town.linearizable(t))
}

// failOver kills the primary, promotes its standby, and gives that one a standby of its own.
func (town *fleetTown) failOver(t *testing.T) {
	t.Helper()
	town.primary.Kill()
	town.standby.Promote(t)
	town.primary, town.db = town.standby, &town.standby.Database
	town.standby = town.primary.Standby(t)
}

// moreSessions waits until callers have had n more sessions on leg two.
func (town *fleetTown) moreSessions(t *testing.T, n int) {
	t.Helper()
	sessions := func() (sum int) {
		for _, c := range town.callers {
			_, _, s, _ := c.saw()
			sum += s
		}
		return sum
	}
	want := sessions() + n
	eventually(t, fmt.Sprintf("%d more sessions", n), func() bool { return sessions() >= want })
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
	for _, node := range town.nodes {
		node.settled(t)
	}
	town.stop(t)
	t.Logf("%v", town.witness(t))
}
