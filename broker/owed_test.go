package broker

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// A Stop that the disk refuses is not lost: it is spooled with what comes next, at the latest when the call is closed, and behind what was refused before it.
func TestRefusedRecordsAreOwed(t *testing.T) {
	for name, tt := range map[string]struct {
		refused map[session.ReportKind]bool
		want    string
	}{
		"none":             {nil, "c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"the start":        {map[session.ReportKind]bool{session.Began: true}, "c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"the updates":      {map[session.ReportKind]bool{session.Interim: true}, "c1-start c1-interim-2 c1-stop"},
		"the stop":         {map[session.ReportKind]bool{session.Ended: true}, "c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"all till the end": {map[session.ReportKind]bool{session.Began: true, session.Interim: true, session.Ended: true}, "c1-start c1-interim-2 c1-stop"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := &records{}
			c := &call{Call: &lines.Call{ID: "c1", TTY: 65}, leg: 1}
			b := &Broker{opt: Options{Journal: disk, Limits: Limits{Report: time.Hour}}, log: zap.NewNop(), calls: map[string]*call{"c1": c}, spool: newSpool(keeping{disk}, noBooks{}, zap.NewNop())}
			for _, kind := range []session.ReportKind{session.Began, session.Interim, session.Interim, session.Ended} {
				disk.fail(tt.refused[kind])
				b.Report(t.Context(), session.Report{Kind: kind, Call: c.Call, Session: 1, Time: time.Now()})
			}
			disk.fail(false)
			b.closeCall(c, session.Outcome{})
			if got := strings.Join(disk.left(), " "); got != tt.want {
				t.Errorf("spooled %s, want %s", got, tt.want)
			}
		})
	}
}

func (s *records) fail(failing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = failing
}

// keeping is records whose Interims are not replaced: what was spooled is all to be seen.
type keeping struct{ *records }

func (k keeping) Commit(ctx context.Context, tx ...journal.Mutation) error {
	var rest []journal.Mutation
	for _, m := range tx {
		if _, ok := m.(journal.Unspool); !ok {
			rest = append(rest, m)
		}
	}
	return k.records.Commit(ctx, rest...)
}

type noBooks struct{}

func (noBooks) Send(context.Context, aaa.Record) error { return nil }

// A record that makes its sender panic waits like one that is refused; a page of nothing but damaged records does not hide what lies behind it.
func TestSpoolPanicAndDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &damagedFirst{records: &records{}}
		sent := make(chan string, 8)
		s := newSpool(disk, accountantFunc(func(r aaa.Record) error {
			if r.SessionID == "bad" {
				panic("odd record")
			}
			sent <- r.ID
			return nil
		}), zap.NewNop())
		for _, id := range []string{"bad", "a", "b"} {
			if err := s.put(t.Context(), []aaa.Record{{ID: id + "-start", SessionID: id, Type: aaa.Start}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.run(ctx) }()
		taken := map[string]bool{}
		for range 2 {
			select {
			case id := <-sent:
				taken[id] = true
			case <-time.After(time.Minute):
				t.Error("nothing more is sent")
			}
		}
		if !taken["a-start"] || !taken["b-start"] {
			t.Errorf("sent: %v", taken)
		}
		cancel()
		<-ended
		if ids := fmt.Sprint(disk.left()); ids != "[bad-start]" {
			t.Errorf("left in the journal: %s", ids)
		}
	})
}

type accountantFunc func(aaa.Record) error

func (f accountantFunc) Send(_ context.Context, r aaa.Record) error { return f(r) }

// damagedFirst has a page of damaged records before all others.
type damagedFirst struct {
	*records
	read bool
}

func (d *damagedFirst) SpoolAfter(ctx context.Context, list string, seq int64, n int) ([]journal.Spooled, []journal.Damage, error) {
	if !d.read {
		d.read = true
		return nil, make([]journal.Damage, n), nil
	}
	return d.records.SpoolAfter(ctx, list, seq, n)
}
