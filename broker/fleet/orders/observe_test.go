package orders_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/fleettest"
	"github.com/ringback/ringback/broker/fleet/orders"
	"github.com/ringback/ringback/broker/journal"
)

// Each operation on a callback is observed with its time and result, and the status has what the node owes.
func TestObserved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nothing, "lyon-1", "lyon-2")
		a, b := s.nodes["lyon-1"], s.nodes["lyon-2"]
		var seen []string
		observe := func(operation string, took time.Duration, err error) {
			seen = append(seen, fmt.Sprint(operation, " ", orders.ResultOf(err), " ", took))
		}
		a.Observe, b.Observe, a.Owed = observe, observe, func() int { return 3 }
		ctx := t.Context()
		for _, n := range []*orders.Node{a, b} {
			if _, err := n.Resume(ctx, nil); err != nil {
				t.Fatal(err)
			}
		}
		p := fleet.Promise{Row: fleet.Row{Rotary: 7, Callback: journal.Callback{ID: "cb", User: "kim", Max: 1,
			Shared: true}}, Time: time.Now()}
		again := p
		again.ID = "other"
		s.below["lyon-1"].Intercept(fleettest.Delay(time.Second))
		row, claim := p.Row, fleet.Claim{ID: "cb", Epoch: 1}
		row.Epoch = 1
		errs := []error{a.Promise(ctx, p), a.Promise(ctx, again), a.Offer(ctx, row)}
		taken, err := b.Take(ctx, row)
		errs = append(errs, err, a.Attempt(ctx, claim, journal.Attempt{CallbackID: "cb", N: 1}),
			b.Attempt(ctx, taken.Claim(), journal.Attempt{CallbackID: "cb", N: 1}), b.Look(ctx, taken.Claim(), 2),
			b.End(ctx, fleet.End{Claim: taken.Claim(), Outcome: "completed"}))
		want := []string{"promise ok 1s", "promise pending 1s", "offer ok 1s", "take ok 0s", "attempt fenced 1s",
			"attempt ok 0s", "look fenced 0s", "end ok 0s"}
		if !slices.Equal(seen, want) {
			t.Errorf("%q\n%v", seen, errs)
		}
		if n := a.Status().Owed; n != 3 || b.Status().Owed != 0 {
			t.Errorf("%d reports are owed", n)
		}
	})
}

func TestResultOf(t *testing.T) {
	for want, err := range map[string]error{"ok": nil, "ceiling": &journal.Ceiling{}, "away": fleet.ErrAway,
		"unknown": fmt.Errorf("commit: %w", fleet.ErrUnknown), "spent": fleet.ErrSpent, "forged": fleet.ErrForged,
		"no_member": fleet.ErrNotMember, "other": context.Canceled} {
		if got := orders.ResultOf(err); got != want {
			t.Errorf("%v: %s, want %s", err, got, want)
		}
	}
	if got := orders.ResultOf(errors.Join(fleet.ErrFenced, context.Canceled)); got != "fenced" {
		t.Errorf("%s", got)
	}
}
