package broker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// vouching is a login that vouches for every user: the number of user-07 is 84107.
type vouching struct{ broker.Login }

func (vouching) Vouch(_ context.Context, r aaa.Request) aaa.Result {
	return aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "local", User: r.User}, Auth: aaa.Authorization{
		Callback: true, Dialstring: aaa.DialstringOf("841" + strings.TrimPrefix(r.User, "user-"))}}
}

// mutant is a fault of a node of which the checks must notice.
type mutant string

const (
	sound             mutant = ""
	dialBeforeCommit  mutant = "dial before commit"
	claimWithoutEpoch mutant = "claim without epoch"
	wallClockTakeover mutant = "wall-clock takeover"
	lookBeforeScript  mutant = "last look before the script"
)

// simulated is a run of three nodes over one fleet, with a seed.
type simulated struct {
	t      *testing.T
	rng    *rand.Rand
	mutant mutant
	fleet  *fleettest.Fleet
	nodes  []*simNode
	jump   atomic.Int64 // of the clock by which silence is measured
	ids    map[string]string
	wrong  []string
	faults map[string]int
}

// simNode is one node with its faults.
type simNode struct {
	*town
	mu     sync.Mutex
	fault  string
	paused chan struct{} // closed when it goes on; nil: it runs
}

const simUsers = 24

// behave is what happens to an operation of a node.
func (s *simulated) behave(n *simNode) func(context.Context, string, func() error) error {
	return func(ctx context.Context, op string, carry func() error) error {
		n.mu.Lock()
		fault, paused := n.fault, n.paused
		n.mu.Unlock()
		if paused != nil && (op == "Look" || s.mutant != lookBeforeScript && (op == "Attempt" || op == "End")) {
			<-paused
		}
		switch {
		case s.mutant == lookBeforeScript && op == "Look": // it has looked before
			return nil
		case s.mutant == dialBeforeCommit && op == "Attempt":
			go func() {
				<-time.After(time.Second)
				_ = carry()
			}()
			return nil
		case s.mutant == dialBeforeCommit && op == "Look":
			return nil
		case s.mutant == claimWithoutEpoch && (op == "Attempt" || op == "Look" || op == "End"):
			if err := carry(); !errors.Is(err, fleet.ErrFenced) && !errors.Is(err, fleet.ErrSpent) {
				return err
			}
			return nil
		}
		switch fault {
		case "lose":
			return fleettest.LoseAnswers(ctx, op, carry)
		case "slow":
			return fleettest.Delay(time.Second)(ctx, op, carry)
		case "hang":
			return fleettest.Hang(ctx, op, carry)
		}
		return carry()
	}
}

// disturb does something to a node.
func (s *simulated) disturb() {
	n := s.nodes[s.rng.IntN(len(s.nodes))]
	kinds := []string{"lose", "slow", "hang", "cut", "pause", "pause", "restart"}
	switch s.mutant {
	case wallClockTakeover:
		kinds = []string{"clock"}
	case lookBeforeScript:
		kinds = []string{"stop"}
	}
	kind := kinds[s.rng.IntN(len(kinds))]
	s.faults[kind]++
	d := time.Duration(5+s.rng.IntN(60)) * time.Second
	switch kind {
	case "cut":
		n.node.Cut(true)
		<-time.After(d)
		n.node.Cut(false)
	case "pause":
		n.mu.Lock()
		n.paused = make(chan struct{})
		n.mu.Unlock()
		<-time.After(10 * time.Second)
		s.fleet.Silent(n.opt.node, true)
		<-time.After(d)
		n.mu.Lock()
		close(n.paused)
		n.paused = nil
		n.mu.Unlock()
		<-time.After(5 * time.Second)
		s.fleet.Silent(n.opt.node, false)
	case "stop": // the machine is stopped for long, and its own clocks do not count that
		n.mu.Lock()
		n.paused = make(chan struct{})
		n.mu.Unlock()
		<-time.After(20 * time.Second)
		s.fleet.Silent(n.opt.node, true)
		s.jump.Add(int64(2 * fleettest.LeftAlone))
		<-time.After(10 * time.Second)
		n.mu.Lock()
		close(n.paused)
		n.paused = nil
		n.mu.Unlock()
		<-time.After(5 * time.Second)
		s.fleet.Silent(n.opt.node, false)
	case "clock": // it is set forward, and so a node seems to be silent for long
		s.fleet.Silent(n.opt.node, true)
		s.jump.Add(int64(2 * fleettest.LeftAlone))
		<-time.After(d)
		s.fleet.Silent(n.opt.node, false)
	case "restart":
		n.halt()
		<-time.After(d)
		n.start()
		n.node.Intercept(s.behave(n))
	default:
		n.mu.Lock()
		n.fault = kind
		n.mu.Unlock()
		<-time.After(d)
		n.mu.Lock()
		n.fault = ""
		n.mu.Unlock()
	}
}

