package lines

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// leased leases line 1 of a town to an owner that waits for a call.
func leased(t *testing.T, w *town) *Lease {
	t.Helper()
	s, err := w.Acquire(t.Context(), Want{Owner: "test", TTYs: []int{1}, Rotary: NoRotary, Answers: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A call on a leased line is answered only while the owner of the lease expects it, and is the owner's: the pool's
// handler never sees it.
func TestExpect(t *testing.T) {
	accepted := func(context.Context, *Call) { t.Error("the call was passed to the handler of the pool") }
	inTown(t, accepted, []Config{{TTY: 1, Modem: CallIn, CallCheck: true}}, func(t *testing.T, w *town) {
		s := leased(t, w)
		host := w.stubs[1].host
		if host.Answer("", "") {
			t.Error("a leased line answers a call that nobody expects")
		}
		type result struct {
			c   *Call
			err error
		}
		got := make(chan result, 1)
		expect := func(ctx context.Context) {
			go func() {
				c, err := s.Expect(ctx)
				got <- result{c, err}
			}()
			synctest.Wait()
		}
		expect(t.Context())
		if !host.Screen(t.Context(), RingingCall{Caller: "84001"}) || !host.Answer("84001", "") ||
			host.Answer("84001", "") {
			t.Error("an expected call is answered once")
		}
		host.Missed(nil)
		if r := <-got; !errors.Is(r.err, ErrMissed) || r.c != nil {
			t.Errorf("missed: %+v", r)
		}
		expect(t.Context())
		if !host.Answer("", "") {
			t.Error("a second call is not answered")
		}
		data := newStubData(nil)
		host.Connected(&Call{Data: data, TTY: 1})
		r := <-got
		if r.err != nil || r.c == nil || r.c.ID == "" {
			t.Fatalf("%+v", r)
		}
		if st, _ := w.Line(1); st.State != InCall || st.Owner != "test" {
			t.Errorf("%+v", st)
		}
		_ = r.c.Hangup(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		expect(ctx)
		if r := <-got; !errors.Is(r.err, context.DeadlineExceeded) || host.Answer("", "") {
			t.Errorf("after the time limit: %+v", r)
		}
		s.Release()
		if _, err := s.Expect(t.Context()); !errors.Is(err, ErrReleased) {
			t.Errorf("after the release: %v", err)
		}
	})
}

// A call that is answered at the moment when nobody expects it any more, or the lease is released, has no owner, and
// the release hangs it up.
func TestExpectTooLate(t *testing.T) {
	for _, release := range []bool{false, true} {
		inTown(t, func(context.Context, *Call) { t.Error("accepted") }, []Config{{TTY: 1}},
			func(t *testing.T, w *town) {
				s := leased(t, w)
				ctx, cancel := context.WithCancel(t.Context())
				over := make(chan error, 1)
				go func() {
					_, err := s.Expect(ctx)
					over <- err
				}()
				synctest.Wait()
				host := w.stubs[1].host
				if !host.Answer("", "") {
					t.Fatal("not answered")
				}
				if release {
					s.Release()
				}
				cancel()
				if err := <-over; err == nil {
					t.Error("a call that was not there")
				}
				host.Connected(&Call{Data: newStubData(nil), TTY: 1})
				proofs := w.stubs[1].proofsMade()
				s.Release()
				synctest.Wait()
				st, _ := w.Line(1)
				if st.State != Idle || w.Outstanding() != 0 || !release && w.stubs[1].proofsMade() == proofs {
					t.Errorf("release %v: %+v, %d leases, %d proofs", release, st, w.Outstanding(), proofs)
				}
			})
	}
}

// A lease knows when a call first rang under it, whether it is answered or not, and when it last dialed.
func TestRang(t *testing.T) {
	for name, ring := range map[string]func(h Host){
		"RING": func(h Host) { h.Phase(Ringing) },
		"RI":   func(h Host) { h.Signals(DSR | RI) },
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, nil, []Config{{TTY: 1}}, func(t *testing.T, w *town) {
				host := w.stubs[1].host
				host.Signals(DSR)
				s := leased(t, w)
				<-time.After(time.Second)
				host.Phase(HangingUp)
				host.Signals(DSR | DCD)
				host.Signals(DSR)
				if !s.Rang().IsZero() || !s.Dialed().IsZero() {
					t.Errorf("without a ring: %v, %v", s.Rang(), s.Dialed())
				}
				first := time.Now()
				ring(host)
				<-time.After(6 * time.Second)
				dialed := time.Now()
				host.Phase(Dialing)
				ring(host)
				if !s.Rang().Equal(first) || !s.Dialed().Equal(dialed) {
					t.Errorf("rang %v, dialed %v; want %v, %v", s.Rang(), s.Dialed(), first, dialed)
				}
				s.Release()
				synctest.Wait()
				s = leased(t, w)
				if !s.Rang().IsZero() || !s.Dialed().IsZero() {
					t.Errorf("the next lease: %v, %v", s.Rang(), s.Dialed())
				}
				s.Release()
			})
		})
	}
}

// A line that failed its tests is quarantined until the order is taken back.
func TestQuarantineByOrder(t *testing.T) {
	inTown(t, nil, []Config{{TTY: 1}}, func(t *testing.T, w *town) {
		synctest.Wait()
		w.SetBusyouts(map[int]Busyout{1: {Reason: "failed 3 modem tests", By: "modem test", Quarantine: true}})
		if st, _ := w.Line(1); st.State != Quarantined || st.Reason != "failed 3 modem tests" || !st.Retry.IsZero() {
			t.Errorf("%+v", st)
		}
		if w.stubs[1].host.Answer("", "") {
			t.Error("it answers")
		}
		w.SetBusyouts(nil)
		if st, _ := w.Line(1); st.State != Idle {
			t.Errorf("%+v", st)
		}
	})
}
