package broker_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
)

// lock orders a lockdown, which must be on disk.
func (w *town) lock(sessions bool) {
	w.t.Helper()
	if err := w.broker.Lockdown("toll fraud", sessions, "uid 0"); err != nil {
		w.t.Fatal(err)
	}
	if v := w.broker.LockdownState(); !v.Active || !v.OnDisk || v.Reason != "toll fraud" || v.Sessions != sessions {
		w.t.Fatalf("the state after a lockdown: %+v", v)
	}
}

func (w *town) unlock() {
	w.t.Helper()
	if err := w.broker.LiftLockdown("", "uid 0"); err != nil {
		w.t.Fatal(err)
	}
	if v := w.broker.LockdownState(); v.Active {
		w.t.Fatalf("the state after the end: %+v", v)
	}
}

// TestLockdownAtEachMoment: from the hang-up of leg one to the login of leg two, no dial begins after a lockdown was
// acknowledged; a call in progress ends within two seconds; a restart changes nothing. After the end the callback is
// dialed and completed.
func TestLockdownAtEachMoment(t *testing.T) {
	for at := time.Duration(0); at < 20*time.Second; at += 900 * time.Millisecond {
		inTown(t, townOptions{attempts: 3}, func(w *town) {
			p := promised(w)
			w.pass(at)
			if w.last().Phase == "completed" {
				w.lock(false)
				w.pass(time.Minute)
				p.see("maui-nas-04>", time.Second) // an admitted session goes on
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				return
			}
			w.lock(false)
			before := len(w.dialed())
			w.pass(2 * time.Second)
			for _, l := range w.broker.Lines() {
				if l.State == "dialing" || l.State == "outgoing" {
					t.Errorf("%v: line %d is %s 2 s after the lockdown", at, l.TTY, l.State)
				}
			}
			w.pass(time.Minute)
			w.halt()
			w.start()
			w.pass(time.Minute)
			if v := w.broker.LockdownState(); !v.Active || !v.OnDisk || v.Who != "uid 0" {
				t.Errorf("%v: after a restart: %+v", at, v)
			}
			if n := len(w.dialed()); n != before {
				t.Errorf("%v: %d dials during the lockdown", at, n-before)
			}
			if v := w.last(); v.Phase != "waiting" && v.Phase != "leasing" {
				t.Errorf("%v: the callback is %s: %s", at, v.Phase, v.Cause)
			}
			w.unlock()
			p.see("maui-nas-04>", 5*time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if v := w.last(); v.Phase != "completed" || v.Attempts > 2 {
				t.Errorf("%v: phase %s after %d attempts: %s", at, v.Phase, v.Attempts, v.Cause)
			}
		})
	}
}

// TestLockdownInterruptsAnAttempt: the attempt that was cut is counted, with its outcome.
func TestLockdownInterruptsAnAttempt(t *testing.T) {
	inTown(t, townOptions{attempts: 2, lifetime: 10 * time.Minute}, func(w *town) {
		p := promised(w)
		p.see("RING", time.Minute)
		w.lock(false)
		w.pass(2 * time.Second)
		v, err := w.broker.Callback(context.Background(), w.last().ID)
		if err != nil || v.Attempts != 1 || len(v.Attempt) != 1 || v.Attempt[0].Outcome != "interrupted by lockdown" {
			t.Errorf("%+v %v", v.Attempt, err)
		}
		w.idle(11 * time.Minute)
		if v := w.last(); v.Phase != "expired" || len(w.dialed()) != 1 {
			t.Errorf("after its lifetime: %s, %d dials", v.Phase, len(w.dialed()))
		}
		p.dte.SetDTR(false)
	})
}

// TestLockdownPromisesNothing: a caller who needs a callback hears the neutral sentence, also one who was asked before
// the lockdown; a caller who needs none is admitted, unless sessions are locked too.
func TestLockdownPromisesNothing(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		w.lock(false)
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		p.see("NO CARRIER", 10*time.Minute)
		w.idle(time.Minute)
		if v, _, err := w.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true}); err != nil ||
			len(v) != 0 {
			t.Errorf("%+v %v", v, err)
		}
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		w.lock(true)
		p.see("Disconnected by the administrator", 2*time.Second)
		p.see("NO CARRIER", 10*time.Minute)
		w.idle(time.Minute)
		p.login("paia-04")
		p.see("Access denied", time.Minute)
		p.see("NO CARRIER", 10*time.Minute)
		w.unlock()
		w.pass(10 * time.Second)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestLockdownReasons: what a reason may not be, repeated orders, and a lift of nothing.
