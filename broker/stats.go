package broker

import (
	"time"

	"github.com/ringback/ringback/broker/callback"
)

// Stats counts what a Broker does at one instant.
type Stats struct {
	Calls     map[int]int            // live calls by leg; leg 1 has all calls that came in
	Callbacks map[callback.Phase]int // that the loop works on; Completed: the call of leg two is up
	Refused   uint64                 // events that no rule covered: late and duplicate ones
	Arrears   int                    // ends of calls that wait in memory for the disk to accept them
	Windows   int                    // access windows that are open
	Lockdown  bool                   // is in force
	Triggers  map[TriggerCount]uint64
}

// Stats returns the present counts.
func (b *Broker) Stats() Stats {
	s := Stats{Calls: map[int]int{}, Callbacks: map[callback.Phase]int{}, Refused: b.refused.Load(),
		Arrears: b.spool.Owed(), Windows: b.openWindows(time.Now()), Lockdown: b.LockdownState().Active,
		Triggers: b.triggered.all()}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.calls {
		s.Calls[c.leg]++
	}
	for _, w := range b.works {
		s.Callbacks[w.state.Phase]++
	}
	return s
}

// openWindows returns how many access windows are open.
func (b *Broker) openWindows(now time.Time) (n int) {
	b.access.mu.Lock()
	defer b.access.mu.Unlock()
	for _, w := range b.access.windows {
		if accessState(w.row, now) == AccessOpen {
			n++
		}
	}
	return n
}

// State is what a Broker is about to do.
type State string

// The states of a Broker.
const (
	Starting State = "starting" // it reads the journal; no call is answered yet
	Running  State = "running"
	Stopping State = "stopping" // it accepts no more calls and dials
)

// State returns the state of the Broker. It never blocks.
func (b *Broker) State() State {
	switch {
	case b.draining.Load():
		return Stopping
	case b.recovered.Load():
		return Running
	}
	return Starting
}
