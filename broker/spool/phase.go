package spool

import (
	"container/heap"
	"slices"
	"time"
)

// phase says what a lane does about the next record of the access server as a whole (Accounting-On, -Off), its barrier:
// such a record is sent alone, after all that were spooled before it.
type phase string

// The phases.
const (
	open      phase = "open"       // no barrier was read
	draining  phase = "draining"   // the records before the barrier go first
	lastTries phase = "last tries" // each record before it was refused often, and is tried again right before it
	crossing  phase = "crossing"   // the barrier is being sent
	probing   phase = "probing"    // the barrier was refused often: one record after it will be tried
	probed    phase = "probe sent" // that record is being sent
)

// phases has all phases.
var phases = []phase{open, draining, lastTries, crossing, probing, probed}

// trigger is what can happen to a lane.
type trigger string

// The triggers.
const (
	onBarrier       trigger = "barrier read"
	onNoneBefore    trigger = "no record before it is left"
	onAllRefused    trigger = "all before it were refused often"
	onAllTried      trigger = "all before it were retried"
	onAcknowledged  trigger = "barrier acknowledged"
	onRefused       trigger = "barrier refused"
	onRefusedOften  trigger = "barrier refused often"
	onProbe         trigger = "probe sent"
	onNoProbe       trigger = "no record to probe with"
	onProbeTaken    trigger = "probe acknowledged"
	onProbeNotTaken trigger = "probe refused"
)

// happening is a trigger with its record.
type happening struct {
	on    trigger
	queue *queue // the barrier or the probe
	row   *entry // of the probe
}

// rule is one row of the table. A trigger that no rule covers is a bug in this package, and changes nothing.
type rule struct {
	from []phase
	on   trigger
	to   phase
	do   []action
	why  string
}

// action runs before the new phase is set.
type action struct {
	name string
	run  func(l *lane, h happening)
}

// rules are the table.
var rules = []rule{
	{from: in(open), on: onBarrier, to: draining, do: do(keepBarrier)},
	{from: in(draining), on: onNoneBefore, to: crossing},
	{from: in(draining), on: onAllRefused, to: lastTries, do: do(hurry),
		why: "the server may accept them by now: the order is kept if possible"},
	{from: in(lastTries), on: onAllTried, to: crossing},
	{from: in(crossing), on: onAcknowledged, to: open, do: do(dropBarrier)},
	{from: in(crossing), on: onRefused, to: draining, why: "it waits, longer each time"},
	{from: in(crossing), on: onRefusedOften, to: probing,
		why: "is the server silent, or does it refuse this one record?"},
	{from: in(probing), on: onProbe, to: probed, do: do(keepProbe)},
	{from: in(probing), on: onNoProbe, to: draining},
	{from: in(probed), on: onProbeTaken, to: open, do: do(takeProbe, standAside),
		why: "one spoiled record must not stop all accounting"},
	{from: in(probed), on: onProbeNotTaken, to: draining, do: do(forgetProbe)},
}

func in(p ...phase) []phase   { return p }
func do(a ...action) []action { return a }

var (
	keepBarrier = action{"keep it", func(l *lane, h happening) { l.barrier = h.queue }}
	dropBarrier = action{"forget it", func(l *lane, _ happening) { l.barrier = nil }}
	keepProbe   = action{"keep the probe", func(l *lane, h happening) { l.probe = h.queue }}
	forgetProbe = action{"forget the probe", func(l *lane, _ happening) { l.probe = nil }}
	hurry       = action{"all are due now", func(l *lane, _ happening) {
		l.window = l.s.content.AtOnce
		for _, q := range l.held {
			q.due = time.Now()
		}
		heap.Init(&l.held)
	}}
	takeProbe = action{"do not send the probe again", func(l *lane, h happening) {
		l.ahead = slices.DeleteFunc(l.ahead, func(r *entry) bool { return r.Seq == h.row.Seq })
		l.probe = nil
	}}
	standAside = action{"it waits like the others", func(l *lane, _ happening) {
		heap.Push(&l.held, l.barrier)
		l.barrier = nil
	}}
)

// happened applies the rule for a trigger.
func (l *lane) happened(h happening) {
	for _, r := range rules {
		if r.on == h.on && slices.Contains(r.from, l.phase) {
			for _, a := range r.do {
				a.run(l, h)
			}
			l.phase = r.to
			return
		}
	}
	l.s.log.DPanic("accounting spool: no rule for " + string(h.on) + " while " + string(l.phase))
}
