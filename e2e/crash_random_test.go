package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// TestCrashKills kills the daemon at random moments while several callers call repeatedly. RINGBACK_SEED repeats the
// moments of a run, but not what the operating system does between them.
func TestCrashKills(t *testing.T) {
	kills := 20
	if crashLong() {
		kills = 500
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("RINGBACK_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal("RINGBACK_SEED: ", err)
		}
		seed = n
	}
	t.Logf("RINGBACK_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	t.Run("one attempt", func(t *testing.T) { crashKills(t, random, kills/2, 500*time.Millisecond, 1) })
	// retry_wait is 1 s, in full after a restart
	t.Run("two attempts", func(t *testing.T) { crashKills(t, random, kills/2, 2*time.Second, 2) })
}

func crashKills(t *testing.T, random *rand.Rand, kills int, longest time.Duration, attempts int) {
	town := newCrashTown(t, crashWorld{lines: 4, callers: 5, max: attempts, verify: true, staysOffHook: true,
		wait: 50 * time.Millisecond})
	stop := make(chan struct{})
	var callers sync.WaitGroup
	for _, c := range town.callers {
		callers.Go(func() { c.callAgain(stop) })
	}
	var err error
	var d *crashDaemon
	for n := 1; n <= kills && err == nil; n++ {
		d = town.start(t)
		moment := time.Duration(random.Int64N(int64(longest)))
		if random.IntN(10) > 0 { // mostly while it works, sometimes while it starts
			err = d.ready()
		}
		select {
		case <-d.ended:
			err = errors.New("it has ended by itself")
		case <-time.After(moment):
		}
		d.kill()
		if err != nil {
			err = fmt.Errorf("life %d: %w", n, err)
		}
	}
	close(stop)
	callers.Wait()
	if err == nil {
		d, err = town.mend(t, 0)
	}
	if err != nil {
		t.Fatal(err, town.story(d))
	}
	promises, sessions := 0, 0
	for _, c := range town.callers {
		heard, _, s, _ := c.saw()
		promises, sessions = promises+heard, sessions+s
	}
	met, _ := town.provenOnHook()
	t.Logf("%d kills, %d promises, %d dials, %d sessions, %d times a modem was found off hook", kills, promises,
		len(town.lineDials()), sessions, met)
	if promises < kills/2 || sessions == 0 {
		t.Error("too little happened to prove anything")
	}
}

// callAgain calls whenever the line is free, until stop is closed.
func (c *crashCaller) callAgain(stop <-chan struct{}) {
	for {
		if c.modem.State() == exchange.OnHook {
			c.call()
		}
		select {
		case <-stop:
			return
		case <-c.over:
		case <-time.After(300 * time.Millisecond): // a call that was never made, or one that continues
		}
		select {
		case <-stop:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
