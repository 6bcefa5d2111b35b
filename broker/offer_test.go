package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/texts"
)

// desk is a broker whose loop runs, without modems and prompts: the test acts as the front end of its calls.
type desk struct {
	t     *testing.T
	b     *Broker
	paper *paper
	cfg   Config
	site  policies.Site
	rules policies.Policy // the last argument of policy

	service aaa.Service
}

// counters are front ends that nobody calls: which services the lines serve.
type counters map[int][]aaa.Service

func (counters) Choose(*lines.Call) (session.FrontEnd, session.Look) { return nil, nil }
func (c counters) Serving(s aaa.Service, tty int) session.FrontEnd {
	if slices.Contains(c[tty], s) {
		return exec.New(exec.Config{})
	}
	return nil
}

// paper is a journal that keeps its callbacks in memory.
type paper struct {
	journal.Store
	full atomic.Bool

	mu        sync.Mutex
	callbacks []journal.Callback
}

func (p *paper) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return p.CommitEach(ctx, tx)[0]
}

func (p *paper) CommitEach(_ context.Context, groups ...[]journal.Mutation) []error {
	errs := make([]error, len(groups))
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, g := range groups {
		if p.full.Load() {
			errs[i] = errDisk
			continue
		}
		for _, m := range g {
			if put, ok := m.(journal.PutCallback); ok {
				p.callbacks = append(p.callbacks, put.Callback)
			}
		}
	}
	return errs
}

func atDesk(t *testing.T, f func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pool := lines.NewPool(lines.PoolOptions{})
		for _, tty := range []int{65, 66} {
			if err := pool.Add(&lines.Config{TTY: tty, Rotary: 1}, idleModem{}); err != nil {
				t.Fatal(err)
			}
		}
		d := &desk{t: t, paper: &paper{},
			site: policies.Site{Places: map[string]string{"home": "84001"},
				Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}}, service: aaa.EXEC}
		d.cfg.Session.FrontEnds = counters{65: {aaa.EXEC, aaa.PPP}, 66: {aaa.EXEC, aaa.PPP}}
		d.policy(policies.Policy{})
		d.b = New(Options{Journal: d.paper, Pool: pool}, d.cfg)
		d.b.carry = func(context.Context, *work, callback.Effect) {}
		ctx, stop := context.WithCancel(t.Context())
		go d.b.loop(ctx)
		f(d)
		stop()
		<-d.b.over
		d.b.running.Wait()
	})
}

// policy sets the default group's policy; p has the differences from the default.
func (d *desk) policy(p policies.Policy) {
	d.t.Helper()
	d.rules = p
	p.Group, p.Attempts.Max = "default", 1
	p.Numbers.From, p.Numbers.Allow = policies.AnySource(), []string{"84*"}
	if p.Callback == "" {
		p.Callback = policies.Optional
	}
	set, err := policies.New(d.site, p)
	if err != nil {
		d.t.Fatal(err)
	}
	d.cfg.Policies = set
}

// caller puts a call on a line.
func (d *desk) caller(id string) *call {
	c := &call{Call: &lines.Call{ID: id, TTY: 65, Start: time.Now()}, leg: 1, cancel: func(error) {},
		multiSessionID: "m-" + id, forcedWait: 5 * time.Second}
	d.b.begin(c)
	return c
}

// grants makes AAA grant the call's n-th session to a user, and returns the broker's decision.
func (d *desk) grants(c *call, n int, user string, auth aaa.Authorization) session.Verdict {
	id := aaa.Identity{Entry: "radius", User: user}
	d.b.Report(d.t.Context(), session.Report{Kind: session.Began, Time: time.Now(), Call: c.Call, Identity: id,
		Auth: auth, Service: d.service, Session: n})
	return d.b.Decide(d.t.Context(), session.Asked{Call: c.Call, Identity: id, Auth: auth, Service: d.service,
		Session: n})
}

func (d *desk) ends(c *call, n int) {
	d.b.Report(d.t.Context(), session.Report{Kind: session.Ended, Time: time.Now(), Call: c.Call, Session: n})
}

// offered is grants for a caller who must be offered a callback.
func (d *desk) offered(c *call, user string, auth aaa.Authorization) session.Offer {
	d.t.Helper()
	v := d.grants(c, 1, user, auth)
	if v.Kind != session.Offered || v.Offer.ID == "" {
		d.t.Fatalf("offered %+v", v)
	}
	return v.Offer
}

