package fleettest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// Contract checks that the authorities of a fleet do what fleet.Authority says. open makes a new fleet, and returns a
// function that makes the authority of a node in it, with Run in progress; all of it ends with the test.
func Contract(t *testing.T, open func(t *testing.T) func(node string) fleet.Authority) {
	for name, f := range map[string]func(*contract){
		"one pending callback of an identity": (*contract).onePending,
		"the life of a callback":              (*contract).life,
		"a taken callback":                    (*contract).taken,
		"attempts":                            (*contract).attempts,
		"ends":                                (*contract).ends,
		"a race for a claim":                  (*contract).race,
		"ceilings":                            (*contract).ceilings,
		"a ceiling of the site":               (*contract).siteCeiling,
		"withdrawals":                         (*contract).withdrawals,
		"a start":                             (*contract).start,
		"what was lost":                       (*contract).lost,
		"cancellations":                       (*contract).cancellations,
		"dials by order":                      (*contract).dials,
		"what a node keeps":                   (*contract).keeps,
		"views":                               (*contract).views,
		"orders":                              (*contract).orders,
		"drains":                              (*contract).drains,
		"the copy of the audit":               (*contract).audit,
	} {
		t.Run(name, func(t *testing.T) { f(&contract{T: t, ctx: t.Context(), open: open(t)}) })
	}
}

type contract struct {
	*testing.T
	ctx  context.Context
	open func(node string) fleet.Authority
	made int
}

// member opens the authority of a node and waits until it is a member that has resumed.
func (c *contract) member(node string, known ...fleet.Known) (fleet.Authority, []fleet.Standing) {
	c.Helper()
	a := c.open(node)
	var standings []fleet.Standing
	c.await("node "+node+" is a member", func() bool {
		var err error
		standings, err = a.Resume(c.ctx, known)
		if err != nil && !errors.Is(err, fleet.ErrAway) && !errors.Is(err, fleet.ErrNotMember) {
			c.Fatal(err)
		}
		return err == nil
	})
	return a, standings
}

// two returns two members.
func (c *contract) two() (a, b fleet.Authority) {
	c.Helper()
	a, _ = c.member("lyon-1")
	b, _ = c.member("lyon-2")
	return a, b
}

// await waits until a condition holds.
func (c *contract) await(what string, f func() bool) {
	c.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.Fatalf("waited a minute for this: %s", what)
		}
	}
}

// is fails the test unless err wraps want.
func (c *contract) is(what string, err, want error) {
	c.Helper()
	if !errors.Is(err, want) {
		c.Errorf("%s: %v, want %v", what, err, want)
	}
}

func (c *contract) ok(what string, err error) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

// noon is today: a history of days keeps what ended then.
var noon = time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)

// promise returns a new promise of a user, for rotary 7, with a budget of two attempts.
func (c *contract) promise(user string) fleet.Promise {
	c.made++
	return fleet.Promise{Time: noon, Row: fleet.Row{Rotary: 7, Callback: journal.Callback{
		ID: fmt.Sprintf("cb%d", c.made), User: user, Entry: "radius", Service: "exec", Phase: "promised",
		State: `{"a":1}`, Number: "33478000000", Lines: []int{1, 65}, Max: 2, Plan: "[]", Decision: "{}", Authorization: "{}", Shared: true,
		Created: noon.Add(time.Duration(c.made) * time.Second)}}}
}

// promised promises a callback at a node.
func (c *contract) promised(a fleet.Authority, user string) fleet.Row {
	c.Helper()
	p := c.promise(user)
	c.ok("promise", a.Promise(c.ctx, p))
	r, _, _, err := a.Callback(c.ctx, p.ID)
	c.ok("callback", err)
	return r
}

// offered promises a callback at a node that offers it.
func (c *contract) offered(a fleet.Authority, user string) fleet.Row {
	c.Helper()
	r := c.promised(a, user)
	c.ok("offer", a.Offer(c.ctx, r))
	return r
}

// takeFrom claims a callback that waits.
func (c *contract) takeFrom(a fleet.Authority, id string) fleet.Row {
	c.Helper()
	r, err := a.Take(c.ctx, c.waits(a, id))
	c.ok("claim", err)
	return r
}

