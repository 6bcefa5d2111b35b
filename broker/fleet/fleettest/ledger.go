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
	a.Enter(journal.WindowsAt(now))
	return a
}

// reserve reserves an amount in all accounts, or in none.
func (d *data) reserve(r reservation, now time.Time) error {
	for _, c := range r.charges {
		if err := d.present(c, now).Reservable(c, r.amount); err != nil {
			return err
		}
	}
	d.reserveAnyway(r, now)
	return nil
}

// reserveAnyway reserves without a look at the limits.
func (d *data) reserveAnyway(r reservation, now time.Time) {
	for _, c := range r.charges {
		a := d.present(c, now)
		a.Reserved, a.Open = a.Reserved.Plus(r.amount), a.Open+1
		d.accounts[account{c.Scope, c.Key}] = a
	}
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
	reserved := journal.Reservation{Callback: r.ID, Accounts: r.charges, Amount: r.amount}
	for _, c := range r.charges {
		a := f.data.present(c, s.Time)
		for i := range a.Windows {
			a.Windows[i].Used = a.Windows[i].Used.Plus(reserved.UsedIn(c, s))
		}
		f.data.accounts[account{c.Scope, c.Key}] = a
	}
}

// left is the reservation of a callback that a journal knows.
func left(k fleet.Known) reservation { return reservation{k.Charges, k.Amount} }
