package broker

import (
	"fmt"
	"maps"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// longestLifetime is the longest lifetime of a callback that a configuration has.
const longestLifetime = 24 * time.Hour

// inUse returns the outcome of a dial that is not made, because another callback or a modem test dials the number, or
// its call is up. w is the callback that dials; nil: a modem test, which tests.add compares with the others. The
// Broker's mutex is held.
func (b *Broker) inUse(w *work, n numbers.Number) (lines.Dialed, bool) {
	if id, dials := b.tests.dialing(n); dials && w != nil {
		return lines.Dialed{Outcome: "busy", HeldBack: true, Detail: fmt.Sprintf("modem test %s dials %s", id, n)}, true
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

// holdOff records that a dial of a number has ended. Only the loop calls it.
func (b *Broker) holdOff(n numbers.Number, ended time.Time) {
	oldest := time.Now().Add(-b.config.Load().HoldOff)
	maps.DeleteFunc(b.dialedAt, func(_ numbers.Number, at time.Time) bool { return at.Before(oldest) })
	b.dialedAt[n] = ended
}

// heldOff returns how long the next number of a callback must not be dialed because of an earlier dial.
func (b *Broker) heldOff(w *work) time.Duration {
	at, dialed := b.dialedAt[w.nextStep().Number]
	if !dialed {
		return 0
	}
	return time.Until(at.Add(b.config.Load().HoldOff))
}
