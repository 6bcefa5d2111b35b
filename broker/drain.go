package broker

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// ErrNotDrained is the error of Undrain if nothing is drained.
var ErrNotDrained = errors.New("ringback is not drained")

// DrainView is the state of an order to take no more calls.
type DrainView struct {
	Order   *lines.Busyout // nil: none
	Calls   int            // that are up, in either direction
	Dials   int            // attempts in progress that are no calls yet
	Pending int            // callbacks that are not dialed meanwhile
}

// Drain lets all lines finish their calls and attempts, and then take no more, until Undrain, a restart or the end of
// length (0: never). No callback is promised; those that are pending wait for a line, and are not dialed meanwhile. In
// a fleet they are offered to the other nodes, also those that have a line and wait on it. A further order has the new
// reason, which may be "", and the new length. Errors: ErrReason.
func (b *Broker) Drain(reason, by string, length time.Duration) error {
	reason, err := optionalReason(reason)
	if err != nil {
		return err
	}
	order := &lines.Busyout{Reason: reason, By: by, Since: time.Now().Round(0), Drain: true}
	b.orderDrain(order, length)
	b.Happened(events.Drained{Reason: reason, By: by})
	b.leaveWaiting()
	return nil
}

func (b *Broker) orderDrain(order *lines.Busyout, length time.Duration) {
	b.busyout.Lock()
	defer b.busyout.Unlock()
	b.stopUndrain()
	if length > 0 {
		order.Until = order.Since.Add(length)
		b.undrain = time.AfterFunc(length, func() { b.drainOver(order) })
	}
	b.drained.Store(order) // first: a callback that is promised finds a line
	b.opt.Pool.SetDrain(order)
}

// leftByDrain is why a callback of a fleet gives back its line.
const leftByDrain = "this node is drained, and another one may dial"

// leaveWaiting gives back the lines on which callbacks wait that another node may dial: they are offered then. One with
// an attempt that only this node may use keeps its line. One that gets its line now gives it back before its attempt.
func (b *Broker) leaveWaiting() {
	if b.fleet == nil {
		return
	}
	var all []event
	b.mu.Lock()
	for id, w := range b.works {
		if s := w.state; s.Phase == callback.Waiting && w.row.Shared && !s.Checking && !s.Held &&
			w.granted <= s.Attempt {
			all = append(all, event{id: id, what: callback.LineLost{Lease: s.Lease, Cause: leftByDrain}})
		}
	}
	b.mu.Unlock()
	for _, e := range all {
		select {
		case b.events <- e:
		case <-b.over:
			return
		}
	}
}

// Undrain ends the order of Drain. Errors: ErrNotDrained.
func (b *Broker) Undrain(by string) error {
	b.busyout.Lock()
	defer b.busyout.Unlock()
	if b.drained.Load() == nil {
		return ErrNotDrained
	}
	b.undrained(by)
	return nil
}

// drainOver ends an order when its time is over, unless there is another one.
func (b *Broker) drainOver(order *lines.Busyout) {
	b.busyout.Lock()
	defer b.busyout.Unlock()
	if b.drained.Load() == order {
		b.undrained(order.By)
	}
}

// undrained lets the lines take calls. The mutex of the orders for lines is held.
func (b *Broker) undrained(by string) {
	b.stopUndrain()
	b.opt.Pool.SetDrain(nil)
	b.drained.Store(nil)
	b.Happened(events.Undrained{By: by})
}

// stopUndrain lets the present order last. The mutex of the orders for lines is held.
func (b *Broker) stopUndrain() {
	if b.undrain != nil {
		b.undrain.Stop()
	}
}

// endDrain ends the timer of a drain, because the process ends. The work of one that has fired is over.
func (b *Broker) endDrain() {
	b.busyout.Lock()
	defer b.busyout.Unlock()
	b.stopUndrain()
}

// DrainState returns the order, and what is still in progress.
func (b *Broker) DrainState() DrainView {
	v := DrainView{Order: b.drained.Load()}
	b.mu.Lock()
	defer b.mu.Unlock()
	v.Calls = len(b.calls)
	for _, w := range b.works {
		switch w.state.Phase {
		case callback.Dialing:
			v.Dials++
		case callback.Promised, callback.Leasing, callback.Waiting:
			v.Pending++
		}
	}
	return v
}

// drainedBy returns why no callback may be promised; "" if they may.
func (b *Broker) drainedBy() string {
	if order := b.drained.Load(); order != nil {
		return fmt.Sprintf("ringback takes no more calls: %s", order)
	}
	return ""
}
