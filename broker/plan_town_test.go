package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// planned is a journal that replaces the plans of pending callbacks.
type planned struct {
	journal.Store
	change *func(*journal.Callback)
}

func (s planned) Pending(ctx context.Context) ([]journal.Callback, []journal.Damage, error) {
	rows, damaged, err := s.Store.Pending(ctx)
	for i := range rows {
		if *s.change != nil {
			(*s.change)(&rows[i])
		}
	}
	return rows, damaged, err
}

// replanned promises a callback and restarts ringback with a journal that has another plan for it.
func replanned(t *testing.T, change func(*journal.Callback), f func(w *town, p *pc)) {
	t.Helper()
	var later func(*journal.Callback)
	o := townOptions{lines: 3, store: func(s journal.Store) journal.Store { return planned{s, &later} }}
	inTown(t, o, func(w *town) {
		p := promised(w)
		w.halt()
		later = change
		w.start()
		f(w, p)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestPlanIsFollowed: the attempts follow the steps of the plan, each with its number, script and lines, on simulated
// modems. A step that can never succeed is tried once.
func TestPlanIsFollowed(t *testing.T) {
	change := func(c *journal.Callback) {
		c.Max = 5
		c.Plan = `{"script":"nosuch","then":[{"number":"84010","wait":60000000000,"times":2},{"number":"84001","lines":[67],"wait":30000000000,"times":1}]}`
	}
	replanned(t, change, func(w *town, p *pc) {
		p.see("RING", 10*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		w.pass(time.Second)
		var dials []string
		for _, d := range w.dialed() {
			dials = append(dials, d.Number)
		}
		if got := strings.Join(dials, " "); got != "84010 84010 84001" {
			t.Errorf("the modems dialed %s", got)
		}
		if last := w.dialed()[2]; last.Modem != "tty67" {
			t.Errorf("the last step was dialed from %s", last.Modem)
		}
		if d := w.dialed()[1].Time.Sub(w.dialed()[0].Time); d < time.Minute {
			t.Errorf("%v between two dials of a step that waits a minute", d)
		}
		var rows []string
		for _, a := range w.last().Attempt {
			rows = append(rows, fmt.Sprintf("%d of step %d: %s by %s, %s", a.N, a.Step, a.Number, a.Script, a.Outcome))
		}
		const want = "1 of step 0: 84001 by nosuch, no script\n2 of step 1: 84010 by rtp, busy\n3 of step 1: 84010 " +
			"by rtp, busy\n4 of step 2: 84001 by rtp, connected"
		if got := strings.Join(rows, "\n"); got != want {
			t.Errorf("attempts\n%s\nwant\n%s", got, want)
		}
		if v := w.last(); v.Phase != "completed" || v.Attempts != 4 || v.Max != 5 {
			t.Errorf("%s (%s) after %d of %d attempts", v.Phase, v.Cause, v.Attempts, v.Max)
		}
	})
}

// TestLineThatNeverIs: a step whose lines do not exist is passed over, and no attempt is spent on it.
func TestLineThatNeverIs(t *testing.T) {
	change := func(c *journal.Callback) {
		c.Lines, c.Max, c.Plan = []int{99}, 3, `{"then":[{"number":"84001","times":1}]}`
	}
	replanned(t, change, func(w *town, p *pc) {
		p.see("RING", 10*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		if a := w.last().Attempt; len(a) != 1 || a[0].Step != 1 || len(w.dialed()) != 1 {
			t.Errorf("%+v", a)
		}
	})
}

// TestForgedPlanDialsNothing: a plan in the journal that the number plan cannot have made is rejected (law 7).
func TestForgedPlanDialsNothing(t *testing.T) {
	for name, change := range map[string]func(*journal.Callback){
		"first step": func(c *journal.Callback) { c.Number = "84001;ATDT9005551234" },
		"later step": func(c *journal.Callback) {
			c.Max, c.Plan = 2, `{"then":[{"number":"84001,,9005551234","times":1}]}`
		},
		"more dials": func(c *journal.Callback) { c.Plan = `{"then":[{"number":"84001","times":9}]}` },
	} {
		t.Run(name, func(t *testing.T) {
			replanned(t, change, func(w *town, _ *pc) {
				w.pass(2 * time.Hour)
				if d := w.dialed(); len(d) != 0 {
					t.Errorf("dialed %+v", d)
				}
				audit, _, err := w.journal.AuditTail(context.Background(), 10)
				if err != nil || !strings.Contains(fmt.Sprint(audit), "its recorded plan") {
					t.Errorf("the audit has no alarm: %+v, %v", audit, err)
				}
			})
		})
	}
}
