package fleettest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// charge returns an account that may be charged so many calls a day.
func charge(scope, key string, calls int64) journal.Charge {
	return journal.Charge{Scope: scope, Key: key,
		Limits: []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: calls}}}}
}

// account returns an account as a node reads it.
func (c *contract) account(a fleet.Authority, scope, key string) journal.Account {
	c.Helper()
	all, err := a.Accounts(c.ctx, scope)
	c.ok("accounts", err)
	for _, found := range all {
		if found.Key == key {
			return found
		}
	}
	return journal.Account{Scope: scope, Key: key}
}

// charging returns a promise that charges accounts with calls.
func (c *contract) charging(user string, calls int64, charges ...journal.Charge) fleet.Promise {
	p := c.promise(user)
	p.Charges, p.Amount = charges, journal.Amount{Calls: calls}
	return p
}

func (c *contract) ceilings() {
	a, b := c.two()
	kim := charge("user", "kim", 3)
	first := c.charging("kim", 2, kim, charge("site", "", 100))
	c.ok("promise", a.Promise(c.ctx, first))
	r, _, _, err := a.Callback(c.ctx, first.ID)
	c.ok("callback", err)
	end := done(r, "completed")
	end.Settle.Used = journal.Amount{Calls: 2}
	c.ok("end", a.End(c.ctx, end))
	c.ok("the same end again", a.End(c.ctx, end))
	err = b.Promise(c.ctx, c.charging("kim", 2, kim, charge("site", "", 100)))
	var ceiling *journal.Ceiling
	if !errors.As(err, &ceiling) || ceiling.Scope != "user" || ceiling.Period != journal.Day ||
		ceiling.Used.Calls != 2 {
		c.Errorf("beyond the ceiling at another node: %v", err)
	}
	second := c.charging("kim", 1, kim, charge("site", "", 100))
	c.ok("what is left", b.Promise(c.ctx, second))
	if got := c.account(a, "user", "kim"); got.Windows[1].Used.Calls != 2 || got.Reserved.Calls != 1 || got.Open != 1 {
		c.Errorf("the account is %+v", got)
	}
	if got := c.account(a, "site", ""); got.Windows[1].Used.Calls != 2 || got.Reserved.Calls != 1 || got.Open != 1 {
		c.Errorf("the site's account is %+v", got)
	}
	c.ok("withdraw", b.Withdraw(c.ctx, second.ID, "not told"))
	if got := c.account(a, "user", "kim"); got.Reserved.Calls != 0 || got.Open != 0 || got.Windows[1].Used.Calls != 2 {
		c.Errorf("after a withdrawal: %+v", got)
	}
	once := charge("user", "lee", 0)
	once.AtOnce = 1
	c.ok("at once", a.Promise(c.ctx, c.charging("lee", 1, once)))
	if err := a.Promise(c.ctx, c.charging("lee-2", 1, once)); !errors.As(err, &ceiling) || ceiling.AtOnce != 1 {
		c.Errorf("two at once: %v", err)
	}
}

func (c *contract) siteCeiling() {
	a, b := c.two()
	const limit = 40
	var mu sync.Mutex
	var won []fleet.Promise
	var all sync.WaitGroup
	for i := range 60 {
		p := c.charging(fmt.Sprint("user", i), 1, charge("user", fmt.Sprint(i), 9), charge("site", "", limit))
		all.Go(func() {
			err := []fleet.Authority{a, b}[i%2].Promise(c.ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, p)
			} else if !errors.Is(err, journal.ErrCeiling) && !errors.Is(err, fleet.ErrAway) {
				c.Error(err)
			}
		})
	}
	all.Wait()
	if got := c.account(a, "site", ""); len(won) > limit || got.Reserved.Calls != int64(len(won)) {
		c.Fatalf("%d promises, %+v, of %d", len(won), got, limit)
	}
	for i := 100; len(won) < limit; i++ {
		p := c.charging(fmt.Sprint("user", i), 1, charge("site", "", limit))
		c.ok("the rest of the ceiling", a.Promise(c.ctx, p))
		won = append(won, p)
	}
	c.is("one more", b.Promise(c.ctx, c.charging("last", 1, charge("site", "", limit))), journal.ErrCeiling)
	c.is("more than all", b.Promise(c.ctx, c.charging("last", 100, charge("site", "", limit))), journal.ErrCeiling)
	holder := map[bool]fleet.Authority{true: a, false: b}
	for _, p := range won[:10] {
		r, _, _, err := a.Callback(c.ctx, p.ID)
		c.ok("callback", err)
		c.ok("end", holder[r.Holder == "lyon-1"].End(c.ctx, done(r, "expired")))
	}
	c.ok("after ends that used nothing", b.Promise(c.ctx, c.charging("last", 10, charge("site", "", limit))))
	c.is("one more", a.Promise(c.ctx, c.charging("beyond", 1, charge("site", "", limit))), journal.ErrCeiling)
	tomorrow := c.charging("tomorrow", 1, charge("site", "", limit+1))
	c.ok("another limit", a.Promise(c.ctx, tomorrow))
}

