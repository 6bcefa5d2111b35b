// Package fleettest has a fleet.Authority in memory, for fast tests of several nodes in one process, and the contract
// that every Authority keeps. Its time is that of the package time, so a synctest bubble decides it; it starts no
// goroutine.
package fleettest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// LeftAlone is how long an open attempt of a silent node is left alone: its dial, its login and its hang-up may take so
// long.
const LeftAlone = 5*time.Minute + 90*time.Second + 45*time.Second + time.Minute

// Fleet is what the nodes share: the server and its data.
type Fleet struct {
	// Clock is the time by which silence is measured; nil: time.Now.
	Clock func() time.Time

	mu       sync.Mutex
	data     data
	standby  *data // without the commits since Lag; nil: it has all
	lost     string
	timeline int
	changed  time.Time // when the last timeline began
	nodes    map[string]*Node
}

// data is what survives a node, and what a fail-over may lose a part of.
type data struct {
	rows     map[string]*row
	accounts map[account]journal.Account
	kept     map[string]reservation // by node: Reserve
	orders   []*order
	audit    map[string][]journal.Audit // by node
	seq      int64
	made     int // counts rows
}

// row is a callback with what belongs to it.
type row struct {
	fleet.Row
	number   int // in the order in which they were promised
	attempts []fleet.Attempt
	steps    []fleet.Step
	reservation
}

// order is an order with the nodes that must confirm it, and their results.
type order struct {
	fleet.Order
	waiting map[string]bool
	done    map[string]string
}

// New returns a fleet without nodes.
func New() *Fleet {
	return &Fleet{nodes: map[string]*Node{}, data: data{rows: map[string]*row{}, kept: map[string]reservation{},
		audit: map[string][]journal.Audit{}, accounts: map[account]journal.Account{}}}
}

// Node returns the authority for a new process of a node. One for an earlier process of that name is no member anymore.
func (f *Fleet) Node(name string) *Node {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := &Node{f: f, name: name, changes: make(chan fleet.Change, 1<<14), since: f.now(), resumed: -1}
	if old := f.nodes[name]; old != nil {
		old.replaced, n.drained = true, old.drained
	}
	f.nodes[name] = n
	f.data.lockdown(name)
	n.sendOrders()
	return n
}

// lockdown orders the lockdown that is in force, if there is one, for a node that begins.
func (d *data) lockdown(name string) {
	for _, o := range slices.Backward(d.orders) {
		if o.Node != "" || o.Verb != fleet.Lockdown && o.Verb != fleet.Unlock {
			continue
		}
		if _, done := o.done[name]; o.Verb == fleet.Lockdown && !done {
			o.waiting[name] = true
		}
		return
	}
}

// Lag makes the standby miss all commits from now on, although they are acknowledged: it is asynchronous.
func (f *Fleet) Lag() {
	f.mu.Lock()
	defer f.mu.Unlock()
	standby := f.data.clone()
	f.standby = &standby
}

// FailOver lets the standby take over. What it has missed is lost. All nodes are told that another server answers.
func (f *Fleet) FailOver() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.standby != nil {
		f.lost = "the standby that took over had not received the last commits"
		f.data, f.standby = *f.standby, nil
	}
	f.timeline++
	f.changed = f.now()
	for _, n := range f.nodes {
		n.tell(fleet.Change{Kind: fleet.Back})
	}
}

// Silent lets the others hear nothing of a node from now on, or hear it again. It does not keep the node from working:
// that is what Node.Cut and Node.Intercept are for.
func (f *Fleet) Silent(name string, silent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.nodes[name]
	n.silent = time.Time{}
	if silent {
		n.silent = f.now()
		f.tellOthers(name, fleet.Change{Kind: fleet.Offered})
	}
}

// Rows returns all callbacks, in the order in which they were promised.
func (f *Fleet) Rows() []fleet.Row {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []fleet.Row
	for _, r := range f.data.sorted() {
		all = append(all, r.Row)
	}
	return all
}

// Attempts returns the attempts of a callback, in their order.
func (f *Fleet) Attempts(id string) []fleet.Attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.data.rows[id]; r != nil {
		return slices.Clone(r.attempts)
	}
	return nil
}

func (f *Fleet) now() time.Time {
	if f.Clock != nil {
		return f.Clock()
	}
	return time.Now()
}

