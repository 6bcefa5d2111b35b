package journal

import (
	"fmt"
	"time"
)

// This file decides what accounts allow. Every store of a ledger uses it.

// WindowsAt returns the beginnings of the hour, day and month that contain t, in its zone. An hour that the end of
// daylight saving repeats is two hours.
func WindowsAt(t time.Time) [3]time.Time {
	past := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second +
		time.Duration(t.Nanosecond())
	return [3]time.Time{t.Add(-past), time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location()),
		time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())}
}

// Enter begins the windows that are later than those of the account. A window never follows a later one.
func (a *Account) Enter(begins [3]time.Time) {
	for i, begin := range begins {
		if begin.After(a.Windows[i].Begin) {
			a.Windows[i] = Window{Begin: begin}
		}
	}
}

// Begins returns the beginnings of the account's windows.
func (a Account) Begins() (t [3]time.Time) {
	for i, w := range a.Windows {
		t[i] = w.Begin
	}
	return t
}

// Reservable returns the error of a reservation that would exceed a limit of the account, a *Ceiling; nil if it would
// not. The account must be in the present windows.
func (a Account) Reservable(c Charge, add Amount) error {
	for _, l := range c.Limits {
		if err := a.exceeded(l, add); err != nil {
			return err
		}
	}
	if c.AtOnce > 0 && a.Open >= c.AtOnce {
		return &Ceiling{Scope: a.Scope, Key: a.Key, AtOnce: c.AtOnce}
	}
	if a.Reserved.Plus(add).Full() { // the sum of the account would overflow
		return fmt.Errorf("%s %s: %+v is too much beside %+v", a.Scope, a.Key, add, a.Reserved)
	}
	return nil
}

// exceeded returns the error of a limit that an additional amount would exceed; nil if it would not.
func (a Account) exceeded(l Limit, add Amount) error {
	for i, p := range Periods {
		used := a.Windows[i].Used
		if p == l.Period && used.Plus(a.Reserved).Plus(add).Exceeds(l.Amount) {
			return &Ceiling{Scope: a.Scope, Key: a.Key, Period: p, Used: used, Reserved: a.Reserved, Add: add,
				Of: l.Amount}
		}
	}
	return nil
}

// UsedIn returns what a callback has used in one of the accounts of its reservation.
func (r Reservation) UsedIn(c Charge, m Settle) Amount {
	used := m.Used
	if c.Scope == "number" && m.Numbers != nil {
		used = m.Numbers[c.Key]
	}
	if m.Worst || used.Negative() || m.Used.Negative() {
		return r.Amount
	}
	return used
}