// waits waits until a node may take a callback.
func (c *contract) waits(a fleet.Authority, id string) (r fleet.Row) {
	c.Helper()
	c.await("callback "+id+" waits", func() bool {
		all, err := a.Waiting(c.ctx, []int{7}, nil, 10)
		c.ok("waiting", err)
		i := slices.IndexFunc(all, func(r fleet.Row) bool { return r.ID == id })
		if i >= 0 {
			r = all[i]
		}
		return i >= 0
	})
	return r
}

func dial(id string, n int) journal.Attempt {
	return journal.Attempt{CallbackID: id, N: n, Step: 0, TTY: 66, Script: "dial", Number: "33478000000", Started: noon}
}

func done(r fleet.Row, outcome string) fleet.End {
	return fleet.End{Claim: r.Claim(), Time: noon.Add(time.Hour), Outcome: outcome, Cause: "it " + outcome,
		Attempts: r.Attempts, Trace: `["` + outcome + `"]`, Settle: &journal.Settle{Callback: r.ID, Time: noon}}
}

func (c *contract) onePending() {
	a, b := c.two()
	first := c.promise("kim")
	c.ok("promise", a.Promise(c.ctx, first))
	c.is("a second one at another node", b.Promise(c.ctx, c.promise("kim")), journal.ErrPending)
	for _, user := range []string{"KIM", "Kim", "\u212aim", "K\u0130M"} { // as a node alone compares them
		c.is("another spelling", b.Promise(c.ctx, c.promise(user)), journal.ErrPending)
	}
	c.ok("another name", b.Promise(c.ctx, c.promise("k\u0131m")))
	other := c.promise("kim")
	other.Entry = "local"
	c.ok("another identity", b.Promise(c.ctx, other))
	r, _, _, err := b.Callback(c.ctx, first.ID)
	c.ok("callback", err)
	if r.Epoch != 1 || r.Holder != "lyon-1" || r.Home != "lyon-1" || r.Number != first.Number ||
		r.State != first.State || !slices.Equal(r.Lines, first.Lines) ||
		!r.Created.Equal(first.Created) || r.Rotary != 7 || !r.Pending() {
		c.Errorf("another node reads %+v", r)
	}
	c.ok("end", a.End(c.ctx, done(r, "completed")))
	c.ok("after the end", b.Promise(c.ctx, c.promise("Kim")))
	var won int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 16 {
		p := c.promise("lee")
		all.Go(func() {
			err := []fleet.Authority{a, b}[i%2].Promise(c.ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, journal.ErrPending) {
				c.Error(err)
			}
		})
	}
	if all.Wait(); won != 1 {
		c.Errorf("%d promises of one identity", won)
	}
}

func (c *contract) life() {
	a, _ := c.member("lyon-1")
	r := c.promised(a, "kim")
	c.ok("attempt", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)))
	c.ok("look", a.Look(c.ctx, r.Claim(), 1))
	c.is("look at another attempt", a.Look(c.ctx, r.Claim(), 2), fleet.ErrFenced)
	c.ok("continue", a.Continue(c.ctx, r.Claim(), 1, "busy"))
	c.ok("continue again", a.Continue(c.ctx, r.Claim(), 1, "busy"))
	c.is("look at an attempt that is over", a.Look(c.ctx, r.Claim(), 1), fleet.ErrFenced)
	c.ok("attempt 2", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 2)))
	end := done(r, "completed")
	end.Attempts = 2
	c.ok("end", a.End(c.ctx, end))
	got, attempts, steps, err := a.Callback(c.ctx, r.ID)
	c.ok("callback", err)
	if got.Outcome != "completed" || got.Attempts != 2 || got.Open != 0 || !got.Settled || got.Pending() {
		c.Errorf("the end is %+v", got)
	}
	if len(attempts) != 2 || attempts[0].Outcome != "busy" || attempts[0].Node != "lyon-1" || attempts[1].TTY != 66 {
		c.Errorf("the attempts are %+v", attempts)
	}
	if len(steps) != 1 || steps[0] != (fleet.Step{Node: "lyon-1", Epoch: 1, Trace: `["completed"]`}) {
		c.Errorf("the steps are %+v", steps)
	}
}

