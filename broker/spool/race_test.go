package spool

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// hastyStore reports each commit before Commit returns.
type hastyStore struct {
	journal.Store
	committed func()
	err       error
}

func (h hastyStore) Commit(context.Context, ...journal.Mutation) error {
	if h.err == nil {
		h.committed()
	}
	return h.err
}

type deafAccountant struct{}

func (deafAccountant) Send(context.Context, aaa.Record) error { return nil }

// TestSpoolAcknowledgedAtOnce: a record may be sent and acknowledged before Put returns from its commit. A dial must
// not wait for it then.
func TestSpoolAcknowledgedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Spool
		s = New(hastyStore{committed: func() { s.acknowledged([]journal.Spooled{{ID: "c1-stop", SessionID: "c1"}}) }},
			deafAccountant{}, zap.NewNop(), func(events.Event) {})
		if err := s.Put(t.Context(), []aaa.Record{{ID: "c1-stop", SessionID: "c1"}}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.Await(t.Context(), "c1-stop", time.Hour)
		if waited := time.Since(began); waited != 0 {
			t.Errorf("await took %v for a record that was acknowledged already", waited)
		}
		if len(s.spooled) != 0 {
			t.Errorf("%d records are remembered forever", len(s.spooled))
		}
	})
}

// TestSpoolNotCommitted: Await does not wait for a record that is not in the journal.
func TestSpoolNotCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(hastyStore{err: journal.ErrPending}, deafAccountant{}, zap.NewNop(), func(events.Event) {})
		if err := s.Put(t.Context(), []aaa.Record{{ID: "c1-stop", SessionID: "c1"}}); err == nil {
			t.Fatal("put hides the journal's error")
		}
		began := time.Now()
		s.Await(t.Context(), "c1-stop", time.Hour)
		if waited := time.Since(began); waited != 0 || len(s.spooled) != 0 {
			t.Errorf("await took %v, %d records are remembered", waited, len(s.spooled))
		}
	})
}
