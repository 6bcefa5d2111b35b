package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringback/ringback/broker/journal"
)

// fleetStep is one operation on a callback, as a porcupine model sees it.
type fleetStep struct {
	kind  string // promise, attempt, dial, end
	n     int
	node  string
	epoch int64
}

// callbackState is the state of the model: what a callback may do next.
type callbackState struct {
	promised, ended bool
	attempts        int
	epoch           int64
	node            string // of the last attempt
	dialed          bool   // for the last attempt
	max             int
}

// callbackModel is one callback: promised once, attempts in order under epochs that never fall, at most one dial for
// each by its node, nothing after the end.
func callbackModel(budget int) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return callbackState{max: budget} },
		Step: func(state, input, _ any) (bool, any) {
			s, in := state.(callbackState), input.(fleetStep)
			if s.ended || s.promised == (in.kind == "promise") {
				return false, s
			}
			switch in.kind {
			case "promise":
				s.promised = true
			case "attempt":
				if in.n != s.attempts+1 || in.n > s.max || in.epoch < s.epoch {
					return false, s
				}
				s.attempts, s.epoch, s.node, s.dialed = in.n, in.epoch, in.node, false
			case "dial":
				if in.n != s.attempts || s.dialed || in.node != s.node {
					return false, s
				}
				s.dialed = true
			case "end":
				s.ended = true
			}
			return true, s
		},
		Equal: func(a, b any) bool { return a == b },
	}
}

// linearizable checks the history of each callback with porcupine: the promise, the attempts of all nodes, the dials as
// the exchange saw them, the end. It returns the number of operations.
func (town *fleetTown) linearizable(t *testing.T, e *fleetEvidence) (operations int) {
	t.Helper()
	history := map[string][]porcupine.Operation{}
	add := func(id string, s fleetStep, from, to time.Time) {
		history[id] = append(history[id], porcupine.Operation{ClientId: len(history[id]), Input: s,
			Call: from.UnixNano(), Return: max(to.UnixNano(), from.UnixNano())})
		operations++
	}
	far := time.Now().Add(time.Hour) // the commit may be as late as a node was paused
	started := e.started()
	for _, r := range e.rows {
		add(r.id, fleetStep{kind: "promise"}, r.created, far)
		if !r.ended.IsZero() {
			add(r.id, fleetStep{kind: "end"}, r.ended, far)
		}
		for _, a := range e.begun[r.id] {
			from, ok := started[fmt.Sprint(a.id, a.n, a.node)]
			if !ok {
				from = r.created
			}
			add(a.id, fleetStep{kind: "attempt", n: a.n, node: a.node, epoch: a.epoch}, from, far)
		}
	}
	for _, d := range e.dials {
		if d.id != "" { // checkDials has complained otherwise
			add(d.id, fleetStep{kind: "dial", node: d.node, n: d.n}, d.Time, d.Time)
		}
	}
	for id, h := range history {
		slices.SortFunc(h, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
		if !porcupine.CheckOperations(callbackModel(town.max), h) {
			t.Errorf("callback %s: no order of its history keeps the rules: %+v", id, h)
		}
	}
	return operations
}

// started are the moments before which attempts have not begun, by callback, number and node, from the journals. An
// attempt that is in no journal (its node was killed between the two commits) may have begun at any time.
func (e *fleetEvidence) started() map[string]time.Time {
	all := map[string]time.Time{}
	for node, records := range e.journals {
		for _, r := range records {
			for _, a := range r.attempts {
				if a.Outcome != journal.HeldBack {
					all[fmt.Sprint(r.ID, a.N, node)] = a.Started
				}
			}
		}
	}
	return all
}
