package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ringback/ringback/api/client"
)

// fake is a Daemon with one line, one user and one callback.
type fake struct {
	cleared, cancelled chan string
}

var created = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func (fake) Lines() []client.Line {
	rotary := 1
	return []client.Line{{TTY: 65, Port: "pty:///x", Modem: "inout", Rotary: &rotary, State: "idle", Since: created}}
}
func (fake) Users() []client.User {
	return []client.User{{TTY: 66, User: "austin-01", Leg: 2, Start: created}}
}
func (fake) Callbacks(_ context.Context, q client.CallbackQuery) ([]client.Callback, int, error) {
	return []client.Callback{{ID: "abc", Phase: "waiting", Number: fmt.Sprintf("%v %d %s", q.All, q.Limit, q.Since.UTC().Format(time.RFC3339)), Created: created}}, 7, nil
}
func (fake) Callback(_ context.Context, id string) (client.CallbackDetail, error) {
	if id != "abc" {
		return client.CallbackDetail{}, fmt.Errorf("callback %s: %w", id, ErrNotFound)
	}
	return client.CallbackDetail{Callback: client.Callback{ID: "abc", Created: created}, Policy: "default"}, nil
}
func (f fake) CancelCallback(_ context.Context, id string) error {
	if id != "abc" {
		return errors.New("callback " + id + " is not pending")
	}
	f.cancelled <- id
	return nil
}
func (f fake) ClearLine(_ context.Context, tty int) error {
	if tty != 65 {
		return fmt.Errorf("there is no line %d", tty)
	}
	f.cleared <- fmt.Sprint(tty)
	return nil
}

// serve runs the API on a socket in a directory of the test's.
func serve(t *testing.T, s *Server) (*client.Client, string) {
	t.Helper()
	// Not t.TempDir: a socket's path may have 100 octets only.
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "run", "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.ServeListener(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return client.New(path), path
}

