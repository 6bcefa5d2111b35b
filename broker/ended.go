package broker

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/texts"
)

// ended is a callback that was not completed.
type ended struct {
	outcome callback.Phase
	cause   string
	at      time.Time
}

// remembered is for how long a restart keeps what callbacks that have ended leave behind.
const remembered = 24 * time.Hour

// remember keeps what a callback that has ended leaves behind: news for its user, and a number that is disabled. Only
// the loop calls it.
func (b *Broker) remember(w *work, end callback.End) {
	now := time.Now()
	b.mu.Lock()
	if end.Outcome == callback.Completed {
		delete(b.ended, w.identity())
	} else {
		b.ended[w.identity()] = ended{end.Outcome, end.Cause, now}
	}
	b.mu.Unlock()
	if end.Outcome == callback.Failed && w.state.Attempt > 0 {
		b.disable(w, now.Add(w.attempts.Disable))
	}
}

// disable lets no callback to the numbers that a callback has dialed be promised for a while.
func (b *Broker) disable(w *work, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	maps.DeleteFunc(b.disabled, func(_ numbers.Number, t time.Time) bool { return !t.After(time.Now()) })
	for _, s := range w.plan[:w.plan.Step(w.lastDial())+1] {
		if until.After(b.disabled[s.Number]) {
			b.disabled[s.Number] = until
		}
	}
}

// lastCallback returns, once, what became of the last callback of a user if it was not completed; "" if there is
// nothing to say. It has no number and no operator's name: a thief of the password reads it too.
func (b *Broker) lastCallback(id aaa.Identity) texts.Message {
	b.mu.Lock()
	e, ok := b.ended[id]
	delete(b.ended, id)
	b.mu.Unlock()
	if !ok {
		return texts.Message{}
	}
	key := texts.LastFailed
	switch found, known := news[causeOf(e.cause)]; {
	case e.outcome == callback.Cancelled:
		key = texts.LastCancelled
	case e.outcome == callback.Expired:
		key = texts.LastExpired
	case known:
		key = found
	}
	return texts.Message{Key: key, Args: []any{e.at.Local()}}
}

// news is what users read about the cause of a failure.
var news = map[policies.Cause]texts.Key{
	policies.Busy: texts.LastBusy, policies.NoAnswer: texts.LastNoAnswer,
	policies.NoCarrier: texts.LastNoModem, policies.Timeout: texts.LastNoModem, policies.Voice: texts.LastNoModem,
}

// loadPast reads from the journal what earlier callbacks leave behind: when numbers were dialed last, which are
// disabled, and what users have not heard. pending are those of the journal.
func (b *Broker) loadPast(ctx context.Context, pending []journal.Callback) error {
	now := time.Now()
	seen := map[aaa.Identity]bool{}
	for _, row := range pending { // later than all that have ended of its user
		seen[aaa.Identity{Entry: row.Entry, User: row.User}] = true
		if row.Attempts > 0 && b.config.Load().HoldOff > 0 {
			b.loadDials(ctx, row.ID, now)
		}
	}
	all, _, err := b.opt.Journal.Callbacks(ctx, journal.All, journal.Filter{Ended: true,
		Since: now.Add(-remembered - longestLifetime)})
	if err != nil {
		return fmt.Errorf("journal: read the callbacks of the last days: %w", err)
	}
	for _, row := range all { // newest first
		past := age(row.Ended, now)
		id := aaa.Identity{Entry: row.Entry, User: row.User}
		if row.Over() { // otherwise another node of the fleet knows
			if !seen[id] && row.Outcome != string(callback.Completed) && past < remembered {
				b.ended[id] = ended{callback.Phase(row.Outcome), row.Cause, row.Ended}
			}
			seen[id] = true
		}
		if row.Attempts == 0 {
			continue
		}
		b.loadDisabled(row, now.Add(-past))
		if past < b.config.Load().HoldOff {
			b.loadDials(ctx, row.ID, now)
		}
	}
	return nil
}

// age is the time since t, at least 0: the clock may have been set back.
func age(t, now time.Time) time.Duration { return max(now.Round(0).Sub(t), 0) }

// loadDisabled disables the numbers of a callback that failed.
func (b *Broker) loadDisabled(row journal.Callback, at time.Time) {
	w := newWork(row, trace{}, grant{})
	var d decided
	if row.Outcome != string(callback.Failed) || unmarshal(row.Decision, &d) != nil || w.readPlan() != nil ||
		unmarshal(row.State, &w.state) != nil {
		return // a row that cannot be read is not a reason to reject callbacks
	}
	w.state.Attempt = row.Attempts
	b.disable(w, at.Add(d.Attempts.Disable))
}

// loadDials notes the dials of a callback. One that a crash interrupted ends now.
func (b *Broker) loadDials(ctx context.Context, id string, now time.Time) {
	_, attempts, err := b.opt.Journal.Callback(ctx, id)
	if err != nil {
		return // damaged: recover reports it if it is pending
	}
	for _, a := range attempts {
		n, err := numbers.Reread(a.Number)
		if err != nil || a.Outcome == journal.HeldBack {
			continue
		}
		at := now
		if !a.Ended.IsZero() {
			at = now.Add(-age(a.Ended, now))
		}
		b.dialedAt.note(n, at)
	}
}