// order has a user called back by a node, perhaps by two.
func (s *simulated) order(user int) {
	name := fmt.Sprintf("user-%02d", user)
	for _, i := range s.rng.Perm(len(s.nodes))[:1+s.rng.IntN(2)] {
		id, err := s.nodes[i].broker.CallUser(context.Background(), broker.UserOrder{User: name, Service: aaa.EXEC,
			By: "test"})
		if err != nil {
			continue
		}
		if s.ids[name] != "" {
			s.wrong = append(s.wrong, fmt.Sprintf("%s has two callbacks pending: %s and %s", name, s.ids[name], id))
		}
		s.ids[name] = id
	}
}

// run lets users be called back while nodes are disturbed, and checks what became of that.
func (s *simulated) run() {
	for user := range simUsers {
		s.order(user)
		<-time.After(time.Duration(s.rng.IntN(10)) * time.Second)
		if user%3 == 0 {
			s.disturb()
		}
	}
	for range 10 * 60 {
		<-time.After(10 * time.Second)
		if s.ended() {
			break
		}
	}
	s.check()
}

func (s *simulated) ended() bool {
	for _, r := range s.fleet.Rows() {
		if r.Pending() {
			return false
		}
	}
	for _, n := range s.nodes {
		if n.broker.Pending() > 0 {
			return false
		}
	}
	return true
}

func (s *simulated) check() {
	bad := func(format string, args ...any) { s.wrong = append(s.wrong, fmt.Sprintf(format, args...)) }
	rows := map[string]fleet.Row{}
	for _, r := range s.fleet.Rows() {
		rows[r.ID] = r
	}
	for name, id := range s.ids {
		r := rows[id]
		attempts := s.fleet.Attempts(id)
		dials, over := 0, []string{}
		var last time.Time
		for _, n := range s.nodes {
			for _, d := range n.dialed() {
				if d.Text == "T 841"+strings.TrimPrefix(name, "user-") {
					dials++
					if last = d.Time; !r.Pending() && d.Time.After(r.Ended) {
						bad("%s: dialed at %v, ended at %v as %s", name, d.Time, r.Ended, r.Outcome)
					}
				}
			}
			if c, _, err := n.journal.Callback(context.Background(), id); err == nil && c.Over() {
				over = append(over, fmt.Sprintf("%s: %s by %s", c.Outcome, c.Cause, n.opt.node))
			}
		}
		switch {
		case r.Pending():
			bad("%s: the callback never ended: %s", name, r.Phase)
		case len(over) != 1 && len(attempts) > 0:
			bad("%s: ended as %q, in the fleet as %s: %s", name, over, r.Outcome, r.Cause)
		case dials > len(attempts) || len(attempts) > r.Max:
			bad("%s: %d dials, %d attempts of %d, the last dial at %v", name, dials, len(attempts), r.Max, last)
		}
		s.overlaps(name, id, r.Ended, bad)
	}
	if u := s.used(); u > simUsers*2 {
		bad("%d calls, and the site may have %d", u, simUsers*2)
	}
}

