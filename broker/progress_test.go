package broker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
)

// hangingDisk is a journal that commits when its channel is closed.
type hangingDisk struct {
	journal.Store
	hangs chan struct{}
}

func (d hangingDisk) Commit(context.Context, ...journal.Mutation) error {
	<-d.hangs
	return nil
}

// TestProgress: the loop makes progress from its begin to its end, also with nothing to do, and not while it is stuck.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := hangingDisk{hangs: make(chan struct{})}
		b := New(Options{Journal: disk, Pool: lines.NewPool(lines.PoolOptions{})}, Config{})
		progress := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			return b.Progress(ctx)
		}
		if err := progress(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the begin: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go b.loop(ctx)
		for range 3 {
			if err := progress(); err != nil {
				t.Errorf("idle: %v", err)
			}
		}
		b.events <- event{id: "none", rows: []journal.Mutation{journal.UseReserve{}}} // a late event
		synctest.Wait()
		if err := progress(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("stuck: %v", err)
		}
		close(disk.hangs)
		if err := progress(); err != nil {
			t.Errorf("when the disk has finished: %v", err)
		}
		cancel()
		synctest.Wait()
		if err := progress(); !errors.Is(err, errShutdown) {
			t.Errorf("after the end: %v", err)
		}
	})
}
