package api

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/api/client"
)

// Feed distributes debug events to its listeners. Publishing never blocks: a slow listener loses events, and then gets
// an event with their number. The zero value is usable.
type Feed struct {
	Now func() time.Time // nil: time.Now

	mu        sync.Mutex
	listeners map[*Listener]struct{}
	count     atomic.Int32 // of listeners: most events have none
}

// Listener receives the events of some topics until Close.
type Listener struct {
	C      chan client.DebugEvent
	feed   *Feed
	topics map[string]bool
	lost   int
}

// feedDepth is the number of events queued for a listener.
const feedDepth = 1024

// Listen subscribes to topics. The caller closes the Listener.
func (f *Feed) Listen(topics []string) *Listener {
	l := &Listener{C: make(chan client.DebugEvent, feedDepth), feed: f, topics: map[string]bool{}}
	for _, t := range topics {
		l.topics[t] = true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listeners == nil {
		f.listeners = map[*Listener]struct{}{}
	}
	f.listeners[l] = struct{}{}
	f.count.Store(int32(len(f.listeners)))
	return l
}

// Close ends the subscription. Further calls have no effect.
func (l *Listener) Close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	delete(l.feed.listeners, l)
	l.feed.count.Store(int32(len(l.feed.listeners)))
}

// Publish sends one line of debug text to all listeners of its topic.
func (f *Feed) Publish(topic string, tty int, text string) {
	if f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := client.DebugEvent{Time: f.now(), Topic: topic, TTY: tty, Text: text}
	for l := range f.listeners {
		if l.topics[topic] {
			l.offer(e)
		}
	}
}

// Heard reports whether a topic has listeners, so that a text that is costly to make can be left out.
func (f *Feed) Heard(topic string) bool {
	if f.count.Load() == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for l := range f.listeners {
		if l.topics[topic] {
			return true
		}
	}
	return false
}

// Topic returns a function that publishes on one topic.
func (f *Feed) Topic(topic string) func(tty int, text string) {
	return func(tty int, text string) { f.Publish(topic, tty, text) }
}

func (l *Listener) offer(e client.DebugEvent) {
	if l.lost > 0 {
		note := client.DebugEvent{Time: e.Time, Topic: e.Topic, Text: lostText(l.lost)}
		select {
		case l.C <- note:
			l.lost = 0
		default:
		}
	}
	select {
	case l.C <- e:
	default:
		l.lost++
	}
}

func (f *Feed) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}