// overlaps checks that the attempts of a callback follow each other and are over before its end, by the journals of the
// nodes.
func (s *simulated) overlaps(name, id string, ended time.Time, bad func(string, ...any)) {
	var all []journal.Attempt
	for _, n := range s.nodes {
		_, attempts, _ := n.journal.Callback(context.Background(), id)
		all = append(all, attempts...)
	}
	for i, a := range all {
		if a.Outcome != journal.HeldBack && !strings.HasPrefix(a.Outcome, "not dialed") && a.Ended.After(ended) {
			bad("%s: an attempt was in progress until %v, and the callback ended at %v", name, a.Ended, ended)
		}
		for _, b := range all[:i] {
			if a.Outcome != journal.HeldBack && b.Outcome != journal.HeldBack && a.Started.Before(b.Ended) &&
				b.Started.Before(a.Ended) {
				bad("%s: two attempts at once: %v–%v and %v–%v", name, a.Started, a.Ended, b.Started, b.Ended)
			}
		}
	}
}

// used is how many calls the site's account has.
func (s *simulated) used() int64 {
	for _, a := range must(s.nodes[0].node.Accounts(context.Background(), "site")) {
		return a.Windows[2].Used.Calls
	}
	return 0
}

func must[T any](v T, _ error) T { return v }

// simulateFleet runs one seed, and returns what was wrong.
func simulateFleet(t *testing.T, seed uint64, m mutant) (wrong []string, dials int, faults map[string]int) {
	synctest.Test(t, func(t *testing.T) {
		s := &simulated{t: t, rng: rand.New(rand.NewPCG(seed, 42)), mutant: m, fleet: fleettest.New(),
			ids: map[string]string{}, faults: map[string]int{}}
		s.fleet.Clock = func() time.Time { return time.Now().Add(time.Duration(s.jump.Load())) }
		for i := range 3 {
			n := &simNode{town: newTown(t, townOptions{lines: 1 + i%2, attempts: 2, fleet: s.fleet,
				node: string(rune('a' + i)), rules: broker.FleetRules{Rotaries: []int{1}}, login: vouching{},
				ceilings: []journal.Limit{{Period: journal.Month, Amount: journal.Amount{Calls: simUsers * 2}}}})}
			for user := range simUsers {
				n.x.Reserve(fmt.Sprintf("841%02d", user), []exchange.Behavior{exchange.Busy, exchange.NoAnswer}[user%2])
			}
			n.idle(time.Minute)
			n.node.Intercept(s.behave(n))
			s.nodes = append(s.nodes, n)
		}
		s.run()
		for _, n := range s.nodes {
			dials += len(n.dialed())
			n.close()
		}
		wrong, faults = s.wrong, s.faults
	})
	return wrong, dials, faults
}

// TestFleetSimulation runs three nodes with faults, by seeds.
func TestFleetSimulation(t *testing.T) {
	seeds := 2 // scripts/long: more
	if v, err := strconv.Atoi(os.Getenv("RINGBACK_SEEDS")); err == nil {
		seeds = v
	}
	for seed := range uint64(seeds) {
		wrong, dials, faults := simulateFleet(t, seed, sound)
		if len(wrong) > 0 {
			t.Errorf("seed %d: %s", seed, strings.Join(wrong, "\n"))
		}
		if t.Logf("seed %d: %d dials, faults %v", seed, dials, faults); dials < simUsers/2 {
			t.Errorf("seed %d: too few dials to prove anything: %d", seed, dials)
		}
	}
}

// TestFleetMutants: the checks of the simulation notice each fault that the rules of a fleet exclude.
func TestFleetMutants(t *testing.T) {
	for m, noticed := range map[mutant]string{dialBeforeCommit: " dials, ", claimWithoutEpoch: "dialed at ",
		wallClockTakeover: "was in progress", lookBeforeScript: "dialed at "} {
		t.Run(string(m), func(t *testing.T) {
			for seed := range uint64(8) {
				wrong, _, _ := simulateFleet(t, seed, m)
				for _, text := range wrong {
					if strings.Contains(text, noticed) {
						t.Logf("seed %d: %s", seed, text)
						return
					}
				}
			}
			t.Error("not caught")
		})
	}
}
