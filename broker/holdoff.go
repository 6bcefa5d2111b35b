package broker

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// longestLifetime is the longest lifetime of a callback that a configuration has.
const longestLifetime = 24 * time.Hour

// inUse returns the outcome of a dial that is not made, because another callback, a modem test or start-chat dials
// the number, or its call is up. w is the callback that dials; nil: a dial by order, which ordered.add compares with
// the others. The Broker's mutex is held.
func (b *Broker) inUse(w *work, n numbers.Number) (lines.Dialed, bool) {
	if what := b.ordered.dialing(n); what != "" && w != nil {
		return lines.Dialed{Outcome: "busy", HeldBack: true, Detail: fmt.Sprintf("%s dials %s", what, n)}, true
	}
	for id, other := range b.works {
		if other == w || other.dial == nil || other.lastStep().Number != n {
			continue
		}
		switch other.state.Phase {
		case callback.Dialing, callback.Answered, callback.Completed:
			detail := fmt.Sprintf("callback %s dials %s or has it on the line (tty %d)", id, n, other.dialedFrom)
			return lines.Dialed{Outcome: "busy", HeldBack: true, Detail: detail}, true
		}
	}
	return lines.Dialed{}, false
}

// dialTimes has when the last dial of a number ended: of a callback or by order. The zero value has none.
type dialTimes struct {
	mu sync.Mutex // no other mutex is taken while it is held
	at map[numbers.Number]time.Time
}

// note records that a dial of a number has ended.
func (d *dialTimes) note(n numbers.Number, ended time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at == nil {
		d.at = map[numbers.Number]time.Time{}
	}
	if ended.After(d.at[n]) {
		d.at[n] = ended
	}
}

// forget removes the dials that ended longer ago.
func (d *dialTimes) forget(ago time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	oldest := time.Now().Add(-ago)
	maps.DeleteFunc(d.at, func(_ numbers.Number, at time.Time) bool { return at.Before(oldest) })
}

// wait returns how long a number must not be dialed because of an earlier dial; not positive: it may be.
func (d *dialTimes) wait(n numbers.Number, holdOff time.Duration) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, dialed := d.at[n]
	if !dialed {
		return 0
	}
	return time.Until(at.Add(holdOff))
}

// heldOff returns how long the next number of a callback must not be dialed because of an earlier dial.
func (b *Broker) heldOff(w *work) time.Duration {
	return b.dialedAt.wait(w.nextStep().Number, b.config.Load().HoldOff)
}
