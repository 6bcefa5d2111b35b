package commands

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// feed streams debug events as the daemon does.
type feed struct {
	events chan client.DebugEvent
	topics chan string // of each stream that begins
	end    chan struct{}
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	topics := strings.Join(append([]string{q.Get("topics")}, q["condition"]...), "|")
	if slices.ContainsFunc(q["condition"], func(c string) bool { return strings.Contains(c, "nosuch") }) {
		http.Error(w, `{"status": 422, "detail": "nobody has that name"}`, http.StatusUnprocessableEntity)
		return
	}
	if strings.Contains(topics, "modem") {
		http.Error(w, `{"status": 503, "detail": "no more streams"}`, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "event: listening\ndata: {}\n\n")
	w.(http.Flusher).Flush()
	f.topics <- topics
	for {
		select {
		case e := <-f.events:
			b, _ := json.Marshal(e)
			fmt.Fprintf(w, "data: %s\n\n", b)
			w.(http.Flusher).Flush()
		case <-f.end:
			return
		case <-r.Context().Done():
			f.topics <- "ended"
			return
		}
	}
}

// screen is what a Monitor has shown.
type screen struct {
	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func (s *screen) notify(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, text)
	s.more <- struct{}{}
}

func (s *screen) last() string {
	<-s.more
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[len(s.lines)-1]
}

func TestMonitor(t *testing.T) {
	f := &feed{make(chan client.DebugEvent), make(chan string, 10), make(chan struct{})}
	s := &screen{more: make(chan struct{}, 100)}
	u := User{Client: clientOf(t, f), Level: Privileged}
	u.Monitor = NewMonitor(t.Context(), u.Client, true, s.notify)
	says := func(line, want string) {
		t.Helper()
		if got := typed(t, u, line); got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	streams := func(want ...string) {
		t.Helper()
		var got []string
		for range want {
			got = append(got, <-f.topics)
		}
		slices.Sort(got) // the end of a stream may come after the begin of the next
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("streams %q, want %q", got, want)
		}
	}
	event := client.DebugEvent{Time: noon, Topic: "callback", TTY: 65, Text: "dialing \x1b[2J84001"}
	says("debug callback", "Debugging of callback is on\n")
	streams("callback")
	f.events <- event
	if got := s.last(); !strings.HasPrefix(got, "*Nov 21 ") || !strings.HasSuffix(got, ": TTY65 dialing [2J84001") {
		t.Errorf("%q", got)
	}
	says("debug ppp cbcp", "Debugging of ppp cbcp is on\n")
	streams("ended", "callback,ppp cbcp")
	says("debug callback", "Debugging of callback is on\n") // changes nothing
	says("show debugging", "Debugging of callback is on\nDebugging of ppp cbcp is on\n")
	u.Monitor.Show(false)
	says("show debugging", "Debugging of callback is on\nDebugging of ppp cbcp is on\n"+
		"It is not shown on this terminal: type terminal monitor\n")
	f.events <- event
	u.Monitor.Show(true)
	u.Monitor.Since(noon.Add(-83 * time.Second))
	f.events <- event
	if got := s.last(); got != "00:01:23: TTY65 dialing [2J84001" {
		t.Errorf("%q", got)
	}
	says("undebug callback", "Debugging of callback is off\n")
	streams("ended", "ppp cbcp")
	says("no debug all", "All possible debugging has been turned off\n")
	streams("ended")
	says("show debugging", "")
}

// Conditions belong to their topics, and are added to those that the topic has; a name has the rest of the line.
func TestMonitorConditions(t *testing.T) {
	f := &feed{make(chan client.DebugEvent), make(chan string, 10), make(chan struct{})}
	s := &screen{more: make(chan struct{}, 100)}
	u := User{Client: clientOf(t, f), Level: Privileged}
	u.Monitor = NewMonitor(t.Context(), u.Client, true, s.notify)
	const lineToo = "Debugging of callback is on for line 66\n"
	for i, tt := range []struct{ line, says, streams string }{
		{"debug callback user ted", "Debugging of callback is on for user ted\n", "callback|callback user ted"},
		{"deb call li 66", lineToo, "callback|callback user ted|callback line 66"},
		{"debug callback user ted", "Debugging of callback is on for user ted\n", ""},
		{"debug ppp cbcp user  ted line 66 ", "Debugging of ppp cbcp is on for user ted line 66\n",
			"callback,ppp cbcp|callback user ted|callback line 66|ppp cbcp user ted line 66"},
		{"show debugging", "Debugging of callback is on for user ted\n" + lineToo +
			"Debugging of ppp cbcp is on for user ted line 66\n", ""},
		{"undebug callback user kim", "there is no such condition: user kim\n", ""},
		{"undebug callback user ted", "Debugging of callback is off for user ted\n",
			"callback,ppp cbcp|callback line 66|ppp cbcp user ted line 66"},
		{"no debug ppp cbcp user ted line 66", "Debugging of ppp cbcp is off\n", "callback|callback line 66"},
		{"debug callback user nosuch", "nobody has that name\n", "callback|callback line 66"}, // as before
		{"debug callback user \x1b[2J", "Debugging of callback is on for user [2J\n",
			"callback|callback line 66|callback user \x1b[2J"},
		{"debug callback", "Debugging of callback is on\n", "callback"}, // all of it
		{"no debug callback line 66", "there is no such condition: line 66\n", ""},
		{"debug callback line 66", lineToo, "callback|callback line 66"}, // only that
		{"no debug callback", "Debugging of callback is off\n", "ended"},
		{"debug chat line 0", "% Invalid input detected at '^' marker.\n", ""},
		{"debug chat user", "% Incomplete command.\n", ""},
	} {
		if got := typed(t, u, tt.line); got != tt.says {
			t.Errorf("%d %s: %q, want %q", i, tt.line, got, tt.says)
		}
		for tt.streams != "" {
			if got := <-f.topics; got == tt.streams {
				break
			} else if got != "ended" {
				t.Errorf("%d %s: streams %q, want %q", i, tt.line, got, tt.streams)
				break
			}
		}
	}
	if q, _ := u.Monitor.Query(); len(q.Topics)+len(q.Conditions) > 0 {
		t.Errorf("%+v", q)
	}
	typed(t, u, "debug aaa user ted")
	typed(t, u, "debug chat line 66")
	if got := typed(t, u, "no debug all user ted"); got != "All possible debugging has been turned off for user ted\n" {
		t.Errorf("%q", got)
	}
	if got := typed(t, u, "show debugging"); got != "Debugging of chat is on for line 66\n" {
		t.Errorf("%q", got)
	}
	typed(t, u, "debug dialer user ted")
	typed(t, u, "undebug all")
	if got := typed(t, u, "show debugging"); got != "" {
		t.Errorf("%q", got)
	}
}

// A daemon that ends, or does not stream, turns debugging off and says so.
func TestMonitorWithoutDaemon(t *testing.T) {
	f := &feed{make(chan client.DebugEvent), make(chan string, 10), make(chan struct{})}
	s := &screen{more: make(chan struct{}, 100)}
	u := User{Client: clientOf(t, f), Level: Privileged}
	u.Monitor = NewMonitor(t.Context(), u.Client, true, s.notify)
	if got := typed(t, u, "debug modem"); got != "no more streams\n" {
		t.Errorf("%q", got)
	}
	if q, _ := u.Monitor.Query(); len(q.Topics) > 0 {
		t.Errorf("%q", q.Topics)
	}
	typed(t, u, "debug callback")
	close(f.end)
	if got := s.last(); !strings.HasPrefix(got, "% The debug output has ended: ") {
		t.Errorf("%q", got)
	}
	if q, _ := u.Monitor.Query(); len(q.Topics) > 0 {
		t.Errorf("%q", q.Topics)
	}
	u.Monitor.Close()
}
