package fleettest

import (
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// account names an account.
type account struct{ scope, key string }

// reservation is what a callback, or a node for its time alone, may still use.
type reservation struct {
	charges []journal.Charge
	amount  journal.Amount
}

// present returns an account in the windows of a time.
func (d *data) present(c journal.Charge, now time.Time) journal.Account {
	a, known := d.accounts[account{c.Scope, c.Key}]
	if !known {
		a.Scope, a.Key = c.Scope, c.Key
	}
	year, month, day := now.Date()
	for i, begin := range []time.Time{time.Date(year, month, day, now.Hour(), 0, 0, 0, now.Location()),
		time.Date(year, month, day, 0, 0, 0, 0, now.Location()),
		time.Date(year, month, 1, 0, 0, 0, 0, now.Location())} {
		if begin.After(a.Windows[i].Begin) {
			a.Windows[i] = journal.Window{Begin: begin}
		}
	}
	return a
}

// reserve reserves an amount in all accounts, or in none.
func (d *data) reserve(r reservation, now time.Time) error {
	for _, c := range r.charges {
		a := d.present(c, now)
		for i, period := range journal.Periods {
			for _, l := range c.Limits {
				if used := a.Windows[i].Used; l.Period == period &&
					used.Plus(a.Reserved).Plus(r.amount).Exceeds(l.Amount) {
					return &journal.Ceiling{Scope: c.Scope, Key: c.Key, Period: period, Used: used,
						Reserved: a.Reserved, Add: r.amount, Of: l.Amount}
				}
			}
		}
		if c.AtOnce > 0 && a.Open >= c.AtOnce {
			return &journal.Ceiling{Scope: c.Scope, Key: c.Key, AtOnce: c.AtOnce}
		}
	}
	for _, c := range r.charges {
		a := d.present(c, now)
		a.Reserved, a.Open = a.Reserved.Plus(r.amount), a.Open+1
		d.accounts[account{c.Scope, c.Key}] = a
	}
	return nil
}

// release gives back a reservation.
func (d *data) release(r reservation) {
	for _, c := range r.charges {
		a := d.accounts[account{c.Scope, c.Key}]
		a.Reserved, a.Open = a.Reserved.Minus(r.amount), max(0, a.Open-1)
		d.accounts[account{c.Scope, c.Key}] = a
	}
}

// settle books what a callback has used, once.
func (f *Fleet) settle(r *row, s journal.Settle) {
	if r.Settled {
		return
	}
	r.Settled = true
	f.data.release(r.reservation)
	for _, c := range r.charges {
		used := s.Used
		if c.Scope == "number" && s.Numbers != nil {
			used = s.Numbers[c.Key]
		}
		if s.Worst {
			used = r.amount
		}
		a := f.data.present(c, s.Time)
		for i := range a.Windows {
			a.Windows[i].Used = a.Windows[i].Used.Plus(used)
		}
		f.data.accounts[account{c.Scope, c.Key}] = a
	}
}

// left is the reservation of a callback that a journal knows.
func left(k fleet.Known) reservation { return reservation{k.Charges, k.Amount} }
