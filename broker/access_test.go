package broker_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/policies"
)

// vendorTown has a group default whose users come in only while a window is open.
func vendorTown(approvals int) townOptions {
	return townOptions{attempts: 2, policy: func(p *policies.Policy) {
		p.Access = policies.Access{Required: true, Approvals: approvals, Max: 8 * time.Hour}
	}}
}

// opens opens a window of the group default, which must be on disk.
func (w *town) opens(length time.Duration) {
	w.t.Helper()
	if err := w.broker.OpenAccess("default", length, "ticket 7", "uid 0"); err != nil {
		w.t.Fatal(err)
	}
	if s := w.accessState(); s != broker.AccessOpen {
		w.t.Fatalf("the window is %s", s)
	}
}

func (w *town) accessState() string {
	w.t.Helper()
	v := w.broker.AccessWindows()
	if len(v) != 1 {
		w.t.Fatalf("%d windows", len(v))
	}
	return v[0].State
}

// rejected logs in and is rejected, with a sentence that reveals nothing.
func (w *town) rejected(user string) {
	w.t.Helper()
	p := w.pc(w.home)
	p.login(user)
	p.see("Access denied", time.Minute)
	p.see("NO CARRIER", 10*time.Minute)
	w.idle(time.Minute)
}

// TestAccessWindow: users come in, with and without a callback, while the window is open, and at no other time. Its end
// ends their sessions and admits nobody, also after a restart and if the clock goes back meanwhile.
func TestAccessWindow(t *testing.T) {
	inTown(t, vendorTown(1), func(w *town) {
		w.rejected("austin-01")
		w.rejected("paia-04")
		w.opens(10 * time.Minute)
		p := promised(w)
		p.see("maui-nas-04>", time.Minute)
		w.pass(5 * time.Minute)
		if _, gone := p.await("NO CARRIER", time.Second); gone {
			t.Fatal("the session ended before the window")
		}
		p.see("Session timeout", 5*time.Minute)
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("after its end the window is %s", s)
		}
		w.rejected("paia-04")
		w.halt()
		w.start()
		w.pass(time.Second)
		if v := w.broker.AccessWindows(); len(v) != 1 || v[0].State != broker.AccessClosed ||
			v[0].ClosedBy != "ringback" {
			t.Errorf("after a restart: %+v", v)
		}
		w.rejected("paia-04")
	})
}

// TestAccessSurvivesRestart: an open window is still open for the rest of its time, and a request still waits.
func TestAccessSurvivesRestart(t *testing.T) {
	inTown(t, vendorTown(1), func(w *town) {
		w.opens(10 * time.Minute)
		w.pass(4 * time.Minute)
		w.halt()
		w.start()
		w.pass(time.Minute)
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.see("NO CARRIER", 5*time.Minute)
		w.idle(time.Minute)
		w.opens(10 * time.Minute)
		w.halt()
		w.pass(11 * time.Minute) // it ends while no process runs
		w.start()
		w.pass(time.Second)
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("the window is %s", s)
		}
	})
}

// TestAccessClosedAfterRestart: an operator closes a window, or takes back a request, of the previous process.
func TestAccessClosedAfterRestart(t *testing.T) {
	for approvals, before := range map[int]string{1: broker.AccessOpen, 2: broker.AccessWaiting} {
		t.Run(before, func(t *testing.T) {
			inTown(t, vendorTown(approvals), func(w *town) {
				if err := w.broker.OpenAccess("default", time.Hour, "ticket 7", "uid 0"); err != nil {
					t.Fatal(err)
				}
				w.halt()
				w.start()
				w.pass(time.Second)
				if s := w.accessState(); s != before {
					t.Errorf("after a restart it is %s", s)
				}
				if err := w.broker.CloseAccess("default", "", "uid 7"); err != nil {
					t.Error(err)
				}
				if v := w.broker.AccessWindows(); v[0].State != broker.AccessClosed || v[0].ClosedBy != "uid 7" {
					t.Errorf("%+v", v)
				}
				w.rejected("paia-04")
			})
		})
	}
}

// earlier is a journal whose process runs with a clock that was set back: what was recorded seems to be of the future.
type earlier struct {
	journal.Store
	by time.Duration
}

func (s earlier) AccessWindows(ctx context.Context) ([]journal.AccessWindow, []journal.Damage, error) {
	rows, bad, err := s.Store.AccessWindows(ctx)
	for i := range rows {
		for _, at := range []*time.Time{&rows[i].Requested, &rows[i].Opened, &rows[i].Until, &rows[i].Seen} {
			*at = at.Add(s.by)
		}
	}
	return rows, bad, err
}

