// Package trunks chooses the trunks through which a number can be dialed: the ways from the site's lines to the
// telephone network, with their prefixes, carriers and prices. It is pure.
package trunks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

// Trunk is one way to dial.
type Trunk struct {
	Name     string
	Template numbers.Template
	Numbers  numbers.Patterns // the canonical numbers that it takes; the zero value: all that Template has a form of
	Lines    []int            // the lines that lead to it; nil: all
	Rotary   *int             // the rotary that Lines are
	Tariff   *tariff.Table    // nil: it has no prices of its own
}

// List has the trunks of a site in the order of preference. A site without trunks dials every number as its Plan does.
type List []Trunk

// typicalCall is the call whose price decides which trunk is cheapest.
const typicalCall = 10 * time.Minute

// Taking returns the trunks that take a number, the best first, and why the others do not. If every one that takes it
// has a tariff, the price of a call of ten minutes decides, and the order between equals; otherwise the order alone.
func (l List) Taking(plan numbers.Plan, n numbers.Number) (taking List, why string) {
	var reasons []string
	for _, t := range l {
		if err := t.takes(plan, n); err != nil {
			reasons = append(reasons, err.Error())
			continue
		}
		taking = append(taking, t)
	}
	if !slices.ContainsFunc(taking, func(t Trunk) bool { return t.Tariff == nil }) {
		slices.SortStableFunc(taking, func(a, b Trunk) int { return cmp.Compare(a.price(n), b.price(n)) })
	}
	return taking, strings.Join(reasons, "; ")
}

// takes returns why a trunk does not take a number.
func (t Trunk) takes(plan numbers.Plan, n numbers.Number) error {
	if _, digits := t.Numbers.Longest(n); digits < 0 && !t.Numbers.IsZero() {
		return fmt.Errorf("trunk %s: %s matches none of its numbers", t.Name, n)
	}
	if _, err := plan.Dialstring(n, t.Template); err != nil {
		return fmt.Errorf("trunk %s: %w", t.Name, err)
	}
	if _, ok := t.Tariff.Find(n); t.Tariff != nil && !ok {
		return fmt.Errorf("trunk %s: its tariff has no rate for %s", t.Name, n)
	}
	return nil
}

// Dearest returns the highest cost of a call through one of the trunks that take a number; rate is the site's, for
// trunks without a tariff and for a site without trunks.
func (l List) Dearest(plan numbers.Plan, n numbers.Number, rate tariff.Rate, d time.Duration) tariff.Money {
	taking, _ := l.Taking(plan, n)
	if len(taking) == 0 {
		return rate.Cost(d)
	}
	var cost tariff.Money
	for _, t := range taking {
		r := rate
		if t.Tariff != nil {
			r, _ = t.Tariff.Find(n)
		}
		cost = max(cost, r.Cost(d))
	}
	return cost
}

func (t Trunk) price(n numbers.Number) tariff.Money {
	rate, _ := t.Tariff.Find(n)
	return rate.Cost(typicalCall)
}

// Named returns the trunk with a name; false: there is none.
func (l List) Named(name string) (Trunk, bool) {
	for _, t := range l {
		if t.Name == name {
			return t, true
		}
	}
	return Trunk{}, false
}

// Names returns the names of the trunks in their order.
func (l List) Names() (names []string) {
	for _, t := range l {
		names = append(names, t.Name)
	}
	return names
}

// Unfit returns why a line cannot dial through the trunk with this name; "" if it can, or if there is no name.
func (l List) Unfit(name string, tty int) string {
	if name == "" {
		return ""
	}
	t, ok := l.Named(name)
	switch {
	case !ok:
		return fmt.Sprintf("trunk %s is no longer in the configuration", name)
	case t.Lines != nil && !slices.Contains(t.Lines, tty):
		return "does not lead to trunk " + name
	}
	return ""
}

// Dialstring returns what is dialed for a number through the trunk with this name; "": as the plan dials it, for a site
// without trunks.
func (l List) Dialstring(plan numbers.Plan, n numbers.Number, name string) (numbers.Dialstring, error) {
	if name == "" {
		return plan.Dialstring(n, numbers.Template{})
	}
	t, ok := l.Named(name)
	if !ok {
		return numbers.Dialstring{}, fmt.Errorf("trunk %s is no longer in the configuration", name)
	}
	if err := t.takes(plan, n); err != nil {
		return numbers.Dialstring{}, err
	}
	return plan.Dialstring(n, t.Template)
}
