package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// granting gives every user these numbers.
func granting(all ...string) func(*aaa.Authorization) {
	return func(a *aaa.Authorization) {
		a.Callback, a.Dialstring, a.Further = true, aaa.DialstringOf(all[0]), all[1:]
	}
}

// numbers returns what the town's lines have dialed.
func (w *town) numbers() (all []string) {
	for _, d := range w.dialed() {
		all = append(all, strings.TrimPrefix(d.Text, "T "))
	}
	return all
}

// Several numbers are dialed in turn, within the attempts of the policy. The wait is between two rounds: it would gain
// nothing before a number that was not dialed yet.
func TestSeveralNumbers(t *testing.T) {
	for name, tc := range map[string]struct {
		attempts int
		users    []string
		dialed   string
		waits    string
	}{
		"fewer attempts than numbers": {2, []string{"84010", "84011", "84012"}, "84010 84011", "0s"},
		"one attempt":                 {1, []string{"84010", "84011"}, "84010", ""},
		"two rounds": {5, []string{"84010", "84011"}, "84010 84011 84010 84011 84010",
			"0s 30s 0s 30s"},
		"the second answers": {5, []string{"84010", "84001", "84011"}, "84010 84001", "0s"},
		"a denied one": {4, []string{"84901", "84010", "84011"}, "84010 84011 84010 84011",
			"0s 30s 0s"},
		"one that is no number":       {2, []string{"84010", "84;ATH", "84011"}, "84010 84011", "0s"},
		"the same one, written twice": {3, []string{"84010", "84-010", "84011"}, "84010 84011 84010", "0s 30s"},
		"all but one are denied":      {2, []string{"84901", "84902", "84010"}, "84010 84010", "30s"},
		"nine are denied": {3, strings.Fields("84901 84902 84903 84904 84905 84906 84907 84908 84909 84010"),
			"84010 84010 84010", "30s 30s"},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{attempts: tc.attempts, user: granting(tc.users...)}
			inTown(t, o, func(w *town) {
				for _, n := range []string{"84010", "84011", "84012"} {
					w.x.Reserve(n, exchange.Busy)
				}
				p := promised(w)
				w.pass(20 * time.Minute)
				if got := strings.Join(w.numbers(), " "); got != tc.dialed {
					t.Errorf("dialed %s, want %s\n%v", got, tc.dialed, w.last().Decision)
				}
				var waits []string
				for _, d := range w.waits(30 * time.Second) {
					waits = append(waits, d.String())
				}
				if got := strings.Join(waits, " "); got != tc.waits {
					t.Errorf("waits %s, want %s", got, tc.waits)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// If no number is left, nobody is called back, and the reason is that of a number.
func TestNoNumberIsLeft(t *testing.T) {
	inTown(t, townOptions{user: granting("84901", "112", "84902")}, func(w *town) {
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		if n := len(w.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// A caller who gives the number gives one, whatever else AAA or the list has.
func TestCallerGivesOneNumber(t *testing.T) {
	o := townOptions{attempts: 3, policy: func(p *policies.Policy) {
		p.Numbers.From = []policies.Source{policies.FromAAA, policies.FromList}
		p.Numbers.List = map[string][]string{"austin-02": {"84010", "84011"}}
	}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84011", exchange.Busy)
		p := w.pc(w.home)
		p.login("austin-02")
		p.see("Callback Dialstring: ", time.Minute)
		p.typ("84011")
		p.see("Callback initiated", time.Minute)
		w.pass(10 * time.Minute)
		if got := w.numbers(); !slices.Equal(got, []string{"84011", "84011", "84011"}) {
			t.Errorf("dialed %q", got)
		}
	})
}

// The policy and AAA are asked before each dial. A number that they deny by then is passed over, and is never dialed;
// the callback ends when all are denied.
func TestNumberDeniedLater(t *testing.T) {
	deny := func(p *policies.Policy) { p.Numbers.Deny = append(p.Numbers.Deny, "84011") }
	for name, tc := range map[string]struct {
		policy func(*policies.Policy)
		again  []string // what AAA grants when it is asked again; nil: it is not
		dialed string
		cause  string
	}{
		"a policy":         {deny, nil, "84010 84012 84010", "deny"},
		"a policy, all":    {func(p *policies.Policy) { p.Numbers.Deny = []string{"84*"} }, nil, "84010", "deny"},
		"AAA":              {nil, []string{"84012", "84010"}, "84010 84012 84010", "the number changed"},
		"AAA, all but one": {nil, []string{"84011"}, "84011 84011", "busy"},
		"AAA, all":         {nil, []string{"84009"}, "", "the number changed"},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{attempts: 5, user: granting("84010", "84011", "84012"), policy: func(p *policies.Policy) {
				p.Reauthorize = tc.again != nil
			}}
			if tc.again != nil {
				o.again = func(_ aaa.Request, granted aaa.Authorization) aaa.Result {
					granting(tc.again...)(&granted)
					return aaa.Result{Kind: aaa.Granted, Auth: granted,
						Identity: aaa.Identity{Entry: "local", User: "austin-01"}}
				}
			}
			inTown(t, o, func(w *town) {
				for _, n := range []string{"84010", "84011", "84012"} {
					w.x.Reserve(n, exchange.Busy)
				}
				promised(w)
				for tc.policy != nil && len(w.dialed()) == 0 {
					w.pass(10 * time.Millisecond)
				}
				if tc.policy != nil {
					w.opt.policy = tc.policy
					w.broker.Reload(w.config())
				}
				w.pass(20 * time.Minute)
				if got := strings.Join(w.numbers(), " "); got != tc.dialed {
					t.Errorf("dialed %s, want %s", got, tc.dialed)
				}
				for _, d := range w.waits(30 * time.Second) { // the same number has its wait
					if got := w.numbers(); got[0] == got[len(got)-1] && len(got) == 2 && d != 30*time.Second {
						t.Errorf("waits %v", d)
					}
				}
				if v := w.last(); !strings.Contains(v.Cause, tc.cause) || v.Phase != "failed" {
					t.Errorf("%s: %s", v.Phase, v.Cause)
				}
			})
		})
	}
}

// Law 2: all numbers together are dialed as often as the budget says, also across restarts, and each at its place of
// the plan.
func TestBudgetOfSeveralNumbers(t *testing.T) {
	var all []string
	for i := range aaa.MaxNumbers {
		all = append(all, fmt.Sprint(84010+i))
	}
	o := townOptions{attempts: 7, user: granting(all...), lifetime: 3 * time.Hour}
	inTown(t, o, func(w *town) {
		for _, n := range all {
			w.x.Reserve(n, exchange.Busy)
		}
		promised(w)
		for range 4 {
			w.pass(7 * time.Second)
			w.halt()
			w.start()
		}
		w.pass(2 * time.Hour)
		got := w.numbers()
		if len(got) > 7 || !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("dialed %q", got)
		}
		if v := w.last(); v.Phase != "failed" || v.Attempts != 7 || v.Max != 7 {
			t.Errorf("%s after %d attempts of %d: %s", v.Phase, v.Attempts, v.Max, v.Cause)
		}
	})
}

// Law 13: a callback reserves the cost of its dearest number for each dial, and settles what each call has cost; a
// number pays for its own dials only.
func TestCeilingOfSeveralNumbers(t *testing.T) {
	o := townOptions{attempts: 3, user: granting("84010", "84001"),
		tariff: "prefix,per_minute,per_call,granularity\n84001,0.10,0.05,60/60\n84010,1.00,0.50,60/60\n",
		policy: func(p *policies.Policy) {
			p.Limits = policies.Limits{Number: policies.Ceilings{Day: policies.Ceiling{Calls: 4}},
				User: policies.Ceilings{Day: policies.Ceiling{Calls: 50}, Month: policies.Ceiling{Money: 1 << 40}}}
		}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		p := promised(w)
		// By hand: three calls of an hour, 5 min and 45 s at 1.00 are 198 minutes, with a minute and 0.50 for each.
		if a := w.account("user", "austin-01"); a.Reserved.Money != 198_000_000+3_000_000+1_500_000 ||
			a.Reserved.Calls != 3 {
			t.Errorf("reserved are %+v", a.Reserved)
		}
		p.see("CONNECT", 3*time.Minute)
		w.pass(3*time.Minute + 10*time.Second)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		user, dear, cheap := w.account("user", "austin-01"), w.account("number", "84010"), w.account("number", "84001")
		if u := user.Windows[2].Used; u.Calls != 2 || u.Money != 450_000 || u.Failures != 1 ||
			user.Reserved != (journal.Amount{}) {
			t.Errorf("the user has used %+v, reserved %+v", u, user.Reserved)
		}
		if u := dear.Windows[1].Used; u.Calls != 1 || u.Money != 0 || u.Failures != 1 || dear.Open != 0 {
			t.Errorf("84010 has used %+v", u)
		}
		if u := cheap.Windows[1].Used; u.Calls != 1 || u.Money != 450_000 || u.Failures != 0 || cheap.Open != 0 {
			t.Errorf("84001 has used %+v", u)
		}
		// 84010 has 3 calls left of 4, 84001 too: the callback fits once more, and then not.
		p.dte.SetDTR(true)
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("CONNECT", 3*time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		p.dte.SetDTR(true)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// A callback that failed disables the numbers that it has dialed, and no other: the next one dials those.
func TestDisabledNumberOfSeveral(t *testing.T) {
	o := townOptions{attempts: 1, user: granting("84010", "84001"), policy: func(p *policies.Policy) {
		p.Attempts.Disable = time.Hour
	}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		p := promised(w)
		w.pass(5 * time.Minute)
		w.halt()
		w.start()
		w.idle(time.Minute)
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("CONNECT", 3*time.Minute)
		if got := strings.Join(w.numbers(), " "); got != "84010 84001" {
			t.Errorf("dialed %s", got)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// orders are the lives of a user with three numbers: for each callback, what its numbers do, and what it dials.
func TestOrderOfNumbers(t *testing.T) {
	type life struct{ silent, dialed string }
	for name, tc := range map[string]struct {
		order    policies.Order
		attempts int
		lives    []life
	}{
		"sequential": {policies.Sequential, 3, []life{
			{"", "84001"}, {"84001", "84001 84002"}, {"", "84001"}}},
		"round robin": {policies.RoundRobin, 3, []life{
			{"", "84001"}, {"", "84002"}, {"84003", "84003 84001"}, {"", "84002"}, {"", "84003"}, {"", "84001"}}},
		"round robin, one attempt": {policies.RoundRobin, 1, []life{
			{"84001", "84001"}, {"84002", "84002"}, {"", "84003"}, {"", "84001"}}},
		"last successful": {policies.LastSuccessful, 3, []life{
			{"84001 84002", "84001 84002 84003"}, {"", "84003"}, {"84003", "84003 84001"}, {"", "84001"},
			{"84001 84002 84003", "84001 84002 84003"}, {"", "84001"}}},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{lines: 2, attempts: tc.attempts, user: granting("84001", "84002", "84003"),
				policy: func(p *policies.Policy) { p.Attempts.Order = tc.order }}
			inTown(t, o, func(w *town) {
				modems := map[string]*exchange.Modem{"84001": w.home}
				for _, n := range []string{"84002", "84003"} {
					modems[n] = w.x.AddModem(exchange.ModemConfig{Name: n, Number: n})
				}
				caller := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "caller", Number: "84050"}))
				for i, l := range tc.lives {
					for n, m := range modems {
						if strings.Contains(l.silent, n) {
							w.pc(m).typ("ats0=0") // it rings
						} else {
							w.pc(m).typ("ats0=1")
						}
					}
					before := len(w.numbers())
					caller.login("austin-01")
					caller.see("Callback initiated", time.Minute)
					w.pass(5 * time.Minute)
					for _, m := range modems {
						w.pc(m).dte.SetDTR(false)
					}
					caller.dte.SetDTR(false)
					w.idle(5 * time.Minute)
					caller.dte.SetDTR(true)
					for _, m := range modems {
						w.pc(m).dte.SetDTR(true)
					}
					if got := strings.Join(w.numbers()[before:], " "); got != l.dialed {
						t.Errorf("callback %d dialed %s, want %s", i+1, got, l.dialed)
					}
					if i%2 == 0 { // the journal has the order
						w.halt()
						w.start()
						w.idle(time.Minute)
					}
				}
			})
		})
	}
}

// damagedOrder is a journal whose rows of the last numbers do not verify.
type damagedOrder struct{ journal.Store }

func (s damagedOrder) Dialed(ctx context.Context) ([]journal.Dialed, []journal.Damage, error) {
	rows, bad, err := s.Store.Dialed(ctx)
	for _, r := range rows {
		bad = append(bad, journal.Damage{Table: "dialed_numbers", Key: r.User, Reason: "its checksum is wrong"})
	}
	return nil, bad, err
}

// A damaged row is an alarm, and the user's first number is dialed first.
func TestDamagedOrder(t *testing.T) {
	core, logged := observer.New(zap.WarnLevel)
	o := townOptions{attempts: 1, user: granting("84010", "84011"), log: zap.New(core),
		policy: func(p *policies.Policy) { p.Attempts.Order = policies.RoundRobin }}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		w.x.Reserve("84011", exchange.Busy)
		for range 2 {
			promised(w)
			w.pass(5 * time.Minute)
		}
		promised(w)
		w.pass(5 * time.Minute)
		w.halt()
		w.opt.store = func(s journal.Store) journal.Store { return damagedOrder{s} }
		w.start()
		w.idle(time.Minute)
		promised(w)
		w.pass(5 * time.Minute)
		promised(w)
		w.pass(5 * time.Minute)
		if got := strings.Join(w.numbers(), " "); got != "84010 84011 84010 84010 84011" {
			t.Errorf("dialed %s", got)
		}
		if n := logged.FilterMessageSnippet("the numbers that were dialed last").Len(); n != 1 {
			t.Errorf("%d alarms: %v", n, logged.All())
		}
	})
}

// After a cause, the policy may dial the same number again. The budget is that of the callback.
func TestSameNumberAgain(t *testing.T) {
	same := policies.Retry{SameNumber: true}
	for name, tc := range map[string]struct {
		attempts int
		after    map[policies.Cause]policies.Retry
		dialed   string
		waits    string
	}{
		"busy again, no answer next": {6, map[policies.Cause]policies.Retry{policies.NoAnswer: same},
			"84010 84011 84010 84011 84010 84011", "0s 30s 0s 30s 0s"},
		"always the same": {4, map[policies.Cause]policies.Retry{policies.Busy: same},
			"84010 84010 84010 84010", "30s 30s 30s"},
		"the same with a wait": {3, map[policies.Cause]policies.Retry{
			policies.Busy: {SameNumber: true, Wait: 2 * time.Minute}},
			"84010 84010 84010", "2m0s 2m0s"},
		"never": {3, map[policies.Cause]policies.Retry{policies.Busy: {SameNumber: true, Never: true}},
			"84010", ""},
		"one attempt": {1, map[policies.Cause]policies.Retry{policies.Busy: same}, "84010", ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{attempts: tc.attempts, user: granting("84010", "84011"), policy: func(p *policies.Policy) {
				for c, r := range tc.after {
					p.Attempts.After[c] = r
				}
				p.Limits.User.Month.Money = 1 << 40
			}, tariff: "prefix,per_minute,per_call,granularity\n84010,9.00,0,1/1\n84011,0.01,0,1/1\n"}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84010", exchange.Busy)
				w.x.Reserve("84011", exchange.Busy)
				promised(w)
				w.pass(30 * time.Minute)
				if got := strings.Join(w.numbers(), " "); got != tc.dialed {
					t.Errorf("dialed %s, want %s", got, tc.dialed)
				}
				var waits []string
				for _, d := range w.waits(30 * time.Second) {
					waits = append(waits, d.String())
				}
				if got := strings.Join(waits, " "); got != tc.waits {
					t.Errorf("waits %s, want %s", got, tc.waits)
				}
				if v := w.last(); v.Attempts != v.Max && tc.waits != "" || v.Phase != "failed" {
					t.Errorf("%s after %d attempts of %d", v.Phase, v.Attempts, v.Max)
				}
			})
		})
	}
}

// The views say which of several numbers is current and in which order they are dialed, and each attempt says its own.
func TestViewsOfSeveralNumbers(t *testing.T) {
	o := townOptions{attempts: 3, forcedWait: time.Minute, user: granting("84010", "84901", "84011"),
		policy: func(p *policies.Policy) { p.Attempts.RetryWait = 10 * time.Minute }}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		w.x.Reserve("84011", exchange.Busy)
		promised(w)
		check := func(when, number string) {
			t.Helper()
			if v := w.last(); v.Number != number || strings.Join(v.Numbers, " ") != "84010 84011" {
				t.Errorf("%s: %s of %q", when, v.Number, v.Numbers)
			}
		}
		check("before the first dial", "84010")
		for len(w.dialed()) < 2 {
			w.pass(time.Second)
		}
		w.pass(time.Minute)
		check("between the rounds", "84010")
		w.pass(20 * time.Minute)
		v := w.last()
		var attempts []string
		for _, a := range v.Attempt {
			attempts = append(attempts, a.Number)
		}
		if got := strings.Join(attempts, " "); v.Phase != "failed" || got != "84010 84011 84010" {
			t.Errorf("%s after %s", v.Phase, got)
		}
		check("at the end", "84010")
		if text := fmt.Sprint(v.Decision, v.History); !strings.Contains(text, `2 of 3: "84901"`) ||
			!strings.Contains(text, "dialstring 84010, then 84011") {
			t.Errorf("%s", text)
		}
	})
}