// TestAccessClockSetBack: a clock that is set back five hours during a restart does not lengthen the window.
func TestAccessClockSetBack(t *testing.T) {
	var by time.Duration
	o := vendorTown(1)
	o.store = func(j journal.Store) journal.Store { return earlier{j, by} }
	inTown(t, o, func(w *town) {
		w.opens(10 * time.Minute)
		w.pass(6 * time.Minute)
		w.halt()
		by = 5 * time.Hour
		w.start()
		w.pass(3 * time.Minute)
		if s := w.accessState(); s != broker.AccessOpen {
			t.Errorf("after 9 minutes the window is %s", s)
		}
		w.pass(3 * time.Minute)
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("after 12 minutes the window is %s", s)
		}
		w.rejected("paia-04")
	})
}

// TestAccessCallbackAfterTheEnd: a callback that was promised in a window is not dialed after its end, whether that
// comes in its wait, right before its dial or before the next attempt.
func TestAccessCallbackAfterTheEnd(t *testing.T) {
	for at := time.Duration(0); at < 12*time.Second; at += 700 * time.Millisecond {
		inTown(t, vendorTown(1), func(w *town) {
			w.opens(time.Hour)
			p := promised(w)
			w.pass(at)
			if err := w.broker.CloseAccess("default", "", "uid 0"); err != nil {
				t.Fatal(err)
			}
			before := len(w.dialed())
			if _, prompt := p.await("maui-nas-04>", 2*time.Minute); prompt && before == 0 {
				t.Errorf("%v: a session after the end of the window", at)
			}
			p.dte.SetDTR(false)
			w.idle(10 * time.Minute)
			if n := len(w.dialed()); n != before {
				t.Errorf("%v: %d dials after the end of the window", at, n-before)
			}
			if v := w.last(); v.Phase != "failed" && v.Phase != "completed" ||
				v.Phase == "failed" && !strings.Contains(v.Cause, "access window") {
				t.Errorf("%v: %s: %s", at, v.Phase, v.Cause)
			}
		})
	}
}

// TestAccessTwoOperators: a window opens when another operator approves it, for its length from then on; a request can
// be taken back, replaced, and lapses.
func TestAccessTwoOperators(t *testing.T) {
	inTown(t, vendorTown(2), func(w *town) {
		ask := func(by string) {
			t.Helper()
			if err := w.broker.OpenAccess("default", time.Hour, "ticket 7", by); err != nil {
				t.Fatal(err)
			}
		}
		approve := func(by, want string) {
			t.Helper()
			err := w.broker.ApproveAccess("default", time.Hour, " ticket 7", by)
			if want == "" && err != nil || want != "" && (!errors.Is(err, broker.ErrAccess) ||
				!strings.Contains(err.Error(), want)) {
				t.Errorf("%s approves: %v", by, err)
			}
		}
		approve("uid 7", "nobody has asked for one of group default")
		ask("uid 0")
		if s := w.accessState(); s != broker.AccessWaiting {
			t.Errorf("the window is %s", s)
		}
		w.rejected("paia-04")
		approve("uid 0", "another operator must approve it")
		approve("uid 0 (renamed, api)", "another operator must approve it")
		if err := w.broker.CloseAccess("default", "", "uid 0"); err != nil {
			t.Error(err)
		}
		ask("uid 1000 (alice, api, pid 7)")
		approve("uid 1000 (api, pid 8)", "another operator must approve it")
		approve("certificate alice (serial 1f, api, 192.0.2.1:53214)", "another operator must approve it")
		if err := w.broker.CloseAccess("default", "", "uid 0"); err != nil {
			t.Error(err)
		}
		ask("uid 0")
		// Nobody is made to approve what they have not read.
		if err := w.broker.OpenAccess("default", 2*time.Hour, "longer", "uid 9"); !errors.Is(err, broker.ErrAccess) ||
			!strings.Contains(err.Error(), "uid 0 has asked for one of group default") {
			t.Errorf("the request of another is replaced: %v", err)
		}
		if err := w.broker.ApproveAccess("default", 2*time.Hour, "ticket 7", "uid 7"); !errors.Is(err,
			broker.ErrAccess) ||
			!strings.Contains(err.Error(), "is for 1h0m0s, not for 2h0m0s") {
			t.Errorf("another length is approved: %v", err)
		}
		if err := w.broker.OpenAccess("default", time.Hour, "ticket 8", "uid 0"); err != nil { // by the same operator
			t.Fatal(err)
		}
		approve("uid 7", `uid 0 has asked for group default with the reason "ticket 8", not "ticket 7"`)
		ask("uid 0")
		w.halt()
		w.start()
		w.pass(30 * time.Minute)
		approve("uid 7", "")
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		if err := w.broker.OpenAccess("default", time.Hour, "more", "uid 0"); !errors.Is(err, broker.ErrAccess) ||
			!strings.Contains(err.Error(), "close it first") {
			t.Errorf("a request while it is open: %v", err)
		}
		approve("uid 8", "nobody has asked")
		p.see("NO CARRIER", time.Hour) // the idle timeout
		w.pass(time.Hour)

		ask("uid 0")
		if err := w.broker.CloseAccess("default", "not needed", "uid 9"); err != nil {
			t.Error(err)
		}
		approve("uid 7", "nobody has asked")
		ask("uid 7")
		approve("uid 7", "another operator")
		ask("uid 7") // replaces it
		approve("uid 7", "another operator")
		w.pass(61 * time.Minute)
		if s := w.accessState(); s != broker.AccessLapsed {
			t.Errorf("the request is %s", s)
		}
		approve("uid 7", "nobody has asked")
	})
}