func (d *desk) promise(c *call, ch session.Choice) session.Verdict {
	ch.Call = c.Call
	return d.b.Promise(d.t.Context(), ch)
}

// onPaper returns the numbers of the callbacks in the journal, with their waits.
func (d *desk) onPaper() string {
	d.paper.mu.Lock()
	defer d.paper.mu.Unlock()
	var all []string
	for _, cb := range d.paper.callbacks {
		all = append(all, fmt.Sprintf("%s %s %v", cb.User, cb.Number, cb.ForcedWait))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// The authorizations of these tests: a callback to a fixed number, and one to the number that the caller types.
var (
	atHome   = aaa.Authorization{Callback: true, CallbackID: "home"}
	anywhere = aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")}
)

// Laws 1, 3, 4: anything may change between the offer and the promise. A change that denies the callback denies it
// then, and nothing is recorded.
func TestPromiseChecksAgain(t *testing.T) {
	none := func(*desk, *call) context.Context { return nil }
	reload := func(change func(d *desk)) func(*desk, *call) context.Context {
		return func(d *desk, _ *call) context.Context {
			change(d)
			d.policy(d.rules)
			d.b.Reload(d.cfg)
			return nil
		}
	}
	over := func(cause error) func(*desk, *call) context.Context {
		return func(d *desk, _ *call) context.Context {
			ctx, cancel := context.WithCancelCause(d.t.Context())
			cancel(cause)
			return ctx
		}
	}
	for name, tt := range map[string]struct {
		auth   aaa.Authorization
		number string
		change func(*desk, *call) context.Context // returns the context of the promise; nil: the test's
		kind   session.VerdictKind
		text   texts.Key
		paper  string
	}{
		"nothing":        {atHome, "", none, session.Promised, "", "kim 84001 5s"},
		"nothing, typed": {anywhere, "84007", none, session.Promised, "", "kim 84007 5s"},
		"the place moves": {atHome, "",
			reload(func(d *desk) { d.site.Places = map[string]string{"home": "84002"} }), session.Refuse,
			texts.RefusedCallback, ""},
		"the place is gone": {atHome, "", reload(func(d *desk) { d.site.Places = nil }), session.Refuse,
			texts.RefusedCallback, ""},
		"the service is off": {atHome, "", reload(func(d *desk) { d.site.Callback = nil }), session.Refuse,
			texts.RefusedCallback, ""},
		"the group may not": {atHome, "", reload(func(d *desk) { d.policy(policies.Policy{Callback: policies.Off}) }),
			session.Refuse, texts.RefusedCallback, ""},
		"the number is fixed": {anywhere, "84007",
			reload(func(d *desk) { d.policy(policies.Policy{Numbers: policies.Numbers{Deny: []string{"84007"}}}) }),
			session.BadChoice, texts.RefusedNumberDenied, ""},
		"the ceiling": {aaa.Authorization{Callback: true, CallbackID: "home", PortLimit: 1}, "",
			func(d *desk, _ *call) context.Context {
				if v := d.grants(d.caller("c2"), 1, "kim", aaa.Authorization{}); v.Kind != session.Admit {
					d.t.Errorf("the other call: %+v", v)
				}
				return nil
			}, session.Refuse, texts.RefusedCallback, ""},
		"the disk is full": {atHome, "",
			func(d *desk, _ *call) context.Context { d.paper.full.Store(true); return nil }, session.Refuse,
			texts.RefusedCallback, ""},
		"a second login": {anywhere, "84007", func(d *desk, _ *call) context.Context {
			other := d.caller("c2")
			if v := d.promise(other, session.Choice{Offer: d.offered(other, "kim", anywhere).ID,
				Number: "84002"}); v.Kind != session.Promised {
				d.t.Errorf("the other call: %+v", v)
			}
			return nil
		}, session.Refuse, texts.RefusedPending, "kim 84002 5s"},
		"a shutdown": {atHome, "",
			func(d *desk, _ *call) context.Context { d.b.draining.Store(true); return nil }, session.Refuse,
			texts.RefusedCallback, ""},
		"the caller hangs up": {atHome, "", over(errors.New("carrier lost")), session.Refuse,
			texts.RefusedCallback, ""},
		"the login's time ends": {atHome, "", over(session.ErrLoginTimeout), session.Refuse, texts.RefusedCallback,
			""},
		"the call ends": {atHome, "", func(d *desk, c *call) context.Context { d.b.end(c); return nil },
			session.Refuse, texts.RefusedCallback, ""},
		"the session ends": {atHome, "", func(d *desk, c *call) context.Context { d.ends(c, 1); return nil },
			session.Refuse, texts.RefusedCallback, ""},
		"another session": {atHome, "", func(d *desk, c *call) context.Context {
			d.ends(c, 1)
			d.grants(c, 2, "lee", atHome)
			return nil
		}, session.Refuse, texts.RefusedCallback, ""},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				c := d.caller("c1")
				o := d.offered(c, "kim", tt.auth)
				ctx := tt.change(d, c)
				if ctx == nil {
					ctx = d.t.Context()
				}
				v := d.b.Promise(ctx, session.Choice{Call: c.Call, Offer: o.ID, Number: tt.number})
				synctest.Wait()
				if v.Kind != tt.kind || v.Text != tt.text || v.Reason == "" {
					t.Errorf("%+v", v)
				}
				if got := d.onPaper(); got != tt.paper {
					t.Errorf("in the journal: %q, want %q", got, tt.paper)
				}
			})
		})
	}
}

