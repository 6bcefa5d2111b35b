package lines

import (
	"fmt"
	"slices"
	"strings"
)

// Want says which line is wanted. The order is that of the design: explicit lines, else the rotary, else the line that was called.
type Want struct {
	Owner  string // who will hold the lease: a callback's ID
	TTYs   []int  // explicit lines (callback-line): any of these, the first ones first, and no other
	Rotary int    // the authorization's rotary; NoRotary: that of the called line
	Called int    // the line that was called: used only where no other line of the rotary is in service
}

// Choose returns the lines that may serve w as things stand, best first, idle or not. A line that is out of service (down, quarantined)
// or answers only (callin) does not count; explicit lines count while they are down, since nothing else may stand in for them. No line
// and no error means that one must come back into service first. The error says why no line could ever serve.
// It is pure: check-config asks it with lines that are all Idle.
func Choose(w Want, all []Status) ([]int, error) {
	if err := possible(w, all); err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b Status) int { return a.TTY - b.TTY })
	rotary := w.rotary(all)
	var others, same []int
	for _, s := range all {
		switch w.fit(s.TTY, s.Rotary, s.Modem, rotary) {
		case fitFirst:
			if len(w.TTYs) > 0 || s.State.inService() {
				others = append(others, s.TTY)
			}
		case fitSame:
			if s.State.inService() {
				same = append(same, s.TTY)
			}
		}
	}
	if len(w.TTYs) > 0 {
		slices.SortStableFunc(others, func(a, b int) int { return slices.Index(w.TTYs, a) - slices.Index(w.TTYs, b) })
	}
	if len(others) > 0 {
		return others, nil
	}
	return same, nil
}

func (s State) inService() bool { return s != Down && s != Quarantined }

// fit says how a line stands to a Want.
type fit int

const (
	fitNever fit = iota
	fitFirst     // an explicit line, or another line of the rotary
	fitSame      // the called line: where no other is in service
)

func (w Want) fit(tty, lineRotary int, mode ModemMode, rotary int) fit {
	switch {
	case mode == CallIn:
		return fitNever
	case len(w.TTYs) > 0:
		if slices.Contains(w.TTYs, tty) {
			return fitFirst
		}
		return fitNever
	case tty == w.Called:
		return fitSame
	case rotary != NoRotary && lineRotary == rotary:
		return fitFirst
	}
	return fitNever
}

// rotary is the rotary that w looks in: its own, else the called line's.
func (w Want) rotary(all []Status) int {
	if w.Rotary != NoRotary {
		return w.Rotary
	}
	for _, s := range all {
		if s.TTY == w.Called {
			return s.Rotary
		}
	}
	return NoRotary
}

// empty returns an error where a rotary is wanted that no line belongs to: who asks for it means other lines than the called one.
func (w Want) empty(all []Status) error {
	if len(w.TTYs) > 0 || w.Rotary == NoRotary || slices.ContainsFunc(all, func(s Status) bool { return s.Rotary == w.Rotary }) {
		return nil
	}
	return fmt.Errorf("no line can call back: rotary %d: no line belongs to it (see lines in the configuration)", w.Rotary)
}

// possible returns an error where no line could serve w even if all were idle.
func possible(w Want, all []Status) error {
	rotary := w.rotary(all)
	if err := w.empty(all); err != nil {
		return err
	}
	var refused []string
	for _, s := range all {
		if w.fit(s.TTY, s.Rotary, s.Modem, rotary) != fitNever {
			return nil
		}
		if s.Modem == CallIn && w.fit(s.TTY, s.Rotary, InOut, rotary) != fitNever {
			refused = append(refused, fmt.Sprintf("tty %d", s.TTY))
		}
	}
	asked := fmt.Sprintf("the called line, tty %d", w.Called)
	switch {
	case len(w.TTYs) > 0:
		asked = "tty " + strings.Trim(fmt.Sprint(w.TTYs), "[]")
	case rotary != NoRotary:
		asked = fmt.Sprintf("rotary %d or %s", rotary, asked)
	}
	if len(refused) > 0 {
		slices.Sort(refused)
		return fmt.Errorf("no line can call back: %s: only %s, which answers only (set modem: inout or callout)", asked, strings.Join(refused, ", "))
	}
	return fmt.Errorf("no line can call back: %s: there is no such line (see lines in the configuration)", asked)
}