func (c *contract) withdrawals() {
	a, b := c.two()
	c.ok("nothing", a.Withdraw(c.ctx, "none", "not told"))
	r := c.promised(a, "kim")
	c.ok("withdraw", a.Withdraw(c.ctx, r.ID, "not told"))
	c.ok("withdraw again", a.Withdraw(c.ctx, r.ID, "not told"))
	got, _, _, err := b.Callback(c.ctx, r.ID)
	c.ok("callback", err)
	if got.Outcome != "cancelled" || got.Cause != "not told" {
		c.Errorf("withdrawn %+v", got)
	}
	c.ok("the next", b.Promise(c.ctx, c.promise("kim")))
	ended := c.promised(a, "lee")
	c.ok("end", a.End(c.ctx, done(ended, "completed")))
	c.ok("withdraw what has ended", a.Withdraw(c.ctx, ended.ID, "not told"))
	if got, _, _, _ := a.Callback(c.ctx, ended.ID); got.Outcome != "completed" {
		c.Errorf("withdrawn %+v", got)
	}
}

func (c *contract) start() {
	a, b := c.two()
	held, taken, ended := c.promised(a, "kim"), c.offered(a, "lee"), c.promised(a, "jo")
	mine := c.takeFrom(b, taken.ID)
	_, over, err := b.Cancel(c.ctx, ended.ID, "ann", "")
	if err != nil || !over {
		c.Fatalf("cancelled %v, %v", over, err)
	}
	untold, open := c.promised(a, "untold"), c.promised(a, "open")
	c.ok("attempt", a.Attempt(c.ctx, open.Claim(), dial(open.ID, 1)))
	open.Attempts, open.Open = 1, 1
	known := func(r fleet.Row) fleet.Known { return fleet.Known{Row: r} }
	a, standings := c.member("lyon-1", known(held), known(taken), known(ended), known(open))
	if len(standings) != 4 {
		c.Fatalf("%d standings", len(standings))
	}
	if s := standings[0]; s.ID != held.ID || !s.Mine || s.Epoch != 2 || s.Missing || !s.Ended.IsZero() {
		c.Errorf("what is held: %+v", s)
	}
	if s := standings[1]; s.Mine || s.Holder != "lyon-2" || s.Epoch != mine.Epoch {
		c.Errorf("what was taken: %+v", s)
	}
	if s := standings[2]; s.Mine || s.Outcome != "cancelled" || s.Ended.IsZero() {
		c.Errorf("what has ended: %+v", s)
	}
	if s := standings[3]; !s.Mine || s.Attempts != 1 || s.Open != 1 {
		c.Errorf("what has an open attempt: %+v", s)
	}
	if got, _, _, _ := a.Callback(c.ctx, untold.ID); got.Outcome != "cancelled" {
		c.Errorf("what no user was told: %+v", got)
	}
	c.is("an attempt of the process before", a.Attempt(c.ctx, held.Claim(), dial(held.ID, 1)), fleet.ErrFenced)
	c.ok("an attempt", a.Attempt(c.ctx, standings[0].Claim, dial(held.ID, 1)))
	c.ok("an offer", b.Offer(c.ctx, mine))
	c.waits(a, taken.ID)      // the process that knew it has vouched for it to the new process of the other node
	b, _ = c.member("lyon-2") // its journal lacks what it took
	if got := c.takeFrom(a, taken.ID); got.Epoch <= mine.Epoch {
		c.Errorf("taken back %+v", got)
	}
	c.is("the claim before", b.Attempt(c.ctx, mine.Claim(), dial(taken.ID, 1)), fleet.ErrFenced)
}