// Laws 1 and 3: an offer leads to at most one callback, no matter how often and how concurrently it is answered.
func TestOfferIsUsedOnce(t *testing.T) {
	atDesk(t, func(d *desk) {
		c := d.caller("c1")
		o := d.offered(c, "kim", anywhere)
		var wg sync.WaitGroup
		var promised atomic.Int32
		for i := range 8 {
			wg.Go(func() {
				if v := d.promise(c, session.Choice{Offer: o.ID,
					Number: fmt.Sprintf("8400%d", i)}); v.Kind == session.Promised {
					promised.Add(1)
				}
			})
		}
		wg.Wait()
		if v := d.promise(c, session.Choice{Offer: o.ID, Number: "84009"}); v.Kind != session.Refuse {
			t.Errorf("promised again: %+v", v)
		}
		if v := d.grants(c, 1, "lee", atHome); v.Kind != session.Refuse {
			t.Errorf("a second decision on a call with a promise: %+v", v)
		}
		if n := len(d.paper.callbacks); n != 1 || promised.Load() != 1 {
			t.Errorf("%d in the journal, %d promised: %s", n, promised.Load(), d.onPaper())
		}
	})
}

// An offer belongs to its call: its ID is useless on another line.
func TestOfferOfAnotherCall(t *testing.T) {
	atDesk(t, func(d *desk) {
		victim, thief := d.caller("c1"), d.caller("c2")
		o := d.offered(victim, "kim", anywhere)
		d.offered(thief, "mallory", atHome)
		two := &call{Call: &lines.Call{ID: "c3", TTY: 66}, leg: 2, cancel: func(error) {},
			identity: aaa.Identity{Entry: "radius", User: "kim"}}
		d.b.begin(two)
		d.grants(two, 1, "kim", anywhere)
		for _, c := range []*call{thief, two} { // law 6: the last is leg two, where no callback is ever offered
			if v := d.promise(c, session.Choice{Offer: o.ID, Number: "84666"}); v.Kind != session.Refuse {
				t.Errorf("%s: %+v", c.ID, v)
			}
		}
		if d.onPaper() != "" {
			t.Errorf("in the journal: %s", d.onPaper())
		}
		if v := d.promise(victim, session.Choice{Offer: o.ID, Number: "84001"}); v.Kind != session.Promised {
			t.Errorf("the owner's own answer: %+v", v)
		}
	})
}

