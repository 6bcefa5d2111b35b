package callback

import (
	"fmt"
	"slices"
	"strings"
)

// Diagram prints the table as a Mermaid state diagram and a Markdown table, for the documentation.
func Diagram() string {
	var b strings.Builder
	b.WriteString("```mermaid\nstateDiagram-v2\n")
	for _, p := range phases {
		if inDiagram(p) != p.String() {
			fmt.Fprintf(&b, "    state %q as %s\n", p, inDiagram(p))
		}
	}
	b.WriteString("    [*] --> new\n")
	for _, e := range edges() {
		fmt.Fprintf(&b, "    %s --> %s: %s\n", inDiagram(e.from), inDiagram(e.to), strings.Join(e.on, ", "))
	}
	for _, p := range phases {
		if p.Terminal() {
			fmt.Fprintf(&b, "    %s --> [*]\n", inDiagram(p))
		}
	}
	b.WriteString("```\n\n| from | on | when | to | do | why |\n|---|---|---|---|---|---|\n")
	for _, r := range table {
		to := r.to.String()
		if r.to == same || r.to == marked {
			to = "(" + to + ")"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", fromNames(r.from), r.on, guardNames(r.when), to,
			actionNames(r.do), r.why)
	}
	return b.String()
}

// inDiagram returns a phase as Mermaid refers to it: one word.
func inDiagram(p Phase) string { return strings.ReplaceAll(p.String(), " ", "_") }

// phases in the order of a callback's life.
var phases = []Phase{New, Promised, Leasing, Waiting, Dialing, Answered, Completed, Failed, Expired, Cancelled,
	GivenUp}

type edge struct {
	from, to Phase
	on       []string
}

// edges collects the rules that change the phase: one edge per pair of phases.
func edges() []edge {
	var out []edge
	for _, r := range table {
		for _, from := range r.from {
			for _, to := range r.leadsTo(from) {
				i := slices.IndexFunc(out, func(e edge) bool { return e.from == from && e.to == to })
				if i < 0 {
					out = append(out, edge{from: from, to: to})
					i = len(out) - 1
				}
				if label := r.label(); !slices.Contains(out[i].on, label) {
					out[i].on = append(out[i].on, label)
				}
			}
		}
	}
	return out
}

// leadsTo returns the phases to which the rule may lead from another.
func (r *rule) leadsTo(from Phase) []Phase {
	switch r.to {
	case same, from:
		return nil
	case marked:
		return ends
	}
	return []Phase{r.to}
}

// label returns the event's name; for TimerFired, with the timer's name.
func (r *rule) label() string {
	if r.on == "TimerFired" {
		return r.when[0].name
	}
	return string(r.on)
}

func fromNames(ps []Phase) string {
	if len(ps) == len(phases) {
		return "(any)"
	}
	names := make([]string, len(ps))
	for i, p := range ps {
		names[i] = p.String()
	}
	return strings.Join(names, ", ")
}

func guardNames(gs []guard) string {
	names := make([]string, len(gs))
	for i, g := range gs {
		names[i] = g.name
	}
	return strings.Join(names, ", ")
}

func actionNames(as []action) string {
	names := make([]string, len(as))
	for i, a := range as {
		names[i] = a.name
	}
	return strings.Join(names, "; ")
}