func (c *contract) lost() {
	a, _ := c.member("lyon-1")
	p := c.charging("kim", 2, charge("user", "kim", 9))
	p.Epoch, p.Attempts, p.Home = 3, 1, "lyon-1"
	over := c.promise("lee")
	over.Epoch, over.Home, over.Ended, over.Outcome, over.Cause = 1, "lyon-1", noon, "failed", "busy"
	standings, err := a.Resume(c.ctx, []fleet.Known{{Row: p.Row, Charges: p.Charges, Amount: p.Amount},
		{Row: over.Row, Ended: true}})
	c.ok("resume", err)
	if s := standings[0]; !s.Missing || !s.Mine || s.Epoch <= 2 || s.Attempts != 1 {
		c.Errorf("what was lost: %+v", s)
	}
	if got, _, _, err := a.Callback(c.ctx, over.ID); err != nil || got.Outcome != "failed" {
		c.Errorf("a lost end: %+v, %v", got, err)
	}
	if got := c.account(a, "user", "kim"); got.Reserved.Calls != 2 {
		c.Errorf("the account is %+v", got)
	}
	c.is("another of its user", a.Promise(c.ctx, c.promise("kim")), journal.ErrPending)
	standings[0] = c.promisedAlone(a, p)
	c.ok("attempt", a.Attempt(c.ctx, standings[0].Claim, dial(p.ID, 2)))
	c.ok("end", a.End(c.ctx, fleet.End{Claim: standings[0].Claim, Time: noon, Outcome: "completed", Attempts: 2,
		Settle: &journal.Settle{Callback: p.ID, Used: journal.Amount{Calls: 2}, Time: noon}}))
	if got := c.account(a, "user", "kim"); got.Reserved.Calls != 0 || got.Windows[1].Used.Calls != 3 {
		c.Errorf("after the end the account is %+v", got)
	}
}

// promisedAlone resumes with a callback that was promised without the authority, whose user has another one there: it
// is the node's own until it has ended. Then it is written back, and what it has used is booked once.
func (c *contract) promisedAlone(a fleet.Authority, other fleet.Promise) (held fleet.Standing) {
	p := c.charging("kim", 2, charge("user", "kim", 9))
	k := fleet.Known{Row: p.Row, Charges: p.Charges, Amount: p.Amount}
	k.Epoch = 0
	resume := func() fleet.Standing {
		all, err := a.Resume(c.ctx, []fleet.Known{{Row: other.Row, Charges: other.Charges, Amount: other.Amount}, k})
		c.ok("resume", err)
		held = all[0]
		return all[1]
	}
	end := fleet.End{Claim: fleet.Claim{ID: p.ID}, Time: noon, Outcome: "failed"}
	if s := resume(); !s.Missing || s.Mine {
		c.Errorf("promised without it: %+v", s)
	}
	c.is("its end", a.End(c.ctx, end), fleet.ErrFenced)
	k.Row.Ended, k.Outcome, k.Ended = noon, "failed", true
	if s := resume(); !s.Missing || s.Ended.IsZero() {
		c.Errorf("promised without it and ended: %+v", s)
	}
	for range 2 {
		used := journal.Settle{Callback: p.ID, Used: journal.Amount{Calls: 1}, Time: noon}
		c.ok("settle", a.Settle(c.ctx, p.Claim(), used, ""))
		if got := c.account(a, "user", "kim"); got.Reserved.Calls != 2 || got.Windows[1].Used.Calls != 1 {
			c.Errorf("the account is %+v", got)
		}
		resume()
	}
	return held
}

func (c *contract) cancellations() {
	a, b := c.two()
	r := c.promised(a, "kim")
	holder, ended, err := b.Cancel(c.ctx, r.ID, "ann", "by request")
	if holder != "lyon-1" || !ended || err != nil {
		c.Errorf("what waits: %q, %v, %v", holder, ended, err)
	}
	c.awaitChange(a, func(change fleet.Change) bool {
		return change.Kind == fleet.Ended && change.ID == r.ID && change.Outcome == "cancelled" && change.Cause != ""
	})
	c.is("its attempt", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)), fleet.ErrFenced)
	_, _, err = b.Cancel(c.ctx, r.ID, "ann", "")
	c.is("a second time", err, fleet.ErrFenced)
	_, _, err = b.Cancel(c.ctx, "none", "ann", "")
	c.is("nothing", err, fleet.ErrNotFound)
	c.ok("settle", a.Settle(c.ctx, r.Claim(), journal.Settle{Callback: r.ID, Time: noon}, ""))
	open := c.promised(a, "lee")
	c.ok("attempt", a.Attempt(c.ctx, open.Claim(), dial(open.ID, 1)))
	if holder, ended, err := b.Cancel(c.ctx, open.ID, "ann", ""); holder != "lyon-1" || ended || err != nil {
		c.Errorf("what is dialed: %q, %v, %v", holder, ended, err)
	}
	c.ok("look", a.Look(c.ctx, open.Claim(), 1))
	own := c.promise("jo")
	own.Shared, own.Rotary = false, fleet.NoRotary
	c.ok("promise", a.Promise(c.ctx, own))
	for _, by := range []fleet.Authority{a, b} { // whether it is being dialed is in the journal of its holder alone
		if holder, ended, err := by.Cancel(c.ctx, own.ID, "ann", ""); holder != "lyon-1" || ended || err != nil {
			c.Errorf("what only its holder may dial: %q, %v, %v", holder, ended, err)
		}
	}
	if r, _, _, err := b.Callback(c.ctx, own.ID); err != nil || !r.Pending() {
		c.Errorf("after that it is %+v, %v", r, err)
	}
}

