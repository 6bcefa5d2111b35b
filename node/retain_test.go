package node

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/ringback/ringback/broker/journal"
)

// TestRetain: what ended longer ago than journal.keep of the configuration in force is removed soon after the
// start and then every hour; with 0 nothing is removed.
func TestRetain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, seen := observer.New(zapcore.InfoLevel)
		var keep atomic.Int64
		keep.Store(int64(90 * 24 * time.Hour))
		var befores []time.Duration
		start := time.Now()
		prune := func(_ context.Context, before time.Time) (journal.Pruned, error) {
			befores = append(befores, before.Sub(start))
			if len(befores) == 2 {
				return journal.Pruned{}, errors.New("the disk is full")
			}
			return journal.Pruned{Callbacks: 3}, nil
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			retain(ctx, zap.New(core), func() time.Duration { return time.Duration(keep.Load()) }, prune)
		}()
		<-time.After(90 * time.Minute)
		keep.Store(0)
		<-time.After(2 * time.Hour)
		keep.Store(int64(time.Hour))
		<-time.After(time.Hour)
		cancel()
		<-ended
		want := []time.Duration{startTime - 90*24*time.Hour, startTime + time.Hour - 90*24*time.Hour,
			startTime + 4*time.Hour - time.Hour}
		if len(befores) != 3 || befores[0] != want[0] || befores[1] != want[1] || befores[2] != want[2] {
			t.Errorf("removed what ended before %v, want %v", befores, want)
		}
		if a, b := seen.FilterMessage("journal: old history removed").Len(),
			seen.FilterMessage("journal: old history not removed").Len(); a != 2 || b != 1 {
			t.Errorf("logged %d and %d", a, b)
		}
	})
}
