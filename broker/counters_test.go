package broker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// counted is a journal that is told what to do with the records of the lines.
type counted struct {
	journal.Store
	full    atomic.Bool  // no record can be written
	rows    atomic.Int32 // records written
	damaged atomic.Bool  // the first row is
	aside   atomic.Int32 // SetAsides
}

func (s *counted) Commit(ctx context.Context, tx ...journal.Mutation) error {
	if slices.ContainsFunc(tx, func(m journal.Mutation) bool { _, ok := m.(journal.SetAside); return ok }) {
		s.aside.Add(1)
	}
	return s.Store.Commit(ctx, tx...)
}

func (s *counted) CommitEach(ctx context.Context, groups ...[]journal.Mutation) []error {
	errs := make([]error, len(groups))
	var good [][]journal.Mutation
	var which []int
	for i, g := range groups {
		n := 0
		for _, m := range g {
			if _, ok := m.(journal.PutLineRecord); ok {
				n++
			}
		}
		if n > 0 && s.full.Load() {
			errs[i] = errFull
			continue
		}
		s.rows.Add(int32(n))
		good, which = append(good, g), append(which, i)
	}
	for i, err := range s.Store.CommitEach(ctx, good...) {
		errs[which[i]] = err
	}
	return errs
}

func (s *counted) LineRecords(ctx context.Context) ([]journal.LineRecord, []journal.Damage, error) {
	rows, bad, err := s.Store.LineRecords(ctx)
	if s.damaged.Load() && len(rows) > 0 {
		return rows[1:], append(bad, journal.Damage{Table: "line_records", Key: "65", Reason: "flipped"}), err
	}
	return rows, bad, err
}

// inCounted runs a town whose journal is a counted one.
func inCounted(t *testing.T, f func(w *town, disk *counted)) {
	disk := &counted{}
	inTown(t, townOptions{store: func(j journal.Store) journal.Store { disk.Store = j; return disk }},
		func(w *town) { f(w, disk) })
}

func (w *town) line(tty int) lines.Status {
	w.t.Helper()
	s, ok := w.pool.Line(tty)
	if !ok {
		w.t.Fatalf("there is no line %d", tty)
	}
	return s
}

// fails waits for the failure of a line.
func (w *town) fails(tty int) *lines.Failure {
	w.t.Helper()
	for {
		changed := w.pool.Changed()
		if f := w.line(tty).Failure; f != nil {
			return f
		}
		<-changed
	}
}

// busy has a callback fail because its number is busy.
func (w *town) busy() {
	w.t.Helper()
	p := w.pc(w.home)
	p.login("busy-05")
	p.see("Callback initiated", time.Minute)
	p.see("NO CARRIER", time.Minute)
	w.pass(10 * time.Minute)
	w.idle(time.Minute)
}

var oneBusy, oneCall = lines.Counts{lines.Dials: 1, lines.DialBusy: 1}, lines.Counts{lines.CallsIn: 1}

// TestCountersSurviveRestart: what the lines have counted, and their last failures, go on after a restart. Lines that
// count nothing cost no transaction.
func TestCountersSurviveRestart(t *testing.T) {
	inCounted(t, func(w *town, disk *counted) {
		since := w.line(66).CountsSince
		w.busy()
		if s := w.line(66); s.Counts != oneBusy {
			t.Fatalf("tty 66: %v", s.Counts.ByName())
		}
		rows := disk.rows.Load()
		w.pass(24 * time.Hour)
		if disk.rows.Load() != rows {
			t.Errorf("%d records of idle lines were written", disk.rows.Load()-rows)
		}
		w.lines[1].Disconnect() // at once before the end
		failure := w.fails(66)
		w.halt()
		w.start()
		w.idle(time.Minute)
		s := w.line(66)
		oneBusy := oneBusy
		oneBusy[lines.Reopenings] = s.Counts[lines.Reopenings]
		if s.Counts != oneBusy || !s.CountsSince.Equal(since) {
			t.Errorf("after a restart: tty 66: %v since %v, want since %v", s.Counts.ByName(), s.CountsSince, since)
		}
		if f := s.Failure; f == nil || f.Kind != failure.Kind || f.Text != failure.Text || !f.Time.Equal(failure.Time) {
			t.Errorf("after a restart: %+v, want %+v", f, failure)
		}
		if s := w.line(65); s.Counts != oneCall {
			t.Errorf("after a restart: tty 65: %v", s.Counts.ByName())
		}
	})
}

// TestLineThatStaysDown: a failure that repeats costs a transaction every ten minutes, and its last time is on disk in
// the end.
func TestLineThatStaysDown(t *testing.T) {
	inCounted(t, func(w *town, disk *counted) {
		w.lines[1].SetFault(exchange.Fault{PoweredOff: true})
		w.fails(66)
		w.pass(5 * time.Minute) // the ladder is at its end, and that is on disk
		first := w.line(66).Failure
		rows := disk.rows.Load()
		w.pass(time.Hour)
		last := w.line(66).Failure
		if last.Kind != first.Kind || last.Time.Sub(first.Time) < 50*time.Minute {
			t.Fatalf("%+v, then %+v", first, last)
		}
		if n := disk.rows.Load() - rows; n < 5 || n > 7 {
			t.Errorf("%d rows in an hour", n)
		}
		w.halt()
		w.start()
		all, _, err := w.journal.LineRecords(context.Background())
		if err != nil || len(all) != 2 || all[1].Failed.Before(last.Time.Add(-time.Second)) {
			t.Errorf("%+v, %v; the last one was at %v", all, err, last.Time)
		}
		w.lines[1].SetFault(exchange.Fault{})
		w.idle(time.Hour)
	})
}