func TestClient(t *testing.T) {
	f := fake{make(chan string, 1), make(chan string, 1)}
	c, path := serve(t, &Server{Daemon: f, Feed: &Feed{}, Version: client.Version{Version: "1", Started: created}})
	ctx := t.Context()

	lines, err := c.Lines(ctx)
	if diff := cmp.Diff(f.Lines(), lines); err != nil || diff != "" {
		t.Errorf("Lines: %v\n%s", err, diff)
	}
	users, err := c.Users(ctx)
	if diff := cmp.Diff(f.Users(), users); err != nil || diff != "" {
		t.Errorf("Users: %v\n%s", err, diff)
	}
	if all, err := c.Callbacks(ctx, true); err != nil || all[0].Number != "true 100 0001-01-01T00:00:00Z" {
		t.Errorf("Callbacks: %v %v", all, err)
	}
	q := client.CallbackQuery{Limit: 3, Since: created.In(time.FixedZone("HST", -10*3600))}
	if some, older, err := c.FindCallbacks(ctx, q); err != nil || some[0].Number != "false 3 2026-11-21T10:00:00Z" || older != 7 {
		t.Errorf("FindCallbacks: %v, %d older, %v", some, older, err)
	}
	if d, err := c.Callback(ctx, "abc"); err != nil || d.Policy != "default" || d.ID != "abc" {
		t.Errorf("Callback: %+v %v", d, err)
	}
	var problem *client.Problem
	if _, err := c.Callback(ctx, "nobody"); !errors.As(err, &problem) || problem.Status != http.StatusNotFound || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("Callback of nobody: %v", err)
	}
	if err := c.ClearLine(ctx, 65); err != nil || <-f.cleared != "65" {
		t.Errorf("ClearLine: %v", err)
	}
	if err := c.ClearLine(ctx, 7); err == nil || err.Error() != "there is no line 7" {
		t.Errorf("ClearLine of none: %v", err)
	}
	if err := c.CancelCallback(ctx, "abc"); err != nil || <-f.cancelled != "abc" {
		t.Errorf("CancelCallback: %v", err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version != "1" {
		t.Errorf("Version: %+v %v", v, err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the socket's mode is %v, %v", st.Mode(), err)
	}
	if st, err := os.Stat(filepath.Dir(path)); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("its directory's mode is %v, %v", st.Mode(), err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another ringback answers there") {
		t.Errorf("a second daemon on the socket: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := Listen(filepath.Join(dir, strings.Repeat("x", 120))); err == nil || !strings.Contains(err.Error(), "100 octets") {
		t.Errorf("too long a path: %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	_, err := client.New(filepath.Join(dir, "none")).Lines(t.Context())
	if want := "ask the daemon at " + dir + "/none: no such file or directory (is `ringback serve` or `ringback lab` running?)"; err == nil || err.Error() != want {
		t.Errorf("no daemon: %v, want %s", err, want)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "left")})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	_, err = client.New(filepath.Join(dir, "left")).Lines(t.Context())
	if want := "ask the daemon at " + dir + "/left: connection refused (is `ringback serve` or `ringback lab` running?)"; err == nil || err.Error() != want {
		t.Errorf("a daemon that has gone: %v, want %s", err, want)
	}
}

func TestDebugStream(t *testing.T) {
	feed := &Feed{Now: func() time.Time { return created }}
	c, _ := serve(t, &Server{Daemon: fake{}, Feed: feed})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan client.DebugEvent, 1)
	ended, listening := make(chan error, 1), make(chan struct{})
	first := func(e client.DebugEvent) {
		select {
		case got <- e:
		default:
		}
	}
	go func() { ended <- c.Debug(ctx, []string{"chat", "modem"}, func() { close(listening) }, first) }()
	<-listening // although nothing has happened; nothing is missed from now on
	feed.Publish("aaa", 0, "not asked for")
	feed.Publish("chat", 65, "Chat script rtp started.")
	want := client.DebugEvent{Time: created, Topic: "chat", TTY: 65, Text: "Chat script rtp started."}
	if e := <-got; e != want {
		t.Errorf("got %+v, want %+v", e, want)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("a debug that the user ended: %v", err)
	}
	err := c.Debug(t.Context(), []string{"weather"}, nil, func(client.DebugEvent) {})
	var problem *client.Problem
	if !errors.As(err, &problem) || problem.Status != http.StatusUnprocessableEntity {
		t.Errorf("debug of an unknown topic: %v", err)
	}
}

// A listener who does not read holds nobody up, and is told what he lost.
func TestFeedLosesRatherThanBlocks(t *testing.T) {
	var f Feed
	l := f.Listen([]string{"modem"})
	defer l.Close()
	for range feedDepth + 5 {
		f.Publish("modem", 1, "x")
	}
	for range feedDepth {
		<-l.C
	}
	f.Publish("modem", 1, "y")
	if e := <-l.C; !strings.Contains(e.Text, "5 events were lost") {
		t.Errorf("after the loss: %q", e.Text)
	}
	if e := <-l.C; e.Text != "y" {
		t.Errorf("then: %q", e.Text)
	}
	l.Close()
	f.Publish("modem", 1, "z")
	if len(l.C) != 0 {
		t.Error("a closed listener still gets events")
	}
}

// The OpenAPI description names every route, and no route changes state by GET.
func TestOpenAPI(t *testing.T) {
	h := (&Server{Daemon: fake{}, Feed: &Feed{}}).Handler()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.json", nil))
	body, _ := io.ReadAll(w.Body)
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	if err := json.Unmarshal(body, &doc); err != nil || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Fatalf("openapi.json: %v %q", err, doc.OpenAPI)
	}
	for path, method := range map[string]string{
		"/v1/lines": "get", "/v1/lines/{tty}/clear": "post", "/v1/users": "get", "/v1/callbacks": "get", "/v1/callbacks/{id}": "delete",
		"/v1/aaa/servers": "get", "/v1/version": "get", "/v1/debug": "get",
	} {
		if doc.Paths[path][method] == nil {
			t.Errorf("openapi.json has no %s %s", method, path)
		}
	}
}
