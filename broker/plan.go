package broker

import (
	"encoding/json"
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// planOf returns the plan of a decision: its number, as many times as it allows.
func planOf(d policies.Decision) callback.Plan {
	return callback.Plan{{
		Number: d.Number, Lines: d.Lines, Rotary: d.Rotary, Wait: d.Attempts.RetryWait, Times: max(1, d.Attempts.Max),
	}}
}

// morePlan has the parts of a plan that are not columns of its callback's row; the columns are those of the first step.
type morePlan struct {
	Script string        `json:"script,omitempty"` // of the first step
	Then   callback.Plan `json:"then,omitempty"`   // the other steps
	Rates  []tariff.Rate `json:"rates,omitempty"`  // see work
	Spent  map[int]spent `json:"spent,omitempty"`
}

// follow sets the plan of a callback.
func (w *work) follow(p callback.Plan) {
	w.plan = p
	first := p[0]
	w.row.Number, w.row.RetryWait = first.Number.String(), first.Wait
	w.row.Lines, w.row.Rotary = first.Lines, first.Rotary
	w.row.Max = p.Dials()
	w.savePlan()
}

// savePlan updates the row from what the attempts of a callback have used.
func (w *work) savePlan() {
	more := morePlan{Script: w.plan[0].Script, Then: w.plan[1:], Rates: w.rates, Spent: w.spent}
	w.row.Plan = ""
	if more.Script != "" || len(more.Then)+len(more.Rates)+len(more.Spent) > 0 {
		w.row.Plan = mustJSON(more)
	}
}

// readPlan restores the plan that follow and savePlan wrote to the row.
func (w *work) readPlan() error {
	var more morePlan
	if w.row.Plan != "" {
		if err := json.Unmarshal([]byte(w.row.Plan), &more); err != nil {
			return err
		}
	}
	w.rates, w.spent = more.Rates, more.Spent
	p, err := more.plan(w.row)
	w.plan = p
	return err
}

// plan returns the plan of which a row has the first step.
func (more morePlan) plan(row journal.Callback) (callback.Plan, error) {
	number, err := numbers.Reread(row.Number)
	if err != nil {
		return nil, err
	}
	p := append(callback.Plan{{
		Number: number, Script: more.Script, Lines: row.Lines, Rotary: row.Rotary,
		Wait: row.RetryWait, Times: row.Max - more.Then.Dials(),
	}}, more.Then...)
	for i, s := range p {
		if s.Times < 1 || s.Number.IsZero() {
			return nil, fmt.Errorf("step %d dials %q %d times", i+1, s.Number, s.Times)
		}
	}
	return p, nil
}

// nextStep returns the step of the next dial, or of the last one if there is no next.
func (w *work) nextStep() callback.PlanStep { return w.plan[w.plan.Step(w.state.Next())] }

// lastStep returns the step of the last attempt, or the first step before any attempt.
func (w *work) lastStep() callback.PlanStep { return w.plan[w.plan.Step(w.lastDial())] }

func (w *work) lastDial() int { return max(0, w.state.Attempt+w.state.Passed-1) }

// want returns the lines from which the next dial may be made.
func (b *Broker) want(w *work) lines.Want {
	s := w.nextStep()
	want := b.wanted(aaa.Service(w.row.Service), s.Lines, s.Rotary, w.row.CalledTTY)
	want.Owner, want.NoVerify = w.row.ID, w.row.NoVerify
	return want
}

// ahead adds to an event what comes next in the plan.
func (w *work) ahead(what callback.Event) callback.Event {
	switch e := what.(type) {
	case callback.NoLine:
		if e.Final {
			e.Next = w.plan.After(w.state.Next())
		}
		return e
	case callback.DialEnded:
		next := w.state.Next()
		if e.Final {
			e.Next = w.plan.After(w.lastDial())
			next = e.Next
		}
		e.Away = !w.plan.SameLines(w.lastDial(), next)
		return e
	case callback.CallEnded:
		e.Away = !w.plan.SameLines(w.lastDial(), w.state.Next())
		return e
	}
	return what
}
