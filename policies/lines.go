package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

// SiteLine is a line of the site that can dial.
type SiteLine struct {
	TTY    int
	Rotary *int // nil: none
}

// LineChoice is a range of lines, or a rotary, from which a group is called back.
type LineChoice struct {
	First, Last int  // TTYs; 0: Rotary
	Rotary      *int // nil: First to Last
}

// String is the text of a file: `{line: 65-66}`.
func (c LineChoice) String() string {
	switch {
	case c.Rotary != nil:
		return fmt.Sprintf("{rotary: %d}", *c.Rotary)
	case c.First == c.Last:
		return fmt.Sprintf("{line: %d}", c.First)
	}
	return fmt.Sprintf("{line: %d-%d}", c.First, c.Last)
}

func choicesText(choices []LineChoice) string {
	var texts []string
	for _, c := range choices {
		texts = append(texts, c.String())
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// tiers are lines, best first, each once; those of an element are equally good. nil: no lines were chosen.
type tiers [][]int

func each(ttys []int) tiers {
	all := tiers{}
	for _, tty := range ttys {
		all = append(all, []int{tty})
	}
	return all
}

func (t tiers) lines() []int { return slices.Concat(t...) }

// sizes returns the sizes of the elements; nil if each is 1.
func (t tiers) sizes() (n []int) {
	several := false
	for _, ttys := range t {
		several = several || len(ttys) > 1
		n = append(n, len(ttys))
	}
	if !several {
		return nil
	}
	return n
}

// without returns the lines for which no returns false.
func (t tiers) without(no func(tty int) bool) tiers {
	left := tiers{}
	for _, ttys := range t {
		if ttys = slices.DeleteFunc(slices.Clone(ttys), no); len(ttys) > 0 {
			left = append(left, ttys)
		}
	}
	return left
}

// hunt returns the lines of a choice in the order in which they are used: by number, and of a rotary the called line
// last; the others of a rotary are equally good.
func (s Site) hunt(c LineChoice, called int) tiers {
	var ttys []int
	for _, l := range s.Lines {
		if c.Rotary == nil && c.First <= l.TTY && l.TTY <= c.Last ||
			c.Rotary != nil && l.Rotary != nil && *l.Rotary == *c.Rotary {
			ttys = append(ttys, l.TTY)
		}
	}
	if c.Rotary == nil {
		return each(ttys)
	}
	isCalled := func(tty int) bool { return tty == called }
	others := tiers{ttys}.without(isCalled)
	return append(others, tiers{ttys}.without(func(tty int) bool { return !isCalled(tty) })...)
}

// preferred returns the lines of callback_lines.
func (e *evaluation) preferred() tiers { return e.set.site.chosen(e.policy.CallbackLines, e.TTY) }

// CallbackLines returns the lines of a group's callback_lines, best first, each once, for a call on a line; nil if the
// group has none, or the lines of the site are not known.
func (s *Set) CallbackLines(group string, called int) []int {
	p, _ := s.Group(group)
	return s.Site().chosen(p.CallbackLines, called).lines()
}

func (s Site) chosen(choices []LineChoice, called int) (all tiers) {
	seen := map[int]bool{}
	for _, c := range choices {
		of := s.hunt(c, called).without(func(tty int) bool { return seen[tty] })
		for _, tty := range of.lines() {
			seen[tty] = true
		}
		all = append(all, of...)
	}
	return all
}

// ruleLine chooses the lines that may dial: those that AAA names, or those of the called line's rotary, within what the
// group allows.
func ruleLine(e *evaluation) (string, string, bool) {
	e.d.Lines = slices.Clone(e.Auth.Lines)
	input := "AAA gives no line or rotary"
	result := "any line of the called line's rotary"
	if e.Auth.Rotary != nil {
		r := *e.Auth.Rotary
		e.d.Rotary, result = &r, fmt.Sprintf("rotary %d", r)
		input = fmt.Sprintf("AAA's callback-rotary %d", r)
	}
	if len(e.d.Lines) > 0 {
		result = fmt.Sprintf("tty %v", e.d.Lines)
		input = fmt.Sprintf("AAA's callback-line %v", e.d.Lines)
	}
	if len(e.policy.CallbackLines) == 0 && !e.policy.OtherLine {
		return input, result, false
	}
	return e.narrowLines(input)
}

// fromAAA returns the lines that AAA names, or without callback_lines those of the called line's rotary; nil: none.
func (e *evaluation) fromAAA() tiers {
	switch {
	case len(e.d.Lines) > 0:
		return each(e.d.Lines)
	case e.d.Rotary != nil:
		return e.set.site.hunt(LineChoice{Rotary: e.d.Rotary}, e.TTY)
	case len(e.policy.CallbackLines) == 0 && e.Line.Rotary != nil:
		return e.set.site.hunt(LineChoice{Rotary: e.Line.Rotary}, e.TTY)
	}
	return nil
}

// narrowLines limits the lines that AAA names to those of the group, in AAA's order.
func (e *evaluation) narrowLines(input string) (string, string, bool) {
	var keys []string
	if len(e.policy.CallbackLines) > 0 {
		keys = append(keys, "callback_lines: "+choicesText(e.policy.CallbackLines))
	}
	if e.policy.OtherLine {
		keys = append(keys, "same_line: deny")
	}
	input += ", " + strings.Join(keys, ", ")
	if e.set.site.Lines == nil || e.TTY == 0 && len(e.policy.CallbackLines) == 0 {
		return input, "depends on the lines of the site and the called line, which are not known here", false
	}
	may, preferred := e.fromAAA(), e.preferred()
	if may == nil {
		may = preferred
	}
	if within := preferred.lines(); len(e.policy.CallbackLines) > 0 {
		may = may.without(func(tty int) bool { return !slices.Contains(within, tty) })
	}
	if e.policy.OtherLine {
		may = may.without(func(tty int) bool { return tty == e.TTY })
	}
	ttys := may.lines()
	if len(ttys) == 0 {
		return e.refuse(input, texts.RefusedCallback, "check callback_lines and same_line in the group's policy file",
			"group %s has no line for this callback", e.policy.name())
	}
	e.d.Lines, e.d.Tiers, e.d.Rotary = ttys, may.sizes(), nil
	return input, fmt.Sprintf("tty %v", ttys), false
}

// readChoice reads an element of callback_lines.
func readChoice(v *schema.Value) (c LineChoice) {
	if r := v.Get("rotary"); r.IsSet() {
		n := r.Int()
		c.Rotary = &n
		return c
	}
	c.First, c.Last, _ = schema.ParseTTYs(v.Get("line").Text()) // checked by the table
	return c
}

// checkChoices reports elements of callback_lines that are not one line or one rotary.
func checkChoices(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	for _, item := range v.Items() {
		if item.Get("line").IsSet() == item.Get("rotary").IsSet() {
			problem(item, "must have one of line and rotary", "write [{line: 65-66}, {rotary: 1}]")
		}
	}
}

// checkLines reports elements of callback_lines that name no line of the site.
func (s Site) checkLines(v *schema.Value, problem func(schema.Problem)) {
	for _, item := range v.Items() {
		if c := readChoice(item); s.Lines != nil && len(s.hunt(c, 0)) == 0 {
			problem(problemAt(item, fmt.Sprintf("no line that dials is in %v", c),
				"see the key lines of ringback.yaml"))
		}
	}
}
