package broker

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// choosyAccountant takes all records but those of one session.
type choosyAccountant struct {
	refuses string

	mu    sync.Mutex
	taken []string
}

func (a *choosyAccountant) Send(_ context.Context, r aaa.Record) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r.SessionID == a.refuses || a.refuses == "*" {
		return errors.New("no answer")
	}
	a.taken = append(a.taken, r.ID)
	return nil
}

// TestSpoolRefusedRecord: a record that the server never acknowledges holds up Accounting-On and what follows for some rounds, not for ever;
// while the server is silent to all, the order stands.
func TestSpoolRefusedRecord(t *testing.T) {
	j, err := journal.Open(t.Context(), journal.Options{Path: filepath.Join(t.TempDir(), "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	a := &choosyAccountant{refuses: "*"}
	s := newSpool(j, a, zap.NewNop())
	now := time.Now()
	for _, r := range []aaa.Record{
		{ID: "bad-start", SessionID: "bad", Time: now}, {ID: "bad-stop", SessionID: "bad", Time: now}, {ID: "good-stop", SessionID: "good", Time: now},
		{ID: "on", Type: aaa.On, Time: now}, {ID: "new-start", SessionID: "new", Time: now},
	} {
		if err := s.put(t.Context(), []aaa.Record{r}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 * refusedTries {
		if sent, left := s.round(t.Context()); sent != 0 || left == 0 {
			t.Fatalf("sent %d, left %d while nobody answers", sent, left)
		}
	}
	a.refuses = "bad"
	for range 2 * refusedTries {
		s.round(t.Context())
	}
	if want := []string{"good-stop", "on", "new-start"}; !slices.Equal(a.taken, want) {
		t.Errorf("taken %q, want %q", a.taken, want)
	}
	rows, _, err := j.SpoolNext(t.Context(), 10)
	if err != nil || len(rows) != 2 || rows[0].ID != "bad-start" || rows[1].ID != "bad-stop" {
		t.Errorf("in the spool %v, %v; the refused ones must stay", rows, err)
	}
}
