package broker

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
)

// longestLifetime is the longest lifetime of a callback that a configuration has.
const longestLifetime = 24 * time.Hour

// inUse returns the outcome of a dial that is not made, because another callback dials the number, or its call is up.
// Only the loop calls it, before it begins a dial, and the Broker's mutex is held.
func (b *Broker) inUse(w *work, n numbers.Number) (lines.Dialed, bool) {
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

// loadDials reads from the journal when numbers were dialed last. A dial that a crash interrupted ends now, and so does
// one whose end is in the future, because the clock was set back.
func (b *Broker) loadDials(ctx context.Context) error {
	c := b.config.Load()
	if c.HoldOff == 0 {
		return nil
	}
	now := time.Now()
	// a callback that was promised a lifetime ago may have dialed just now
	since := now.Add(-c.HoldOff - longestLifetime)
	all, _, err := b.opt.Journal.Callbacks(ctx, journal.All, journal.Filter{Since: since})
	if err != nil {
		return fmt.Errorf("journal: read the callbacks since %s: %w", since.Format(time.DateTime), err)
	}
	for _, row := range all {
		if row.Attempts == 0 || !row.Pending() && row.Ended.Before(now.Add(-c.HoldOff)) {
			continue
		}
		_, attempts, err := b.opt.Journal.Callback(ctx, row.ID)
		if err != nil {
			continue // damaged: recover has reported it if it is pending
		}
		for _, a := range attempts {
			n, err := numbers.Reread(a.Number)
			if err != nil || a.Outcome == journal.HeldBack {
				continue
			}
			ended := a.Ended
			if ended.IsZero() || ended.After(now) {
				ended = now
			}
			if ended = now.Add(-now.Round(0).Sub(ended)); ended.After(b.dialedAt[n]) {
				b.dialedAt[n] = ended
			}
		}
	}
	return nil
}