func (c *contract) taken() {
	a, b := c.two()
	r := c.promised(a, "kim")
	all, err := b.Waiting(c.ctx, []int{7}, nil, 10)
	c.ok("waiting", err)
	if len(all) != 0 {
		c.Errorf("a callback that is not offered may be taken: %+v", all)
	}
	r.State = `{"a":2}`
	c.ok("offer", a.Offer(c.ctx, r))
	second := c.offered(a, "lee")
	c.await("both wait", func() bool {
		all, err := b.Waiting(c.ctx, []int{7}, nil, 10)
		c.ok("waiting", err)
		return len(all) == 2
	})
	for name, want := range map[string][]string{"of another rotary": {}, "all": {r.ID, second.ID}, "the oldest": {r.ID},
		"without one": {second.ID}} {
		rotaries, skip, n := []int{1, 7}, []string(nil), 10
		switch name {
		case "of another rotary":
			rotaries = []int{8}
		case "the oldest":
			n = 1
		case "without one":
			skip = []string{r.ID}
		}
		all, err := b.Waiting(c.ctx, rotaries, skip, n)
		c.ok("waiting", err)
		ids := []string{}
		for _, r := range all {
			ids = append(ids, r.ID)
		}
		if !slices.Equal(ids, want) {
			c.Errorf("%s: %v waits, want %v", name, ids, want)
		}
	}
	got := c.takeFrom(b, r.ID)
	if got.Epoch != 2 || got.Holder != "lyon-2" || got.Home != "lyon-1" || got.Offered || got.State != r.State {
		c.Errorf("taken %+v", got)
	}
	_, err = b.Take(c.ctx, r)
	c.is("a second claim", err, fleet.ErrFenced)
	c.is("the old holder's attempt", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)), fleet.ErrFenced)
	c.is("the old holder's offer", a.Offer(c.ctx, r), fleet.ErrFenced)
	c.is("the old holder's end", a.End(c.ctx, done(r, "completed")), fleet.ErrFenced)
	c.ok("attempt", b.Attempt(c.ctx, got.Claim(), dial(r.ID, 1)))
	c.is("the old holder's look", a.Look(c.ctx, r.Claim(), 1), fleet.ErrFenced)
	c.ok("end", b.End(c.ctx, done(got, "completed")))
	c.awaitChange(a, func(change fleet.Change) bool {
		return change.Kind == fleet.Taken && change.ID == r.ID && change.Holder == "lyon-2"
	})
	// Its node dials for what it has offered, if its own line is free first.
	c.ok("an attempt of the node that offers", a.Attempt(c.ctx, second.Claim(), dial(second.ID, 1)))
	_, err = b.Take(c.ctx, second)
	c.is("a claim of it", err, fleet.ErrFenced)
	during, _, _, err := b.Callback(c.ctx, second.ID)
	c.ok("callback", err)
	second.Attempts = 1
	c.ok("the offer after that attempt", a.Offer(c.ctx, second))
	c.waits(b, second.ID)
	got, err = b.Take(c.ctx, during)
	c.ok("a claim of what was read during the attempt", err)
	if got.Attempts != 1 || got.Open != 0 {
		c.Errorf("taken %+v, with an attempt that is over", got)
	}
	c.ok("the next attempt", b.Attempt(c.ctx, got.Claim(), dial(second.ID, 2)))
	c.ok("end", b.End(c.ctx, done(got, "completed")))
}

// awaitChange receives changes until one of them is the one that is waited for.
func (c *contract) awaitChange(a fleet.Authority, is func(fleet.Change) bool) {
	c.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case change := <-a.Changes():
			if is(change) {
				return
			}
		case <-limit:
			c.Fatal("the change did not come")
		}
	}
}

