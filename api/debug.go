package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
)

// Feed distributes debug events to its listeners. Publishing never blocks: a slow listener loses events, and then gets
// an event with their number. The zero value is usable.
type Feed struct {
	Now  func() time.Time         // nil: time.Now
	Hide func(text string) string // replaces what no listener may see; nil: nothing

	mu     sync.Mutex
	topics map[string]int // number of listeners
	lines  *ring[client.DebugEvent]
	count  atomic.Int32 // of listeners: most events have none
}

// feedDepth is the number of events, of all topics, that a listener may be behind.
const feedDepth = 4096

// listener receives the events of some topics until close.
type listener struct {
	feed   *Feed
	lines  *ring[client.DebugEvent]
	topics []string
	at     uint64
	close  func() // further calls have no effect
}

// listen subscribes to topics. The caller closes the listener.
func (f *Feed) listen(topics []string) *listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count.Add(1) == 1 {
		f.topics, f.lines = map[string]int{}, newRing[client.DebugEvent](feedDepth, 0)
	}
	for _, t := range topics {
		f.topics[t]++
	}
	l := &listener{feed: f, lines: f.lines, topics: topics, at: f.lines.end()}
	l.close = sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, t := range topics {
			f.topics[t]--
		}
		if f.count.Add(-1) == 0 {
			f.lines = nil
		}
	})
	return l
}

// next returns the events that have come since the last call, and how many of any topic were overwritten before they
// could be read. If there is none, ready is closed when there is.
func (l *listener) next() (events []client.DebugEvent, lost uint64, ready <-chan struct{}) {
	batch, first, ready := l.lines.read(l.at)
	lost = first - l.at
	l.at = first + uint64(len(batch))
	other := func(e client.DebugEvent) bool { return !slices.Contains(l.topics, e.Topic) }
	return slices.DeleteFunc(batch, other), lost, ready
}

// Publish sends one line of debug text to all listeners of its topic.
func (f *Feed) Publish(topic string, tty int, text string) {
	if f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.topics[topic] > 0 {
		if f.Hide != nil {
			text = f.Hide(text)
		}
		f.lines.add(client.DebugEvent{Time: f.now(), Topic: topic, TTY: tty, Text: text})
	}
}

// Heard reports whether a topic has listeners, so that a text that is costly to make can be left out.
func (f *Feed) Heard(topic string) bool {
	if f.count.Load() == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.topics[topic] > 0
}

// Topic returns a function that publishes on one topic.
func (f *Feed) Topic(topic string) func(tty int, text string) {
	return func(tty int, text string) { f.Publish(topic, tty, text) }
}

func (f *Feed) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

type debugInput struct {
	Topics string `query:"topics" doc:"comma-separated: callback, dialer, chat, modem, aaa, ppp negotiation, ppp authentication, ppp cbcp, ppp packet"`
}

// Resolve rejects unknown topics before the stream begins.
func (in *debugInput) Resolve(huma.Context) []error {
	for _, t := range strings.Split(in.Topics, ",") {
		if !slices.Contains(client.Topics, t) {
			return []error{&huma.ErrorDetail{Message: fmt.Sprintf("unknown debug topic %q; valid topics: %s", t,
				strings.Join(client.Topics, ", ")), Location: "query.topics"}}
		}
	}
	return nil
}

// debug streams the events of topics.
func (s *Server) debug(_ context.Context, in *debugInput, out *outlet) {
	topics := strings.Split(in.Topics, ",")
	l := s.Feed.listen(topics)
	defer l.close()
	// This first event also sends the status line and the header, which otherwise wait for the first debug event.
	if out.send("listening", 0, client.Listening{Topics: topics}) != nil {
		return
	}
	for {
		events, lost, ready := l.next()
		if lost > 0 {
			note := client.DebugEvent{Time: s.Feed.now(), Topic: topics[0], Text: lostText(lost)}
			events = slices.Insert(events, 0, note)
		}
		for _, e := range events {
			if out.send("", 0, e) != nil {
				return
			}
		}
		if ready != nil && !out.wait(ready) {
			return
		}
	}
}

func lostText(n uint64) string {
	return fmt.Sprintf("up to %d events lost: the client reads too slowly", n)
}