// TestAccessApprovalsRaised: a reload that requires a second operator shuts a window that one has opened, and its state
// says so.
func TestAccessApprovalsRaised(t *testing.T) {
	o := vendorTown(1)
	approvals := 1
	one := o.policy
	o.policy = func(p *policies.Policy) {
		one(p)
		p.Access.Approvals = approvals
	}
	inTown(t, o, func(w *town) {
		w.opens(4 * time.Hour)
		approvals = 2
		w.broker.Reload(w.config())
		w.rejected("paia-04")
		if s := w.accessState(); s != "unapproved" {
			t.Errorf("the window that admits nobody is %s", s)
		}
		approvals = 1
		w.broker.Reload(w.config())
		if s := w.accessState(); s != broker.AccessOpen {
			t.Errorf("after the next reload the window is %s", s)
		}
	})
}

// TestAccessOrders: what cannot be ordered.
func TestAccessOrders(t *testing.T) {
	inTown(t, vendorTown(1), func(w *town) {
		for _, tt := range []struct {
			group  string
			length time.Duration
			reason string
			want   string
		}{
			{"default", time.Hour, "", "the reason is missing"},
			{"default", time.Hour, "a\nb", "control character"},
			{"vendor", time.Hour, "ticket", `group "vendor" has no policy file (groups: default)`},
			{"", time.Hour, "ticket", "has no policy file"},
			{"default", 59 * time.Second, "ticket", "59s is shorter than 1m0s (--for 4h)"},
			{"default", -time.Hour, "ticket", "shorter"},
			{"default", 9 * time.Hour, "ticket", "longer than the policy of group default allows (access.max: 8h0m0s)"},
		} {
			if err := w.broker.OpenAccess(tt.group, tt.length, tt.reason, "uid 0"); err == nil ||
				!strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: %v", tt, err)
			}
		}
		for _, group := range []string{"default", "vendor", ""} {
			if err := w.broker.CloseAccess(group, "", "uid 0"); !errors.Is(err, broker.ErrAccess) {
				t.Errorf("close %q: %v", group, err)
			}
		}
		if v := w.broker.AccessWindows(); len(v) != 0 {
			t.Errorf("%+v", v)
		}
		w.opens(time.Hour)
		w.opens(10 * time.Minute) // replaces it
		w.pass(11 * time.Minute)
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("the window is %s", s)
		}
	})
	inTown(t, townOptions{}, func(w *town) {
		if err := w.broker.OpenAccess("default", time.Hour, "ticket", "uid 0"); !errors.Is(err, broker.ErrAccess) ||
			!strings.Contains(err.Error(), "needs none") {
			t.Errorf("without the key: %v", err)
		}
	})
}

// noWindows is a journal that refuses the rows of access windows while told to, or hangs before them.
type noWindows struct {
	journal.Store
	full *atomic.Bool
	hang *atomic.Pointer[chan struct{}]
}

func (s noWindows) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	errs := make([]error, len(groups))
	for i, g := range groups {
		for _, m := range g {
			if _, ok := m.(journal.PutAccessWindow); !ok {
				continue
			}
			if gate := s.hang.Load(); gate != nil {
				<-*gate
			}
			if s.full.Load() {
				errs[i] = errRefused
			}
		}
		if errs[i] == nil {
			errs[i] = s.Store.CommitEach(ctx, g)[0]
		}
	}
	return errs
}

