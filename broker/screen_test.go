package broker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// TestScreen: only Granted answers a telephone; silence ends in bounded time, and a broker with nobody to ask answers none.
func TestScreen(t *testing.T) {
	answer := func(k aaa.Kind) func(context.Context, aaa.Request) aaa.Result {
		return func(_ context.Context, r aaa.Request) aaa.Result {
			if r.User != "84001" || r.Caller != "84001" || r.Called != "55555" || r.TTY != 65 || r.Password != "" {
				t.Errorf("asked %+v", r)
			}
			return aaa.Result{Kind: k, Reason: "because"}
		}
	}
	hangs := func(ctx context.Context, _ aaa.Request) aaa.Result {
		<-ctx.Done()
		return aaa.Result{Reason: "no answer"}
	}
	for name, tt := range map[string]struct {
		check    func(context.Context, aaa.Request) aaa.Result
		draining bool
		want     bool
		takes    time.Duration
	}{
		"granted": {answer(aaa.Granted), false, true, 0}, "refused": {answer(aaa.Refused), false, false, 0}, "silent": {answer(aaa.Silent), false, false, 0},
		"prompt": {answer(aaa.Prompt), false, false, 0}, "hangs": {hangs, false, false, 15 * time.Second}, "nobody to ask": {nil, false, false, 0},
		"shutting down": {answer(aaa.Granted), true, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := New(Options{CallCheck: tt.check}, Config{})
				b.draining.Store(tt.draining)
				began := time.Now()
				if got := b.Screen(t.Context(), lines.RingingCall{TTY: 65, Caller: "84001", Called: "55555"}); got != tt.want || time.Since(began) != tt.takes {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(began), tt.want, tt.takes)
				}
			})
		})
	}
}
