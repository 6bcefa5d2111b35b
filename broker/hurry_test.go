package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/policies"
)

// hurry orders that the last callback is tried again, and checks the error.
func (w *town) hurry(want string) {
	w.t.Helper()
	err := w.broker.RetryCallback(context.Background(), w.last().ID, "uid 7 (kim, api, pid 1)")
	if want == "" && err != nil || want != "" && (!errors.Is(err, broker.ErrNoRetry) ||
		!strings.Contains(err.Error(), want)) {
		w.t.Errorf("retry: %v, want %q", err, want)
	}
}

// TestRetryOrdered: an operator ends the retry wait, and no other one; the budget stays, and the next wait is whole.
func TestRetryOrdered(t *testing.T) {
	const wait = 10 * time.Minute
	for name, tc := range map[string]struct {
		holdOff     time.Duration
		before      time.Duration // from the promise to the order
		disturb     func(*town)
		least, most time.Duration // from the first dial to the second
	}{
		"on a line that was given back": {before: 3 * time.Minute, least: 2 * time.Minute, most: 4 * time.Minute},
		"hold_off remains": {holdOff: 6 * time.Minute, before: 3 * time.Minute, least: 6 * time.Minute,
			most: 7 * time.Minute},
		"after a restart": {before: 3 * time.Minute,
			disturb: func(w *town) { w.halt(); w.start(); w.pass(time.Minute) },
			least:   3 * time.Minute, most: 5 * time.Minute},
		"before a restart, which forgets it": {holdOff: 6 * time.Minute, before: 3 * time.Minute,
			least: 12 * time.Minute, most: 15 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			o := townOptions{attempts: 3, lifetime: 2 * time.Hour, holdOff: tc.holdOff,
				policy: func(p *policies.Policy) { p.Attempts.RetryWait = wait }}
			inTown(t, o, func(w *town) {
				w.x.Reserve("84001", exchange.Busy)
				promised(w)
				w.pass(tc.before)
				if tc.disturb != nil {
					tc.disturb(w)
				}
				if n := len(w.dialed()); n != 1 {
					t.Fatalf("%d dials", n)
				}
				w.hurry("")
				w.hurry("is not tried again") // a second order: the attempt may have begun meanwhile
				if strings.HasPrefix(name, "before a restart") {
					w.halt()
					w.start()
				}
				w.pass(time.Hour)
				got := w.waits(time.Second)
				if len(got) != 2 || got[0] < tc.least || got[0] > tc.most || got[1] < wait {
					t.Errorf("waits %v; the first must be from %v to %v\n%v", got, tc.least, tc.most, w.last().History)
				}
				if v := w.last(); v.Attempts != 3 || v.Phase != "failed" {
					t.Errorf("%s after %d attempts", v.Phase, v.Attempts)
				}
				w.hurry("it has ended")
				if n := len(w.dialed()); n != 3 {
					t.Errorf("%d dials with a budget of 3", n)
				}
				w.idle(time.Minute)
			})
		})
	}
}

// TestRetryOrderedShortWait: on the line that the callback keeps during a short wait.
func TestRetryOrderedShortWait(t *testing.T) {
	o := townOptions{attempts: 2, policy: func(p *policies.Policy) { p.Attempts.RetryWait = 50 * time.Second }}
	inTown(t, o, func(w *town) {
		w.x.Reserve("84001", exchange.Busy)
		promised(w)
		for len(w.dialed()) == 0 || w.last().Phase != "waiting" {
			w.pass(time.Second)
		}
		w.hurry("")
		w.pass(20 * time.Second)
		if got := w.waits(time.Second); len(got) != 1 || got[0] >= 40*time.Second {
			t.Errorf("waits %v", got)
		}
		w.idle(time.Minute)
	})
}

// TestRetryTooEarly: the forced wait before the first attempt, and an attempt in progress, are left as they are.
func TestRetryTooEarly(t *testing.T) {
	inTown(t, townOptions{attempts: 2}, func(w *town) {
		w.x.Reserve("84001", exchange.NoAnswer)
		promised(w)
		for w.last().Phase != "waiting" {
			w.pass(100 * time.Millisecond)
		}
		w.hurry("that wait is never shortened")
		for w.last().Phase != "dialing" {
			w.pass(time.Second)
		}
		w.hurry("an attempt is in progress")
	})
}