func (c *contract) attempts() {
	a, b := c.two()
	r := c.promised(a, "kim")
	c.is("attempt 2 before 1", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 2)), fleet.ErrSpent)
	c.is("attempt of another node", b.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)), fleet.ErrFenced)
	c.is("attempt of a later epoch", a.Attempt(c.ctx, fleet.Claim{ID: r.ID, Epoch: 2}, dial(r.ID, 1)), fleet.ErrFenced)
	c.ok("attempt", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)))
	c.is("the same attempt again", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 1)), fleet.ErrSpent)
	c.ok("attempt 2 closes the first", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 2)))
	c.is("attempt 3 of 2", a.Attempt(c.ctx, r.Claim(), dial(r.ID, 3)), fleet.ErrSpent)
	none := fleet.Claim{ID: "none", Epoch: 1}
	c.is("an attempt of no callback", a.Attempt(c.ctx, none, dial("none", 1)), fleet.ErrFenced)
	c.is("a look at no callback", a.Look(c.ctx, none, 1), fleet.ErrFenced)
	c.is("an end of no callback", a.End(c.ctx, fleet.End{Claim: none, Time: noon, Outcome: "failed"}), fleet.ErrFenced)
	second := c.promised(a, "lee")
	c.ok("end", a.End(c.ctx, done(second, "expired")))
	c.is("an attempt after the end", a.Attempt(c.ctx, second.Claim(), dial(second.ID, 1)), fleet.ErrFenced)
	third := c.promised(a, "jo")
	var won int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := a.Attempt(c.ctx, third.Claim(), dial(third.ID, 1))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, fleet.ErrSpent) {
				c.Error(err)
			}
		})
	}
	if all.Wait(); won != 1 {
		c.Errorf("one attempt was granted %d times", won)
	}
}

func (c *contract) ends() {
	a, b := c.two()
	r := c.promised(a, "kim")
	e := done(r, "completed")
	e.Settle = nil
	c.ok("end", a.End(c.ctx, e))
	c.ok("the same end again", a.End(c.ctx, e))
	c.is("another end", a.End(c.ctx, done(r, "failed")), fleet.ErrFenced)
	c.is("an end by another node", b.End(c.ctx, done(r, "completed")), fleet.ErrFenced)
	got, _, _, err := b.Callback(c.ctx, r.ID)
	c.ok("callback", err)
	if got.Outcome != "completed" || got.Cause != "it completed" || got.Settled || !got.Ended.Equal(e.Time) {
		c.Errorf("ended %+v", got)
	}
	const steps = `{"history": ["all"]}`
	c.ok("settle", a.Settle(c.ctx, r.Claim(), journal.Settle{Callback: r.ID, Time: noon}, steps))
	c.ok("settle again", a.Settle(c.ctx, r.Claim(), journal.Settle{Callback: r.ID, Time: noon}, steps))
	c.ok("settle nothing", a.Settle(c.ctx, fleet.Claim{ID: "none"}, journal.Settle{Callback: "none", Time: noon}, ""))
	got, _, recorded, err := b.Callback(c.ctx, r.ID)
	c.ok("callback", err)
	if want := (fleet.Step{Node: "lyon-1", Epoch: r.Epoch, Trace: steps}); !got.Settled || len(recorded) != 1 ||
		recorded[0] != want {
		c.Errorf("settled: %t, with the steps %+v", got.Settled, recorded)
	}
	_, _, _, err = a.Callback(c.ctx, "none")
	c.is("no callback", err, fleet.ErrNotFound)
}

func (c *contract) race() {
	home, _ := c.member("lyon-1")
	b, _ := c.member("lyon-2")
	d, _ := c.member("lyon-3")
	c.takeFrom(b, c.offered(home, "first").ID)
	c.takeFrom(d, c.offered(home, "second").ID)
	for i := range 30 {
		r := c.offered(home, fmt.Sprint("user", i))
		won := make(chan fleet.Row, 2)
		var both sync.WaitGroup
		for _, n := range []fleet.Authority{b, d} {
			both.Go(func() {
				if all, err := n.Waiting(c.ctx, []int{7}, nil, 1); err != nil || len(all) == 0 {
					return
				}
				got, err := n.Take(c.ctx, r)
				if err == nil {
					won <- got
				} else if !errors.Is(err, fleet.ErrFenced) {
					c.Error(err)
				}
			})
		}
		both.Wait()
		if len(won) != 1 {
			c.Fatalf("%d nodes have callback %s", len(won), r.ID)
		}
		if got := <-won; got.Epoch != 2 {
			c.Errorf("taken %+v", got)
		}
	}
}