// failingDisk is a journal that does not record the first ends of attempts.
type failingDisk struct {
	journal.Store
	fails *atomic.Int32
}

func (s failingDisk) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	for _, g := range groups {
		for _, m := range g {
			if _, ends := m.(journal.EndAttempt); ends && s.fails.Add(-1) >= 0 {
				errs := make([]error, len(groups))
				for i := range errs {
					errs[i] = errors.New("disk full")
				}
				return errs
			}
		}
	}
	return s.Store.CommitEach(ctx, groups...)
}

// An event whose step is not on disk is stepped again. The plan must not be changed twice: after a busy number comes
// the same one, and then, because nobody answers, the next.
func TestSameNumberOnAFailingDisk(t *testing.T) {
	var fails atomic.Int32
	o := townOptions{attempts: 4, user: granting("84010", "84011"), policy: after(policies.Busy,
		policies.Retry{SameNumber: true}), store: func(s journal.Store) journal.Store { return failingDisk{s, &fails} }}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		w.x.Reserve("84011", exchange.NoAnswer)
		fails.Store(3)
		promised(w)
		for len(w.dialed()) == 0 {
			w.pass(10 * time.Millisecond)
		}
		for len(w.last().Attempt) == 0 || w.last().Attempt[0].Ended.IsZero() {
			w.pass(100 * time.Millisecond)
		}
		w.x.Reserve("84010", exchange.NoAnswer)
		w.pass(30 * time.Minute)
		if got := strings.Join(w.numbers(), " "); got != "84010 84010 84011 84010" || fails.Load() >= 0 {
			t.Errorf("dialed %s, %d failures left", got, fails.Load())
		}
		if v := w.last(); v.Attempts != 4 || v.Max != 4 {
			t.Errorf("%d attempts of %d", v.Attempts, v.Max)
		}
	})
}

// After a restart the plan continues where it was, also one that was changed, and the interrupted attempt counts.
func TestSameNumberAfterARestart(t *testing.T) {
	o := townOptions{attempts: 4, user: granting("84010", "84011", "84012"), policy: func(p *policies.Policy) {
		p.Attempts.After[policies.Busy] = policies.Retry{SameNumber: true}
		p.Limits.User.Day.Calls = 100 // so that the row has the rates, too
	}, tariff: prices}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84010", exchange.Busy)
		for _, n := range []string{"84011", "84012"} {
			w.x.Reserve(n, exchange.NoAnswer)
		}
		promised(w)
		for len(w.dialed()) < 2 {
			w.pass(100 * time.Millisecond)
		}
		w.pass(5 * time.Second)
		w.x.Reserve("84010", exchange.NoAnswer)
		w.halt()
		w.start()
		w.pass(30 * time.Minute)
		if got := strings.Join(w.numbers(), " "); got != "84010 84010 84010 84011" {
			t.Errorf("dialed %s", got)
		}
	})
}
