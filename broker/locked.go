package broker

import (
	"context"
	"errors"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/policies"
)

// cut ends the dials in progress and the logins of leg two, and with sessions every session. It returns how many of
// each. A lockdown is already in force, so that none begins afterwards.
func (b *Broker) cut(sessions bool) (dials, ended int) {
	dials = b.ordered.cut(errLockdown)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.works {
		switch {
		case w.dial == nil:
			continue
		case w.state.Phase == callback.Dialing:
			w.dial.cancel(errLockdown)
		case w.state.Phase == callback.Answered:
			w.dial.cancel(lockdownEnd)
		default: // its session is admitted
			continue
		}
		dials++
	}
	if !sessions {
		return dials, 0
	}
	for _, c := range b.calls {
		c.cancel(lockdownEnd)
		ended++
	}
	return dials, ended
}

// lockedOut returns why a lockdown keeps the decision from being followed; "" if it does not. A caller who may decline
// the callback is still asked.
func (b *Broker) lockedOut(d policies.Decision) string {
	switch d.Outcome {
	case policies.AskNumber, policies.CallBack:
		if !d.MayDecline {
			return b.lock.deny()
		}
	}
	return ""
}

// heldUp handles an event that must not change its callback during a lockdown: a promise is refused, a check that would
// let the dial begin is made again. So is a check from before the end of a lockdown.
func (b *Broker) heldUp(ctx context.Context, e event) bool {
	why := b.lock.deny()
	if e.promise != nil && why != "" {
		e.answer(errors.New(why))
		return true
	}
	checked, ok := e.what.(callback.DenialRechecked)
	if !ok || checked.Reason != "" || why == "" && !e.afresh {
		return false
	}
	w := b.works[e.id]
	if w == nil || w.unstarted || w.state.Phase != callback.Waiting || !w.state.Checking ||
		checked.Gen != w.state.TimerGen {
		return false // no rule covers it
	}
	b.carry(ctx, w, callback.Recheck{Gen: checked.Gen})
	return true
}

// untilLifted waits for the end of the lockdown in force. It returns false if there is none, and waited if it has
// ended before ctx.
func (b *Broker) untilLifted(ctx context.Context) (locked, waited bool) {
	over := b.lock.over()
	if over == nil {
		return false, false
	}
	select {
	case <-over:
		return true, true
	case <-ctx.Done():
		return true, false
	}
}
