package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// hostileFleet is a fleet of two nodes, of which the first one is called. When that one is dead, the second one may
// take what it has waiting, if it may trust it.
func hostileFleet(t *testing.T, w fleetWorld) *fleetTown {
	t.Helper()
	if w.wait == 0 {
		w.wait = 2 * time.Second
	}
	town := newFleetTown(t, w)
	town.logged(t)
	for _, c := range town.callers {
		c.mains = []string{town.nodes[0].number}
	}
	return town
}

// forgeries are changes of the row of a callback.
var forgeries = []string{
	`body = decode(replace(encode(body, 'hex'), encode('84', 'hex'), encode('89', 'hex')), 'hex')`,
	`username = username || 'x'`,
	`max = 9`,
	`epoch = epoch + 5`,
	`holder = 'node-2'`,
	`offered = NOT offered`,
	`body = body || convert_to(repeat('x', 10485760), 'UTF8')`,
	`body = ''`,
	`mac = '', sum = ''`,
	`attempts = 1, open = 0`,
}

// TestPeerFleetForgedRows: the rows of a dead node were changed, each in another way: nothing is dialed for them, and
// what was not changed is.
func TestPeerFleetForgedRows(t *testing.T) {
	t.Parallel()
	n := len(forgeries)
	town := hostileFleet(t, fleetWorld{alone: true, crashWorld: crashWorld{callers: n + 1, lines: n + 1,
		wait: 15 * time.Second}})
	town.runAll(t)
	town.callAll(t)
	town.hungUp(t)
	town.nodes[0].daemon.kill()
	for i, change := range forgeries {
		where := fmt.Sprintf(" WHERE username = 'u%s' AND ended IS NULL RETURNING id", town.callers[i].number)
		if out := town.db.SQL(t, "UPDATE ringback.callbacks SET "+change+where); out == "" {
			t.Fatalf("there is no callback for %s", change)
		}
	}
	honest := town.callers[n].number
	eventually(t, "the callback that was not changed is dialed", func() bool { return len(town.lineDials()) > 0 })
	<-time.After(10 * time.Second) // two polls
	for _, d := range town.lineDials() {
		if d.Number != honest {
			t.Errorf("%s has dialed %s, whose row was changed", d.Modem, d.Number)
		}
	}
	town.alarmed(t, town.nodes[1])
}

// noDials checks that no modem was sent a dial command, while three takeovers, two polls and the wait pass.
func (town *fleetTown) noDials(t *testing.T) {
	t.Helper()
	<-time.After(town.wait + 3*town.world.takeover + 10*time.Second)
	if d := town.lineDials(); len(d) > 0 {
		t.Errorf("dialed: %+v", d)
	}
}

// alarmed waits until a node has told operators of a row that does not verify.
func (town *fleetTown) alarmed(t *testing.T, n *fleetNode) {
	t.Helper()
	if err := n.daemon.stop(); err != nil {
		t.Error(err)
	}
	if out := n.daemon.out.String(); !strings.Contains(out, "does not verify") {
		t.Errorf("%s has not said that a row does not verify:\n%s", n.name, out)
	}
}

// TestPeerFleetReplayedRow: a callback that has ended is put back as it was when it waited.
func TestPeerFleetReplayedRow(t *testing.T) {
	t.Parallel()
	town := hostileFleet(t, fleetWorld{alone: true})
	town.runAll(t)
	town.callAll(t)
	town.db.SQL(t, "CREATE TABLE ringback.kept AS SELECT * FROM ringback.callbacks")
	town.hungUp(t)
	town.nodes[0].daemon.kill()
	town.rest(t, 1)
	dials := len(town.lineDials())
	if dials != 1 {
		t.Fatalf("%d dials", dials)
	}
	town.db.SQL(t, "DELETE FROM ringback.callbacks; INSERT INTO ringback.callbacks SELECT * FROM ringback.kept;"+
		" DELETE FROM ringback.attempts")
	<-time.After(3*town.world.takeover + 10*time.Second)
	if n := len(town.lineDials()); n != dials {
		t.Errorf("%d dials after the replay", n-dials)
	}
}

