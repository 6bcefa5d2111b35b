package radius

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// This file is the one place that says what attributes of different vendors about one callback come to. Equal facts agree; what
// contradicts is refused, and both attributes are named.

// maxDialstring is longer than any number with its punctuation; a longer one is a mistake or an attack.
const maxDialstring = 64

// maxDelay bounds the wait that AAA may ask for; a longer one is a mistake, and the caller would never be called.
const maxDelay = time.Hour

// way is where the number of a callback comes from.
type way int

const (
	dialled    way = iota // AAA gives it
	placed                // Callback-Id: the table of places
	fixed                 // AAA says that it is fixed; another attribute gives it
	typed                 // the caller chooses it: NULL
	calledFrom            // the number that rang us
)

var ways = [...]string{"gives a number", "names a place", "says that the number is fixed", "leaves the number to the caller", "says the number that he called from"}

// claim is what one attribute says of the number.
type claim struct {
	way way
	s   string // dialled: the number; placed: the name
	by  string
}

// demands records that the attribute in hand wants a callback.
func (r *reading) demands() error {
	if r.denial != "" {
		return fmt.Errorf("it demands a callback, %s forbids one", r.denial)
	}
	if r.demand == "" {
		r.demand = r.at
	}
	return nil
}

// forbids records that the attribute in hand says there is no callback.
func (r *reading) forbids() error {
	if r.demand != "" {
		return fmt.Errorf("it forbids a callback, %s demands one", r.demand)
	}
	if r.denial == "" {
		r.denial = r.at
	}
	return nil
}

// claimed records where the number comes from, and holds it against what others said.
func (r *reading) claimed(w way, s string) error {
	c := claim{w, s, r.at}
	for _, other := range r.claims {
		switch {
		case w == dialled && other.way == dialled:
			if bare(s) != bare(other.s) {
				return fmt.Errorf("it says another number than %s does", other.by)
			}
		case !agree(w, other.way):
			return fmt.Errorf("it %s, %s %s", ways[w], other.by, ways[other.way])
		}
	}
	r.claims = append(r.claims, c)
	return nil
}

// agree: the same twice, or a fixed number and what fixes it.
func agree(a, b way) bool {
	return a == b || a == fixed && b <= fixed || b == fixed && a <= fixed
}

// callTo demands a callback to a number from w.
func (r *reading) callTo(w way, s string) error {
	if err := r.demands(); err != nil {
		return err
	}
	return r.claimed(w, s)
}

// number demands a callback to s.
func (r *reading) number(s string) error {
	if len(s) > maxDialstring {
		return fmt.Errorf("%d octets: a dial string has at most %d", len(s), maxDialstring)
	}
	if err := oneLine(s); err != nil {
		return err
	}
	return r.callTo(dialled, s)
}

// bare is s without what the number plan drops.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -().", c) {
			return -1
		}
		return c
	}, s)
}

// delay keeps the longest wait in seconds.
func (r *reading) delay(v value) error {
	d := time.Duration(v.n) * time.Second
	if d > maxDelay {
		return fmt.Errorf("%s: at most %s", d, maxDelay)
	}
	r.a.CallbackDelay = max(r.a.CallbackDelay, d)
	return nil
}

func (r *reading) lines(lines []int) error {
	if err := r.same("callback_line", fmt.Sprint(lines)); err != nil {
		return err
	}
	r.a.Lines = lines
	return nil
}

func (r *reading) rotary(n int) error {
	if n < 0 || n > 100 {
		return fmt.Errorf("%d is no rotary group: 0 to 100", n)
	}
	if err := r.same("callback_rotary", strconv.Itoa(n)); err != nil {
		return err
	}
	r.a.Rotary = &n
	return nil
}

// limit keeps the shorter of two limits; 0 is none.
func limit[T int | time.Duration](field *T, d T) {
	if *field == 0 || d > 0 && d < *field {
		*field = d
	}
}

// concludeCallback settles whether there is a callback, and to whom.
func (r *reading) concludeCallback() error {
	number := claim{way: -1}
	for _, c := range r.claims {
		if number.way < 0 || number.way == fixed {
			number = c
		}
	}
	if r.demand == "" && r.option != "" && r.denial == "" && number.way >= 0 && number.way != fixed {
		r.demand = r.option
	}
	if r.demand == "" {
		if number.way >= 0 {
			r.leftLater(number.by, "nothing demands a callback, left")
		}
		return nil
	}
	r.a.Callback = true
	switch number.way {
	case dialled:
		r.a.Dialstring = aaa.DialstringOf(number.s)
	case placed:
		r.a.CallbackID = number.s
	case calledFrom:
		r.a.CallerID = true
	case fixed:
		return r.refuseLater(number.by, "it says that the number is fixed, and none came")
	default: // the caller types it, or a callback of which AAA says no number
		if r.missed != "" && number.way < 0 { // a number was meant to be fixed: the caller must not choose one
			return r.refuseLater(r.missed, fmt.Sprintf("%s demands a callback, and its number stands here, for sessions of another kind", r.demand))
		}
		r.a.Dialstring = aaa.DialstringOf("")
	}
	return nil
}
