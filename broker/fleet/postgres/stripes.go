package postgres

import (
	"math"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// stripes is the number of rows of an account that many callbacks charge at once: a commit locks one of them. Each has
// a part of the limits, its quota, so that a promise that fits in it fits in the account.
const stripes = 16

// striped reports whether an account has several stripes. The others have one, of number 0, and no quota.
func striped(scope string) bool { return scope == "site" || scope == "group" }

// bounds are the limits of an account by window, and at once; 0: no limit.
type bounds struct {
	amounts [3]journal.Amount
	atOnce  int64
}

// boundsOf returns the limits of a charge.
func boundsOf(c journal.Charge) (b bounds) {
	for _, l := range c.Limits {
		for i, p := range journal.Periods {
			if p != l.Period {
				continue
			}
			have, more := fields(b.amounts[i]), fields(l.Amount)
			for f := range have {
				if have[f] == 0 || more[f] > 0 && more[f] < have[f] {
					have[f] = more[f]
				}
			}
			b.amounts[i] = amountOf(have)
		}
	}
	b.atOnce = c.AtOnce
	return b
}

func fields(a journal.Amount) [4]int64 { return [4]int64{a.Calls, a.Failures, int64(a.Time), a.Money} }

func amountOf(f [4]int64) journal.Amount {
	return journal.Amount{Calls: f[0], Failures: f[1], Time: time.Duration(f[2]), Money: f[3]}
}

// stripe is a row of accounts.
type stripe struct {
	at    charged
	row   noted // as it was read
	there bool  // there is a row
	journal.Account
	of    bounds // the limits for which the quota was calculated
	quota bounds // of a field without a limit: unused
	bad   bool   // it does not verify
}

// room reports whether a reservation surely fits: the stripe is in the present windows and has a quota of these limits
// that is large enough.
func (s *stripe) room(of bounds, add journal.Amount) bool {
	if s.of != of || s.Reserved.Plus(add).Full() || of.atOnce > 0 && s.Open >= s.quota.atOnce {
		return false
	}
	for i, w := range s.Windows {
		limit, quota := fields(of.amounts[i]), fields(s.quota.amounts[i])
		for f, n := range fields(w.Used.Plus(s.Reserved).Plus(add)) {
			if limit[f] > 0 && n > quota[f] {
				return false
			}
		}
	}
	return true
}

// reserve adds a reservation.
func (s *stripe) reserve(add journal.Amount) { s.Reserved, s.Open = s.Reserved.Plus(add), s.Open+1 }

// release removes a reservation.
func (s *stripe) release(amount journal.Amount) {
	s.Reserved, s.Open = s.Reserved.Minus(amount), max(s.Open-1, 0)
}

// book adds what was used to the windows of a time.
func (s *stripe) book(used journal.Amount, at time.Time) {
	s.Enter(journal.WindowsAt(at))
	for i := range s.Windows {
		s.Windows[i].Used = s.Windows[i].Used.Plus(used)
	}
}

// total returns the account of all its stripes, which it brings into the present windows.
func total(all []*stripe, begins [3]time.Time) (t journal.Account) {
	t.Enter(begins)
	for _, s := range all {
		t.Enter(s.Begins())
	}
	for _, s := range all {
		s.Enter(t.Begins())
		t.Scope, t.Key = s.Scope, s.Key
		t.Reserved, t.Open = t.Reserved.Plus(s.Reserved), t.Open+s.Open
		for i, w := range s.Windows {
			t.Windows[i].Used = t.Windows[i].Used.Plus(w.Used)
		}
	}
	return t
}

// share divides what limits leave of an account among its stripes. What they have used and reserved is theirs. If the
// limits are exceeded, no stripe gets more.
func share(all []*stripe, of bounds) {
	t := total(all, [3]time.Time{})
	for i := range of.amounts {
		limit, have := fields(of.amounts[i]), fields(t.Windows[i].Used.Plus(t.Reserved))
		for n, s := range all {
			quota := fields(s.Windows[i].Used.Plus(s.Reserved))
			for f := range quota {
				quota[f] += part(limit[f]-have[f], n, len(all))
			}
			s.quota.amounts[i] = amountOf(quota)
		}
	}
	for n, s := range all {
		s.of, s.quota.atOnce = of, s.Open+part(of.atOnce-t.Open, n, len(all))
	}
}

// part returns the n-th of so many parts of what is left.
func part(left int64, n, of int) int64 {
	if left <= 0 {
		return 0
	}
	p := left / int64(of)
	if int64(n) < left%int64(of) {
		p++
	}
	return p
}

func (s *stripe) encode() []byte {
	e := make(encoder, 0, 160)
	for _, w := range s.Windows {
		e.time(w.Begin)
		e.amount(w.Used)
	}
	e.amount(s.Reserved)
	e.number(s.Open)
	if striped(s.Scope) {
		for _, b := range []bounds{s.of, s.quota} {
			for _, a := range b.amounts {
				e.amount(a)
			}
			e.number(b.atOnce)
		}
	}
	return e
}

func (s *stripe) decode(b []byte) error {
	d := decoder{b: b}
	for i := range s.Windows {
		s.Windows[i] = journal.Window{Begin: d.time(), Used: d.amount()}
	}
	s.Reserved, s.Open = d.amount(), d.number()
	if striped(s.Scope) {
		for _, b := range []*bounds{&s.of, &s.quota} {
			for i := range b.amounts {
				b.amounts[i] = d.amount()
			}
			b.atOnce = d.number()
		}
	}
	if s.Reserved.Negative() || s.Open < 0 {
		d.fail()
	}
	return d.err()
}

// read fills a stripe from its row. One that nothing has used has no body.
func (k keys) read(s *stripe, body, mac []byte) {
	s.row, s.there = noted{string(body), string(mac)}, true
	s.Scope, s.Key = s.at.scope, s.at.key
	if len(body) == 0 && len(mac) == 0 {
		return
	}
	s.bad = !k.verify(k.accountMac(s.at, body), mac) || s.decode(body) != nil
}

func (k keys) accountMac(at charged, body []byte) *mac {
	return k.begin("accounts").text(at.scope).text(at.key).number(int64(at.stripe)).octets(body)
}

// err returns an error that wraps fleet.ErrForged if the stripe does not verify.
func (a *Authority) stripeErr(s *stripe) error {
	if !s.bad {
		return nil
	}
	what := "the account " + s.at.scope
	if s.at.key != "" {
		what += " " + s.at.key
	}
	a.forged(what)
	return &damagedAccount{what}
}

// damagedAccount is the error of an account whose row does not verify.
type damagedAccount struct{ what string }

func (d *damagedAccount) Error() string { return d.what + ": " + fleet.ErrForged.Error() }

func (d *damagedAccount) Unwrap() error { return fleet.ErrForged }

// smallint returns a number of a stripe as its column has it.
func smallint(n int) int16 { return int16(min(max(n, 0), math.MaxInt16)) }
