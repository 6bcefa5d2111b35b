package broker_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// TestLinesReload: a callback that has a line keeps it until it is done, although a reload removes the line; another
// line begins with its new configuration at once.
func TestLinesReload(t *testing.T) {
	inTown(t, townOptions{forcedWait: time.Minute}, func(w *town) {
		p := promised(w)
		w.pass(time.Second)
		r := w.pool.Reconfigure(w.planned(func(c *lines.Config) { c.Init = "ATX4" }, 65))
		if len(r.Changed) != 1 || len(r.Removed) != 1 || len(r.Waiting) != 1 || r.Waiting[0] != 66 {
			t.Errorf("%+v", r)
		}
		w.pass(20 * time.Second)
		if s, _ := w.pool.Line(65); s.State != lines.Idle || s.Change != "" {
			t.Errorf("%+v", s)
		}
		if s, _ := w.pool.Line(66); s.State != lines.Leased || s.Change != lines.Leaves {
			t.Errorf("%+v", s)
		}
		p.see("RING", 5*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.TTY != 66 {
			t.Errorf("phase %s on tty %d: %s", v.Phase, v.TTY, v.Cause)
		}
		if s, ok := w.pool.Line(66); ok {
			t.Errorf("%+v", s)
		}
		w.pool.Reconfigure(w.planned(nil, 65, 66))
		w.pass(30 * time.Second)
		w.idle(time.Minute)
	})
}

// TestCallbackOfARemovedLine: a callback that waits for a line fails when a reload removes the only line that could
// serve it, with the reason, and no dial follows.
func TestCallbackOfARemovedLine(t *testing.T) {
	o := townOptions{lines: 3, user: func(a *aaa.Authorization) { a.Lines = []int{67} }}
	inTown(t, o, func(w *town) {
		held, err := w.pool.Acquire(context.Background(), lines.Want{TTYs: []int{67}, Owner: "another"})
		if err != nil {
			t.Fatal(err)
		}
		promised(w)
		w.pass(time.Minute)
		w.pool.Reconfigure(w.planned(nil, 65, 66))
		w.pass(time.Second)
		if v := w.last(); v.Phase != "failed" || !strings.Contains(v.Cause, "tty 67: no such line") {
			t.Errorf("phase %s: %s", v.Phase, v.Cause)
		}
		held.Release()
		w.pass(10 * time.Minute)
		if d := w.dialed(); len(d) != 0 {
			t.Errorf("%+v", d)
		}
	})
}
