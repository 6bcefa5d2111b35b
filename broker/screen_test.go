package broker

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// TestScreen: only Granted answers a call; silence ends in bounded time, and a broker that can ask no server answers
// none.
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
		line     lines.Config
	}{
		"granted": {check: answer(aaa.Granted), want: true}, "refused": {check: answer(aaa.Refused)},
		"silent": {check: answer(aaa.Silent)},
		"prompt": {check: answer(aaa.Prompt)}, "hangs": {check: hangs, takes: 15 * time.Second}, "nobody to ask": {},
		"shutting down":    {check: answer(aaa.Granted), draining: true},
		"no modem signals": {check: answer(aaa.Granted), line: lines.Config{InBand: true}},
		"no modem signals, and allowed": {check: answer(aaa.Granted),
			line: lines.Config{InBand: true, InsecureSignals: true}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := lines.NewPool(lines.PoolOptions{})
				tt.line.TTY = 65
				if err := pool.Add(&tt.line, nil); err != nil {
					t.Fatal(err)
				}
				b := New(Options{CallCheck: tt.check, Pool: pool}, Config{})
				b.draining.Store(tt.draining)
				began := time.Now()
				if got := b.Screen(t.Context(), lines.RingingCall{TTY: 65, Caller: "84001",
					Called: "55555"}); got != tt.want || time.Since(began) != tt.takes {
					t.Errorf("%v after %v, want %v after %v", got, time.Since(began), tt.want, tt.takes)
				}
			})
		})
	}
}
