package fleettest

import (
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// byOrder returns the promise of a dial by order with two calls.
func (c *contract) byOrder(user string, charges ...journal.Charge) fleet.Promise {
	p := c.charging(user, 2, charges...)
	p.Shared, p.Rotary, p.Ended, p.Outcome = false, fleet.NoRotary, noon, fleet.ByOrder
	return p
}

// dials checks that dials by order count in the accounts, beside the callback of their user, and are no callbacks.
func (c *contract) dials() {
	a, b := c.two()
	site := charge("site", "", 10)
	callback := c.promised(a, "kim")
	first, second := c.byOrder("kim", site), c.byOrder("kim", site)
	c.ok("dial", a.Promise(c.ctx, first))
	c.ok("dial of the same user", b.Promise(c.ctx, second))
	c.is("beyond the ceiling", a.Promise(c.ctx, c.charging("lee", 7, site)), journal.ErrCeiling)
	for range 2 {
		c.ok("settle", a.Settle(c.ctx, first.Claim(), journal.Settle{Callback: first.ID, Used: journal.Amount{Calls: 1},
			Time: noon}, ""))
	}
	for range 2 {
		c.ok("not dialed", b.Withdraw(c.ctx, second.ID, "in doubt"))
	}
	c.has(a, 0, 1)
	lost, known := c.byOrder("jo", site), c.byOrder("jo", site)
	for _, p := range []fleet.Promise{lost, known} {
		c.ok("dial", a.Promise(c.ctx, p))
	}
	k := fleet.Known{Row: known.Row, Charges: known.Charges, Amount: known.Amount, Ended: true}
	missing := c.byOrder("bo", site)
	a, standings := c.member("lyon-1", fleet.Known{Row: callback}, k,
		fleet.Known{Row: missing.Row, Charges: missing.Charges, Amount: missing.Amount, Ended: true})
	if s := standings[1]; s.Missing || s.Mine || s.Ended.IsZero() {
		c.Errorf("a dial that the journal knows: %+v", s)
	}
	if s := standings[2]; !s.Missing || s.Ended.IsZero() {
		c.Errorf("a dial that was permitted without it: %+v", s)
	}
	c.has(a, 4, 1) // the one that its journal lacks was not made
	all, err := a.Callbacks(c.ctx, 9, fleet.Filter{})
	c.ok("callbacks", err)
	if len(all) != 1 || all[0].ID != callback.ID {
		c.Errorf("callbacks: %+v", all)
	}
}

// has checks the calls of the site's account.
func (c *contract) has(a fleet.Authority, reserved, used int64) {
	c.Helper()
	if got := c.account(a, "site", ""); got.Reserved.Calls != reserved || got.Windows[1].Used.Calls != used {
		c.Errorf("the site has %d reserved and %d used, want %d and %d", got.Reserved.Calls, got.Windows[1].Used.Calls,
			reserved, used)
	}
}