// TestAccessEndsWhileAnOrderHangs: a window ends while the disk hangs with an order that would replace it. Its end is
// reported, and stands if the order fails.
func TestAccessEndsWhileAnOrderHangs(t *testing.T) {
	var full atomic.Bool
	var hang atomic.Pointer[chan struct{}]
	core, logged := observer.New(zap.WarnLevel)
	o := vendorTown(1)
	o.log = zap.New(core)
	o.store = func(j journal.Store) journal.Store { return noWindows{j, &full, &hang} }
	inTown(t, o, func(w *town) {
		w.opens(10 * time.Minute)
		gate := make(chan struct{})
		hang.Store(&gate)
		if err := w.broker.OpenAccess("default", time.Hour, "more", "uid 0"); !errors.Is(err, broker.ErrAccess) {
			t.Errorf("the disk hangs: %v", err)
		}
		w.pass(11 * time.Minute)
		closed := func(when string) {
			t.Helper()
			if v := w.broker.AccessWindows(); v[0].State != broker.AccessClosed || v[0].ClosedBy != "ringback" {
				t.Errorf("%s: %+v", when, v)
			}
			if n := logged.FilterMessage("access window closed").Len(); n != 1 {
				t.Errorf("%s: %d ends are logged", when, n)
			}
		}
		closed("the disk hangs")
		full.Store(true)
		hang.Store(nil)
		close(gate)
		w.pass(5 * time.Second)
		closed("the order has failed")
		full.Store(false)
		w.pass(5 * time.Second)
		w.halt()
		w.start()
		w.pass(time.Second)
		closed("after a restart")
	})
}

// TestAccessWithoutADisk: a window that cannot be recorded does not open; one whose end cannot be recorded is closed,
// and the end is recorded when the disk works again, also if another order fails in between.
func TestAccessWithoutADisk(t *testing.T) {
	var full atomic.Bool
	var hang atomic.Pointer[chan struct{}]
	o := vendorTown(1)
	o.store = func(j journal.Store) journal.Store { return noWindows{j, &full, &hang} }
	inTown(t, o, func(w *town) {
		full.Store(true)
		if err := w.broker.OpenAccess("default", time.Hour, "ticket", "uid 0"); !errors.Is(err, errRefused) {
			t.Errorf("opened on a full disk: %v", err)
		}
		w.rejected("paia-04")
		full.Store(false)
		w.opens(time.Hour)
		full.Store(true)
		if err := w.broker.CloseAccess("default", "", "uid 0"); !errors.Is(err, broker.ErrStillOpen) {
			t.Errorf("closed on a full disk: %v", err)
		}
		w.rejected("paia-04")
		if err := w.broker.OpenAccess("default", time.Hour, "ticket", "uid 0"); !errors.Is(err, errRefused) {
			t.Errorf("opened on a full disk: %v", err)
		}
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("the window is %s", s)
		}
		full.Store(false)
		w.pass(10 * time.Second)
		w.halt()
		w.start()
		w.pass(time.Second)
		if s := w.accessState(); s != broker.AccessClosed {
			t.Errorf("after a restart the window is %s", s)
		}
	})
}

// TestAccessSessionsContinue: with `sessions: continue` a session outlives its window, and no other begins.
func TestAccessSessionsContinue(t *testing.T) {
	o := vendorTown(1)
	o.policy = func(p *policies.Policy) { p.Access = policies.Access{Required: true, Continue: true} }
	inTown(t, o, func(w *town) {
		w.opens(5 * time.Minute)
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		if _, gone := p.await("NO CARRIER", 4*time.Minute+30*time.Second); gone {
			t.Error("the session has ended")
		}
		w.pass(time.Minute)
		p.typ("")
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		p.dte.SetDTR(true)
		w.rejected("paia-04")
	})
}

// TestAccessByManyOperators: orders of several operators at once leave the same state in memory and on disk, and an end
// by the last of them closes the window.
func TestAccessByManyOperators(t *testing.T) {
	inTown(t, vendorTown(1), func(w *town) {
		var operators sync.WaitGroup
		for n := range 8 {
			operators.Go(func() {
				for range 20 {
					if n%2 == 0 {
						_ = w.broker.CloseAccess("default", "", "uid 0") // another may have closed it
					} else {
						_ = w.broker.OpenAccess("default", time.Hour, "ticket", "uid 0") // overtaken by another
					}
				}
			})
		}
		operators.Wait()
		w.pass(time.Minute + time.Second)
		v := w.broker.AccessWindows()
		rows, _, err := w.journal.AccessWindows(context.Background())
		if err != nil || len(rows) != 1 || len(v) != 1 || rows[0].Closed.IsZero() != (v[0].State == broker.AccessOpen) {
			t.Errorf("in memory %+v, on disk %+v, %v", v, rows, err)
		}
		w.opens(time.Hour)
		if err := w.broker.CloseAccess("default", "", "uid 0"); err != nil {
			t.Error(err)
		}
		if rows, _, err := w.journal.AccessWindows(context.Background()); err != nil || rows[0].Closed.IsZero() {
			t.Errorf("%+v %v", rows, err)
		}
	})
}
