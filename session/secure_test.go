package session

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// oracle is a Broker whose verdicts come after a time, if the context has not ended.
type oracle struct {
	ledger
	decide, promise Verdict
	takes           time.Duration // of Promise
}

func (o *oracle) Decide(_ context.Context, a Asked) Verdict {
	o.asked = append(o.asked, a)
	return o.decide
}

func (o *oracle) Promise(ctx context.Context, c Choice) Verdict {
	o.chosen = append(o.chosen, c)
	pause(ctx, o.takes)
	if ctx.Err() != nil {
		return Verdict{Reason: context.Cause(ctx).Error()}
	}
	return o.promise
}

// settler is a front end that has grants settled, one after the other, and notes the verdicts and their times.
type settler struct {
	users      []string
	unservable string
	got        []string
}

func (*settler) Service() aaa.Service                  { return aaa.EXEC }
func (f *settler) Unservable(aaa.Authorization) string { return f.unservable }
func (f *settler) Serve(ctx context.Context, s *Session) Ending {
	for _, user := range f.users {
		began := time.Now()
		s.Trying(user)
		v, failure := s.Settle(ctx, aaa.Result{Kind: aaa.Granted,
			Identity: aaa.Identity{Entry: "radius", User: user}, Server: "primary"})
		f.got = append(f.got, fmt.Sprintf("%v %v %q after %v", v.Kind, failure, v.Text, time.Since(began)))
		for _, call := range []func(){func() { s.Admit() }, func() { s.Promise(ctx, Choice{}) }} {
			if Relay(func() error { call(); return nil }) == nil {
				f.got = append(f.got, "admitted or promised")
			}
		}
	}
	return Ending{aaa.CauseNASRequest, "disconnected"}
}

// listens runs a call with a front end and a Broker that lets its callers learn nothing.
func listens(t *testing.T, f *settler, o *oracle, cfg Config, leg Leg) Outcome {
	o.secure = true
	done := make(chan struct{})
	cfg.FrontEnds = Only{f}
	return Run(t.Context(), &lines.Call{Data: pipe{nil, done}, ID: "c1", TTY: 65, Start: time.Now()}, cfg, &login{}, o,
		leg)
}

// TestSecure: the front end gets the same verdict at the same time, whatever the Broker says, and can neither admit the
// caller nor accept an offer.
func TestSecure(t *testing.T) {
	offered := Verdict{Kind: Offered, Offer: Offer{ID: "o1", Number: "84001"}}
	promised := Verdict{Kind: Promised, CallbackID: "cb1"}
	for name, tt := range map[string]struct {
		oracle
		unservable string
		want       OutcomeKind
	}{
		"promised":               {oracle: oracle{decide: offered, promise: promised}, want: CallbackPromised},
		"promised late":          {oracle: oracle{decide: offered, promise: promised, takes: 4 * time.Second}, want: 2},
		"not promised in time":   {oracle: oracle{decide: offered, promise: promised, takes: time.Minute}},
		"refused":                {oracle: oracle{decide: Verdict{Text: "Access denied", Reason: "x"}}},
		"refused at the promise": {oracle: oracle{decide: offered, promise: Verdict{Text: "Callback already pending"}}},
		"admitted":               {oracle: oracle{decide: Verdict{Kind: Admit}}},
		"declined":               {oracle: oracle{decide: offered, promise: Verdict{Kind: Admit}}},
		"a bad choice":           {oracle: oracle{decide: offered, promise: Verdict{Kind: BadChoice}}},
		"asked for a number":     {oracle: oracle{decide: Verdict{Kind: Offered}, promise: promised}},
		"not servable":           {oracle: oracle{decide: offered, promise: promised}, unservable: "x"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &settler{users: []string{"kim"}, unservable: tt.unservable}
				out := listens(t, f, &tt.oracle, Config{}, Leg{})
				const want = `[disconnect 0 "Line is disconnected" after 5s]`
				if got := fmt.Sprint(f.got); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				if out.Kind != tt.want || out.Tries != 0 {
					t.Errorf("%+v", out)
				}
				ended := fmt.Sprintf(`2 exec kim c1 cause %d admitted false %q`, out.Cause, out.CallbackID)
				if got, want := tt.told(), `1 exec kim c1 cause 0 admitted false ""; `+ended; got != want {
					t.Errorf("reports %s, want %s", got, want)
				}
			})
		})
	}
}

// TestSecureOnceACall: what comes after a secure login on the same call, as after a renegotiation of PPP, tells nothing
// of it, and the Broker is not asked again: not about the same user, and not about one who may be told.
func TestSecureOnceACall(t *testing.T) {
	for _, v := range []Verdict{{Kind: Promised, CallbackID: "cb1"}, {}} {
		synctest.Test(t, func(t *testing.T) {
			f := &settler{users: []string{"kim", "kim", "lee"}}
			o := &oracle{decide: Verdict{Kind: Offered, Offer: Offer{ID: "o1", Number: "84001"}}, promise: v}
			out := listens(t, f, o, Config{}, Leg{})
			const one = `disconnect 0 "Line is disconnected" after 5s`
			if got, want := fmt.Sprint(f.got), fmt.Sprintf("[%s %[1]s %[1]s]", one); got != want {
				t.Errorf("%s", got)
			}
			if out.CallbackID != v.CallbackID || len(o.asked) != 1 {
				t.Errorf("%+v, asked %d times", out, len(o.asked))
			}
		})
	}
}

// TestSecureTimeout: the end of the login's time, too, has the same effect with and without a callback.
func TestSecureTimeout(t *testing.T) {
	for _, v := range []Verdict{{Kind: Promised, CallbackID: "cb1"}, {}} {
		synctest.Test(t, func(t *testing.T) {
			f := &settler{users: []string{"kim"}}
			o := &oracle{decide: Verdict{Kind: Offered, Offer: Offer{ID: "o1", Number: "84001"}}, promise: v}
			out := listens(t, f, o, Config{LoginTimeout: 2 * time.Second}, Leg{})
			if got := fmt.Sprint(f.got); got != `[refuse 4 "" after 5s]` {
				t.Errorf("%s", got)
			}
			if out.CallbackID != v.CallbackID {
				t.Errorf("%+v", out)
			}
		})
	}
}

// Leg two is at the number that was called: its user may learn why they are refused.
func TestSecureNotOnLegTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, o := &settler{users: []string{"kim"}}, &oracle{decide: Verdict{Text: "Access denied"}}
		leg := Leg{Number: 2, Service: aaa.EXEC, Identity: aaa.Identity{Entry: "radius", User: "kim"}}
		listens(t, f, o, Config{}, leg)
		if got := fmt.Sprint(f.got); got != `[refuse 0 "Access denied" after 0s]` {
			t.Errorf("%s", got)
		}
	})
}
