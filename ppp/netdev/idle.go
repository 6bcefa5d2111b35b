package netdev

import (
	"sync"
	"sync/atomic"
	"time"
)

// An idleTimer calls expire if touch was not called for a time. If expire returns true, the time begins again.
type idleTimer struct {
	last   atomic.Int64 // of touch, as the time since start
	start  time.Time
	expire func() (again bool)

	mu    sync.Mutex
	limit time.Duration
	timer *time.Timer // nil once stopped
}

func newIdleTimer(limit time.Duration, expire func() (again bool)) *idleTimer {
	t := &idleTimer{start: time.Now(), limit: limit, expire: expire}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.timer = time.AfterFunc(limit, t.check)
	return t
}

// touch records that something happened.
func (t *idleTimer) touch() { t.last.Store(int64(time.Since(t.start))) }

// idle returns the time since touch.
func (t *idleTimer) idle() time.Duration { return time.Since(t.start) - time.Duration(t.last.Load()) }

func (t *idleTimer) check() {
	if !t.due() || !t.expire() {
		return
	}
	t.touch()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Reset(t.limit)
	}
}

// due reports whether the time is over; if not, it waits for the rest.
func (t *idleTimer) due() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer == nil {
		return false
	}
	rest := t.limit - t.idle()
	if rest > 0 {
		t.timer.Reset(rest)
	}
	return rest <= 0
}

// shorten lowers the limit; the time begins again.
func (t *idleTimer) shorten(limit time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil && limit < t.limit {
		t.limit = limit
		t.timer.Reset(limit)
	}
}

// stop ends the timer. An expire that runs already may still be running when it returns.
func (t *idleTimer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}
