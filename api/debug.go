package api

import (
	"sync"
	"time"

	"github.com/ringback/ringback/api/client"
)

// Feed hands debug events to whoever listens. Publishing never blocks: a listener who is slow loses events and is told how many.
// The zero value works.
type Feed struct {
	Now func() time.Time // nil: time.Now

	mu        sync.Mutex
	listeners map[*Listener]struct{}
}

// Listener receives the events of some topics until Close.
type Listener struct {
	C      chan client.DebugEvent
	feed   *Feed
	topics map[string]bool
	lost   int
}

// feedDepth is how many events a listener may be behind.
const feedDepth = 1024

// Listen subscribes to the topics. The caller closes the listener.
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
	return l
}

// Close ends the subscription. It may be called twice.
func (l *Listener) Close() {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	delete(l.feed.listeners, l)
}

// Publish hands one line of debug to all listeners of its topic.
func (f *Feed) Publish(topic string, tty int, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.listeners) == 0 {
		return
	}
	e := client.DebugEvent{Time: f.now(), Topic: topic, TTY: tty, Text: text}
	for l := range f.listeners {
		if l.topics[topic] {
			l.offer(e)
		}
	}
}

// Topic returns a hook for a package that publishes on one topic.
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
