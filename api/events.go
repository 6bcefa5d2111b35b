package api

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// eventTable has the rows of this file.
var eventTable = []Route{
	{"events", http.MethodGet, "/v1/events", Read, nil,
		"Stream changes of lines, calls, callbacks and health, and what the audit records (text/event-stream)"},
	{"debug", http.MethodGet, "/v1/debug", Operate, nil, "Stream live debug events (text/event-stream)"},
}

// eventRoutes registers the streams.
func (s *Server) eventRoutes(r *registry) {
	stream(r, "events", map[string]any{"message": client.Event{}, "listening": client.Event{},
		"lagging": client.Event{}}, s.events)
	stream(r, "debug", map[string]any{"message": client.DebugEvent{}, "listening": client.Listening{}}, s.debug)
}

// eventsKept is the number of the newest events that a reader can still get.
const eventsKept = 4096

// Events keeps the newest events of a daemon for the readers of /v1/events. It is a sink of the broker. Its methods
// never wait for a reader. Make it with NewEvents.
type Events struct {
	ring *ring[happening]

	mu     sync.Mutex
	lines  map[int]lineState
	health []client.Warning
	told   bool // health has been reported
}

// happening is an event before it is written for a reader.
type happening struct {
	at      time.Time
	e       events.Event   // or one of the following
	line    *client.Line   // a line that has changed
	removed int            // the TTY of a line that a reload has removed
	health  *client.Health // after a change of its warnings
}

// lineState is what of a line is a change to report; counters are not.
type lineState struct {
	state                        lines.State
	reason, owner, change, modem string
	since, busiedOut             time.Time
	notices                      int
}

// NewEvents returns one without events. Numbers of events go on across restarts, unless the clock is set back.
func NewEvents() *Events {
	return &Events{ring: newRing[happening](eventsKept, uint64(time.Now().UnixMicro())), lines: map[int]lineState{}}
}

// Take implements events.Sink.
func (v *Events) Take(e events.Event) { v.ring.add(happening{at: time.Now(), e: e}) }

// Lines reports the lines that have changed since the last call, have come or are gone.
func (v *Events) Lines(all iter.Seq[lines.Status]) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now, there := time.Now(), 0
	for s := range all {
		there++
		state := lineState{state: s.State, reason: s.Reason, owner: s.Owner, change: s.Change, modem: s.Profile,
			since: s.Since, notices: len(s.Notices)}
		if s.Busyout != nil {
			state.busiedOut = s.Busyout.Since
		}
		if before, known := v.lines[s.TTY]; !known || before != state {
			v.lines[s.TTY] = state
			line := lineOf(s)
			line.Counters = nil // they are not what has changed
			v.ring.add(happening{at: now, line: &line})
		}
	}
	if there == len(v.lines) {
		return
	}
	left := map[int]bool{}
	for s := range all {
		left[s.TTY] = true
	}
	for tty := range v.lines {
		if !left[tty] {
			delete(v.lines, tty)
			v.ring.add(happening{at: now, removed: tty})
		}
	}
}

// Health reports the health if its warnings have changed since the last call.
func (v *Events) Health(h client.Health) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.told && slices.Equal(v.health, h.Warnings) {
		return
	}
	v.told, v.health = true, slices.Clone(h.Warnings)
	v.ring.add(happening{at: time.Now(), health: &h})
}

// event returns an event for clients.
func (h happening) event(id uint64) client.Event {
	out := client.Event{ID: id, Time: h.at.Local()}
	switch {
	case h.line != nil:
		out.Kind, out.TTY, out.Line = "line.state", h.line.TTY, h.line
	case h.removed != 0:
		out.Kind, out.TTY = "line.removed", h.removed
	case h.health != nil:
		out.Kind, out.Health = "health", h.health
	default:
		out.Kind, out.Fields = string(events.KindOf(h.e)), events.Fields(h.e)
		out.TTY, _ = out.Fields["line"].(int)
		if a, ok := events.Audit(h.e); ok {
			out.Audit = &client.AuditEntry{Kind: a.Kind, Who: a.Who, Text: a.Text}
		}
	}
	return out
}

