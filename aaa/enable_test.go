package aaa

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// However many callers type `enable` at the same time, at most one hash per processor is computed: argon2id needs 64
// MiB each. A caller who hangs up while waiting gets no hash.
func TestEnableBoundsHashes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		e := NewEnableSecret(Hash{kind: "slow", max: 72, match: func([]byte) bool {
			most.Store(max(most.Load(), now.Add(1)))
			<-time.After(time.Second)
			now.Add(-1)
			return true
		}})
		var callers sync.WaitGroup
		for range 10 * runtime.GOMAXPROCS(0) {
			callers.Go(func() {
				if _, res := e.Start(t.Context(),
					Request{User: "kim", Password: "pw", Enable: 15}); res.Kind != Granted {
					t.Errorf("%+v", res)
				}
			})
		}
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, res := e.Start(ctx, Request{User: "kim", Password: "pw", Enable: 15}); res.Kind != Silent ||
			!strings.Contains(res.Reason, "deadline") {
			t.Errorf("%+v", res)
		}
		callers.Wait()
		if got := most.Load(); got != int64(runtime.GOMAXPROCS(0)) {
			t.Errorf("%d hashes in parallel", got)
		}
	})
}
