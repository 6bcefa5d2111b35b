package broker

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/spool"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// A Stop that the disk refuses is not lost: it is spooled with the next record, at the latest when the call is closed,
// and after the records refused before it.
func TestRefusedRecordsAreOwed(t *testing.T) {
	for name, tt := range map[string]struct {
		refused map[session.ReportKind]bool
		want    string
	}{
		"none": {nil, "c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"the start": {map[session.ReportKind]bool{session.Began: true},
			"c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"the updates": {map[session.ReportKind]bool{session.Interim: true}, "c1-start c1-interim-2 c1-stop"},
		"the stop": {map[session.ReportKind]bool{session.Ended: true},
			"c1-start c1-interim-1 c1-interim-2 c1-stop"},
		"all till the end": {map[session.ReportKind]bool{session.Began: true, session.Interim: true,
			session.Ended: true}, "c1-start c1-interim-2 c1-stop"},
	} {
		t.Run(name, func(t *testing.T) {
			disk := &records{}
			c := &call{Call: &lines.Call{ID: "c1", TTY: 65}, leg: 1}
			b := &Broker{opt: Options{Journal: disk, Limits: Limits{Report: time.Hour}}, log: zap.NewNop(),
				calls: map[string]*call{"c1": c}, spool: spool.New(disk, noBooks{}, zap.NewNop(),
					func(events.Event) {})}
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

// records is a Store that accepts only spooled records.
type records struct {
	journal.Store
	failing bool
	ids     []string
}

func (s *records) fail(failing bool) { s.failing = failing }
func (s *records) left() []string    { return s.ids }

func (s *records) Commit(_ context.Context, tx ...journal.Mutation) error {
	if s.failing {
		return errDisk
	}
	for _, m := range tx {
		if m, ok := m.(journal.Spool); ok {
			s.ids = append(s.ids, m.Record.ID)
		}
	}
	return nil
}

type noBooks struct{}

func (noBooks) Send(context.Context, aaa.Record) error { return nil }
