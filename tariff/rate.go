package tariff

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Rate is what calls to the numbers with one prefix cost. The zero Rate costs nothing.
type Rate struct {
	Prefix      string      `json:"prefix"` // digits
	Zone        string      `json:"zone,omitempty"`
	PerMinute   Money       `json:"per_minute"`
	PerCall     Money       `json:"per_call"` // of a connected call
	Granularity Granularity `json:"granularity"`
	Caller      CallerPrice `json:"caller,omitzero"`
}

// CallerPrice is what a call from a number with this prefix to the site costs the caller. The zero value is unknown,
// which is not a price of 0.
type CallerPrice struct {
	Known     bool  `json:"known"`
	PerMinute Money `json:"per_minute"`
	PerCall   Money `json:"per_call"`
}

// CallerCost returns the cost of one connected call from such a number to the site for its caller, rounded as the cost
// of ours; false: it is unknown.
func (r Rate) CallerCost(connected time.Duration) (Money, bool) {
	c := r.Caller
	return Rate{PerMinute: c.PerMinute, PerCall: c.PerCall, Granularity: r.Granularity}.Cost(connected), c.Known
}

// Granularity is how the connected time is rounded up, in seconds: to First at least, then to First plus a multiple of
// Then. The zero value means 1/1.
type Granularity struct{ First, Then int }

// MaxGranule is the maximum of First and Then.
const MaxGranule = 3600

// String returns the notation of price lists: "60/60", "30/6".
func (g Granularity) String() string { return fmt.Sprintf("%d/%d", max(g.First, 1), max(g.Then, 1)) }

// MarshalText returns String.
func (g Granularity) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText accepts what ParseGranularity accepts.
func (g *Granularity) UnmarshalText(text []byte) (err error) {
	*g, err = ParseGranularity(string(text))
	return err
}

// ParseGranularity parses "60/60": two numbers of seconds from 1 to MaxGranule.
func ParseGranularity(s string) (Granularity, error) {
	first, then, ok := strings.Cut(s, "/")
	f, ferr := strconv.ParseUint(first, 10, 16)
	t, terr := strconv.ParseUint(then, 10, 16)
	if !ok || ferr != nil || terr != nil || f < 1 || t < 1 || f > MaxGranule || t > MaxGranule {
		return Granularity{}, fmt.Errorf("%.40q is not a granularity (write two numbers of seconds from 1 to %d: "+
			"60/60, 30/6, 1/1)", s, MaxGranule)
	}
	return Granularity{int(f), int(t)}, nil
}

// seconds returns the seconds billed for a connected time; a negative one counts as 0.
func (g Granularity) seconds(connected time.Duration) uint64 {
	first, then := uint64(max(g.First, 1)), uint64(max(g.Then, 1))
	s := uint64(Seconds(connected))
	if s <= first {
		return first
	}
	return first + (s-first+then-1)/then*then
}

// Seconds returns the connected time of a call in whole seconds, as prices and reports count it: a part of a second is
// one, and a negative time none.
func Seconds(connected time.Duration) int64 {
	s := int64(max(connected, 0) / time.Second)
	if connected > 0 && connected%time.Second > 0 {
		s++
	}
	return s
}

// largest returns the seconds by which rounding lengthens a call at most.
func (g Granularity) largest() uint64 { return uint64(max(g.First, g.Then, 1)) }

// whole reports whether the billed time of a call has a price in whole millionths, however long the call is.
func (r Rate) whole() bool {
	m := uint64(r.PerMinute % 60)
	return m*uint64(max(r.Granularity.First, 1))%60 == 0 && m*uint64(max(r.Granularity.Then, 1))%60 == 0
}

// Cost returns the cost of one connected call: the price per call, and the price per minute of the connected time,
// which is rounded up to the granularity, to one granule at least. The sum is rounded up to a millionth. A call that
// was not answered costs nothing; do not ask.
func (r Rate) Cost(connected time.Duration) Money {
	return r.PerCall.Plus(scaled(r.PerMinute, r.Granularity.seconds(connected), 60))
}

// Worst returns the most that up to dials calls to the number cost if their connected times add up to connected at
// most: for each dial the price per call and one granule, then the price of connected, rounded up. It adds a millionth
// for each dial if granules have no price in whole millionths, because the cost of each call is rounded up.
func (r Rate) Worst(connected time.Duration, dials int) Money {
	if dials <= 0 {
		return 0
	}
	each := r.PerCall.Plus(scaled(r.PerMinute, r.Granularity.largest(), 60))
	if !r.whole() {
		each = each.Plus(1)
	}
	return each.Times(dials).Plus(scaled(r.PerMinute, r.Granularity.seconds(connected), 60))
}

// Within returns the longest connected time of one call whose cost does not exceed the amount; 0 if even the shortest
// call costs more, and the largest Duration if no call costs more. It is a multiple of a second otherwise.
func (r Rate) Within(amount Money) time.Duration {
	const forever = time.Duration(math.MaxInt64)
	if r.Cost(0) > amount {
		return 0
	}
	if r.PerMinute == 0 {
		return forever
	}
	first, then := uint64(max(r.Granularity.First, 1)), uint64(max(r.Granularity.Then, 1))
	hi, lo := bits.Mul64(uint64(amount-r.PerCall), 60)
	if hi >= uint64(r.PerMinute) {
		return forever
	}
	paid, _ := bits.Div64(hi, lo, uint64(r.PerMinute))
	paid = max(paid, first) // Cost(0) has checked it
	s := first + (paid-first)/then*then
	if s > uint64(forever/time.Second) {
		return forever
	}
	return time.Duration(s) * time.Second
}
