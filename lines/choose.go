package lines

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Want describes the line that a request needs. Explicit lines come first, then the rotary, then the line that was
// called.
type Want struct {
	Owner string // the holder of the lease: a callback's ID; of other roles, a text
	Role  Role   // whose request it is: its place in the queue, and what an error calls it
	TTYs  []int  // explicit lines (callback-line): only these, in this order of preference
	// Tiers has how many of the next TTYs are equally good, from the first one on: the hunt of their rotary selects.
	// After its last element, and without any, each line is alone.
	Tiers  []int
	Rotary int // the authorization's rotary; NoRotary: that of the called line
	Called int // the line that was called: used only if no other line of the rotary is in service

	// Unfit returns why a line may not serve, whatever its modem can: "cannot serve ppp"; "" if it may. nil: all may.
	// It is called while the Pool is locked, so it must not block.
	Unfit func(tty int) string

	// Answers: the owner will not dial, but wait for a call (Lease.Expect), so a line that only dials cannot serve.
	Answers bool

	// Avoid has lines that are used only if no other that may serve is in service.
	Avoid []int

	// NoVerify: the called party is admitted without a login. Lines that allow this (MayOmitLogin) are preferred;
	// others are used only if none of them is in service.
	NoVerify bool
}

// Role says for whose sake a line is requested. The requests of administrators are served before all others, in their
// order; callbacks, users and orders are served in the order in which they came, so that no user on the network
// overtakes a caller who was promised a callback.
type Role string

// The roles.
const (
	ForCallback Role = ""              // a callback
	ForUser     Role = "user"          // a user on the network
	ForAdmin    Role = "administrator" // the same, an administrator
	ForOrder    Role = "order"         // a modem test, or a chat script of an operator
)

// String returns the name of the role.
func (r Role) String() string {
	if r == ForCallback {
		return "callback"
	}
	return string(r)
}

// purpose is what a line that serves w must be able to do, for errors.
func (w Want) purpose() string {
	if w.Role == ForCallback {
		return "call back"
	}
	return "dial"
}

// MayOmitLogin reports whether the party called on a line with this configuration may be admitted without a login.
// The line must be trusted. Unless Config.SameLine allows it, the line must also not be the one that was called,
// because a caller who never hung up would take the call.
func (w Want) MayOmitLogin(c Config) bool { return w.mayOmit(c.Idle().standing()) }

func (w Want) mayOmit(s standing) bool { return !s.untrusted && (s.tty != w.Called || s.sameLine) }

// Choose returns the lines that may serve w now, best first, whether idle or not; the hunt of the rotary may change the
// order of those that only dial, and of the others. It omits lines that are out of service (down, quarantined, busied
// out) or only answer (callin). It includes explicit lines that are down, because no other
// line may replace them. No line and no error means that a line must first return to service. An error says why no
// line can ever serve w. Choose has no side effects: check-config calls it with lines that are all Idle.
func Choose(w Want, all []Status) ([]int, error) {
	if err := possible(w, all); err != nil {
		return nil, err
	}
	all = slices.Clone(all)
	// Lines of equal fit: explicit lines as listed; otherwise, and within a tier, those that only dial are first.
	tier := map[int]int{}
	for i, ttys := range w.tiers() {
		for _, tty := range ttys {
			tier[tty] = i
		}
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(tier[a.TTY], tier[b.TTY]), cmp.Compare(notOnlyDials(a), notOnlyDials(b)),
			cmp.Compare(a.TTY, b.TTY))
	})
	rotary := w.rotary(all)
	best := fitNever
	for _, s := range all {
		if f := w.fit(s.standing(), rotary); s.inService() && f != fitNever && (best == fitNever || f < best) {
			best = f
		}
	}
	var may []int
	for _, s := range all {
		explicit := len(w.TTYs) > 0
		switch f := w.fit(s.standing(), rotary); {
		case f == fitNever:
		case explicit && (best == fitNever || f == best), f == best && s.inService():
			may = append(may, s.TTY)
		}
	}
	return may, nil
}

func notOnlyDials(s Status) int {
	if s.Modem == CallOut {
		return 0
	}
	return 1
}

// tiers returns the explicit lines, best first; the lines of an element are equally good.
func (w Want) tiers() iter.Seq2[int, []int] {
	return func(yield func(int, []int) bool) {
		rest := w.TTYs
		for i := 0; len(rest) > 0; i++ {
			n := 1
			if i < len(w.Tiers) {
				n = min(max(1, w.Tiers[i]), len(rest))
			}
			if !yield(i, rest[:n]) {
				return
			}
			rest = rest[n:]
		}
	}
}

