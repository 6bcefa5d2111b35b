package api

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/recordings"
)

// TestRecordings: only administrators list, read and remove recordings, and the audit has who reads or removes one.
func TestRecordings(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var audit []string
	happened := func(e events.Event) {
		mu.Lock()
		defer mu.Unlock()
		if a, ok := events.Audit(e); ok {
			audit = append(audit, fmt.Sprintf("%s: %s: %s", a.Who, a.Kind, a.Text))
		}
	}
	store, err := recordings.Open(recordings.Options{Dir: filepath.Join(t.TempDir(), "recordings"), Happened: happened,
		Free: func(string) (uint64, error) { return recordings.MinFree, nil }})
	if err != nil {
		t.Fatal(err)
	}
	for i, user := range []string{"kim", "lee", "kim"} {
		id := fmt.Sprintf("call%d", i)
		r, err := store.Begin(t.Context(), recordings.About{ID: id, Call: id, User: user, Line: 65 + i, Leg: 1})
		if err != nil {
			t.Fatal(err)
		}
		r.Output([]byte("hello <" + user + ">"))
		if i < 2 {
			r.Close("caller logged out")
		}
	}
	ended := func() (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, a := range audit {
			if strings.Contains(a, "recording ended") {
				n++
			}
		}
		return n
	}
	store.Close(t.Context())
	if n := ended(); n != 2 {
		t.Fatalf("%d have ended", n)
	}
	audit = nil
	s := guarded(&Server{Recordings: Recordings{Store: store, Happened: happened}})
	root := &peer{known: true}
	list := func(query string) (ids []string, more bool) {
		w, _ := answer(t, s, as(root, httptest.NewRequest("GET", "/v1/recordings?"+query, nil)))
		var v []client.Recording
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		for _, r := range v {
			ids = append(ids, r.ID)
		}
		slices.Sort(ids)
		return ids, w.Header().Get("Ringback-More") == "true"
	}
	for query, want := range map[string]string{"": "call0 call1 call2 false", "user=kim": "call0 call2 false",
		"line=66": "call1 false", "since=2100-01-01T00:00:00Z": " false", "user=kim&line=66": " false",
		"since=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339): "call0 call1 call2 false"} {
		ids, more := list(query)
		if got := strings.Join(ids, " ") + " " + fmt.Sprint(more); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if ids, more := list("last=1"); len(ids) != 1 || !more {
		t.Errorf("the last one: %v, %v", ids, more)
	}
	w, _ := answer(t, s, as(root, httptest.NewRequest("GET", "/v1/recordings/call1", nil)))
	if r, err := recordings.NewReader(w.Body); err != nil || r.Header.Session.User != "lee" ||
		w.Header().Get("Content-Type") != asciicast {
		t.Errorf("read: %v, %v", w.Header(), err)
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/recordings/call9", 404}, {"GET", "/v1/recordings/..%2fjournal.db", 404},
		{"DELETE", "/v1/recordings/call2", 409}, {"DELETE", "/v1/recordings/call0", 204},
		{"DELETE", "/v1/recordings/call0", 404}, {"GET", "/v1/recordings/call0", 404},
	} {
		if w, _ := answer(t, s, as(root, httptest.NewRequest(c.method, c.path, nil))); w.Code != c.status {
			t.Errorf("%s %s: %d, want %d: %s", c.method, c.path, w.Code, c.status, w.Body)
		}
	}
	const by = "uid 0 (root, api, pid 0): recording "
	want := []string{by + "read: recording call1 of lee", by + "removed: recording call0 of kim"}
	if !slices.Equal(audit, want) {
		t.Errorf("audit %q, want %q", audit, want)
	}
}
