package node

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/recordings"
)

// Limits of a reload remove recordings at once, not at the end of the next session.
func TestNewLimitsOfRecordings(t *testing.T) {
	t.Parallel()
	store, err := recordings.Open(recordings.Options{Dir: filepath.Join(t.TempDir(), "recordings"),
		Happened: func(events.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := store.Begin(t.Context(), recordings.About{ID: "one", User: "kim", Line: 65})
	if err != nil {
		t.Fatal(err)
	}
	r.Close("over")
	eventually(t, "the recording is over", func() bool { l := store.List(); return len(l) == 1 && !l[0].Live })
	d := &daemon{records: store, newLimits: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() { d.pruneRecordings(ctx) })
	store.Configure(recordings.Limits{Keep: time.Nanosecond})
	d.newLimits <- struct{}{}
	eventually(t, "the recording is removed", func() bool { return len(store.List()) == 0 })
	cancel()
	loop.Wait()
	store.Close(t.Context())
}
