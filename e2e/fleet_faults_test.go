package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// fleetTroubles are faults that happen to a fleet under load, one after the other. Each method returns when its fault
// is over.
type fleetTroubles struct {
	town   *fleetTown
	random *rand.Rand
	count  map[string]int
}

// all are the faults that may happen at any time. A fail-over happens as often as a play demands.
func (f *fleetTroubles) all() map[string]func(*testing.T) {
	return map[string]func(*testing.T){"node paused": f.pauseNode, "node killed": f.killNode,
		"node cut off": f.cutNode, "standby paused": f.pauseStandby, "messages spoilt": f.spoilMessages}
}

// fault lets one fault happen; "": any.
func (f *fleetTroubles) fault(t *testing.T, name string) {
	t.Helper()
	all := f.all()
	if name == "" {
		name = slices.Sorted(maps.Keys(all))[f.random.IntN(len(all))]
	}
	all["primary killed"] = f.town.failOver
	f.lasts(300*time.Millisecond, 1500*time.Millisecond)
	f.count[name]++
	all[name](t)
}

func (f *fleetTroubles) node() *fleetNode { return f.town.nodes[f.random.IntN(len(f.town.nodes))] }

// lasts waits between a and b.
func (f *fleetTroubles) lasts(a, b time.Duration) {
	<-time.After(a + time.Duration(f.random.Int64N(int64(b-a))))
}

// pauseNode stops a node: the first time, and mostly, until others may take what it has waiting.
func (f *fleetTroubles) pauseNode(*testing.T) {
	p := f.node().daemon.cmd.Process
	p.Signal(syscall.SIGSTOP)
	defer p.Signal(syscall.SIGCONT)
	if f.count["node paused"] > 1 && f.random.IntN(3) == 0 {
		f.lasts(100*time.Millisecond, f.town.world.takeover)
		return
	}
	f.lasts(f.town.world.takeover*3/2, f.town.world.takeover*5/2)
}

func (f *fleetTroubles) killNode(t *testing.T) {
	n := f.node()
	n.daemon.kill()
	f.lasts(time.Millisecond, 2*f.town.world.takeover)
	f.town.run(t, n)
}

// cutNode cuts a node off from PostgreSQL.
func (f *fleetTroubles) cutNode(*testing.T) {
	n := f.node()
	n.cut()
	f.lasts(500*time.Millisecond, 2*f.town.world.takeover)
	n.heal()
}

func (f *fleetTroubles) pauseStandby(*testing.T) {
	f.town.standby.Pause()
	f.lasts(100*time.Millisecond, 3*time.Second)
	f.town.standby.Resume()
}

// spoilMessages loses, cuts in half or delays some messages between nodes and PostgreSQL, or ends the connection right
// after them.
func (f *fleetTroubles) spoilMessages(*testing.T) {
	for range 15 {
		kind, late := f.random.IntN(4), time.Duration(f.random.Int64N(int64(3*time.Second)))
		for _, p := range f.node().proxies {
			p.spoilNext(func(m []byte) ([]byte, bool) {
				switch kind {
				case 0:
					return nil, true
				case 1:
					return m[:len(m)/2], true
				case 2:
					return m, true
				}
				<-time.After(late)
				return m, false
			})
		}
		f.lasts(50*time.Millisecond, 250*time.Millisecond)
	}
}

// fleetPlay is how long a fleet under load is troubled.
type fleetPlay struct {
	callbacks int            // of which callers were told: then it is over
	limit     time.Duration  // after which no further fault begins. A slow machine plays fewer callbacks
	least     int            // callbacks that it plays nevertheless
	faults    map[string]int // that happen first, in any order
}

// play lets callers call, and faults happen. It ends with all nodes running and nothing pending. RINGBACK_SEED repeats
// the order of the faults.
func (town *fleetTown) play(t *testing.T, p fleetPlay) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("RINGBACK_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal("RINGBACK_SEED: ", err)
		}
		seed = n
	}
	t.Logf("RINGBACK_SEED=%d", seed)
	f := &fleetTroubles{town: town, random: rand.New(rand.NewPCG(seed, 0)), count: map[string]int{}}
	began := time.Now()
	calling := town.callAgain()
	for _, name := range f.order(p.faults) {
		f.fault(t, name)
	}
	for town.heard() < p.callbacks && time.Since(began) < p.limit {
		f.fault(t, "")
	}
	for i := 0; i < 20 && !town.haveTaken(t); i++ {
		f.fault(t, "node paused")
	}
	eventually(t, fmt.Sprintf("%d callbacks", p.least), func() bool { return town.heard() >= p.least })
	took := time.Since(began)
	calling.stop()
	town.rest(t, 0)
	t.Logf("%v of calls, %v until all callbacks had ended; faults: %v", took.Round(time.Second),
		(time.Since(began) - took).Round(time.Second), f.count)
}

// order returns the names of faults, each as often as it is to happen, in a random order.
func (f *fleetTroubles) order(times map[string]int) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(times)) {
		names = append(names, slices.Repeat([]string{name}, times[name])...)
	}
	f.random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return names
}

// haveTaken reports whether a node has dialed for a callback that another one has promised.
func (town *fleetTown) haveTaken(t *testing.T) bool {
	t.Helper()
	return town.db.SQL(t, `SELECT EXISTS (SELECT FROM ringback.callbacks c JOIN ringback.attempts a ON a.callback = c.id
		WHERE a.node <> c.home)`) == "t"
}

// checkPlayed checks that a play has proven something. A callback whose attempts were all spent is ended, not lost.
func checkPlayed(t *testing.T, f fleetFigures, least int) {
	t.Helper()
	if f.told < least || f.dials < f.told/2 || f.completed < f.told/2 || f.taken == 0 {
		t.Error("too little happened to prove anything")
	}
}

// TestPeerFleetFaults: a fleet under load with all faults. Nobody who was told is lost or rung twice, all callbacks
// end, and enough of them are dialed to prove something. It has three nodes; in a long run eight, and 100,000 users. It
// is not parallel: other tests would slow it down, and it them.
func TestPeerFleetFaults(t *testing.T) {
	w := fleetWorld{nodes: 3, proxied: true, crashWorld: crashWorld{callers: 72, lines: 20, max: 2,
		wait: 50 * time.Millisecond, staysOffHook: true, lifetime: 2 * time.Minute}}
	p := fleetPlay{callbacks: 2000, limit: 100 * time.Second, least: 100, faults: map[string]int{"node paused": 3,
		"node killed": 2, "node cut off": 2, "standby paused": 2, "messages spoilt": 3, "primary killed": 1}}
	if crashLong() {
		w.nodes, w.callers, w.users = 8, 96, 100_000
		w.server = pgtest.Options{Settings: map[string]string{"max_connections": "200"}}
		p = fleetPlay{callbacks: 100_000, limit: 10 * time.Minute, least: 2000, faults: map[string]int{
			"node paused": 10, "node killed": 10, "node cut off": 10, "standby paused": 5, "messages spoilt": 10,
			"primary killed": 3}}
	}
	town := newFleetTown(t, w)
	town.logged(t)
	town.runAll(t)
	town.play(t, p)
	checkPlayed(t, town.finish(t), p.least)
}
