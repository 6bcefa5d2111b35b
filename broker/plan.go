package broker

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/tariff"
)

// planOf returns the plan of a decision: its numbers in turn, as often as it allows, and each time that a number comes
// again, through the next trunk that takes it and that a line leads to. After the first number of a round, the others
// are dialed without the wait (IOS, Redial Enhancements: all dial strings before the redial interval). The callback is
// of a user for a service, and line called was called.
func (b *Broker) planOf(d policies.Decision, id aaa.Identity, service aaa.Service, called int) (p callback.Plan) {
	ways := b.ways(d, id, service, called)
	for i := range max(1, d.Attempts.Max) {
		way := ways[i%len(ways)]
		s := way[i/len(ways)%len(way)]
		if len(ways) == 1 && len(way) == 1 && i > 0 {
			p[0].Times++
			continue
		}
		if i%len(ways) > 0 {
			s.Wait = 0
		}
		s.Times = 1
		p = append(p, b.named(s, called))
	}
	return p
}

// ways returns, for each number of a decision in the order of the first dials, its step through each trunk. Numbers
// that cannot be dialed now are left out, unless none can: then the promise fails with the reason.
func (b *Broker) ways(d policies.Decision, id aaa.Identity, service aaa.Service,
	called int) (all [][]callback.PlanStep) {
	step := callback.PlanStep{Script: exactly(d.Dial.Script), Modem: d.Dial.ModemScript,
		System: d.Dial.SystemScript, Lines: d.Lines, Tiers: d.Tiers, Rotary: d.Rotary, Wait: d.Attempts.RetryWait}
	dial := b.arranged(d, id)
	step.Number = dial[0]
	first := b.through(step, service, called)
	for _, n := range dial[1:] {
		step.Number = n
		if way := b.through(step, service, called); b.dialable(way[0], service, called, d.Limits) {
			all = append(all, way)
		}
	}
	if len(all) == 0 || b.dialable(first[0], service, called, d.Limits) {
		all = slices.Insert(all, 0, first)
	}
	return all
}

// dialable reports whether a line leads to a step, its number is not disabled, and its price is known if money is
// limited.
func (b *Broker) dialable(s callback.PlanStep, service aaa.Service, called int, l policies.Limits) bool {
	b.mu.Lock()
	disabled := time.Now().Before(b.disabled[s.Number])
	b.mu.Unlock()
	if disabled || b.mayServe(service, s, called) != nil {
		return false
	}
	c := b.config.Load()
	_, priced := c.prices(s).Find(s.Number)
	return priced || !l.Money() && !slices.ContainsFunc(c.Ceilings, func(l journal.Limit) bool { return l.Money > 0 })
}

// through returns a step for each trunk that takes its number, the best first. AAA's lines and rotary come before those
// of a trunk. If no line leads to any of them, the first is returned, and the promise fails with the reason.
func (b *Broker) through(step callback.PlanStep, service aaa.Service, called int) []callback.PlanStep {
	site := b.config.Load().Policies.Site()
	taking, _ := site.Trunks.Taking(site.Plan, step.Number)
	if len(taking) == 0 {
		return []callback.PlanStep{step} // no trunks: otherwise the policies reject the number
	}
	var all []callback.PlanStep
	for _, t := range taking {
		s := step
		s.Trunk = t.Name
		if len(s.Lines) == 0 && s.Rotary == nil {
			if s.Rotary = t.Rotary; s.Rotary == nil {
				s.Lines = without(t.Lines, called)
			}
		}
		all = append(all, s)
	}
	usable := slices.DeleteFunc(slices.Clone(all), func(s callback.PlanStep) bool {
		return b.mayServe(service, s, called) != nil
	})
	if len(usable) == 0 {
		return all[:1]
	}
	return usable
}

// without returns the lines of a trunk without the called one, on which the caller may still be, unless it is the only
// one.
func without(ttys []int, called int) []int {
	if others := slices.DeleteFunc(slices.Clone(ttys), func(tty int) bool { return tty == called }); len(others) > 0 {
		return others
	}
	return ttys
}

// exactly returns the pattern that only the chat script of this name matches; "" without a name.
func exactly(script string) string {
	if script == "" {
		return ""
	}
	return "^" + regexp.QuoteMeta(script) + "$"
}

// morePlan has the parts of a plan that are not columns of its callback's row; the columns are those of the first step.
type morePlan struct {
	Script string        `json:"script,omitempty"`        // of the first step
	Modem  string        `json:"modem_script,omitempty"`  // of the first step
	System string        `json:"system_script,omitempty"` // of the first step
	Trunk  string        `json:"trunk,omitempty"`         // of the first step
	Tiers  []int         `json:"tiers,omitempty"`         // of the first step
	Then   callback.Plan `json:"then,omitempty"`          // the other steps
	// For Slot, Rates and Spent, see work. They are here and not only in the reservation: if that is damaged, its
	// amount stays reserved, and the call must not use more.
	Slot   time.Duration `json:"slot,omitempty"`
	Rates  []tariff.Rate `json:"rates,omitempty"`
	Spent  map[int]spent `json:"spent,omitempty"`
	Barred []barredFor   `json:"barred,omitempty"`

	RandomWait time.Duration `json:"random_wait,omitempty"`
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
	first := w.plan[0]
	more := morePlan{Script: first.Script, Modem: first.Modem, System: first.System, Trunk: first.Trunk,
		Tiers: first.Tiers, Then: w.plan[1:], Slot: w.slot,
		Rates: w.rates, Spent: w.spent, Barred: w.barred, RandomWait: w.randomWait}
	w.row.Plan = ""
	if more.Script+more.Modem+more.System+more.Trunk != "" || more.Slot+more.RandomWait > 0 ||
		len(more.Tiers)+len(more.Then)+len(more.Rates)+len(more.Spent)+len(more.Barred) > 0 {
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
	w.slot, w.rates, w.spent, w.barred = more.Slot, more.Rates, more.Spent, more.Barred
	w.randomWait = more.RandomWait
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
		Number: number, Trunk: more.Trunk, Script: more.Script, Modem: more.Modem, System: more.System,
		Lines: row.Lines, Tiers: more.Tiers,
		Rotary: row.Rotary, Wait: row.RetryWait, Times: row.Max - more.Then.Dials(),
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

// dialstrings returns the numbers of the plan, for operators.
func (w *work) dialstrings() string {
	var all []string
	for _, n := range w.plan.Numbers() {
		all = append(all, n.String())
	}
	return strings.Join(all, ", then ")
}

// lastStep returns the step of the last attempt, or the first step before any attempt.
func (w *work) lastStep() callback.PlanStep { return w.plan[w.plan.Step(w.lastDial())] }

// step returns the step of the current dial: before a dial the next one, then the last one.
func (w *work) step() callback.PlanStep {
	switch w.state.Phase {
	case callback.Promised, callback.Leasing, callback.Waiting:
		return w.nextStep()
	}
	return w.lastStep()
}

func (w *work) lastDial() int { return max(0, w.state.Attempt+w.state.Passed-1) }

// want returns the lines from which the next dial may be made.
func (b *Broker) want(w *work) lines.Want {
	s := w.nextStep()
	want := b.wanted(aaa.Service(w.row.Service), s, w.calledHere())
	if w.foreign && len(s.Lines) > 0 { // the lines of its home
		want.Unfit = func(int) string { return "is not a line of node " + w.row.Home }
	}
	want.Owner, want.NoVerify, want.Avoid = w.row.ID, w.row.NoVerify, b.avoided(w)
	return want
}
