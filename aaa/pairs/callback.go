package pairs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Only this file combines what the attributes of different vendors say about one callback. Equal facts agree; a
// contradiction is refused, and the error names both attributes.

// MaxDialstring is longer than any number with its punctuation; a longer dial string is a mistake or an attack.
const MaxDialstring = 64

// maxDelay limits the delay that AAA may request; a longer one is a mistake, and the caller would never be called back.
const maxDelay = time.Hour

// Way is where the number of a callback comes from.
type Way int

const (
	Dialed     Way = iota // AAA gives it
	Placed                // Callback-Id: a name in the table of places
	Fixed                 // AAA says that it is fixed; another attribute contains it
	Typed                 // the caller chooses it: NULL
	CalledFrom            // the caller ID
)

var ways = [...]string{
	"gives a number", "names a place", "says that the number is fixed", "lets the caller choose the number",
	"requires a callback to the caller ID",
}

// claim is what one attribute says about the number.
type claim struct {
	way  Way
	s    string // Dialed: the number; Placed: the name
	by   string
	list string // Dialed: the attribute whose values are the numbers of the user, in their order
}

// Demand records that the current attribute requires a callback.
func (g *Grant) Demand() error {
	if g.denial != "" {
		return fmt.Errorf("it requires a callback, but %s forbids one", g.denial)
	}
	if g.demand == "" {
		g.demand = g.By
	}
	return nil
}

// Demanded reports whether an attribute has required a callback so far.
func (g *Grant) Demanded() bool { return g.demand != "" }

// Forbid records that the current attribute forbids a callback.
func (g *Grant) Forbid() error {
	if g.demand != "" {
		return fmt.Errorf("it forbids a callback, but %s requires one", g.demand)
	}
	if g.denial == "" {
		g.denial = g.By
	}
	return nil
}

// Allow records that the current attribute requires a callback if another gives a number or the caller types it.
func (g *Grant) Allow() { g.option = g.By }

// Missed records that the current attribute contains a number for another kind of session.
func (g *Grant) Missed() { g.missed = g.By }

// Claim records where the number comes from, and compares it with earlier attributes.
func (g *Grant) Claim(w Way, s string) error { return g.claim(claim{w, s, g.By, g.By}, false) }

// claim records a claim, another number of its list if next is set. Lists of different attributes agree if one begins
// with the other.
func (g *Grant) claim(c claim, next bool) error {
	at := 0
	if next {
		at = len(g.numbers(c.list))
	}
	if at >= aaa.MaxNumbers {
		return fmt.Errorf("it is one number too many: the maximum is %d", aaa.MaxNumbers)
	}
	places := map[string]int{}
	for _, other := range g.claims {
		if !agree(c.way, other.way) {
			return fmt.Errorf("it %s, but %s %s", ways[c.way], other.by, ways[other.way])
		}
		if c.way != Dialed || other.way != Dialed {
			continue
		}
		if places[other.list] == at && bare(c.s) != bare(other.s) {
			return fmt.Errorf("it gives a different number than %s", other.by)
		}
		places[other.list]++
	}
	if g.claims == nil {
		g.claims = g.space[:0]
	}
	g.claims = append(g.claims, c)
	return nil
}

// numbers returns the numbers that the attributes of a list gave so far.
func (g *Grant) numbers(list string) (all []string) {
	for _, c := range g.claims {
		if c.way == Dialed && c.list == list {
			all = append(all, c.s)
		}
	}
	return all
}

// agree reports whether two claims are the same, or one says "fixed" and the other fixes the number.
func agree(a, b Way) bool {
	return a == b || a == Fixed && b <= Fixed || b == Fixed && a <= Fixed
}

// CallTo requires a callback to a number from w.
func (g *Grant) CallTo(w Way, s string) error {
	if err := g.Demand(); err != nil {
		return err
	}
	return g.Claim(w, s)
}

// Number requires a callback to s.
func (g *Grant) Number(s string) error { return g.dialed(s, g.By, false) }