// An answer outside the offer is asked for again. Law 8: the caller's delay lengthens the wait and never shortens it.
func TestChoices(t *testing.T) {
	slow := aaa.Authorization{Callback: true, CallbackID: "home", CallbackDelay: 40 * time.Second}
	for name, tt := range map[string]struct {
		auth   aaa.Authorization
		choice session.Choice
		kind   session.VerdictKind
		paper  string
	}{
		"another number":             {atHome, session.Choice{Number: "84666"}, session.BadChoice, ""},
		"declined":                   {atHome, session.Choice{Decline: true}, session.BadChoice, ""},
		"no number":                  {anywhere, session.Choice{}, session.BadChoice, ""},
		"no digits":                  {anywhere, session.Choice{Number: "84001;ATH"}, session.BadChoice, ""},
		"a place":                    {anywhere, session.Choice{Place: "home"}, session.Promised, "kim 84001 5s"},
		"an unknown place":           {anywhere, session.Choice{Place: "rome"}, session.BadChoice, ""},
		"a place for a fixed number": {atHome, session.Choice{Place: "home"}, session.BadChoice, ""},
		"a number and a place":       {anywhere, session.Choice{Number: "84007", Place: "home"}, session.BadChoice, ""},
		"a delay before":             {atHome, session.Choice{Delay: -1}, session.BadChoice, ""},
		"too long a delay":           {atHome, session.Choice{Delay: 256 * time.Second}, session.BadChoice, ""},
		"a delay": {atHome, session.Choice{Delay: 255 * time.Second}, session.Promised,
			"kim 84001 4m15s"},
		"a delay and a number": {anywhere, session.Choice{Number: "84007", Delay: 12 * time.Second}, session.Promised,
			"kim 84007 12s"},
		"less than the line's":  {atHome, session.Choice{Delay: time.Second}, session.Promised, "kim 84001 5s"},
		"less than AAA's delay": {slow, session.Choice{Delay: 39 * time.Second}, session.Promised, "kim 84001 40s"},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				c := d.caller("c1")
				o := d.offered(c, "kim", tt.auth)
				if want := max(5*time.Second, tt.auth.CallbackDelay); o.Wait != want || o.MayDecline {
					t.Errorf("offered %+v", o)
				}
				tt.choice.Offer = o.ID
				v := d.promise(c, tt.choice)
				if v.Kind != tt.kind || d.onPaper() != tt.paper {
					t.Errorf("%+v, in the journal %q", v, d.onPaper())
				}
				if v.Kind == session.BadChoice { // the offer is still open
					again := session.Choice{Offer: o.ID}
					if o.Number == "" {
						again.Number = "84001"
					}
					if v := d.promise(c, again); v.Kind != session.Promised {
						t.Errorf("another choice: %+v", v)
					}
				}
			})
		})
	}
}

// A caller who may decline gets a session instead of the callback, with all checks of a session.
func TestDeclined(t *testing.T) {
	for _, taken := range []bool{false, true} {
		atDesk(t, func(d *desk) {
			d.onRequest(policies.Optional)
			c := d.caller("c1")
			o := d.offered(c, "kim", aaa.Authorization{PortLimit: 1})
			want := session.Admit
			if taken {
				d.service = aaa.EXEC // where no callback is requested
				d.grants(d.caller("c2"), 1, "kim", aaa.Authorization{})
				want = session.Refuse
			}
			if v := d.promise(c, session.Choice{Offer: o.ID, Decline: true}); v.Kind != want {
				t.Errorf("taken %v: %+v", taken, v)
			}
			if v := d.promise(c, session.Choice{Offer: o.ID, Number: "84001"}); v.Kind != session.Refuse ||
				d.onPaper() != "" {
				t.Errorf("a callback after that: %+v", v)
			}
		})
	}
}

// onRequest has the desk serve PPP, with callbacks on request.
func (d *desk) onRequest(m policies.CallbackMode) {
	d.service = aaa.PPP
	d.policy(policies.Policy{Callback: m, OnRequest: true})
	d.b.Reload(d.cfg)
}

// A caller who requests a callback that AAA does not require gives the number; only where the policy requires no
// callback may they decline it.
func TestOnRequest(t *testing.T) {
	for _, m := range []policies.CallbackMode{policies.Optional, policies.Required} {
		atDesk(t, func(d *desk) {
			d.onRequest(m)
			c := d.caller("c1")
			o := d.offered(c, "kim", aaa.Authorization{})
			if o.Number != "" || o.MayDecline != (m == policies.Optional) {
				t.Errorf("%s: offered %+v", m, o)
			}
			if m == policies.Required {
				if v := d.promise(c, session.Choice{Offer: o.ID, Decline: true}); v.Kind != session.BadChoice {
					t.Errorf("declined: %+v", v)
				}
			}
			if v := d.promise(c, session.Choice{Offer: o.ID, Number: "84007"}); v.Kind != session.Promised ||
				d.onPaper() != "kim 84007 5s" {
				t.Errorf("%s: %+v, in the journal %q", m, v, d.onPaper())
			}
			w := d.b.works[c.promised]
			if dec, err := w.decision(); err != nil || !dec.OnRequest || dec.Number.String() != "84007" {
				t.Errorf("%+v, %v", dec, err)
			}
			if _, reason, _ := d.b.recheck(w); reason != "" {
				t.Errorf("before the dial: %s", reason)
			}
			d.policy(policies.Policy{Callback: m})
			d.b.Reload(d.cfg)
			if _, reason, _ := d.b.recheck(w); !strings.Contains(reason, "that AAA does not require") {
				t.Errorf("before the dial, without the key: %q", reason)
			}
		})
	}
}