type eventsInput struct {
	Kinds  string `query:"kinds" maxLength:"1024" doc:"comma-separated: kinds of docs/reference/events.md, or their first words (line, call, callback), line.state, health; audit: what the audit records; absent: all"`
	TTY    int    `query:"tty" minimum:"0" doc:"only events of this line; 0: all"`
	After  uint64 `query:"after" doc:"only events after the one with this id; 0: from now on"`
	Last   string `header:"Last-Event-ID" maxLength:"20" doc:"as after, sent by browsers that connect again"`
	Recent int    `query:"recent" minimum:"0" maximum:"4096" doc:"instead of what comes: the newest events that are kept, and then the end of the stream"`
	kinds  []string
}

// firstKinds are the kinds that are not in the table of events.
var firstKinds = []string{"audit", "health", "line.state", "line.removed"}

// Resolve rejects unknown kinds before the stream begins.
func (in *eventsInput) Resolve(huma.Context) []error {
	if in.Last != "" && in.After == 0 {
		if _, err := fmt.Sscanf(in.Last, "%d", &in.After); err != nil {
			return []error{&huma.ErrorDetail{Message: "not the id of an event", Location: "header.Last-Event-ID"}}
		}
	}
	if in.Kinds == "" {
		return nil
	}
	in.kinds = strings.Split(in.Kinds, ",")
	for _, k := range in.kinds {
		known := slices.ContainsFunc(firstKinds, func(name string) bool { return isKind(name, k) }) ||
			slices.ContainsFunc(events.Table, func(row events.Row) bool { return isKind(string(row.Kind), k) })
		if !known {
			return []error{&huma.ErrorDetail{Message: fmt.Sprintf("unknown kind of event %q (%s, or a kind of "+
				"docs/reference/events.md, or its first word)", k, strings.Join(firstKinds, ", ")),
				Location: "query.kinds"}}
		}
	}
	return nil
}

// isKind reports whether an event of a kind is selected by it, or by words with which it begins.
func isKind(kind, selected string) bool {
	return kind == selected || strings.HasPrefix(kind, selected+".") && selected != ""
}

// takes reports whether a client wants an event.
func (in *eventsInput) takes(e client.Event) bool {
	if in.TTY != 0 && e.TTY != in.TTY {
		return false
	}
	return in.kinds == nil || slices.ContainsFunc(in.kinds, func(k string) bool {
		return isKind(e.Kind, k) || k == "audit" && e.Audit != nil
	})
}

// events streams events. A client that has missed some gets `lagging`: before the first event if it asks for events
// that are not kept any more; as the last event of the stream if it reads too slowly.
func (s *Server) events(_ context.Context, in *eventsInput, out *outlet) {
	if s.Events == nil {
		return
	}
	ring := s.Events.ring
	end := ring.end()
	next := cmp.Or(in.After+1, end)
	if in.After == 0 {
		next = end
	}
	if in.Recent > 0 {
		next = max(ring.oldest(), end-uint64(in.Recent))
	}
	if out.send("listening", 0, client.Event{ID: next - 1, Time: time.Now().Local(), Kind: "listening"}) != nil {
		return
	}
	if oldest := ring.oldest(); next < oldest || next > end {
		next = end
		if out.lagging(next-1) != nil {
			return
		}
	}
	for {
		batch, first, ready := ring.read(next)
		if first > next {
			_ = out.lagging(next - 1)
			return
		}
		for i, h := range batch {
			if e := h.event(first + uint64(i)); in.takes(e) && out.send("", e.ID, e) != nil {
				return
			}
		}
		next = first + uint64(len(batch))
		if ready != nil && (in.Recent > 0 || !out.wait(ready)) {
			return
		}
	}
}

// lagging tells a client that it has missed events after one.
func (o *outlet) lagging(after uint64) error {
	return o.send("lagging", 0, client.Event{ID: after, Time: time.Now().Local(), Kind: "lagging"})
}
