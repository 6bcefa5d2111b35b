package spool

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// A record whose sender panics waits like a refused one; a page of only damaged records does not hide the records after
// it.
func TestSpoolPanicAndDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &damagedFirst{records: &records{}}
		sent := make(chan string, 8)
		s := New(disk, accountantFunc(func(r aaa.Record) error {
			if r.SessionID == "bad" {
				panic("odd record")
			}
			sent <- r.ID
			return nil
		}), zap.NewNop(), func(events.Event) {})
		for _, id := range []string{"bad", "a", "b"} {
			if err := s.Put(t.Context(), []aaa.Record{{ID: id + "-start", SessionID: id,
				Type: aaa.Start}}); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.Run(ctx) }()
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

func (d *damagedFirst) SpoolAfter(ctx context.Context, list string, seq int64, n int) ([]journal.Spooled,
	[]journal.Damage, error) {
	if !d.read {
		d.read = true
		return nil, make([]journal.Damage, n), nil
	}
	return d.records.SpoolAfter(ctx, list, seq, n)
}

// unreadable is a journal whose lists or records cannot be read.
type unreadable struct {
	*records
	lists, rows bool
}

var errUnreadable = errors.New("disk I/O error")

func (u *unreadable) SpoolLists(ctx context.Context) ([]string, error) {
	if u.lists {
		return nil, errUnreadable
	}
	return u.records.SpoolLists(ctx)
}

func (u *unreadable) SpoolAfter(ctx context.Context, list string, seq int64, n int) ([]journal.Spooled,
	[]journal.Damage, error) {
	if u.rows {
		return nil, nil, errUnreadable
	}
	return u.records.SpoolAfter(ctx, list, seq, n)
}

// TestSpoolUnreadable: a spool that cannot be read is logged once a minute, not at each attempt.
func TestSpoolUnreadable(t *testing.T) {
	for _, disk := range []*unreadable{{records: &records{}, lists: true}, {records: &records{}, rows: true}} {
		synctest.Test(t, func(t *testing.T) {
			core, seen := observer.New(zap.ErrorLevel)
			s := New(disk, accountantFunc(func(aaa.Record) error { return nil }), zap.New(core), func(events.Event) {})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); s.Run(ctx) }()
			if err := s.Put(ctx, []aaa.Record{{ID: "a-start", SessionID: "a", Type: aaa.Start}}); err != nil {
				t.Fatal(err)
			}
			<-time.After(10*time.Minute - time.Second)
			cancel()
			<-ended
			if n := seen.FilterMessage("journal: read the accounting spool").Len(); n != 10 {
				t.Errorf("lists %v, rows %v: logged %d times in 10 minutes, want 10", disk.lists, disk.rows, n)
			}
		})
	}
}