// tier returns the tier of an explicit line, from 0; -1 if it is none.
func (w Want) tier(tty int) int {
	if len(w.Tiers) == 0 {
		return slices.Index(w.TTYs, tty)
	}
	for i, ttys := range w.tiers() {
		if slices.Contains(ttys, tty) {
			return i
		}
	}
	return -1
}

// inService reports whether the line takes calls and callbacks, or will when it is idle.
func (s Status) inService() bool {
	return s.State != Down && s.State != Quarantined && s.Busyout == nil && s.Change != Leaves
}

// fit ranks a line for a Want: lower is better. A line is used only if no line with a better fit is in service.
type fit int

const (
	fitNever      fit = iota
	fitFirst          // an explicit line, or another line of the rotary
	fitSame           // the called line
	fitFirstLogin     // like fitFirst, but a callback without verification would need a login
	fitSameLogin
	fitAvoided // and more: a line of Want.Avoid, with the fit that it would have otherwise
)

// standing is the input of fit: the constant properties of a line and whether it is trusted.
type standing struct {
	tty, rotary         int
	modem               ModemMode
	leaves              bool // it serves no further request
	untrusted, sameLine bool
}

func (s Status) standing() standing {
	return standing{s.TTY, s.Rotary, s.Modem, s.Change == Leaves, s.Untrusted, s.SameLine}
}

// fit ranks the line for w.
func (w Want) fit(s standing, rotary int) fit {
	f := fitNever
	switch {
	case s.leaves, s.modem == w.unable(), w.unfit(s.tty) != "":
		return fitNever
	case len(w.TTYs) > 0:
		if slices.Contains(w.TTYs, s.tty) {
			f = fitFirst
		}
	case s.tty == w.Called:
		f = fitSame
	case rotary != NoRotary && s.rotary == rotary:
		f = fitFirst
	}
	if f != fitNever && w.NoVerify && !w.mayOmit(s) {
		f += fitFirstLogin - fitFirst
	}
	if f != fitNever && slices.Contains(w.Avoid, s.tty) {
		f += fitAvoided
	}
	return f
}

// unable is the mode of the lines that cannot do what the owner of the lease wants.
func (w Want) unable() ModemMode {
	if w.Answers {
		return CallOut
	}
	return CallIn
}

func (w Want) unfit(tty int) string {
	if w.Unfit == nil {
		return ""
	}
	return w.Unfit(tty)
}

// rotary returns the rotary for w: its own, or that of the called line.
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

// empty returns an error if w names a rotary without lines: such a request asks for lines other than the called one.
func (w Want) empty(all []Status) error {
	if len(w.TTYs) > 0 || w.Rotary == NoRotary ||
		slices.ContainsFunc(all, func(s Status) bool { return s.Rotary == w.Rotary && s.Change != Leaves }) {
		return nil
	}
	return fmt.Errorf("no line can %s: rotary %d has no lines (see lines in the configuration)", w.purpose(),
		w.Rotary)
}

// possible returns an error if no line could serve w even if all were idle.
func possible(w Want, all []Status) error {
	rotary := w.rotary(all)
	if err := w.empty(all); err != nil {
		return err
	}
	refused := map[string][]int{}
	anyway := w
	anyway.Unfit = nil
	for _, s := range all {
		dials := s.standing()
		if w.fit(dials, rotary) != fitNever {
			return nil
		}
		dials.modem = InOut
		if anyway.fit(dials, rotary) == fitNever {
			continue
		}
		reason := w.unfit(s.TTY)
		if s.Modem == CallIn {
			reason = "cannot dial (set modem: inout or callout)"
		}
		refused[reason] = append(refused[reason], s.TTY)
	}
	asked := fmt.Sprintf("the called line, tty %d", w.Called)
	switch {
	case len(w.TTYs) > 0:
		asked = ttys(w.TTYs)
	case rotary != NoRotary && w.Role != ForCallback:
		asked = fmt.Sprintf("rotary %d", rotary)
	case rotary != NoRotary:
		asked = fmt.Sprintf("rotary %d or %s", rotary, asked)
	}
	var only []string
	for _, reason := range slices.Sorted(maps.Keys(refused)) {
		slices.Sort(refused[reason])
		only = append(only, fmt.Sprintf("%s, which %s", ttys(refused[reason]), reason))
	}
	if len(only) > 0 {
		return fmt.Errorf("no line can %s: %s: only %s", w.purpose(), asked, strings.Join(only, ", and "))
	}
	return fmt.Errorf("no line can %s: %s: no such line (see lines in the configuration)", w.purpose(), asked)
}

// ttys is the text of a list of lines: "tty 65, 66".
func ttys(list []int) string {
	return "tty " + strings.Trim(strings.ReplaceAll(fmt.Sprint(list), " ", ", "), "[]")
}
