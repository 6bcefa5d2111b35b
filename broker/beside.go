package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
)

// errAlready is the reply to a promise for a user who already has a callback pending.
var errAlready = errors.New("a callback is already pending for this user")

// errNumberPending is wrapped by the reply to a promise for a number that a pending callback will call.
var errNumberPending = errors.New("a callback to this number is already pending")

// errNumberInUse is wrapped by the reply to a promise for a number that another callback has on a call, if the group
// rejects that.
var errNumberInUse = errors.New("the number is in use")

// errDisabled is wrapped by the reply to a promise for a number at which a callback has just failed.
var errDisabled = errors.New("a callback to this number has failed")

// pendingFor returns the ID of a pending callback of the same identity; the letter case of the name does not count.
func (b *Broker) pendingFor(w *work) string {
	user := aaa.FoldUser(w.row.User)
	for id, other := range b.works {
		if other.state.Phase.Pending() && other.row.Entry == w.row.Entry && aaa.FoldUser(other.row.User) == user {
			return id
		}
	}
	return ""
}

// beside returns why a callback must not be promised beside those that are pending: one of its user, which stays as it
// is, or one that calls the same number.
func (b *Broker) beside(w *work) error {
	if b.pendingFor(w) != "" {
		return errAlready
	}
	for id, other := range b.works {
		if other.state.Phase.Pending() && other.plan.Shares(w.plan) {
			return fmt.Errorf("%w (%s)", errNumberPending, id)
		}
	}
	for _, s := range w.plan {
		if used, is := b.inUse(w, s.Number); is && w.rejectInUse {
			return fmt.Errorf("%w: %s (on_number_in_use)", errNumberInUse, used.Detail)
		}
		if until := b.disabled[s.Number]; time.Now().Before(until) {
			return fmt.Errorf("%w: %s is disabled until %s (attempts.disable)", errDisabled, s.Number,
				until.Format(time.DateTime))
		}
	}
	return nil
}