// TestPeerFleetReplayedRowForNewProcess: a callback that has ended is put back as it was when it waited, for a node
// that has started since and has seen nothing of it. It is not dialed while its home runs, nor when that is dead.
func TestPeerFleetReplayedRowForNewProcess(t *testing.T) {
	t.Parallel()
	town := hostileFleet(t, fleetWorld{alone: true})
	town.runAll(t)
	town.callAll(t)
	town.hungUp(t)
	town.db.SQL(t, "CREATE TABLE ringback.kept AS SELECT * FROM ringback.callbacks")
	if n := town.db.SQL(t, "SELECT count(*) FROM ringback.kept WHERE ended IS NULL"); n != "1" {
		t.Fatalf("%s callbacks wait", n)
	}
	town.rest(t, 1)
	dials := len(town.lineDials())
	if dials != 1 {
		t.Fatalf("%d dials", dials)
	}
	again := town.nodes[1]
	process := func() string {
		return town.db.SQL(t, "SELECT incarnation FROM ringback.nodes WHERE name = '"+again.name+"'")
	}
	before := process()
	again.daemon.kill()
	town.run(t, again)
	eventually(t, "it is a member", func() bool { return process() != before })
	town.known(t)
	town.db.SQL(t, "DELETE FROM ringback.callbacks; INSERT INTO ringback.callbacks SELECT * FROM ringback.kept;"+
		" DELETE FROM ringback.attempts; DELETE FROM ringback.notices")
	<-time.After(10 * time.Second) // two polls
	town.nodes[0].daemon.kill()
	<-time.After(3*town.world.takeover + 10*time.Second)
	if n := len(town.lineDials()); n != dials {
		t.Errorf("%d dials after the replay", n-dials)
	}
}

// TestPeerFleetAnotherKey: a node with another key is no member, says so, and dials nothing that the others have.
func TestPeerFleetAnotherKey(t *testing.T) {
	t.Parallel()
	town := hostileFleet(t, fleetWorld{alone: true})
	town.run(t, town.nodes[0])
	stranger := town.nodes[1]
	key := filepath.Join(stranger.dir, "fleet.key")
	if err := os.WriteFile(key, []byte(strings.Repeat("another", 9)), 0o600); err != nil {
		t.Fatal(err)
	}
	town.run(t, stranger)
	town.callAll(t)
	town.hungUp(t)
	town.nodes[0].daemon.kill()
	town.noDials(t)
}

// TestPeerFleetTwoOfOneName: a second process of a name, with a journal of its own or with a copy of the first one's,
// is no member and takes nothing; the first one goes on.
func TestPeerFleetTwoOfOneName(t *testing.T) {
	t.Parallel()
	for _, clone := range []bool{false, true} {
		t.Run(fmt.Sprintf("clone %v", clone), func(t *testing.T) {
			t.Parallel()
			town := hostileFleet(t, fleetWorld{alone: true})
			first, second := town.nodes[0], town.nodes[1]
			rename(t, second, "node: node-2", "node: node-1")
			town.run(t, first)
			town.callAll(t)
			town.rest(t, 1)
			if clone {
				if err := first.daemon.stop(); err != nil {
					t.Fatal(err)
				}
				if err := os.CopyFS(second.crashWorld.state, os.DirFS(first.crashWorld.state)); err != nil {
					t.Fatal(err)
				}
				town.run(t, first)
			}
			second.daemon = second.start(t)
			if err := second.daemon.ready(); err != nil && err != errCrashEnded {
				t.Fatal(err)
			}
			town.callAll(t)
			town.rest(t, 2)
			if d := town.dialsOf(second); len(d) > 0 {
				t.Errorf("the second process of the name has dialed: %+v", d)
			}
			if d := town.dialsOf(first); len(d) != 2 {
				t.Errorf("the first process of the name has dialed %d times, of 2", len(d))
			}
		})
	}
}

// rename changes the configuration of a node.
func rename(t *testing.T, n *fleetNode, from, to string) {
	t.Helper()
	path := filepath.Join(n.dir, "ringback.yaml")
	text := readFile(t, path)
	if !strings.Contains(text, from) {
		t.Fatalf("%s has no %q", path, from)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, from, to)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPeerFleetRoleNotSynchronous: a role whose commits wait for nothing: those of the fleet wait for the standby all
// the same.
func TestPeerFleetRoleNotSynchronous(t *testing.T) {
	t.Parallel()
	town := hostileFleet(t, fleetWorld{})
	town.db.SQL(t, "ALTER ROLE "+pgtest.User+" SET synchronous_commit = off")
	town.runAll(t)
	town.callAll(t)
	town.rest(t, 1)
	town.standby.Pause()
	t.Cleanup(town.standby.Resume)
	c := town.callers[0]
	town.refused(t, c)
	if heard, _, _, _ := c.saw(); heard > 1 {
		t.Error("the caller was told of a callback that the standby has not")
	}
}
