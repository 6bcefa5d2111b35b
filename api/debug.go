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

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// Feed distributes debug events to its listeners. Publishing never blocks: a slow listener loses events, and then gets
// an event with their number. It is a sink of the broker: of its events it makes the lines of the topics callback and
// dialer, and learns from them whose lines are in use. The zero value is usable.
type Feed struct {
	Now  func() time.Time         // nil: time.Now
	Hide func(text string) string // replaces what no listener may see; nil: nothing

	users lineUsers

	mu        sync.Mutex
	listeners []*listener
	lines     *ring[debugLine]
	count     atomic.Int32 // of listeners: most events have none
}

// debugLine is an event with what conditions are compared to.
type debugLine struct {
	client.DebugEvent
	about subject
}

// feedDepth is the number of events, of all topics, that a listener may be behind.
const feedDepth = 4096

// listener receives the events that it wants until close.
type listener struct {
	feed  *Feed
	lines *ring[debugLine]
	query client.DebugQuery
	at    uint64
	close func() // further calls have no effect
}

// listen subscribes to what q selects. The caller closes the listener.
func (f *Feed) listen(q client.DebugQuery) *listener {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.count.Add(1) == 1 {
		f.lines = newRing[debugLine](feedDepth, 0)
	}
	l := &listener{feed: f, lines: f.lines, query: q, at: f.lines.end()}
	f.listeners = append(f.listeners, l)
	l.close = sync.OnceFunc(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.listeners = slices.DeleteFunc(f.listeners, func(other *listener) bool { return other == l })
		if f.count.Add(-1) == 0 {
			f.lines = nil
		}
	})
	return l
}

// wants reports whether a listener is to get a line of a topic. Of a topic with conditions, it gets what meets one.
func (l *listener) wants(topic string, about subject) bool {
	if !slices.Contains(l.query.Topics, topic) {
		return false
	}
	conditions := false
	for _, c := range l.query.Conditions {
		if c.Topic != "" && c.Topic != topic {
			continue
		}
		if c.Line != 0 && c.Line == about.tty || c.User != "" && (c.User == about.user || c.User == about.tried) {
			return true
		}
		conditions = true
	}
	return !conditions
}

// next returns the events that have come since the last call, and how many of any topic were overwritten before they
// could be read. If there is none, ready is closed when there is.
func (l *listener) next() (events []client.DebugEvent, lost uint64, ready <-chan struct{}) {
	batch, first, ready := l.lines.read(l.at)
	lost = first - l.at
	l.at = first + uint64(len(batch))
	for _, e := range batch {
		if l.wants(e.Topic, e.about) {
			events = append(events, e.DebugEvent)
		}
	}
	return events, lost, ready
}

// Publish sends one line of debug text about a line, 0 for no particular one, to the listeners that want it.
func (f *Feed) Publish(topic string, tty int, text string) {
	if f.count.Load() > 0 {
		f.publish(topic, f.users.of(tty), text)
	}
}

// PublishOf sends one line of debug text about a user, who is shown to the listeners as this name. tty as in Publish.
func (f *Feed) PublishOf(topic string, tty int, user, shown, text string) {
	if f.count.Load() > 0 {
		f.publish(topic, f.users.named(tty, user, shown), text)
	}
}

func (f *Feed) publish(topic string, about subject, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.heard(topic, about) { // and so what nobody wants costs no listener what it does
		return
	}
	if f.Hide != nil {
		text, about.shown = f.Hide(text), f.Hide(about.shown)
	}
	f.lines.add(debugLine{client.DebugEvent{Time: f.now(), Topic: topic, TTY: about.tty, User: about.shown, Text: text},
		about})
}

// Heard reports whether anybody listens to what happens on a line, so that a text that is costly to make can be left
// out. tty as in Publish.
func (f *Feed) Heard(topic string, tty int) bool {
	return f.count.Load() > 0 && f.someone(topic, f.users.of(tty))
}

// HeardOf is Heard for what is about a user.
func (f *Feed) HeardOf(topic string, tty int, user string) bool {
	return f.count.Load() > 0 && f.someone(topic, f.users.named(tty, user, ""))
}

func (f *Feed) someone(topic string, about subject) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard(topic, about)
}

