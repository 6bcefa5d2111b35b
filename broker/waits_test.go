package broker_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// TestWhyItWaits: the view of a pending callback says why it waits and until when, and no other view does.
func TestWhyItWaits(t *testing.T) {
	for name, tc := range map[string]struct {
		o     townOptions
		bar   time.Duration // that the modem names
		delay time.Duration // by an operator
		after int           // dials
		why   string
		about time.Duration // from then until the end of the wait, at least; at most a minute more
	}{
		"forced wait": {townOptions{}, 0, 0, 0, "the forced wait after the hang-up", 0},
		"retry wait":  {townOptions{}, 0, 0, 1, "retry wait before attempt 2 of 3", 10 * time.Second},
		"hold-off": {townOptions{holdOff: 5 * time.Minute}, 0, 0, 1,
			"84001 was dialed a short time ago (callback.hold_off)", 4 * time.Minute},
		"the modem": {townOptions{}, 20 * time.Minute, 0, 0,
			"the modem of tty 65 named a time for which it does not dial 84001 (BLACKLISTED or DELAYED)",
			19 * time.Minute},
		"a CoA": {townOptions{}, 0, 30 * time.Minute, 0, "a CoA-Request or an operator delayed it", 29 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			var left atomic.Int32
			if tc.bar > 0 {
				left.Store(1)
			}
			tc.o.lines, tc.o.attempts, tc.o.lifetime = 1, 3, 2*time.Hour
			tc.o.driver = func(_ int, d lines.Driver) lines.Driver { return bars{d, &left, tc.bar} }
			inTown(t, tc.o, func(w *town) {
				w.x.Reserve("84001", exchange.Busy)
				promised(w)
				id := w.last().ID
				if tc.delay > 0 {
					if _, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
						broker.Change{DelayCallback: tc.delay}); err != nil {
						t.Fatal(err)
					}
				}
				wait := func() broker.CallbackView {
					v, err := w.broker.Callback(context.Background(), id)
					if err != nil {
						t.Fatal(err)
					}
					return v
				}
				began := time.Now()
				v := wait()
				for v.WaitsFor != tc.why && time.Since(began) < 10*time.Minute {
					w.pass(100 * time.Millisecond)
					v = wait()
				}
				rest := time.Until(v.WaitsUntil)
				if v.WaitsFor != tc.why || len(w.dialed()) != tc.after || rest <= 0 || rest < tc.about ||
					rest > tc.about+time.Minute {
					t.Errorf("after %d dials: %q, for %v", len(w.dialed()), v.WaitsFor, rest)
				}
				list, _, err := w.broker.CallbackList(context.Background(), broker.CallbackQuery{})
				if err != nil || len(list) != 1 || list[0].WaitsFor != v.WaitsFor ||
					list[0].WaitsUntil != v.WaitsUntil {
					t.Errorf("the list: %+v, %v", list, err)
				}
				w.pass(rest + 5*time.Second)
				if v := wait(); v.WaitsFor == tc.why && !v.WaitsUntil.After(time.Now()) {
					t.Errorf("after the wait: %q until %v", v.WaitsFor, v.WaitsUntil)
				}
				w.pass(2 * time.Hour)
				if v := wait(); v.Ended.IsZero() || v.WaitsFor != "" || !v.WaitsUntil.IsZero() {
					t.Errorf("at the end: %s waits for %q", v.Phase, v.WaitsFor)
				}
			})
		})
	}
}