func TestLockdownReasons(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		for _, reason := range []string{"", "  ", "a\nb", "\x1b[2J", "a\x00", "\xff", "\u202eabc",
			strings.Repeat("x", 10<<10)} {
			if err := w.broker.Lockdown(reason, true, "uid 0"); !errors.Is(err, broker.ErrReason) {
				t.Errorf("%.20q: %v", reason, err)
			}
		}
		if v := w.broker.LockdownState(); v.Active {
			t.Errorf("after orders without a good reason: %+v", v)
		}
		if err := w.broker.LiftLockdown("", "uid 0"); !errors.Is(err, broker.ErrNoLockdown) {
			t.Errorf("the lift of nothing: %v", err)
		}
		w.lock(true)
		began := w.broker.LockdownState().Since
		w.pass(time.Minute)
		if err := w.broker.Lockdown("the police asked", false, "uid 7"); err != nil {
			t.Fatal(err)
		}
		if v := w.broker.LockdownState(); !v.Sessions || !v.Since.Equal(began) || v.Reason != "the police asked" ||
			v.Who != "uid 7" {
			t.Errorf("repeated: %+v", v)
		}
		if err := w.broker.LiftLockdown("a\nb", "uid 0"); !errors.Is(err, broker.ErrReason) {
			t.Errorf("lifted for a reason with a line end: %v", err)
		}
		w.unlock()
	})
}

// stubborn is a journal whose disk refuses the rows of lockdowns, or does not answer, while told to.
type stubborn struct {
	journal.Store
	refuse atomic.Bool
	hang   atomic.Pointer[chan struct{}]
}

var errRefused = errors.New("no space left on device")

func (s *stubborn) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	for _, g := range groups {
		for _, m := range g {
			if _, ok := m.(journal.PutLockdown); !ok {
				continue
			}
			if gate := s.hang.Load(); gate != nil {
				<-*gate
			}
			if s.refuse.Load() {
				errs := make([]error, len(groups))
				for i := range errs {
					errs[i] = errRefused
				}
				return errs
			}
		}
	}
	return s.Store.CommitEach(ctx, groups...)
}

// TestLockdownWithoutADisk: a lockdown acts at once even if the disk refuses its row or hangs, and says so; it is on
// disk when the disk works again. It is not lifted before that is on disk.
func TestLockdownWithoutADisk(t *testing.T) {
	s := &stubborn{}
	core, logged := observer.New(zap.WarnLevel)
	o := townOptions{store: func(j journal.Store) journal.Store { s.Store = j; return s }, log: zap.New(core)}
	inTown(t, o, func(w *town) {
		s.refuse.Store(true)
		if err := w.broker.Lockdown("fraud", false, "uid 0"); !errors.Is(err, broker.ErrNotOnDisk) ||
			!errors.Is(err, errRefused) {
			t.Errorf("with a full disk: %v", err)
		}
		if v := w.broker.LockdownState(); !v.Active || v.OnDisk || !errors.Is(v.Err, errRefused) {
			t.Errorf("with a full disk: %+v", v)
		}
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		p.see("NO CARRIER", 10*time.Minute)
		if err := w.broker.LiftLockdown("", "uid 0"); !errors.Is(err, broker.ErrNotLifted) {
			t.Errorf("lifted on a full disk: %v", err)
		}
		if v := w.broker.LockdownState(); !v.Active || v.OnDisk {
			t.Errorf("not lifted: %+v", v)
		}
		s.refuse.Store(false)
		w.pass(5 * time.Second)
		if v := w.broker.LockdownState(); !v.Active || !v.OnDisk || v.Err != nil {
			t.Errorf("when the disk works again: %+v", v)
		}

		gate := make(chan struct{})
		s.hang.Store(&gate)
		began := time.Now()
		if err := w.broker.LiftLockdown("", "uid 0"); !errors.Is(err, broker.ErrNotLifted) ||
			time.Since(began) > 10*time.Second {
			t.Errorf("the disk hangs: %v after %v", err, time.Since(began))
		}
		if err := w.broker.Lockdown("again", false, "uid 0"); !errors.Is(err, broker.ErrNotOnDisk) {
			t.Errorf("the disk hangs: %v", err)
		}
		s.hang.Store(nil)
		close(gate)
		w.pass(5 * time.Second)
		if v := w.broker.LockdownState(); !v.Active || !v.OnDisk || v.Reason != "again" {
			t.Errorf("a lockdown after a lift that hung: %+v", v)
		}
		if n := logged.FilterMessage("lockdown lifted").Len(); n != 0 {
			t.Errorf("%d ends of the lockdown in force are logged", n)
		}
		w.halt()
		w.start()
		w.pass(time.Second)
		if v := w.broker.LockdownState(); !v.Active || v.Reason != "again" {
			t.Errorf("after a restart: %+v", v)
		}
		w.unlock()
	})
}

// damagedLockdown is a journal whose row of the lockdown does not verify.
type damagedLockdown struct{ journal.Store }

func (damagedLockdown) Lockdown(context.Context) (journal.Lockdown, error) {
	return journal.Lockdown{}, journal.ErrDamaged
}

// TestLockdownDamaged: a damaged row counts as a lockdown until it is lifted.
func TestLockdownDamaged(t *testing.T) {
	inTown(t, townOptions{store: func(j journal.Store) journal.Store { return damagedLockdown{j} }}, func(w *town) {
		w.pass(time.Second)
		if v := w.broker.LockdownState(); !v.Active || !strings.Contains(v.Reason, "damaged") {
			t.Errorf("%+v", v)
		}
		p := w.pc(w.home)
		p.login("austin-01")
		p.see("Callback not available", time.Minute)
		p.see("NO CARRIER", 10*time.Minute)
		w.unlock()
		if row, err := w.journal.Lockdown(context.Background()); err != nil || row.Active {
			t.Errorf("%+v %v", row, err)
		}
	})
}