// A callback leaves only by lines that serve its service. Where there is none, nothing is promised.
func TestLinesOfTheService(t *testing.T) {
	for name, tt := range map[string]struct {
		serve counters
		auth  aaa.Authorization
		want  string // the reason, or the lines
	}{
		"both":           {counters{65: {aaa.PPP}, 66: {aaa.PPP}}, atHome, "66"},
		"the called one": {counters{65: {aaa.PPP}, 66: {aaa.EXEC}}, atHome, "65"},
		"none": {counters{65: {aaa.EXEC}, 66: {aaa.EXEC}}, atHome,
			"no line can call back: rotary 1 or the called line, tty 65: only tty 65, 66, which cannot serve ppp"},
		"not AAA's": {counters{65: {aaa.PPP}, 66: {aaa.EXEC}},
			aaa.Authorization{Callback: true, CallbackID: "home", Lines: []int{66}},
			"no line can call back: tty 66: only tty 66, which cannot serve ppp"},
	} {
		t.Run(name, func(t *testing.T) {
			atDesk(t, func(d *desk) {
				d.service, d.cfg.Session.FrontEnds = aaa.PPP, tt.serve
				d.b.Reload(d.cfg)
				c := d.caller("c1")
				v := d.promise(c, session.Choice{Offer: d.offered(c, "kim", tt.auth).ID})
				if v.Kind == session.Refuse {
					if v.Reason != tt.want || d.onPaper() != "" {
						t.Errorf("%+v, in the journal %q", v, d.onPaper())
					}
					return
				}
				w := d.b.works[c.promised]
				may, err := lines.Choose(d.b.want(w), []lines.Status{
					{TTY: 65, Rotary: 1, State: lines.InCall}, {TTY: 66, Rotary: 1, State: lines.Idle}})
				if err != nil || strings.Trim(fmt.Sprint(may), "[]") != tt.want {
					t.Errorf("dials from %v, %v", may, err)
				}
			})
		})
	}
}

// TestDeclinedUnderAnotherPolicy: a reload between the offer and the answer may require the callback or reject the
// user. The old offer then does not admit the caller.
func TestDeclinedUnderAnotherPolicy(t *testing.T) {
	for name, p := range map[string]policies.Policy{
		"required": {Callback: policies.Required}, "not on request": {},
		"required, on request": {Callback: policies.Required, OnRequest: true},
	} {
		atDesk(t, func(d *desk) {
			d.onRequest(policies.Optional)
			c := d.caller("c1")
			o := d.offered(c, "kim", aaa.Authorization{})
			d.policy(p)
			d.b.Reload(d.cfg)
			if v := d.promise(c, session.Choice{Offer: o.ID, Decline: true}); v.Kind != session.Refuse {
				t.Errorf("%s: %+v", name, v)
			}
		})
	}
}

// An offer without an answer is dropped with its call: it left no record, and it delays no one.
func TestOfferDropped(t *testing.T) {
	atDesk(t, func(d *desk) {
		for i := range 1000 {
			c := d.caller(fmt.Sprint("c", i))
			d.offered(c, "kim", anywhere)
			d.ends(c, 1)
			if c.offer != nil {
				t.Fatal("the offer outlives its session")
			}
			d.b.end(c)
		}
		if len(d.b.calls) != 0 || len(d.b.works) != 0 || len(d.b.events) != 0 || d.onPaper() != "" {
			t.Errorf("%d calls, %d callbacks, %d events, recorded: %s", len(d.b.calls), len(d.b.works), len(d.b.events),
				d.onPaper())
		}
		c := d.caller("late")
		taken := d.b.takeOffer(c, d.offered(c, "kim", anywhere).ID)
		d.ends(c, 1)
		if d.b.returnOffer(c, taken); c.offer != nil {
			t.Error("an offer was returned although its session ended during the answer")
		}
		c = d.caller("last")
		if v := d.promise(c, session.Choice{Offer: d.offered(c, "kim", anywhere).ID,
			Number: "84001"}); v.Kind != session.Promised {
			t.Errorf("%+v", v)
		}
	})
}
