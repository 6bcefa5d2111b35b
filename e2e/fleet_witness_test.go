package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// fleetFigures are what happened, for the log, and so that a test may demand that something did.
type fleetFigures struct {
	told, rows, attempts, dials, sessions, completed, taken, operations int
	outcomes                                                            map[string]int
}

func (f fleetFigures) String() string {
	return fmt.Sprintf("%d told, %d callbacks, %d attempts, %d dials, %d sessions, %d dialed by another node than "+
		"promised, outcomes %v, %d operations checked", f.told, f.rows, f.attempts, f.dials, f.sessions, f.taken,
		f.outcomes, f.operations)
}

// fleetEvidence is all that is left of what happened, when no node runs.
type fleetEvidence struct {
	rows     []rowOf
	begun    map[string][]attemptOf       // by callback; of those that are not shared: from the journal of their home
	journals map[string][]crashRecord     // by node
	lines    map[string][]journal.Attempt // by line, oldest first, as the journals have them
	dials    []fleetDial
}

// fleetDial is a dial command that a modem received, with the attempt that it was.
type fleetDial struct {
	exchange.Dial
	node, id string
	n        int
}

// witness compares PostgreSQL and the journals with what callers saw and what modems were sent, and checks the history
// of each callback. No node runs.
func (town *fleetTown) witness(t *testing.T) fleetFigures {
	t.Helper()
	e := town.evidence(t)
	f := town.figures(e)
	for _, r := range e.rows {
		if r.ended.IsZero() || r.open != 0 {
			t.Errorf("callback %s of %s: pending, open attempt %d", r.id, r.number, r.open)
		}
		if len(e.begun[r.id]) != r.attempts || r.attempts > town.max {
			t.Errorf("callback %s: %d rows of attempts, %d counted, %d granted", r.id, len(e.begun[r.id]), r.attempts,
				town.max)
		}
	}
	town.checkTold(t, e)
	town.checkDials(t, e)
	town.checkJournals(t, e)
	f.operations = town.linearizable(t, e)
	return f
}

// evidence reads PostgreSQL and the journals, and finds the attempt of each dial.
func (town *fleetTown) evidence(t *testing.T) *fleetEvidence {
	t.Helper()
	e := &fleetEvidence{rows: town.rows(t), begun: map[string][]attemptOf{}, journals: map[string][]crashRecord{},
		lines: map[string][]journal.Attempt{}}
	for _, a := range town.attempts(t) {
		e.begun[a.id] = append(e.begun[a.id], a)
	}
	for _, n := range town.nodes {
		records, err := n.records()
		if err != nil {
			t.Errorf("%s: %v", n.name, err)
		}
		e.journals[n.name] = records
		for _, r := range records {
			for _, a := range r.attempts {
				line := fmt.Sprintf("tty%d@%s", a.TTY, n.name)
				e.lines[line] = append(e.lines[line], a)
			}
		}
	}
	for _, r := range e.rows {
		if !r.shared {
			e.begun[r.id] = e.own(r)
		}
	}
	for _, all := range e.lines {
		slices.SortFunc(all, func(a, b journal.Attempt) int { return a.Started.Compare(b.Started) })
	}
	for _, d := range town.lineDials() {
		e.dials = append(e.dials, e.attemptOf(d))
	}
	return e
}

// own returns the attempts of a callback that only its home may dial.
func (e *fleetEvidence) own(r rowOf) (all []attemptOf) {
	for _, record := range e.journals[r.home] {
		for _, a := range record.attempts {
			if record.ID == r.id {
				all = append(all, attemptOf{id: r.id, node: r.home, n: a.N, epoch: r.epoch})
			}
		}
	}
	return all
}

// attemptOf finds the attempt of a dial: the last one that the journal of its node began on its line before it. A line
// makes one attempt at a time.
func (e *fleetEvidence) attemptOf(d exchange.Dial) fleetDial {
	_, node, _ := strings.Cut(d.Modem, "@")
	found := fleetDial{Dial: d, node: node}
	for _, a := range slices.Backward(e.lines[d.Modem]) {
		switch {
		case a.Started.After(d.Time):
			continue
		case a.Number == d.Number && a.Outcome != journal.HeldBack && !(!a.Ended.IsZero() && d.Time.After(a.Ended)):
			found.id, found.n = a.CallbackID, a.N
		}
		return found
	}
	return found
}

