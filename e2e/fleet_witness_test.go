package e2e

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// fleetFigures are what happened, for the log, and so that a test may demand that something did.
type fleetFigures struct {
	told, rows, attempts, dials, sessions, completed, taken int
	outcomes                                                map[string]int
}

func (f fleetFigures) String() string {
	return fmt.Sprintf("%d told, %d callbacks, %d attempts, %d dials, %d sessions, %d dialed by another node than "+
		"promised, outcomes %v", f.told, f.rows, f.attempts, f.dials, f.sessions, f.taken, f.outcomes)
}

// witness compares PostgreSQL and the journals with what callers saw and what modems were sent. No node runs.
func (town *fleetTown) witness(t *testing.T) fleetFigures {
	t.Helper()
	rows, attempts := town.rows(t), town.attempts(t)
	f := fleetFigures{rows: len(rows), attempts: len(attempts), dials: len(town.lineDials()),
		outcomes: map[string]int{}}
	begun := map[string][]attemptOf{}
	for _, a := range attempts {
		begun[a.id] = append(begun[a.id], a)
	}
	promises := map[string]int{}
	for _, r := range rows {
		promises[r.number]++
		f.outcomes[r.outcome]++
		if len(begun[r.id]) > 0 && begun[r.id][0].node != r.home {
			f.taken++
		}
		if r.ended.IsZero() || r.open != 0 {
			t.Errorf("callback %s of %s: pending, open attempt %d", r.id, r.number, r.open)
		}
		if len(begun[r.id]) != r.attempts || r.attempts > town.max {
			t.Errorf("callback %s: %d rows of attempts, %d counted, %d granted", r.id, len(begun[r.id]), r.attempts,
				town.max)
		}
	}
	f.completed = f.outcomes["completed"]
	for _, c := range town.callers {
		heard, _, sessions, _ := c.saw()
		f.told, f.sessions = f.told+heard, f.sessions+sessions
		if heard > promises[c.number] {
			t.Errorf("%s was told of %d callbacks, PostgreSQL has %d", c.number, heard, promises[c.number])
		}
	}
	town.checkDials(t, rows, begun)
	town.checkJournals(t, rows, begun)
	return f
}

// checkDials finds the attempt of each dial: of the node whose modem dialed, of a callback that was pending then.
func (town *fleetTown) checkDials(t *testing.T, rows []rowOf, begun map[string][]attemptOf) {
	t.Helper()
	spent := map[string]int{} // by callback and node
	for _, d := range town.lineDials() {
		covered := slices.ContainsFunc(rows, func(r rowOf) bool {
			if r.number != d.Number || d.Time.Before(r.created) || !r.ended.IsZero() && d.Time.After(r.ended) {
				return false
			}
			node := nodeOfModem(d)
			granted := 0
			for _, a := range begun[r.id] {
				if a.node == node {
					granted++
				}
			}
			if spent[r.id+node] >= granted {
				return false
			}
			spent[r.id+node]++
			return true
		})
		if !covered {
			t.Errorf("%s dialed %s at %s: no attempt of that node covers it", d.Modem, d.Number,
				d.Time.Format(time.StampMicro))
		}
	}
}

// nodeOfModem returns node-1 for tty65@node-1.
func nodeOfModem(d exchange.Dial) string {
	for i := range d.Modem {
		if d.Modem[i] == '@' {
			return d.Modem[i+1:]
		}
	}
	return ""
}

// checkJournals compares the journal of each node with PostgreSQL: each attempt there is its row here, and what a node
// was told of an end is the end.
func (town *fleetTown) checkJournals(t *testing.T, rows []rowOf, begun map[string][]attemptOf) {
	t.Helper()
	outcome := map[string]string{}
	for _, r := range rows {
		outcome[r.id] = r.outcome
	}
	for _, n := range town.nodes {
		records, err := n.records()
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
		for _, r := range records {
			if r.Pending() {
				t.Errorf("%s: callback %s is pending in the journal: %s", n.name, r.ID, r.Phase)
			}
			if r.Outcome == "completed" && outcome[r.ID] != "completed" {
				t.Errorf("%s: callback %s is completed in the journal, in PostgreSQL %q", n.name, r.ID, outcome[r.ID])
			}
			for _, a := range r.attempts {
				same := func(b attemptOf) bool { return b.n == a.N && b.node == n.name }
				if !slices.ContainsFunc(begun[r.ID], same) {
					t.Errorf("%s: attempt %d of callback %s is in its journal, not in PostgreSQL", n.name, a.N, r.ID)
				}
			}
		}
	}
}

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
				if s.attempts == 0 || s.dialed || in.node != s.node {
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
func (town *fleetTown) linearizable(t *testing.T) (operations int) {
	t.Helper()
	rows := town.rows(t)
	started := town.started(t)
	dials := map[string][]exchange.Dial{} // by callback
	for _, d := range town.lineDials() {
		i := slices.IndexFunc(rows, func(r rowOf) bool {
			return r.attempts > 0 && r.number == d.Number && !d.Time.Before(r.created) &&
				(r.ended.IsZero() || !d.Time.After(r.ended)) // a promise that was withdrawn may end late
		})
		if i >= 0 { // checkDials has complained otherwise
			dials[rows[i].id] = append(dials[rows[i].id], d)
		}
	}
	history := map[string][]porcupine.Operation{}
	add := func(id string, s fleetStep, from, to time.Time) {
		history[id] = append(history[id], porcupine.Operation{ClientId: len(history[id]), Input: s,
			Call: from.UnixNano(), Return: max(to.UnixNano(), from.UnixNano())})
		operations++
	}
	far := time.Now().Add(time.Hour)
	created := map[string]time.Time{}
	for _, r := range rows {
		created[r.id] = r.created
		add(r.id, fleetStep{kind: "promise"}, r.created, r.created.Add(2*time.Second))
		if !r.ended.IsZero() {
			add(r.id, fleetStep{kind: "end"}, r.ended, far)
		}
		for _, d := range dials[r.id] {
			add(r.id, fleetStep{kind: "dial", node: nodeOfModem(d)}, d.Time, d.Time)
		}
	}
	for _, a := range town.attempts(t) {
		from, ok := started[fmt.Sprint(a.id, a.n, a.node)]
		if !ok {
			from = created[a.id]
		}
		add(a.id, fleetStep{kind: "attempt", n: a.n, node: a.node, epoch: a.epoch}, from, far)
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
func (town *fleetTown) started(t *testing.T) map[string]time.Time {
	t.Helper()
	all := map[string]time.Time{}
	for _, n := range town.nodes {
		records, err := n.records()
		if err != nil {
			t.Error(err)
		}
		for _, r := range records {
			for _, a := range r.attempts {
				if a.Outcome != journal.HeldBack {
					all[fmt.Sprint(r.ID, a.N, n.name)] = a.Started
				}
			}
		}
	}
	return all
}
