package broker

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// The errors of Lockdown and LiftLockdown.
var (
	// ErrNotOnDisk means that the lockdown is in force, but a restart would forget it. ringback keeps trying to record
	// it; LockdownView says when it is on disk.
	ErrNotOnDisk  = errors.New("the lockdown is in force, but not on disk: a restart would end it")
	ErrNotLifted  = errors.New("the lockdown stays in force")
	ErrNoLockdown = errors.New("there is no lockdown to lift")
)

// The outcomes of an attempt that a lockdown ended, and of one that a shutdown or a crash did.
const (
	interrupted = "interrupted by lockdown"
	restarted   = "interrupted by restart"
)

// errLockdown is the cause of the context of a dial that a lockdown ends; lockdownEnd is that of a session.
var (
	errLockdown = errors.New(interrupted)
	lockdownEnd = session.End{Cause: aaa.CauseAdminReset, Text: texts.EndAdministrator}
)

const damagedReason = "the journal's row of the lockdown is damaged"

// LockdownView is the state of the lockdown.
type LockdownView struct {
	journal.Lockdown
	OnDisk bool  // it survives a restart
	Err    error // why it is not on disk; nil if it is, or the first attempt to record it is under way
}

// lockdown is the lockdown in force, if there is one. It acts from memory, before and whether or not it is on disk, and
// ends only after its end is on disk.
type lockdown struct {
	mu     sync.Mutex // the Broker's mutex may be held; not the other way around
	row    journal.Lockdown
	onDisk bool
	err    error
	order  uint64        // counts orders: an answer of the disk to an earlier one changes nothing
	lifted chan struct{} // closed when the lockdown is over; nil if there is none
}

// loadLockdown reads the lockdown of the previous process. A row that does not verify counts as a lockdown.
func (b *Broker) loadLockdown(ctx context.Context) error {
	row, err := b.opt.Journal.Lockdown(ctx)
	switch {
	case errors.Is(err, journal.ErrDamaged):
		row = journal.Lockdown{Active: true, Reason: damagedReason, Who: "ringback", Since: time.Now()}
	case err != nil:
		return fmt.Errorf("journal: read the lockdown: %w", err)
	case !row.Active:
		return nil
	}
	b.lock.begin(row)
	b.lock.recorded(b.lock.order, nil)
	b.publish(events.Alarm{Text: "a lockdown is in force: " + LockdownText(row)})
	return nil
}

// LockdownText describes a lockdown in force.
func LockdownText(l journal.Lockdown) string {
	what := "no callback is promised or dialed"
	if l.Sessions {
		what += ", no session is admitted"
	}
	return fmt.Sprintf("%s since %s, by %s: %s (ringback lockdown --lift)", what,
		l.Since.Local().Format(time.DateTime), l.Who, l.Reason)
}

// LockdownState returns the state of the lockdown.
func (b *Broker) LockdownState() LockdownView {
	l := &b.lock
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifted == nil {
		return LockdownView{OnDisk: true}
	}
	return LockdownView{Lockdown: l.row, OnDisk: l.onDisk, Err: l.err}
}

// begin puts a lockdown in force, or adds to the one in force: it keeps its beginning and never admits more.
func (l *lockdown) begin(row journal.Lockdown) (journal.Lockdown, uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifted == nil {
		l.lifted = make(chan struct{})
	} else {
		row.Since, row.Sessions = l.row.Since, row.Sessions || l.row.Sessions
	}
	l.order++
	l.row, l.onDisk, l.err = row, false, nil
	return row, l.order
}

// recorded notes the disk's answer to an order, if there was no later one.
func (l *lockdown) recorded(order uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if order == l.order {
		l.onDisk, l.err = err == nil, err
	}
}

// lift ends the lockdown, after its end is on disk. It returns false if there was a later order.
func (l *lockdown) lift(order uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if order != l.order {
		return false
	}
	close(l.lifted)
	l.lifted, l.row = nil, journal.Lockdown{}
	return true
}

// over returns a channel that is closed when the lockdown in force is over; nil if there is none.
func (l *lockdown) over() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lifted
}

// deny returns why no callback may be promised or dialed; "" if they may.
func (l *lockdown) deny() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifted == nil {
		return ""
	}
	return "lockdown: " + l.row.Reason
}

// denySessions returns why no session may be admitted; "" if they may.
func (l *lockdown) denySessions() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lifted == nil || !l.row.Sessions {
		return ""
	}
	return "lockdown of sessions: " + l.row.Reason
}

// Lockdown stops all dialing, and with sessions also ends all sessions. It is in force when the dials have been told to
// end, whatever the disk does; Lockdown then waits until it is on disk, at most Limits.Report. Errors: ErrReason (then
// nothing was done), ErrNotOnDisk. A lockdown in force gets the new reason, and sessions if it had not.
func (b *Broker) Lockdown(reason string, sessions bool, by string) error {
	reason, err := goodReason(reason)
	if err != nil {
		return err
	}
	row, n := b.lock.begin(journal.Lockdown{Active: true, Sessions: sessions, Reason: reason, Who: by,
		Since: time.Now()})
	began := events.LockdownBegan{Reason: reason, By: by, Sessions: row.Sessions}
	began.Dials, began.Ended = b.cut(row.Sessions)
	b.publish(began)
	done := make(chan error, 1)
	b.keepLockdown(n, row, audit(time.Now(), began), done)
	if err := b.soon(done); err != nil {
		return fmt.Errorf("%w: %w", ErrNotOnDisk, err)
	}
	return nil
}

// keepLockdown writes a lockdown until it is on disk or there is a later order. done gets the first result.
func (b *Broker) keepLockdown(n uint64, row journal.Lockdown, audit []journal.Mutation, done chan<- error) {
	b.keep(order{what: "the lockdown", audit: append(audit, journal.UseReserve{}),
		rows: []journal.Mutation{journal.PutLockdown{Lockdown: row}}, mu: &b.lock.mu,
		current: func() bool { return n == b.lock.order },
		told:    first(done, func(err error, _ bool) { b.lock.recorded(n, err) }),
	})
}

// LiftLockdown ends the lockdown when that is on disk. It waits for that at most Limits.Report; if the disk only
// answers later, the lockdown ends then. reason may be "". Errors: ErrReason, ErrNoLockdown, ErrNotLifted.
func (b *Broker) LiftLockdown(reason, by string) error {
	reason, err := optionalReason(reason)
	if err != nil {
		return err
	}
	l := &b.lock
	e := events.LockdownLifted{Reason: reason, By: by}
	l.mu.Lock()
	was := l.row
	if l.lifted == nil {
		l.mu.Unlock()
		return ErrNoLockdown
	}
	l.order++
	order := l.order
	written := b.note(nil, append(audit(time.Now(), e), journal.UseReserve{}, journal.PutLockdown{
		Lockdown: journal.Lockdown{Reason: reason, Who: by, Since: time.Now()}})...)
	l.mu.Unlock()
	done := make(chan error, 1)
	b.orders.start(func() {
		err := <-written
		switch {
		case err == nil && l.lift(order):
			b.publish(e)
			done <- nil
		case err == nil:
			done <- errors.New("another order came at the same time (ringback lockdown)")
		case b.LockdownState().OnDisk:
			done <- err
		default: // the order to lift it has ended the attempts to record it
			done <- err
			b.keepLockdown(order, was, nil, make(chan error, 1))
		}
	})
	if err := b.soon(done); err != nil {
		return fmt.Errorf("%w: %w", ErrNotLifted, err)
	}
	return nil
}
