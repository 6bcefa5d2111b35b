package node

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestReading: a read that hangs holds up nobody, and begins once; a caller gets the result of a read that began after
// its call, which several share.
func TestReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r reading[int]
		free, reads := make(chan struct{}), 0
		read := func(context.Context) int {
			reads++
			n := reads
			<-free
			return n
		}
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			if _, err := r.get(ctx, read); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("a read that hangs: %v", err)
			}
			cancel()
		}
		if synctest.Wait(); reads != 1 {
			t.Errorf("%d reads began while one hangs", reads)
		}
		results := make(chan int, 10)
		for range 10 {
			go func() {
				v, err := r.get(t.Context(), read)
				if err != nil {
					t.Error(err)
				}
				results <- v
			}()
		}
		synctest.Wait()
		close(free)
		for range 10 {
			if v := <-results; v != 2 {
				t.Errorf("a caller got the result of read %d, want 2: read 1 began before its call", v)
			}
		}
	})
}
