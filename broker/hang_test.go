package broker_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// hanging is a journal whose disk is slow for the selected mutations while on is set.
type hanging struct {
	journal.Store
	on    *atomic.Bool
	takes time.Duration
	meant func(journal.Mutation) bool
}

func (h hanging) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return h.CommitEach(ctx, tx)[0]
}

func (h hanging) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	for _, g := range groups {
		for _, m := range g {
			if h.on.Load() && h.meant(m) {
				<-time.After(h.takes)
			}
		}
	}
	return h.Store.CommitEach(ctx, groups...)
}

// TestLoginTimeoutWhileTheDiskHangs: wherever the disk hangs, the login time limit is not exceeded, the line is free
// afterwards, only users who were told so are admitted or called back, and the accounting is complete.
func TestLoginTimeoutWhileTheDiskHangs(t *testing.T) {
	for name, tt := range map[string]struct {
		user  string
		meant func(journal.Mutation) bool
	}{
		"the Start": {"paia-04", func(m journal.Mutation) bool {
			s, ok := m.(journal.Spool)
			return ok && strings.HasSuffix(s.Record.ID, "-start")
		}},
		"the Start of a callback": {"austin-01", func(m journal.Mutation) bool {
			s, ok := m.(journal.Spool)
			return ok && strings.HasSuffix(s.Record.ID, "-start")
		}},
		"the call":     {"paia-04", func(m journal.Mutation) bool { _, ok := m.(journal.PutCall); return ok }},
		"the callback": {"austin-01", func(m journal.Mutation) bool { _, ok := m.(journal.PutCallback); return ok }},
	} {
		t.Run(name, func(t *testing.T) {
			on, srv := new(atomic.Bool), &books{}
			o := townOptions{accountant: srv,
				store: func(s journal.Store) journal.Store { return hanging{s, on, 75 * time.Second, tt.meant} }}
			inTown(t, o, func(w *town) {
				on.Store(true)
				p := w.pc(w.home)
				p.login(tt.user)
				began := time.Now()
				screen := p.see("NO CARRIER", 5*time.Minute)
				if took := time.Since(began); took > 70*time.Second {
					t.Errorf("the caller was held for %v; the limit is 60 s", took)
				}
				for _, text := range []string{"maui-nas-04>", "Callback initiated"} {
					if strings.Contains(screen, text) {
						t.Errorf("the screen shows %q", screen)
					}
				}
				w.idle(20 * time.Second)
				w.pass(5 * time.Minute)
				on.Store(false)
				w.pass(time.Hour)
				w.idle(time.Minute)
				if n := len(w.dialed()); n != 0 {
					t.Errorf("%d dials for a caller who was told nothing", n)
				}
				starts, stops := strings.Count(srv.sessions(), "start"), strings.Count(srv.sessions(), "stop")
				if starts != 1 || stops != 1 {
					t.Errorf("accounting: %s", srv.sessions())
				}
				if tt.user == "austin-01" && name == "the callback" {
					if v := w.last(); v.Phase != "cancelled" || !strings.Contains(v.Cause, "ringback") {
						t.Errorf("phase %s: %s", v.Phase, v.Cause)
					}
				}
			})
		})
	}
}

// TestGuardWhileTheDiskHangs: a disk that hangs while a login is recorded delays neither failed nor successful logins,
// nor an operator; failures count immediately, and when the disk works again all of it is written in order.
func TestGuardWhileTheDiskHangs(t *testing.T) {
	on := new(atomic.Bool)
	meant := func(m journal.Mutation) bool {
		switch m.(type) {
		case journal.AddAudit, journal.PutLoginLimit, journal.PutLoginName:
			return true
		}
		return false
	}
	o := townOptions{
		callerID: true, line: exchange.ModemConfig{CallerID: true}, limits: broker.LoginLimits{Window: 12 * time.Hour,
			LockUserAfter: 2, LockTime: 12 * time.Hour},
		store: func(s journal.Store) journal.Store { return hanging{s, on, 10 * time.Minute, meant} },
	}
	inTown(t, o, func(w *town) {
		on.Store(true)
		within := func(limit time.Duration, what string, do func()) {
			t.Helper()
			began := time.Now()
			do()
			if took := time.Since(began); took > limit {
				t.Errorf("%s took %v", what, took)
			}
		}
		p := w.pc(w.home)
		try := func(user, word, answer string) {
			t.Helper()
			p.typ("atdt55555")
			p.see("Username: ", 2*time.Minute)
			p.typ(user)
			p.see("Password: ", time.Minute)
			p.typ(word)
			within(10*time.Second, answer, func() { p.see(answer, time.Hour) })
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			p.dte.SetDTR(true)
		}
		try("kihei-03", "wrong", "% Login invalid")
		try("kihei-03", "wrong", "% Login invalid")
		try("kihei-03", password, "% Too many failures")
		try("paia-04", password, "maui-nas-04>")
		within(10*time.Second, "clear line", func() {
			if err := w.broker.ClearLine(w.t.Context(), 66, "uid 8"); err != nil {
				t.Error(err)
			}
		})
		w.pass(3 * time.Hour)
		on.Store(false)
		w.pass(time.Minute)
		audit, bad, err := w.journal.AuditTail(w.t.Context(), 100)
		if err != nil || len(bad) != 0 {
			t.Fatal(err, bad)
		}
		var got []string
		for _, a := range audit {
			got = append(got, a.Kind)
		}
		if want := []string{"login failed", "login locked", "login failed", "login", "line cleared"}; !slices.Equal(got,
			want) {
			t.Errorf("the audit has %q, want %q", got, want)
		}
		if limits, _, err := w.journal.LoginLimits(w.t.Context()); err != nil || len(limits) != 3 {
			t.Errorf("login limits: %v %v", limits, err)
		}
		w.halt()
		w.start()
		w.idle(time.Minute)
		try("kihei-03", password, "% Too many failures")
	})
}

// TestLineIsAnsweredWhileAHangUpIsNotOnDisk: a disk that hangs or fails between the promise and the hang-up keeps the
// called line from being answered only for seconds, and the callback is made once when the disk works again.
func TestLineIsAnsweredWhileAHangUpIsNotOnDisk(t *testing.T) {
	bad := new(atomic.Bool)
	for name, store := range map[string]func(journal.Store) journal.Store{
		"refuses": func(s journal.Store) journal.Store { return fullDisk{Store: s, full: bad} },
		"hangs": func(s journal.Store) journal.Store {
			return hanging{s, bad, 10 * time.Minute,
				func(m journal.Mutation) bool { _, ok := m.(journal.PutCallback); return ok }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, townOptions{store: store}, func(w *town) {
				p := w.pc(w.home)
				p.login("austin-01")
				p.see("Callback initiated", time.Minute)
				bad.Store(true)
				p.see("NO CARRIER", time.Minute)
				w.idle(20 * time.Second)
				p.typ("atdt55555")
				p.see("CONNECT", time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				if n := len(w.dialed()); n != 0 {
					t.Errorf("%d dials while nothing can be recorded", n)
				}
				p.dte.SetDTR(true)
				p.typ("ats0=1")
				bad.Store(false)
				if name == "hangs" {
					w.pass(10 * time.Minute)
				}
				p.see("CONNECT", 5*time.Minute)
				p.dte.SetDTR(false)
				w.idle(time.Minute)
				if n := len(w.dialed()); n != 1 {
					t.Errorf("%d dials, want 1", n)
				}
			})
		})
	}
}
