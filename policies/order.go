package policies

import (
	"cmp"
	"slices"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// Order says which of several numbers the first attempt of a callback dials; the others follow in turn. The orders are
// those of IOS (Rotating Through Dial Strings).
type Order string

// The orders. "" means Sequential.
const (
	Sequential     Order = "sequential"      // the first of the list
	RoundRobin     Order = "round_robin"     // the one after the one that was dialed last for the user
	LastSuccessful Order = "last_successful" // the one that connected last for the user
)

// Last has the numbers that were dialed last for a user; zero: none.
type Last struct {
	Dialed    numbers.Number // whatever became of the dial
	Connected numbers.Number
}

// Arrange returns the numbers in the order in which a callback dials them. A number that is not in the list any more
// does not count.
func (o Order) Arrange(all []numbers.Number, last Last) []numbers.Number {
	first := 0
	switch o {
	case RoundRobin:
		first = slices.Index(all, last.Dialed) + 1
	case LastSuccessful:
		first = max(0, slices.Index(all, last.Connected))
	}
	if first %= max(1, len(all)); first == 0 {
		return all
	}
	return slices.Concat(all[first:], all[:first])
}

func orderKey() key {
	return key{
		in: "attempts", late: true,
		Key: schema.Key{Name: "order", Type: schema.String, Default: string(Sequential), Example: "round_robin",
			Enum: []string{string(Sequential), string(RoundRobin), string(LastSuccessful)},
			Doc: "Which of several numbers of a user a callback dials first; the others follow in turn. " +
				"`sequential`: the first one. `round_robin`: the one after the one that was dialed last for this " +
				"user. `last_successful`: the one that connected last for this user. IOS (`dialer order`) " +
				"has `round-robin` begin after the dial string that was last *successful*; here each number that was " +
				"dialed has had its turn, so that one that never answers is not dialed first each time."},
		read: func(p *Policy, v *schema.Value) {
			if p.Attempts.Order = Order(v.Text()); p.Attempts.Order == Sequential {
				p.Attempts.Order = ""
			}
		},
		text: func(p Policy) string { return string(cmp.Or(p.Attempts.Order, Sequential)) },
	}
}
