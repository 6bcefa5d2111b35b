package broker_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/journal"
)

// aged is a journal whose rows are made older by a duration, as if the wall clock had moved on.
type aged struct {
	journal.Store
	by time.Duration
}

func (a aged) Pending(ctx context.Context) ([]journal.Callback, []journal.Damage, error) {
	rows, damaged, err := a.Store.Pending(ctx)
	for i := range rows {
		rows[i].Created, rows[i].Updated = rows[i].Created.Add(-a.by), rows[i].Updated.Add(-a.by)
	}
	return rows, damaged, err
}

// TestNoDialAfterLifetime: a callback whose lifetime ended while no process ran is not dialed at the next start,
// however short its wait; one that has time left is.
func TestNoDialAfterLifetime(t *testing.T) {
	for age, phase := range map[time.Duration]string{59 * time.Minute: "completed", time.Hour: "expired",
		72 * time.Hour: "expired", -72 * time.Hour: "completed"} {
		t.Run(age.String(), func(t *testing.T) {
			old := time.Duration(0)
			o := townOptions{forcedWait: -1, lifetime: time.Hour,
				store: func(s journal.Store) journal.Store { return aged{s, old} }}
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				w.halt()
				old = age
				w.start()
				w.pass(5 * time.Minute)
				if dials := len(w.dialed()); (dials == 1) != (phase == "completed") {
					t.Errorf("%d dials", dials)
				}
				if v := w.last(); v.Phase != phase {
					t.Errorf("phase %s (%s), want %s", v.Phase, v.Cause, phase)
				}
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// slow is a journal whose disk hangs once when an attempt is recorded.
type slow struct {
	journal.Store
	hang time.Duration
}

func (s *slow) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	for _, g := range groups {
		for _, m := range g {
			if _, ok := m.(journal.PutAttempt); ok {
				<-time.After(s.hang)
			}
		}
	}
	return s.Store.CommitEach(ctx, groups...)
}

// TestLifetimeEndsWhileTheDiskHangs: if the disk delays a dial beyond the lifetime, the dial is not made.
func TestLifetimeEndsWhileTheDiskHangs(t *testing.T) {
	o := townOptions{lifetime: time.Hour, store: func(s journal.Store) journal.Store { return &slow{s, 2 * time.Hour} }}
	inTown(t, o, func(w *town) {
		p := promised(w)
		w.pass(3 * time.Hour)
		if n := len(w.dialed()); n != 0 {
			t.Errorf("%d dials", n)
		}
		if v := w.last(); v.Ended.IsZero() || v.Attempts != 1 || v.Cause != "its lifetime ended before the dial" {
			t.Errorf("phase %s (%s), %d attempts", v.Phase, v.Cause, v.Attempts)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestDelayAfterAClockStep: a delay by CoA runs again in full after a restart, even if the wall clock was set while no
// process ran, and the row was written again before.
func TestDelayAfterAClockStep(t *testing.T) {
	for _, step := range []time.Duration{-80 * time.Minute, -5 * time.Minute, 0, 5 * time.Minute, 30 * time.Minute} {
		t.Run(step.String(), func(t *testing.T) {
			o := townOptions{lifetime: 2 * time.Hour}
			var back time.Duration
			o.store = func(s journal.Store) journal.Store { return stepped{s, back} }
			inTown(t, o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				if _, err := w.broker.Change(context.Background(), broker.Selector{User: "austin-01"},
					broker.Change{DelayCallback: 20 * time.Minute}); err != nil {
					t.Fatal(err)
				}
				p.see("NO CARRIER", time.Minute)
				w.pass(3 * time.Minute)
				w.halt()
				back = -step
				w.start()
				began := time.Now()
				p.see("RING", 2*time.Hour)
				if d := w.dialedAfter(began); d < 20*time.Minute || d > 21*time.Minute {
					t.Errorf("dialed after %v, delayed for 20 min", d)
				}
				p.see("maui-nas-04>", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
			})
		})
	}
}

// stepped is a journal written before the wall clock was set back, or forward if back is negative.
type stepped struct {
	journal.Store
	back time.Duration
}

func (s stepped) Pending(ctx context.Context) ([]journal.Callback, []journal.Damage, error) {
	rows, damaged, err := s.Store.Pending(ctx)
	for i := range rows {
		rows[i].Updated = rows[i].Updated.Add(s.back)
		rows[i].Created = rows[i].Created.Add(s.back)
		rows[i].State = later(rows[i].State, s.back)
	}
	return rows, damaged, err
}

// later returns a recorded state whose delay ends d later.
func later(state string, d time.Duration) string {
	var s callback.State
	if err := json.Unmarshal([]byte(state), &s); err != nil {
		panic(err)
	}
	s.NotBefore += int64(d)
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}