// heard reports whether a listener wants a line. f.mu is held.
func (f *Feed) heard(topic string, about subject) bool {
	return slices.ContainsFunc(f.listeners, func(l *listener) bool { return l.wants(topic, about) })
}

// Topic returns a function that publishes on one topic.
func (f *Feed) Topic(topic string) func(tty int, text string) {
	return func(tty int, text string) { f.Publish(topic, tty, text) }
}

// Take implements events.Sink.
func (f *Feed) Take(e events.Event) {
	f.users.take(e)
	if f.count.Load() == 0 {
		return
	}
	user := events.UserOf(e)
	on := func(topic string) func(tty int, text string) {
		if user == "" {
			return f.Topic(topic)
		}
		return func(tty int, text string) { f.PublishOf(topic, tty, user, user, text) }
	}
	events.Debug(on("callback")).Take(e)
	events.Dialer(on("dialer")).Take(e)
}

// Trying tells whose login is tried on a line, until the next one or until the call ends: what happens on the line
// belongs to that user, too. "": no name is known. It is shown to the listeners as shown.
func (f *Feed) Trying(tty int, name, shown string) { f.users.try(tty, name, shown) }

func (f *Feed) now() time.Time {
	if f.Now != nil {
		return f.Now()
	}
	return time.Now()
}

type debugInput struct {
	Topics    string   `query:"topics" doc:"comma-separated: callback, dialer, chat, modem, aaa, ppp negotiation, ppp authentication, ppp cbcp, ppp packet"`
	User      []string `query:"user,explode" maxItems:"64" doc:"only events of this user; repeated: of one of them, or of a line"`
	Line      []int    `query:"line,explode" maxItems:"64" doc:"only events of this TTY; repeated: of one of them, or of a user"`
	Condition []string `query:"condition,explode" maxItems:"64" doc:"of one topic only events of a user or a line: TOPIC user NAME or TOPIC line N, such as ppp cbcp line 66; repeated: of one of them"`
	query     client.DebugQuery
}

// Resolve rejects unknown topics, and conditions that nothing can meet, before the stream begins.
func (in *debugInput) Resolve(huma.Context) []error {
	wrong := func(parameter, format string, args ...any) []error {
		return []error{&huma.ErrorDetail{Message: fmt.Sprintf(format, args...), Location: "query." + parameter}}
	}
	q := &in.query
	q.Topics = strings.Split(in.Topics, ",")
	for _, t := range q.Topics {
		if !slices.Contains(client.Topics, t) {
			return wrong("topics", "unknown debug topic %q; valid topics: %s", t, strings.Join(client.Topics, ", "))
		}
	}
	for _, u := range in.User {
		q.Conditions = append(q.Conditions, client.DebugCondition{User: u})
	}
	for _, n := range in.Line {
		if n < 1 {
			return wrong("line", "%d: a line is a TTY number of 1 or greater", n)
		}
		q.Conditions = append(q.Conditions, client.DebugCondition{Line: n})
	}
	for _, text := range in.Condition {
		c, ok := client.ParseDebugCondition(text)
		if !ok {
			return wrong("condition", "%.300q: must be TOPIC user NAME or TOPIC line N", text)
		}
		if !slices.Contains(q.Topics, c.Topic) {
			return wrong("condition", "%.300q: the topic %s is not among the topics", text, c.Topic)
		}
		q.Conditions = append(q.Conditions, c)
	}
	for _, c := range q.Conditions {
		if c.Line != 0 {
			continue
		}
		if err := aaa.CheckUser(c.User); err != nil { // then nobody has it
			return wrong("user", "%.300q: %v", c.User, err)
		}
	}
	return nil
}

// debug streams the events of topics.
func (s *Server) debug(_ context.Context, in *debugInput, out *outlet) {
	l := s.Feed.listen(in.query)
	defer l.close()
	// This first event also sends the status line and the header, which otherwise wait for the first debug event.
	hello := client.Listening{Topics: in.query.Topics, Conditions: in.query.Conditions}
	if out.send("listening", 0, hello) != nil {
		return
	}
	for {
		events, lost, ready := l.next()
		if lost > 0 {
			note := client.DebugEvent{Time: s.Feed.now(), Topic: in.query.Topics[0], Text: lostText(lost)}
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