func (town *fleetTown) figures(e *fleetEvidence) fleetFigures {
	f := fleetFigures{rows: len(e.rows), dials: len(e.dials), outcomes: map[string]int{}}
	for _, r := range e.rows {
		f.outcomes[r.outcome]++
		f.attempts += len(e.begun[r.id])
		if len(e.begun[r.id]) > 0 && e.begun[r.id][0].node != r.home {
			f.taken++
		}
	}
	f.completed = f.outcomes["completed"]
	for _, c := range town.callers {
		heard, _, sessions, _ := c.saw()
		f.told, f.sessions = f.told+heard, f.sessions+sessions
	}
	return f
}

// checkTold counts the callbacks of each caller that were not withdrawn: no caller was told of more. Nobody cancels
// callbacks here except nodes, and only callbacks of which they have not told the user.
func (town *fleetTown) checkTold(t *testing.T, e *fleetEvidence) {
	t.Helper()
	kept := map[string]int{}
	for _, r := range e.rows {
		if r.outcome != "cancelled" && r.outcome != "withdrawn" {
			kept[r.number]++
		}
	}
	for _, c := range town.callers {
		if heard, _, _, _ := c.saw(); heard > kept[c.number] {
			t.Errorf("%s was told of %d callbacks, PostgreSQL has %d", c.number, heard, kept[c.number])
		}
	}
}

// checkDials checks that each dial was an attempt of its node, which PostgreSQL has, that no attempt was dialed twice,
// and that its callback was pending then.
func (town *fleetTown) checkDials(t *testing.T, e *fleetEvidence) {
	t.Helper()
	ended := map[string]time.Time{}
	for _, r := range e.rows {
		ended[r.id] = r.ended
	}
	spent := map[string]bool{}
	for _, d := range e.dials {
		said := fmt.Sprintf("%s dialed %s at %s", d.Modem, d.Number, d.Time.Format(time.StampMicro))
		granted := slices.ContainsFunc(e.begun[d.id], func(a attemptOf) bool { return a.n == d.n && a.node == d.node })
		attempt := fmt.Sprintf("attempt %d of callback %s", d.n, d.id)
		switch end := ended[d.id]; {
		case d.id == "":
			t.Errorf("%s: no attempt in the journal of its node covers it", said)
		case !granted:
			t.Errorf("%s: PostgreSQL has no %s of that node", said, attempt)
		case spent[attempt]:
			t.Errorf("%s: %s was dialed before", said, attempt)
		case !end.IsZero() && d.Time.After(end):
			t.Errorf("%s: callback %s had ended at %s", said, d.id, end.Format(time.StampMicro))
		}
		spent[attempt] = true
	}
}

// checkJournals compares the journal of each node with PostgreSQL: each attempt there is its row here, and what a node
// was told of an end is the end.
func (town *fleetTown) checkJournals(t *testing.T, e *fleetEvidence) {
	t.Helper()
	outcome := map[string]string{}
	for _, r := range e.rows {
		outcome[r.id] = r.outcome
	}
	for _, n := range town.nodes {
		for _, r := range e.journals[n.name] {
			if r.Pending() {
				t.Errorf("%s: callback %s is pending in the journal: %s", n.name, r.ID, r.Phase)
			}
			if r.Outcome == "completed" && outcome[r.ID] != "completed" {
				t.Errorf("%s: callback %s is completed in the journal, in PostgreSQL %q", n.name, r.ID, outcome[r.ID])
			}
			for _, a := range r.attempts {
				same := func(b attemptOf) bool { return b.n == a.N && b.node == n.name }
				if !slices.ContainsFunc(e.begun[r.ID], same) {
					t.Errorf("%s: attempt %d of callback %s is in its journal, not in PostgreSQL", n.name, a.N, r.ID)
				}
			}
		}
	}
}
