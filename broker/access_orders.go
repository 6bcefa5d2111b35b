package broker

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
)

// OpenAccess opens an access window of a group for a length of time from now, or, if the group's policy requires two
// operators, asks for one that ApproveAccess opens. An open window is replaced, unless two operators are required. It
// waits for the disk at most Limits.Report; if the disk only answers later, the window opens then. by identifies the
// operator (sameOperator). Errors: ErrReason, ErrAccess; then nothing was done, unless the disk has not answered.
func (b *Broker) OpenAccess(group string, length time.Duration, reason, by string) error {
	reason, err := goodReason(reason)
	if err != nil {
		return err
	}
	p, err := b.accessPolicy(group)
	switch {
	case err != nil:
		return err
	case length < policies.MinAccess:
		return fmt.Errorf("%w: %v is shorter than %v (--for 4h)", ErrAccess, length, policies.MinAccess)
	case length > p.Longest():
		return fmt.Errorf("%w: %v is longer than the policy of group %s allows (access.max: %v)", ErrAccess, length,
			group, p.Longest())
	}
	now := time.Now().Round(0)
	row := journal.AccessWindow{Group: group, Reason: reason, Length: length, OpenedBy: by, Requested: now}
	e := events.Event(events.AccessRequested{Group: group, Length: length, Reason: reason, By: by})
	two := p.Operators() > 1
	if !two {
		row.Opened, row.Until, row.Seen = now, now.Add(length), now
		e = events.AccessOpened{Group: group, Until: row.Until, Reason: reason, By: by}
	}
	return b.putAccess(group, e, func(w *accessWindow) (journal.AccessWindow, error) {
		if two && accessState(w.row, now) == AccessWaiting && !sameOperator(w.row.OpenedBy, by) {
			return row, fmt.Errorf("%w: %s has asked for one of group %s (approve that, or close it first)", ErrAccess,
				w.row.OpenedBy, group)
		}
		if two && isOpen(w.row) {
			return row, fmt.Errorf("%w: that of group %s is open until %s (close it first)", ErrAccess, group,
				w.row.Until.Format(time.DateTime))
		}
		return row, nil
	})
}

// sameOperator reports whether two texts of an audit identify the same operator: "uid 1000 (alice, api, pid 7)" and
// "uid 1000 (al, api, pid 8)", because the name may change, but also "certificate alice (serial 1f, …)", because one
// person may have both.
func sameOperator(a, b string) bool {
	idA, nameA := operatorOf(a)
	idB, nameB := operatorOf(b)
	return idA == idB || nameA == nameB && nameA != ""
}

// operatorOf returns what tells an operator from others, and the name, if it is known.
func operatorOf(by string) (id, name string) {
	id, rest, _ := strings.Cut(by, " (")
	if name, ok := strings.CutPrefix(id, "certificate "); ok {
		return id, name
	}
	if name, _, ok := strings.Cut(rest, ", "); ok && name != "api" {
		return id, name
	}
	return id, ""
}

// ApproveAccess opens the window that another operator has asked for, if it is for this length of time and this reason:
// what by has read may have been replaced. Its time begins now. Errors and waiting are those of OpenAccess.
func (b *Broker) ApproveAccess(group string, length time.Duration, reason, by string) error {
	if _, err := b.accessPolicy(group); err != nil {
		return err
	}
	reason, err := goodReason(reason)
	if err != nil {
		return err
	}
	now := time.Now().Round(0)
	b.access.mu.Lock()
	row := b.access.window(group).row
	b.access.mu.Unlock()
	row.ApprovedBy, row.Opened, row.Until, row.Seen = by, now, now.Add(row.Length), now
	e := events.AccessOpened{Group: group, Until: row.Until, Reason: row.Reason, By: row.OpenedBy, ApprovedBy: by}
	return b.putAccess(group, e, func(w *accessWindow) (journal.AccessWindow, error) {
		switch {
		case accessState(w.row, now) != AccessWaiting:
			return row, fmt.Errorf("%w: nobody has asked for one of group %s that waits for an approval (ringback "+
				"policy open %s)", ErrAccess, group, group)
		case w.row.Requested != row.Requested:
			return row, fmt.Errorf("%w: the request for group %s has changed (ringback show windows)", ErrAccess,
				group)
		case w.row.Length != length:
			return row, fmt.Errorf("%w: the request for group %s is for %v, not for %v (ringback show windows)",
				ErrAccess, group, w.row.Length, length)
		case w.row.Reason != reason:
			return row, fmt.Errorf("%w: %s has asked for group %s with the reason %q, not %q (repeat the reason that "+
				"you agree to; ringback show windows)", ErrAccess, w.row.OpenedBy, group, w.row.Reason, reason)
		case sameOperator(w.row.OpenedBy, by):
			return row, fmt.Errorf("%w: %s has asked for it, so another operator must approve it", ErrAccess, by)
		}
		return row, nil
	})
}

