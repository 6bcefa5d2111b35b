package journal

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// This file has the ledger: what callbacks have used of their ceilings, and what pending ones may still use. Nodes may
// share its rows.

// Amount is what a callback uses. No field is negative.
type Amount struct {
	Calls    int64         // dials
	Failures int64         // dials after which nobody was admitted
	Time     time.Duration // connected
	Money    int64         // millionths of the site's currency
}

// Plus returns the sum of a and b. A field that would overflow has the largest value.
func (a Amount) Plus(b Amount) Amount {
	return Amount{sum(a.Calls, b.Calls), sum(a.Failures, b.Failures), sum(a.Time, b.Time), sum(a.Money, b.Money)}
}

func sum[T int64 | time.Duration](a, b T) T {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Negative reports whether a field is negative: a clock that was set back, for instance, has measured it.
func (a Amount) Negative() bool { return a.Calls < 0 || a.Failures < 0 || a.Time < 0 || a.Money < 0 }

// Full reports whether a field has the largest value, so that it may have overflowed.
func (a Amount) Full() bool {
	return a.Calls == math.MaxInt64 || a.Failures == math.MaxInt64 || a.Time == math.MaxInt64 ||
		a.Money == math.MaxInt64
}

// Minus returns a without b, and 0 in place of a negative value.
func (a Amount) Minus(b Amount) Amount {
	return Amount{max(a.Calls-b.Calls, 0), max(a.Failures-b.Failures, 0), max(a.Time-b.Time, 0),
		max(a.Money-b.Money, 0)}
}

// The periods of limits. A window is one hour, day or month by the clock of a time zone.
const (
	Hour  = "hour"
	Day   = "day"
	Month = "month"
)

// Periods are all periods.
var Periods = []string{Hour, Day, Month}

// Limit is the most that an account may use in a window of Period. A field that is 0 sets no limit.
type Limit struct {
	Period string
	Amount
}

// Charge is an account that a callback uses, and the account's limits at the time of the promise.
type Charge struct {
	Scope  string // "user", "number", "group", "line" or "site"
	Key    string // which of them; "" for the site
	Limits []Limit
	AtOnce int64 // most reservations that are open at once; 0: no limit
}

// Window is what was used in one window.
type Window struct {
	Begin time.Time
	Used  Amount
}

// Account is the use of one user, number, group, line, or of the site.
type Account struct {
	Scope    string
	Key      string
	Reserved Amount    // by reservations that are open, whatever their age
	Windows  [3]Window // the latest hour, day and month, in the order of Periods
	Open     int64     // reservations: callbacks that are pending or connected
}

// Reservation is what a callback may use until its end. It is open until Settle removes it.
type Reservation struct {
	Callback string
	Accounts []Charge // without limits
	Amount
	Created time.Time
}

// Reserve reserves an amount for a callback in all its accounts, or in none. For each limit, what is used in the
// present window, what is reserved, and the amount together must not exceed it, and a reservation more must be allowed
// at once; otherwise the error is a *Ceiling. The zone of Time defines the windows. A window never follows a later one:
// after the clock was set back, the latest window stays the present one. A negative amount is an error, and so is one
// with which the ledger would overflow.
type Reserve struct {
	Callback string
	Charges  []Charge
	Amount
	Time time.Time
}

// Settle removes the reservation of a callback and adds what was really used to the windows of Time. It is no error if
// there is no reservation, or a damaged one, and nothing is added then. A damaged account stays as it is, and refuses
// every Reserve. A negative Used counts as Worst. Used that exceeds the reservation breaks the promise that no ceiling
// is exceeded, and is recorded as it is.
type Settle struct {
	Callback string
	Used     Amount
	Numbers  map[string]Amount // instead of Used, in the accounts of numbers; nil: Used
	Worst    bool              // all that is reserved was used; Used and Numbers are ignored
	Time     time.Time
}

// ErrCeiling is wrapped by a *Ceiling.
var ErrCeiling = errors.New("ceiling reached")

// Ceiling is the error of a Reserve that would exceed a limit.
type Ceiling struct {
	Scope, Key, Period      string // no Period: AtOnce is reached
	Used, Reserved, Add, Of Amount // Of is the limit
	AtOnce                  int64
}

// Error names the account and the figures that exceed the limit.
func (c *Ceiling) Error() string {
	what := c.Scope
	if c.Key != "" {
		what += " " + c.Key
	}
	if c.Period == "" {
		return fmt.Sprintf("%v: %s may have %d callbacks pending or connected at once", ErrCeiling, what, c.AtOnce)
	}
	figures := func(unit string, used, reserved, add, of any) string {
		return fmt.Sprintf("%v: the %s of %s allows %v%s, %v are used, %v reserved, %v more are needed",
			ErrCeiling, c.Period, what, of, unit, used, reserved, add)
	}
	sum := c.Used.Plus(c.Reserved).Plus(c.Add)
	switch {
	case c.Of.Calls > 0 && sum.Calls > c.Of.Calls:
		return figures(" calls", c.Used.Calls, c.Reserved.Calls, c.Add.Calls, c.Of.Calls)
	case c.Of.Failures > 0 && sum.Failures > c.Of.Failures:
		return figures(" failures", c.Used.Failures, c.Reserved.Failures, c.Add.Failures, c.Of.Failures)
	case c.Of.Time > 0 && sum.Time > c.Of.Time:
		return figures(" connected", c.Used.Time, c.Reserved.Time, c.Add.Time, c.Of.Time)
	}
	money := func(n int64) string { // as tariff.Money
		fraction := fmt.Sprintf("%06d", n%1e6)
		return fmt.Sprintf("%d.%s%s", n/1e6, fraction[:2], strings.TrimRight(fraction[2:], "0"))
	}
	return figures(" in money", money(c.Used.Money), money(c.Reserved.Money), money(c.Add.Money), money(c.Of.Money))
}

// Unwrap returns ErrCeiling.
func (c *Ceiling) Unwrap() error { return ErrCeiling }

// Exceeds reports whether a exceeds a limit.
func (a Amount) Exceeds(limit Amount) bool {
	return limit.Calls > 0 && a.Calls > limit.Calls || limit.Failures > 0 && a.Failures > limit.Failures ||
		limit.Time > 0 && a.Time > limit.Time || limit.Money > 0 && a.Money > limit.Money
}

func (Reserve) mutation() {}
func (Settle) mutation()  {}
