package node

import (
	"context"
	"sync"
)

// reading reads what may hang, such as the state of a disk, for callers that must not. One read is in progress at a
// time, and several callers share it. The zero value is ready to use.
type reading[T any] struct {
	mu    sync.Mutex
	begun int      // reads so far
	last  *read[T] // the one in progress, or that has ended last; nil: none
}

type read[T any] struct {
	n    int
	done chan struct{}
	v    T
}

// get returns the result of a read that begins after its call, or ctx's error. A read that hangs goes on, and no other
// one begins until it ends.
func (r *reading[T]) get(ctx context.Context, f func(context.Context) T) (v T, err error) {
	r.mu.Lock()
	after := r.begun
	r.mu.Unlock()
	for {
		now := r.join(context.WithoutCancel(ctx), f, after)
		select {
		case <-now.done:
			if now.n > after {
				return now.v, nil
			}
		case <-ctx.Done():
			return v, ctx.Err()
		}
	}
}

// join returns the read in progress, or a later one than number after that has ended, or begins one.
func (r *reading[T]) join(ctx context.Context, f func(context.Context) T, after int) *read[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last != nil && (!r.last.over() || r.last.n > after) {
		return r.last
	}
	r.begun++
	now := &read[T]{n: r.begun, done: make(chan struct{})}
	r.last = now
	go func() { // ends with f
		defer close(now.done)
		now.v = f(ctx)
	}()
	return now
}

// over reports whether the read has ended.
func (r *read[T]) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