// NextNumber requires a callback to s, or to the numbers that the same list gave before: the user has all of them, in
// this order.
func (g *Grant) NextNumber(list, s string) error { return g.dialed(s, list, true) }

func (g *Grant) dialed(s, list string, next bool) error {
	if len(s) > MaxDialstring {
		return fmt.Errorf("%d octets: longer than %d, the limit for a dial string", len(s), MaxDialstring)
	}
	if err := OneLine(s); err != nil {
		return err
	}
	if err := g.Demand(); err != nil {
		return err
	}
	return g.claim(claim{Dialed, s, g.By, list}, next)
}

// setNumbers sets the numbers of a list, or of the longest one that begins with it.
func (g *Grant) setNumbers(list string) {
	numbers := g.numbers(list)
	for _, c := range g.claims {
		if other := g.numbers(c.list); len(other) > len(numbers) {
			numbers = other
		}
	}
	g.A.Dialstring = aaa.DialstringOf(numbers[0])
	if len(numbers) > 1 {
		g.A.Further = numbers[1:]
	}
}

// bare returns s without the characters that the number plan drops.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -().", c) {
			return -1
		}
		return c
	}, s)
}

// SetDelay keeps the longest wait before the dial.
func (g *Grant) SetDelay(d time.Duration) error {
	if d > maxDelay {
		return fmt.Errorf("%s: at most %s", d, maxDelay)
	}
	g.A.CallbackDelay = max(g.A.CallbackDelay, d)
	return nil
}

// SetLines sets which lines may call back.
func (g *Grant) SetLines(lines []int) error {
	if err := g.Same("callback_line", fmt.Sprint(lines)); err != nil {
		return err
	}
	g.A.Lines = lines
	return nil
}

// SetRotary sets the rotary group whose lines may call back: 0 to 100.
func (g *Grant) SetRotary(n int) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("%d is not a rotary group (0 to 100)", n)
	}
	if err := g.Same("callback_rotary", strconv.Itoa(n)); err != nil {
		return err
	}
	g.A.Rotary = &n
	return nil
}

// Conclude evaluates all attributes together: the privilege level, whether there is a callback, and to which number.
// The error refuses the whole reply. later receives notes on attributes read before; it may be nil.
func (g *Grant) Conclude(later func(by, note string)) error {
	g.A.PrivLevel = 1
	if _, level := g.said(FieldPriv); level != "" {
		g.A.PrivLevel, _ = strconv.Atoi(level)
	}
	by, note, err := g.concludeCallback()
	if err != nil {
		note, err = "refused: "+err.Error(), fmt.Errorf("%s: %w", by, err)
	}
	if by != "" && later != nil {
		later(by, note)
	}
	return err
}

// concludeCallback returns an attribute to ignore, with a note, or refuses, with an error.
func (g *Grant) concludeCallback() (by, note string, err error) {
	number := claim{way: -1}
	for _, c := range g.claims {
		if number.way < 0 || number.way == Fixed {
			number = c
		}
	}
	if g.A.DialOut != nil { // the numbers that the user may dial
		if number.way == Dialed {
			g.setNumbers(number.list)
		}
		return "", "", nil
	}
	if g.demand == "" && g.option != "" && g.denial == "" && number.way >= 0 && number.way != Fixed {
		g.demand = g.option
	}
	if g.demand == "" {
		return number.by, "ignored: no attribute requires a callback", nil
	}
	g.A.Callback = true
	switch number.way {
	case Dialed:
		g.setNumbers(number.list)
	case Placed:
		g.A.CallbackID = number.s
	case CalledFrom:
		g.A.CallerID = true
	case Fixed:
		return number.by, "", errors.New("it says that the number is fixed, but no attribute has the number")
	default: // the caller types it, or AAA gave no number
		if g.missed != "" && number.way < 0 { // a number was meant to be fixed, so the caller must not choose one
			const why = "%s requires a callback, but this number is for another kind of session"
			return g.missed, "", fmt.Errorf(why, g.demand)
		}
		g.A.Dialstring = aaa.DialstringOf("")
	}
	return "", "", nil
}
