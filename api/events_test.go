package api

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// states are the states of lines that a test sets.
func states(all ...lines.Status) func(func(lines.Status) bool) { return slices.Values(all) }

// reading streams events to got until the function returned is called, which returns how the stream ended.
func reading(t *testing.T, c *client.Client, q client.EventQuery) (got chan client.Event, after uint64,
	stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, begun, ended := make(chan client.Event, 10_000), make(chan uint64, 1), make(chan error, 1)
	go func() {
		ended <- c.Events(ctx, q, func(after uint64) { begun <- after }, func(e client.Event) { got <- e })
	}()
	select {
	case after = <-begun:
	case err := <-ended:
		t.Fatalf("the stream does not begin: %v", err)
	}
	return got, after, func() error { cancel(); return <-ended }
}

// TestEvents: a reader gets what it selects, in order, with numbers by which it goes on after an interruption.
func TestEvents(t *testing.T) {
	feed := NewEvents()
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, Events: feed})
	all, after, stop := reading(t, c, client.EventQuery{})
	of66, _, stop66 := reading(t, c, client.EventQuery{TTY: 66})
	audit, _, stopAudit := reading(t, c, client.EventQuery{Kinds: []string{"audit", "health"}})
	callbacks, _, stopCallbacks := reading(t, c, client.EventQuery{Kinds: []string{"callback", "line.state"}})

	feed.Take(events.CallbackEnded{Callback: "abc", User: "kim", Outcome: "failed", Cause: "busy", Number: "84001",
		Line: 66, Attempts: 1, Budget: 2, Duration: 1500 * time.Millisecond})
	feed.Take(events.LineCleared{Line: 65, By: "uid 7"})
	feed.Take(events.NotPromised{Call: "c1", Err: errors.New("no line")})
	idle := lines.Status{TTY: 65, State: lines.Idle, Counts: lines.Counts{lines.CallsIn: 1}}
	feed.Lines(states(idle, lines.Status{TTY: 66, State: lines.Idle}))
	idle.Counts = lines.Counts{lines.CallsIn: 2}
	feed.Lines(states(idle, lines.Status{TTY: 66, State: lines.Dialing, Owner: "abc"}))
	feed.Lines(states(idle))
	feed.Health(client.Health{Warnings: []client.Warning{{Code: "disk_full"}}})
	feed.Health(client.Health{Warnings: []client.Warning{{Code: "disk_full"}}, Lines: 7})
	feed.Health(client.Health{})

	type row struct {
		kind string
		tty  int
	}
	want := []row{{"callback.ended", 66}, {"line.cleared", 65}, {"callback.impossible", 0}, {"line.state", 65},
		{"line.state", 66}, {"line.state", 66}, {"line.removed", 66}, {"health", 0}, {"health", 0}}
	take := func(from chan client.Event, n int) (rows []row, seen []client.Event) {
		for range n {
			e := <-from
			rows, seen = append(rows, row{e.Kind, e.TTY}), append(seen, e)
		}
		return rows, seen
	}
	rows, seen := take(all, len(want))
	if !slices.Equal(rows, want) {
		t.Errorf("all: %v", rows)
	}
	for i, e := range seen {
		if e.ID != after+1+uint64(i) || e.Time.IsZero() {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	for name, want := range map[string]any{"callback": "abc", "user": "kim", "cause": "busy", "line": 66.0,
		"attempts": 1.0, "duration": 1.5, "budget": 2.0} {
		if got := seen[0].Fields[name]; got != want {
			t.Errorf("%s is %v, must be %v", name, got, want)
		}
	}
	if a := seen[1].Audit; a == nil || *a != (client.AuditEntry{Kind: "line cleared", Who: "uid 7", Text: "tty 65"}) {
		t.Errorf("%+v", a)
	}
	if seen[2].Fields["error"] != "no line" || seen[2].Audit != nil {
		t.Errorf("%+v", seen[2])
	}
	if l := seen[5].Line; l == nil || l.State != "dialing" || l.Owner != "abc" {
		t.Errorf("%+v", l)
	}
	if h := seen[7].Health; h == nil || len(h.Warnings) != 1 {
		t.Errorf("%+v", h)
	}
	if rows, _ := take(of66, 4); !slices.Equal(rows, []row{want[0], want[4], want[5], want[6]}) {
		t.Errorf("of tty 66: %v", rows)
	}
	if rows, _ := take(audit, 4); !slices.Equal(rows, []row{want[0], want[1], want[7], want[8]}) {
		t.Errorf("the audit: %v", rows)
	}
	if rows, _ := take(callbacks, 5); !slices.Equal(rows, []row{want[0], want[2], want[3], want[4], want[5]}) {
		t.Errorf("callbacks and lines: %v", rows)
	}
	for _, stop := range []func() error{stop, stop66, stopAudit, stopCallbacks} {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	for n, want := range map[int][]row{2: want[7:], 4096: want} {
		recent, err := c.RecentEvents(t.Context(), n)
		var rows []row
		for _, e := range recent {
			rows = append(rows, row{e.Kind, e.TTY})
		}
		if err != nil || !slices.Equal(rows, want) {
			t.Errorf("the newest %d: %v, %v", n, rows, err)
		}
	}
	again, _, stop := reading(t, c, client.EventQuery{After: seen[5].ID})
	if rows, _ := take(again, 3); !slices.Equal(rows, want[6:]) {
		t.Errorf("after an interruption: %v", rows)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	var problem *client.Problem
	err := c.Events(t.Context(), client.EventQuery{Kinds: []string{"weather"}}, nil, nil)
	if !errors.As(err, &problem) ||
		problem.Status != http.StatusUnprocessableEntity || !strings.Contains(err.Error(), `"weather"`) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// TestLagging: a reader that asks for events that are gone, or that never were, is told so.
func TestLagging(t *testing.T) {
	feed := NewEvents()
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, Events: feed})
	first := feed.ring.end()
	for range eventsKept + 10 {
		feed.Take(events.LineCleared{Line: 65})
	}
	for _, after := range []uint64{first, first + 8, feed.ring.end(), 1} {
		if err := c.Events(t.Context(), client.EventQuery{After: after}, nil, nil); !errors.Is(err,
			client.ErrLagging) {
			t.Errorf("after %d: %v", after, err)
		}
	}
	got, _, stop := reading(t, c, client.EventQuery{After: first + 9})
	for i := range eventsKept {
		if e := <-got; e.ID != first+10+uint64(i) {
			t.Fatalf("event %d has the id %d", i, e.ID)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	// A browser sends the last id in a header, and goes on after the gap.
	r := httptest.NewRequest("GET", "/v1/events", nil)
	r.Header.Set("Last-Event-ID", "7")
	w, _ := answer(t, (&Server{Daemon: fake{}, Events: feed}).Handler(), as(&peer{known: true}, r))
	if body := w.Body.String(); !strings.Contains(body, "event: lagging\n") {
		t.Errorf("Last-Event-ID: %s", body)
	}
}

// TestSlowReaderOfEvents: a reader that falls behind gets what it can still get, then lagging, and the stream ends.
func TestSlowReaderOfEvents(t *testing.T) {
	feed := NewEvents()
	w := &slowWriter{ResponseRecorder: httptest.NewRecorder(), begun: make(chan struct{}), goOn: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		(&Server{Daemon: fake{}, Events: feed}).Handler().ServeHTTP(w, as(&peer{known: true},
			httptest.NewRequest("GET", "/v1/events", nil)))
	}()
	<-w.begun
	for range eventsKept + 1000 {
		feed.Take(events.LineCleared{Line: 65})
	}
	close(w.goOn)
	<-ended
	body := w.Body.String()
	if !strings.HasPrefix(body, "event: listening\n") || !strings.Contains(body, "event: lagging\n") ||
		strings.Contains(body, "line.cleared") {
		t.Errorf("%.300s", body)
	}
}

// slowWriter holds its first write up.
type slowWriter struct {
	*httptest.ResponseRecorder
	begun, goOn chan struct{}
}

func (s *slowWriter) Write(b []byte) (int, error) {
	select {
	case <-s.goOn:
	default:
		close(s.begun)
		<-s.goOn
	}
	return s.ResponseRecorder.Write(b)
}

// TestUnreadStreams: 200 clients that never read cost little memory, and hold up neither the events nor the others.
func TestUnreadStreams(t *testing.T) {
	feed := NewEvents()
	c, path := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, Events: feed})
	before := heap()
	for range 200 {
		unread, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer unread.Close()
		fmt.Fprint(unread, "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if line, err := bufio.NewReaderSize(unread, 16).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
			t.Fatalf("%q, %v", line, err)
		}
	}
	text := strings.Repeat("x", 1000)
	for range 3 * eventsKept {
		feed.Take(events.Alarm{Text: text})
	}
	if grown := heap() - before; grown > 100<<20 {
		t.Errorf("%d MiB", grown>>20)
	}
	got, _, stop := reading(t, c, client.EventQuery{})
	feed.Take(events.LineCleared{Line: 65})
	if e := <-got; e.Kind != "line.cleared" {
		t.Errorf("%+v", e)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, err := c.Lines(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestHeadOfStreams: HEAD gets the header alone, and the next request on the connection its answer.
func TestHeadOfStreams(t *testing.T) {
	_, path := serve(t, &Server{Daemon: fake{}, Feed: &Feed{}, Events: NewEvents()})
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := bufio.NewReader(c)
	for _, target := range []string{"/v1/events", "/v1/debug?topics=callback", "/v1/lines"} {
		fmt.Fprintf(c, "HEAD %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target)
		resp, err := http.ReadResponse(answers, &http.Request{Method: http.MethodHead})
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %+v, %v", target, resp, err)
		}
	}
}

// heap returns the size of the live heap, in octets.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestHeartbeat: a stream on which nothing happens shows that it is alive, and ends when the client loses its role.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var roles atomic.Pointer[Roles]
		roles.Store(&testRoles)
		s := &Server{Daemon: fake{}, Events: NewEvents(), Roles: func() Roles { return *roles.Load() }}
		w := httptest.NewRecorder()
		began := time.Now()
		time.AfterFunc(heartbeat+time.Second, func() { roles.Store(&Roles{Of: map[Role]Members{}}) })
		s.Handler().ServeHTTP(w, as(&peer{known: true, uid: reader}, httptest.NewRequest("GET", "/v1/events", nil)))
		if body := w.Body.String(); time.Since(began) != 2*heartbeat || strings.Count(body, ": \n\n") != 1 {
			t.Errorf("after %v: %q", time.Since(began), body)
		}
	})
}

// TestKinds: each type of event has a kind, and fields that are JSON.
func TestKinds(t *testing.T) {
	for _, row := range events.Table {
		if kind := events.KindOf(row.Event); kind != row.Kind {
			t.Errorf("%v is %q", reflect.TypeOf(row.Event), kind)
		}
		for _, name := range []string{string(row.Kind), strings.Split(string(row.Kind), ".")[0]} {
			if problems := (&eventsInput{Kinds: name}).Resolve(nil); problems != nil {
				t.Errorf("%s: %v", name, problems)
			}
		}
	}
}