// TestCountersOfACrash: what was counted is on disk some seconds later, also if the disk was full in between.
func TestCountersOfACrash(t *testing.T) {
	inCounted(t, func(w *town, disk *counted) {
		disk.full.Store(true)
		w.busy()
		disk.full.Store(false)
		w.pass(2 * time.Minute)
		rows, bad, err := w.journal.LineRecords(context.Background())
		if err != nil || len(bad) > 0 || len(rows) != 2 || rows[0].TTY != 65 || rows[0].Counts != `{"calls_in":1}` ||
			rows[1].Counts != `{"dial_busy":1,"dials":1}` {
			t.Errorf("%+v %v %v", rows, bad, err)
		}
		n := disk.rows.Load()
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		w.pass(10 * time.Second)
		if disk.rows.Load() != n+1 {
			t.Errorf("%d records were written for one line", disk.rows.Load()-n)
		}
	})
}

// TestDamagedCounters: a damaged row counts as zero, is reported and set aside, and the node starts.
func TestDamagedCounters(t *testing.T) {
	inCounted(t, func(w *town, disk *counted) {
		w.busy()
		w.halt()
		disk.damaged.Store(true)
		w.start()
		w.idle(time.Minute)
		if s := w.line(65); s.Counts != (lines.Counts{}) || s.CountsSince.IsZero() {
			t.Errorf("tty 65: %v since %v", s.Counts.ByName(), s.CountsSince)
		}
		if s := w.line(66); s.Counts != oneBusy {
			t.Errorf("tty 66: %v", s.Counts.ByName())
		}
		audit, _, err := w.journal.AuditTail(context.Background(), 10)
		const want = "the counters of a line are damaged: line_records row 65: flipped; the line counts from zero"
		if disk.aside.Load() != 1 || err != nil || !slices.ContainsFunc(audit, func(a journal.Audit) bool {
			return strings.Contains(a.Text, want)
		}) {
			t.Errorf("set aside %d times; the audit has %+v, %v", disk.aside.Load(), audit, err)
		}
	})
}

// TestClearCounters: the counters are zero at once, and that is on disk; a line that is gone loses its row, and not
// before.
func TestClearCounters(t *testing.T) {
	inCounted(t, func(w *town, disk *counted) {
		w.busy()
		w.pool.Reconfigure(w.planned(nil, 65))
		w.halt()
		w.opt.lines = 1
		w.start()
		w.pool.Reconfigure(w.planned(nil, 65))
		w.idle(time.Minute)
		onDisk := func() (all []string) {
			rows, _, err := w.journal.LineRecords(context.Background())
			if err != nil {
				t.Error(err)
			}
			for _, r := range rows {
				all = append(all, r.Counts)
			}
			return all
		}
		if got := onDisk(); !slices.Equal(got, []string{`{"calls_in":1}`, `{"dial_busy":1,"dials":1}`}) {
			t.Errorf("of a removed line: %v", got)
		}
		if n, err := w.broker.ClearCounters("uid 7", 65, 7); n != 0 || err == nil ||
			err.Error() != "there is no line 7" || w.line(65).Counts != oneCall {
			t.Errorf("a mistake: %d, %v; %v", n, err, w.line(65).Counts.ByName())
		}
		w.pass(time.Minute)
		now := time.Now()
		if n, err := w.broker.ClearCounters("uid 7", 65); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		if s := w.line(65); s.Counts != (lines.Counts{}) || !s.CountsSince.Equal(now) {
			t.Errorf("cleared: %v since %v", s.Counts.ByName(), s.CountsSince)
		}
		if got := onDisk(); !slices.Equal(got, []string{`{}`, `{"dial_busy":1,"dials":1}`}) {
			t.Errorf("cleared: %v", got)
		}
		if n, err := w.broker.ClearCounters("uid 8"); n != 2 || err != nil {
			t.Errorf("all: %d, %v", n, err)
		}
		if got := onDisk(); !slices.Equal(got, []string{`{}`}) {
			t.Errorf("all cleared: %v", got)
		}
		w.pass(time.Minute)
		disk.full.Store(true)
		if n, err := w.broker.ClearCounters("uid 9", 65); n != 1 || !errors.Is(err, errFull) {
			t.Errorf("on a full disk: %d, %v", n, err)
		}
		disk.full.Store(false)
		var got []string
		audit, _, err := w.journal.AuditTail(context.Background(), 100)
		for _, a := range audit {
			if a.Kind == "counters cleared" {
				got = append(got, a.Who+" "+a.Text)
			}
		}
		if want := []string{"uid 7 of tty 65", "uid 8 of all lines"}; !slices.Equal(got, want) || err != nil {
			t.Errorf("the audit has %q, %v", got, err)
		}
	})
}
