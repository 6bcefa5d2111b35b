package e2e

import (
	"sync"
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

// heard is how often callers were told of a callback.
func (town *fleetTown) heard() (sum int) {
	for _, c := range town.callers {
		heard, _, _, _ := c.saw()
		sum += heard
	}
	return sum
}
