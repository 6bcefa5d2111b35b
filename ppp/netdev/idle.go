package netdev

import (
	"sync"
	"sync/atomic"
	"time"
)

// An idleTimer calls expire if touch was not called for a time, once unless restart is called.
type idleTimer struct {
	last   atomic.Int64 // of touch, as the time since start
	start  time.Time
	expire func()

	mu    sync.Mutex
	limit time.Duration
	timer *time.Timer // nil once stopped or expired
	ended bool        // stopped
}

func newIdleTimer(limit time.Duration, expire func()) *idleTimer {
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
	t.mu.Lock()
	if t.timer == nil {
		t.mu.Unlock()
		return
	}
	if rest := t.limit - t.idle(); rest > 0 {
		t.timer.Reset(rest)
		t.mu.Unlock()
		return
	}
	t.timer = nil
	t.mu.Unlock()
	t.expire()
}

// shorten lowers the limit.
func (t *idleTimer) shorten(limit time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.timer != nil && limit < t.limit {
		t.limit = limit
		t.timer.Reset(limit)
	}
}

// restart begins again after the timer has expired, unless it was stopped.
func (t *idleTimer) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ended && t.timer == nil {
		t.touch()
		t.timer = time.AfterFunc(t.limit, t.check)
	}
}

func (t *idleTimer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}