func (f *Fleet) tellOthers(name string, c fleet.Change) {
	for _, other := range slices.Sorted(maps.Keys(f.nodes)) {
		if other != name {
			f.nodes[other].tell(c)
		}
	}
}

// gone reports whether the holder of a row no longer works on it: it is silent or removed.
func (f *Fleet) gone(holder string) bool {
	n := f.nodes[holder]
	return n == nil || n.removed || !n.silent.IsZero()
}

// known reports whether a node has told on this timeline what its journal has, or has been silent for so long that
// no work of it can be in progress.
func (f *Fleet) known(holder string) bool {
	n := f.nodes[holder]
	if n == nil || n.removed || n.resumed == f.timeline {
		return true
	}
	return !n.silent.IsZero() && f.now().Sub(f.later(n.silent)) >= LeftAlone
}

// agreed reports whether the nodes that are present have told what their journals have since the last fail-over, or
// have had the time that an attempt may last.
func (f *Fleet) agreed() bool {
	if f.timeline == 0 || f.now().Sub(f.changed) >= LeftAlone {
		return true
	}
	for name, n := range f.nodes {
		if !f.gone(name) && n.resumed != f.timeline {
			return false
		}
	}
	return true
}

func (f *Fleet) later(t time.Time) time.Time {
	if f.changed.After(t) {
		return f.changed
	}
	return t
}

// expire ends what no node ends anymore: the attempts of nodes that have been silent for long.
func (f *Fleet) expire() {
	for _, r := range f.data.sorted() {
		n := f.nodes[r.Holder]
		if !r.Pending() || r.Open == 0 || n == nil || n.silent.IsZero() || f.now().Sub(n.silent) < LeftAlone {
			continue
		}
		f.end(r, fleet.End{Claim: r.Claim(), Time: time.Now(), Outcome: "failed",
			Cause: "its node was lost during an attempt", Attempts: r.Attempts,
			Settle: &journal.Settle{Callback: r.ID, Worst: true, Time: time.Now()}})
	}
}

// end ends a pending callback.
func (f *Fleet) end(r *row, e fleet.End) {
	r.Ended, r.Outcome, r.Cause = e.Time, e.Outcome, e.Cause
	r.Attempts = max(r.Attempts, e.Attempts)
	r.Open, r.Offered = 0, false
	r.note(fleet.Step{Node: r.Holder, Epoch: e.Epoch, Trace: e.Trace})
	if e.Settle != nil {
		f.settle(r, *e.Settle)
	}
}

// note replaces the steps of a node under an epoch.
func (r *row) note(s fleet.Step) {
	if s.Trace == "" {
		return
	}
	r.steps = slices.DeleteFunc(r.steps, func(o fleet.Step) bool { return o.Node == s.Node && o.Epoch == s.Epoch })
	r.steps = append(r.steps, s)
}

func (d *data) sorted() []*row {
	return slices.SortedFunc(maps.Values(d.rows), func(a, b *row) int { return a.number - b.number })
}

func (d *data) add(r *row) {
	d.made++
	r.number = d.made
	d.rows[r.ID] = r
}

// pending returns the pending callback of the identity of another one; nil if there is none.
func (d *data) pending(c journal.Callback) *row {
	user := aaa.FoldUser(c.User)
	for _, r := range d.rows {
		if r.Pending() && r.ID != c.ID && r.Entry == c.Entry && aaa.FoldUser(r.User) == user {
			return r
		}
	}
	return nil
}

func (d data) clone() data {
	c := d
	c.rows, c.accounts, c.kept, c.orders = map[string]*row{}, maps.Clone(d.accounts), maps.Clone(d.kept), nil
	c.audit = maps.Clone(d.audit)
	for id, r := range d.rows {
		copied := *r
		copied.attempts, copied.steps = slices.Clone(r.attempts), slices.Clone(r.steps)
		c.rows[id] = &copied
	}
	for _, o := range d.orders {
		c.orders = append(c.orders, &order{o.Order, maps.Clone(o.waiting), maps.Clone(o.done)})
	}
	return c
}

// about adds what an error concerns.
func about(what, id string, err error) error {
	return fmt.Errorf("%s of callback %s: %w", what, id, err)
}