func (c *contract) keeps() {
	a, b := c.two()
	site := charge("site", "", 10)
	c.ok("reserve", a.Reserve(c.ctx, []journal.Charge{site}, journal.Amount{Calls: 6}, noon))
	c.ok("reserve less instead", a.Reserve(c.ctx, []journal.Charge{site}, journal.Amount{Calls: 4}, noon))
	c.is("beside it", b.Promise(c.ctx, c.charging("kim", 7, site)), journal.ErrCeiling)
	c.ok("beside it", b.Promise(c.ctx, c.charging("kim", 6, site)))
	c.is("reserve more", a.Reserve(c.ctx, []journal.Charge{site}, journal.Amount{Calls: 5}, noon), journal.ErrCeiling)
	if got := c.account(b, "site", ""); got.Reserved.Calls != 6 {
		c.Errorf("after a refusal nothing is kept, but the account is %+v", got)
	}
	c.ok("reserve nothing", a.Reserve(c.ctx, nil, journal.Amount{}, noon))
}

func (c *contract) views() {
	a, b := c.two()
	first, second, third := c.promised(a, "kim"), c.promised(b, "lee"), c.offered(a, "jo")
	c.ok("attempt", b.Attempt(c.ctx, c.takeFrom(b, third.ID).Claim(), dial(third.ID, 1)))
	c.ok("end", a.End(c.ctx, done(first, "completed")))
	for _, tt := range []struct {
		name  string
		limit int
		f     fleet.Filter
		want  string
	}{
		{"all", 0, fleet.Filter{}, third.ID + second.ID + first.ID},
		{"the last", 1, fleet.Filter{}, third.ID},
		{"of a user", 9, fleet.Filter{Filter: journal.Filter{User: "lee"}}, second.ID},
		{"pending", 9, fleet.Filter{Filter: journal.Filter{Pending: true}}, third.ID + second.ID},
		{"ended", 9, fleet.Filter{Filter: journal.Filter{Ended: true}}, first.ID},
		{"since", 9, fleet.Filter{Filter: journal.Filter{Since: second.Created}}, third.ID + second.ID},
		{"of a node", 9, fleet.Filter{Node: "lyon-1"}, third.ID + first.ID},
		{"of another node", 9, fleet.Filter{Node: "lyon-2"}, third.ID + second.ID},
		{"of no node", 9, fleet.Filter{Node: "lyon-9"}, ""},
	} {
		rows, err := a.Callbacks(c.ctx, tt.limit, tt.f)
		c.ok(tt.name, err)
		got := ""
		for _, r := range rows {
			got += r.ID
			if want := map[bool]int{true: 66}[r.ID == third.ID]; r.TTY != want {
				c.Errorf("%s: %s was dialed from tty %d, want %d", tt.name, r.ID, r.TTY, want)
			}
		}
		if got != tt.want {
			c.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	nodes, err := a.Nodes(c.ctx)
	c.ok("nodes", err)
	got := ""
	for _, n := range nodes {
		got += fmt.Sprint(n.Name, " ", n.State, " ", n.Claims, " ", n.Self, "; ")
	}
	if want := "lyon-1 up 0 true; lyon-2 up 2 false; "; got != want {
		c.Errorf("the nodes are %s, want %s", got, want)
	}
	if since := time.Since(nodes[0].Since); since < 0 || since > time.Hour {
		c.Errorf("node %s is up since %v", nodes[0].Name, nodes[0].Since)
	}
}
