package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// fullDisk is a journal whose disk accepts nothing while full is set, except what may use the reserve, if it has one.
type fullDisk struct {
	journal.Store
	full    *atomic.Bool
	reserve *reserve
}

// reserve counts its uses; nil: there is none.
type reserve struct{ used, missing atomic.Int32 }

func (d fullDisk) Room() error {
	if d.reserve != nil && d.reserve.missing.Load() > 0 {
		return errors.New("the reserve is used up")
	}
	return nil
}

var errFull = errors.New("database or disk is full")

func (d fullDisk) Commit(ctx context.Context, tx ...journal.Mutation) error {
	return d.CommitEach(ctx, tx)[0]
}

func (d fullDisk) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	if !d.full.Load() || d.reserve.takes(groups) {
		return d.Store.CommitEach(ctx, groups...)
	}
	errs := make([]error, len(groups))
	for i := range errs {
		errs[i] = errFull
	}
	return errs
}

// takes reports whether a full disk accepts the groups.
func (r *reserve) takes(groups [][]journal.Mutation) bool {
	if r == nil || !slices.Contains(slices.Concat(groups...), journal.Mutation(journal.UseReserve{})) {
		return false
	}
	r.used.Add(1)
	return true
}

// inFullTown is a town with one accounting server and a disk that can be filled.
func inFullTown(t *testing.T, list broker.AccountingList, f func(w *town, full *atomic.Bool, srv *books)) {
	t.Helper()
	full, srv := new(atomic.Bool), &books{}
	inTown(t, townOptions{
		accountant: srv, accounting: map[string]broker.AccountingList{"default": list},
		store: func(s journal.Store) journal.Store { return fullDisk{Store: s, full: full} },
	}, func(w *town) { f(w, full, srv) })
}

// sessions returns the records of sessions with their times, in the order in which the server received them.
func (b *books) sessions() string {
	var v []string
	for _, r := range b.all() {
		if r.SessionID != "" {
			v = append(v, string(r.Type)+" "+r.SessionTime.Round(time.Second).String())
		}
	}
	return strings.Join(v, ", ")
}

// TestNoRoomForStart: a session that must be accounted and cannot be recorded does not begin; one that is not accounted
// does.
func TestNoRoomForStart(t *testing.T) {
	for list, admitted := range map[broker.Recording]bool{broker.StartStop: false, broker.StopOnly: false,
		broker.WaitStart: false, broker.NoRecording: true} {
		inFullTown(t, broker.AccountingList{Record: list}, func(w *town, full *atomic.Bool, srv *books) {
			full.Store(true)
			p := w.pc(w.home)
			p.login("paia-04")
			if admitted {
				p.see("maui-nas-04>", time.Minute)
			} else {
				p.see("Service not available", time.Minute)
				p.see("Username: ", time.Minute)
			}
			full.Store(false)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
	}
}

// TestNoRoomForStop: a session that ends while the disk accepts nothing gets its Stop, with its true time, as soon as
// there is room.
func TestNoRoomForStop(t *testing.T) {
	inFullTown(t, broker.AccountingList{}, func(w *town, full *atomic.Bool, srv *books) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		w.pass(time.Minute)
		full.Store(true)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		w.pass(time.Hour)
		if got := srv.sessions(); got != "start 0s" {
			t.Errorf("while the disk is full: %s", got)
		}
		full.Store(false)
		w.pass(time.Minute)
		if got := srv.sessions(); got != "start 0s, stop 1m0s" {
			t.Errorf("with room again: %s", got)
		}
		open, _, err := w.journal.OpenCalls(context.Background())
		if err != nil || len(open) != 0 {
			t.Errorf("open calls: %v %v", open, err)
		}
	})
}

// TestNoRoomForStopUntilRestart: as TestNoRoomForStop, but the process ends before there is room: the next one creates
// the Stop.
func TestNoRoomForStopUntilRestart(t *testing.T) {
	inFullTown(t, broker.AccountingList{Record: broker.StopOnly}, func(w *town, full *atomic.Bool, srv *books) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		full.Store(true)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		w.halt()
		full.Store(false)
		w.start()
		w.idle(time.Minute)
		stops := 0
		for _, r := range srv.all() {
			if r.Type == aaa.Stop && r.User == "paia-04" {
				stops++
			}
		}
		if stops != 1 {
			t.Errorf("%d Stops: %s", stops, srv.sessions())
		}
	})
}

// TestReserveForStop: if the disk is full, the Stop of an admitted session is on disk and sent immediately; no other
// user is admitted or promised a callback until the reserve is complete; failed logins, however many, do not use it.
func TestReserveForStop(t *testing.T) {
	full, kept, srv := new(atomic.Bool), new(reserve), &books{}
	inTown(t, townOptions{
		lines: 3, accountant: srv, store: func(s journal.Store) journal.Store { return fullDisk{s, full, kept} },
	}, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		w.pass(time.Minute)
		full.Store(true)
		other := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		for range 3 {
			other.login("paia-04")
			other.see("Service not available", time.Minute)
			other.dte.SetDTR(false)
			w.pass(time.Minute)
			other.dte.SetDTR(true)
			w.pass(time.Second)
		}
		if n := kept.used.Load(); n != 0 {
			t.Errorf("logins that were refused have used the reserve %d times", n)
		}
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.pass(time.Minute)
		if got := srv.sessions(); !strings.HasPrefix(got, "start 0s, stop 4m") || kept.used.Load() == 0 {
			t.Errorf("while the disk is full: %s, the reserve was used %d times", got, kept.used.Load())
		}
		full.Store(false)
		kept.missing.Store(1)
		p.login("paia-04")
		p.see("Service not available", time.Minute)
		p.dte.SetDTR(false)
		w.pass(time.Minute)
		p.dte.SetDTR(true)
		kept.missing.Store(0)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.typ("exit")
		w.idle(time.Minute)
	})
}
