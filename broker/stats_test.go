package broker_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// kept is a sink that keeps events.
type kept struct {
	mu  sync.Mutex
	all []events.Event
}

func (k *kept) Take(e events.Event) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, e)
}

// of returns the events of a type.
func of[E events.Event](k *kept) (all []E) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.all {
		if e, ok := e.(E); ok {
			all = append(all, e)
		}
	}
	return all
}

// TestStats: calls, callbacks and lines are counted while a callback runs, and the dial says how long it has waited
// and how late it is.
func TestStats(t *testing.T) {
	k := &kept{}
	inTown(t, townOptions{sinks: []events.Sink{k}}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		if s := w.broker.Stats(); s.Calls[1] != 1 || len(s.Calls) != 1 {
			t.Errorf("during leg one: %+v", s)
		}
		if y := w.broker.Tally(); y.Lines != 2 || y.States[lines.InCall] != 1 || y.States[lines.Idle] != 1 ||
			y.Counts[lines.CallsIn] != 1 || y.Leases != 1 {
			t.Errorf("during leg one: %+v", y)
		}
		p.see("Callback initiated", time.Minute)
		w.until("dialing", time.Minute)
		if s := w.broker.Stats(); s.Callbacks[callback.Dialing] != 1 || len(s.Callbacks) != 1 {
			t.Errorf("during the dial: %+v", s)
		}
		p.see("Username: ", 10*time.Minute)
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("maui-nas-04>", time.Minute)
		s := w.broker.Stats()
		if s.Calls[2] != 1 || s.Callbacks[callback.Completed] != 1 || w.broker.Tally().Counts[lines.CallsOut] != 1 {
			t.Errorf("during leg two: %+v, %+v", s, w.broker.Tally())
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if s := w.broker.Stats(); len(s.Calls)+len(s.Callbacks) != 0 {
			t.Errorf("at the end: %+v", s)
		}
		dials := of[events.Dialing](k)
		if len(dials) != 1 || dials[0].Waited < 5*time.Second || dials[0].Waited > time.Minute ||
			dials[0].Late > time.Second {
			t.Errorf("dials: %+v", dials)
		}
		if _, err := w.broker.ClearCounters("ops"); err != nil {
			t.Error(err)
		}
		if n := w.broker.Tally().Counts[lines.CallsIn]; n != 1 {
			t.Errorf("after clear counters, the process has answered %d calls", n)
		}
	})
}

// TestEndKinds: each way in which a callback can end without a session has its kind.
func TestEndKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		o    townOptions
		user string
		do   func(*town, *pc)
		want events.EndKind
	}{
		"busy": {townOptions{attempts: 1}, "busy-05", func(w *town, _ *pc) { w.pass(2 * time.Minute) },
			events.EndDial},
		"nobody logs in": {townOptions{attempts: 1}, "kihei-03", func(w *town, _ *pc) { w.pass(10 * time.Minute) },
			events.EndLogin},
		"another user logs in": {townOptions{attempts: 1}, "kihei-03", func(w *town, p *pc) {
			p.see("Username: ", 10*time.Minute)
			for range 3 {
				p.typ("paia-04")
				p.see("Password: ", time.Minute)
				p.typ(password)
			}
			w.pass(10 * time.Minute)
		}, events.EndLogin},
		"the called side hangs up": {townOptions{attempts: 1}, "kihei-03", func(w *town, p *pc) {
			p.see("Username: ", 10*time.Minute)
			p.dte.SetDTR(false)
			w.pass(10 * time.Minute)
		}, events.EndCall},
		"lifetime": {townOptions{lifetime: time.Minute, forcedWait: 10 * time.Minute}, "busy-05",
			func(w *town, _ *pc) { w.pass(20 * time.Minute) }, events.EndLifetime},
		"cancelled": {townOptions{forcedWait: 10 * time.Minute}, "busy-05", func(w *town, _ *pc) {
			if err := w.broker.CancelCallback(context.Background(), w.last().ID, "ops"); err != nil {
				t.Error(err)
			}
			w.pass(time.Minute)
		}, events.EndCancelled},
		"denied": {townOptions{forcedWait: 10 * time.Minute}, "busy-05", func(w *town, _ *pc) {
			w.opt.policy = func(p *policies.Policy) { p.Numbers.Deny = []string{"84010"} }
			w.broker.Reload(w.config())
			w.pass(20 * time.Minute)
		}, events.EndDenied},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kept{}
			tt.o.sinks = []events.Sink{k}
			inTown(t, tt.o, func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				p.login(tt.user)
				p.see("Callback initiated", time.Minute)
				p.see("NO CARRIER", time.Minute)
				tt.do(w, p)
				var got []events.EndKind
				for _, e := range of[events.CallbackEnded](k) {
					got = append(got, e.Kind)
				}
				if d := cmp.Diff([]events.EndKind{tt.want}, got); d != "" {
					t.Errorf("%s (%s)", d, w.last().Cause)
				}
				w.idle(time.Minute)
			})
		})
	}
}

// TestProgress: the loop shows progress while it works, and none before it begins, while the disk hangs, and after it
// has ended.
func TestProgress(t *testing.T) {
	on := new(atomic.Bool)
	meant := func(m journal.Mutation) bool { _, ok := m.(journal.PutCallback); return ok }
	o := townOptions{store: func(s journal.Store) journal.Store { return hanging{s, on, 75 * time.Second, meant} }}
	inTown(t, o, func(w *town) {
		progress := func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			return w.broker.Progress(ctx)
		}
		idle := broker.New(broker.Options{Journal: w.journal, Pool: lines.NewPool(lines.PoolOptions{})},
			broker.Config{})
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := idle.Progress(ctx); err == nil || idle.State() != broker.Starting {
			t.Errorf("before the start: %v, %s", err, idle.State())
		}
		w.pass(time.Second)
		if err := progress(); err != nil || w.broker.State() != broker.Running {
			t.Errorf("at work: %v, %s", err, w.broker.State())
		}
		on.Store(true)
		p := w.pc(w.home)
		p.login("busy-05")
		w.pass(5 * time.Second)
		if err := progress(); err == nil {
			t.Error("progress while the disk hangs")
		}
		w.pass(2 * time.Minute)
		on.Store(false)
		w.pass(5 * time.Minute)
		if err := progress(); err != nil {
			t.Errorf("after the hang: %v", err)
		}
		b := w.broker
		w.halt()
		if err := b.Progress(context.Background()); err == nil || b.State() != broker.Stopping {
			t.Errorf("after the end: %v, %s", err, b.State())
		}
		w.start()
		w.pass(time.Second)
	})
}