// putAccess writes the row that next returns, which is called with access.mu held, and puts it in force when it is on
// disk.
func (b *Broker) putAccess(group string, e events.Event,
	next func(*accessWindow) (journal.AccessWindow, error)) error {
	b.access.mu.Lock()
	w := b.access.window(group)
	row, err := next(w)
	if err != nil {
		b.access.mu.Unlock()
		return err
	}
	w.order++
	n := w.order
	w.asked = row
	written := b.note(nil, append(audit(time.Now(), e), journal.PutAccessWindow{Window: row})...)
	b.access.mu.Unlock()
	done := make(chan error, 1)
	b.orders.start(func() {
		err := b.accessWritten(w, n, row, <-written)
		if err == nil {
			b.publish(e)
		}
		done <- err
	})
	if err := b.soon(done); err != nil {
		return fmt.Errorf("%w: not recorded: %w", ErrAccess, err)
	}
	return nil
}

// accessWritten is the answer of the disk to an order that opens a window or asks for one.
func (b *Broker) accessWritten(w *accessWindow, n uint64, row journal.AccessWindow, err error) error {
	b.access.mu.Lock()
	defer b.access.mu.Unlock()
	switch {
	case n != w.order:
		return errors.New("another order for this group came at the same time (ringback show windows)")
	case err == nil:
		w.onDisk = true
		b.placeAccess(w, row)
	case !w.onDisk && !w.row.Requested.IsZero(): // the order has ended the attempts to record the end of the one before
		b.keepAccess(w, n, w.row, nil, make(chan error, 1))
	}
	b.settleAccess(w)
	return err
}

// keepAccess writes the end of a window until it is on disk or there is a later order. done gets the first result.
func (b *Broker) keepAccess(w *accessWindow, n uint64, row journal.AccessWindow, audit []journal.Mutation,
	done chan<- error) {
	o := order{what: "the end of the access window of group " + row.Group, audit: audit,
		rows: []journal.Mutation{journal.PutAccessWindow{Window: row}}, mu: &b.access.mu,
		current: func() bool { return n == w.order },
		told: first(done, func(err error, current bool) {
			b.access.mu.Lock()
			defer b.access.mu.Unlock()
			if err == nil && n == w.order {
				w.onDisk = true
			}
		}),
	}
	b.orders.start(func() { b.keep(o) }) // mu is held
}

// CloseAccess closes a group's window, or takes back a request for one, at once. Then it waits at most Limits.Report
// until that is on disk. reason may be "". Errors: ErrReason and ErrAccess, then nothing was done; ErrStillOpen.
func (b *Broker) CloseAccess(group, reason, by string) error {
	reason, err := optionalReason(reason)
	if err != nil {
		return err
	}
	b.access.mu.Lock()
	w := b.access.window(group)
	if w.asked.Requested.IsZero() || !w.asked.Closed.IsZero() {
		b.access.mu.Unlock()
		return fmt.Errorf("%w: none of group %q is open or waits for an approval (ringback show windows)", ErrAccess,
			group)
	}
	w.row = w.asked // also one that the disk has not answered for
	done := b.closeAccess(w, reason, by)
	b.access.mu.Unlock()
	b.endAccess(group)
	if err := b.soon(done); err != nil {
		return fmt.Errorf("%w: %w", ErrStillOpen, err)
	}
	return nil
}

// accessOver closes a window because its time is over. An order that is under way then tells what follows.
// access.mu is held.
func (b *Broker) accessOver(w *accessWindow) {
	const reason, by = "its time is over", "ringback"
	if w.order == w.placed {
		b.closeAccess(w, reason, by)
		return
	}
	w.row.Closed, w.row.ClosedBy, w.onDisk = time.Now().Round(0), by, false
	b.placeAccess(w, w.row)
	e := events.AccessClosed{Group: w.row.Group, Reason: reason, By: by}
	b.note(nil, audit(time.Now(), e)...)
	b.publish(e)
}

// closeAccess closes a window in memory, and has that written. access.mu is held.
func (b *Broker) closeAccess(w *accessWindow, reason, by string) (done chan error) {
	row := w.row
	row.Closed, row.ClosedBy = time.Now().Round(0), by
	w.order++
	w.onDisk = false
	b.placeAccess(w, row)
	b.settleAccess(w)
	e := events.AccessClosed{Group: row.Group, Reason: reason, By: by}
	done = make(chan error, 1)
	b.keepAccess(w, w.order, row, audit(time.Now(), e), done)
	b.publish(e)
	return done
}
