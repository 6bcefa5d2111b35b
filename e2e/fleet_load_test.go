package e2e

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// idle reports whether the caller's modem is on hook.
func (c *crashCaller) idle() bool { return c.modem.State() == exchange.OnHook }

// fleetCalls are callers who call again and again.
type fleetCalls struct {
	done    chan struct{}
	callers sync.WaitGroup
}

// callAgain lets all callers call again and again, until stop is called. A caller who was told of a callback
// waits for it for some seconds: one who calls is busy.
func (town *fleetTown) callAgain() *fleetCalls {
	f := &fleetCalls{done: make(chan struct{})}
	for _, c := range town.callers {
		f.callers.Go(func() { c.callPatiently(f.done) })
	}
	return f
}

// callPatiently is the loop of one caller.
func (c *crashCaller) callPatiently(stop <-chan struct{}) {
	var called time.Time
	heard, sessions := 0, 0
	for {
		h, _, s, _ := c.saw()
		waits := 2 * time.Second // for a call that was never made
		if h > heard && s == sessions {
			waits = 8 * time.Second // for the callback
		}
		if c.idle() && (s > sessions || time.Since(called) > waits) {
			heard, sessions, called = h, s, time.Now()
			c.call()
		}
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (f *fleetCalls) stop() {
	close(f.done)
	f.callers.Wait()
}

// fleetTroubles are faults that happen to a fleet under load, one after the other.
type fleetTroubles struct {
	town   *fleetTown
	random *rand.Rand
	count  map[string]int
	left   int // fail-overs: each needs a new standby
}

// all are the faults; each returns when it is over.
func (f *fleetTroubles) all() map[string]func(*testing.T) {
	return map[string]func(*testing.T){"node paused": f.pauseNode, "node killed": f.killNode,
		"node cut off": f.cutNode, "standby paused": f.pauseStandby, "primary killed": f.killPrimary}
}

// next lets one fault happen.
func (f *fleetTroubles) next(t *testing.T) {
	t.Helper()
	all := f.all()
	if f.left == 0 {
		delete(all, "primary killed")
	}
	names := slices.Sorted(maps.Keys(all))
	name := names[f.random.IntN(len(names))]
	f.count[name]++
	all[name](t)
}

func (f *fleetTroubles) node() *fleetNode { return f.town.nodes[f.random.IntN(len(f.town.nodes))] }

// lasts waits between a and b.
func (f *fleetTroubles) lasts(a, b time.Duration) {
	<-time.After(a + time.Duration(f.random.Int64N(int64(b-a))))
}

// pauseNode stops a node, mostly for longer than the takeover.
func (f *fleetTroubles) pauseNode(*testing.T) {
	p := f.node().daemon.cmd.Process
	p.Signal(syscall.SIGSTOP)
	f.lasts(500*time.Millisecond, 3*f.town.world.takeover)
	p.Signal(syscall.SIGCONT)
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
	f.lasts(500*time.Millisecond, 3*f.town.world.takeover)
	n.heal()
}

func (f *fleetTroubles) pauseStandby(*testing.T) {
	f.town.standby.Pause()
	f.lasts(100*time.Millisecond, 4*time.Second)
	f.town.standby.Resume()
}

func (f *fleetTroubles) killPrimary(t *testing.T) {
	f.left--
	f.town.failOver(t)
}

// TestPeerFleetFaults: three nodes under load with all faults. Nobody who was told is lost or rung twice, all callbacks
// end, and enough of them are dialed to prove something. RINGBACK_SEED repeats the order of the faults.
func TestPeerFleetFaults(t *testing.T) {
	if !crashLong() {
		t.Skip("RINGBACK_LONG=1 plays it: ./scripts/long fleet")
	}
	callbacks, limit, seed := 2000, 100*time.Second, uint64(time.Now().UnixNano())
	if s := os.Getenv("RINGBACK_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal("RINGBACK_SEED: ", err)
		}
		seed = n
	}
	t.Logf("RINGBACK_SEED=%d", seed)
	town := newFleetTown(t, fleetWorld{nodes: 3, proxied: true, crashWorld: crashWorld{callers: 24, lines: 8, max: 2,
		wait: 50 * time.Millisecond, staysOffHook: true}})
	town.logged(t)
	town.runAll(t)
	f := &fleetTroubles{town: town, random: rand.New(rand.NewPCG(seed, 0)), count: map[string]int{}, left: 1}
	calling := town.callAgain()
	began := time.Now()
	for town.heard() < callbacks && time.Since(began) < limit {
		f.lasts(500*time.Millisecond, 3*time.Second)
		f.next(t)
	}
	took := time.Since(began)
	calling.stop()
	town.rest(t, 0)
	for _, node := range town.nodes {
		node.settled(t)
	}
	town.stop(t)
	got := town.witness(t)
	t.Logf("%v in %v; faults: %v; %d operations checked", got, took.Round(time.Second), f.count, town.linearizable(t))
	if got.told < 100 || got.dials < got.told/2 || got.completed < got.told/3 || got.taken == 0 {
		t.Error("too little happened to prove anything")
	}
}

// heard is how often callers were told of a callback.
func (town *fleetTown) heard() (sum int) {
	for _, c := range town.callers {
		heard, _, _, _ := c.saw()
		sum += heard
	}
	return sum
}
