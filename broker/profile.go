package broker

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// sameRinging is the longest pause between two rings of one call. A call that is left ringing is reported once.
const sameRinging = 10 * time.Second

// Full is a lines.PoolOptions.Full: it reports whether a ringing call would be beyond the profile of the called number.
// Calls that ring at the same time may all be answered; join then rejects those beyond it.
func (b *Broker) Full(r lines.RingingCall) bool {
	number := b.lineOf(r.TTY).Digits(r.Called)
	p, ok := b.config.Load().Policies.Profiled(number)
	if !ok {
		return false
	}
	now := time.Now()
	b.mu.Lock()
	up := b.upLocked(p)
	full := up >= p.Profile.Max()
	report := full && now.Sub(b.fullAt[r.TTY]) > sameRinging
	if full {
		b.fullAt[r.TTY] = now
	}
	b.mu.Unlock()
	if report {
		b.publish(events.CallRejected{Line: r.TTY, Caller: r.Caller, Called: number, Group: p.Group, Calls: up})
	}
	return full
}

// join counts an answered call among those to its called number. It returns why the call must be hung up; "" if it need
// not be.
func (b *Broker) join(c *call) (reason string) {
	number := b.lineOf(c.TTY).Digits(c.Called)
	p, ok := b.config.Load().Policies.Profiled(number)
	b.mu.Lock()
	up := b.upLocked(p)
	full := ok && up >= p.Profile.Max()
	if !full {
		c.dnis, c.profile, c.overflow = number, p.Group, ok && up >= p.Profile.Base
	}
	overflow := c.overflow
	b.mu.Unlock()
	switch {
	case full:
		b.publish(events.CallRejected{Line: c.TTY, Caller: c.Caller, Called: number, Group: p.Group, Calls: up,
			Answered: true})
		return fmt.Sprintf("%d calls to numbers of group %s are up, and its profile allows no more", up, p.Group)
	case overflow:
		b.publish(events.CallOverflow{Call: c.ID, Line: c.TTY, Caller: c.Caller, Called: number, Group: p.Group,
			Calls: up + 1})
	}
	return ""
}

// upLocked counts the calls that came in to the numbers of a policy. A reload may have changed these since.
func (b *Broker) upLocked(p policies.Policy) (n int) {
	for _, c := range b.calls {
		if p.Match.HasCalled(c.dnis) {
			n++
		}
	}
	return n
}
