package hooks

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// patience limits how long a test waits for another goroutine or process; only a failure uses it up.
const patience = 2 * time.Minute

// node is a manager with its journal, which a test can stop and start.
type node struct {
	t    *testing.T
	path string
	j    *sqlite.Journal
	m    *Manager

	mu   sync.Mutex
	told []events.Event
}

func newNode(t *testing.T, hooks ...Hook) *node {
	t.Helper()
	n := &node{t: t, path: filepath.Join(t.TempDir(), "state", "journal.db")}
	n.start(hooks...)
	t.Cleanup(n.stop)
	return n
}

func (n *node) start(hooks ...Hook) {
	n.t.Helper()
	var err error
	if n.j, err = sqlite.Open(n.t.Context(), sqlite.Options{Path: n.path, Reserve: 1}); err != nil {
		n.t.Fatal(err)
	}
	n.m = New(Options{Journal: n.j, Log: zaptest.NewLogger(n.t), Site: "maui", Hooks: hooks, Happened: n.happened})
	n.m.Start()
}

func (n *node) happened(e events.Event) {
	n.mu.Lock()
	n.told = append(n.told, e)
	n.mu.Unlock()
	n.m.Take(e)
}

func (n *node) stop() {
	if n.m == nil {
		return
	}
	n.m.Close()
	n.m = nil
	if err := n.j.Close(); err != nil {
		n.t.Error(err)
	}
}

// receive returns the next value of a channel.
func receive[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing was received")
	}
	return v
}

var failed = events.CallbackEnded{Callback: "cb1", User: "paia-01\x1b", Outcome: "failed", Cause: "busy",
	Number: "84001", Attempts: 2, Duration: 90 * time.Second}

// TestMessages: a hook gets the events that it names, in the form of Standard Webhooks, and no others.
func TestMessages(t *testing.T) {
	r := newReceiver(t)
	n := newNode(t, r.hook("siem", "callback.failed", "login.locked", "login.failed"))
	n.m.Take(events.CallbackEnded{Callback: "cb0", Outcome: "completed"})
	n.m.Take(events.Alarm{Text: "x"})
	n.m.Take(failed)
	n.m.Take(events.LoginLocked{User: "ted"})
	n.m.Take(events.LoginFailed{User: "ted", Locked: true}) // by that lock
	got := []request{receive(t, r.got), receive(t, r.got)}
	slices.SortFunc(got, func(a, b request) int { return strings.Compare(a.msg.Type, b.msg.Type) })
	var data map[string]any
	if err := json.Unmarshal(got[0].msg.Data, &data); err != nil {
		t.Fatal(err)
	}
	if m := got[0].msg; m.Type != "callback.failed" || m.Site != "maui" || m.Timestamp.Location() != time.UTC ||
		data["callback"] != "cb1" || data["user"] != "paia-01\x1b" || data["duration"] != 90.0 ||
		data["attempts"] != 2.0 {
		t.Errorf("%+v %v", m, data)
	}
	if got[1].msg.Type != "login.locked" || got[0].id == got[1].id {
		t.Errorf("%+v", got[1])
	}
	n.stop()
	if len(r.got) > 0 {
		t.Errorf("more: %+v", <-r.got)
	}
}

// TestAtLeastOnce: an event that was not taken is sent again with the same ID and a new signature, also after a
// restart, until it is taken; it is in the journal all the time.
func TestAtLeastOnce(t *testing.T) {
	r := newReceiver(t)
	r.answer(503, 503)
	n := newNode(t, r.hook("siem", "callback.failed"))
	n.m.Take(failed)
	first, second := receive(t, r.got), receive(t, r.got)
	n.stop()
	for len(r.got) > 0 {
		<-r.got
	}
	r.answer()
	n.start(r.hook("siem", "callback.failed"))
	third := receive(t, r.got)
	if first.id != second.id || first.id != third.id || string(first.body) != string(third.body) {
		t.Errorf("three tries of %s: %s %s", first.id, second.id, third.id)
	}
	n.await(n.nothingWaits)
	n.stop()
	n.start(r.hook("siem", "callback.failed"))
	n.m.Take(failed)
	if next := receive(t, r.got); next.id == first.id {
		t.Error("an event that was taken was sent again")
	}
}

// TestOthersGoOn: a hook that fails holds up only its own events, and its failure is an event for the others.
func TestOthersGoOn(t *testing.T) {
	bad, good := newReceiver(t), newReceiver(t)
	bad.answer(500, 500, 500, 500, 500, 500)
	n := newNode(t, bad.hook("bad", "callback.failed", "hook.fails"),
		good.hook("good", "callback.failed", "hook.fails"))
	n.m.Take(failed)
	types := []string{receive(t, good.got).msg.Type, receive(t, good.got).msg.Type}
	slices.Sort(types)
	if !slices.Equal(types, []string{"callback.failed", "hook.fails"}) {
		t.Errorf("%q", types)
	}
	for _, s := range n.m.States() {
		if (s.Name == "bad") != !s.Failing.IsZero() || (s.Name == "bad") != (s.Err != nil) {
			t.Errorf("%+v", s)
		}
	}
	if receive(t, bad.got).msg.Type != "callback.failed" {
		t.Error("a hook is told of its own failure")
	}
}

// TestGivenUp: an event that is too old is given up after one more try, and counted; so is one whose receiver wants no
// more, which then gets nothing until the next reload.
func TestGivenUp(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		after  time.Duration
		gone   bool
	}{"too old": {500, 0, false}, "gone": {410, time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			r := newReceiver(t)
			r.answer(tt.status)
			h := r.hook("siem", "callback.failed")
			h.RetryFor = tt.after
			n := newNode(t, h)
			n.m.Take(failed)
			id := receive(t, r.got).id
			n.await(func() bool {
				s := n.m.States()[0]
				return s.Lost == 1 && s.Gone == tt.gone
			})
			n.await(func() bool {
				n.mu.Lock()
				defer n.mu.Unlock()
				return slices.ContainsFunc(n.told, func(e events.Event) bool {
					up, ok := e.(events.HookGaveUp)
					return ok && up.Message == id && up.Type == "callback.failed"
				})
			})
			n.m.Take(failed)
			n.m.Reload("maui", []Hook{h})
			n.m.Take(failed)
			next := receive(t, r.got)
			if n.stop(); next.id == id || tt.gone && len(r.got) > 0 {
				t.Errorf("sent again: %v, %d more", next.id == id, len(r.got))
			}
		})
	}
}

// nothingWaits reports whether the journal has no events.
func (n *node) nothingWaits() bool {
	all, err := n.j.Backlogs(context.Background())
	return err == nil && len(all) == 0
}

// await waits until something is so.
func (n *node) await(so func() bool) {
	n.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-deadline:
			n.t.Fatal("it did not happen")
		}
	}
}

// TestBounded: events beyond what is kept are counted and dropped, and taking them does not block.
func TestBounded(t *testing.T) {
	r := newReceiver(t)
	m := New(Options{Hooks: []Hook{r.hook("siem", "callback.failed")}}) // not started: nothing is written
	for range queued + 7 {
		m.Take(failed)
	}
	if s := m.States()[0]; s.Lost != 7 || s.LostAt.IsZero() {
		t.Errorf("%+v", s)
	}
	m = New(Options{Hooks: []Hook{r.hook("siem", "callback.failed")}})
	m.states["siem"].Waiting = mostKept
	m.Take(failed)
	if s := m.States()[0]; s.Lost != 1 {
		t.Errorf("%+v", s)
	}
}

// TestRemovedHook: what waits for a hook that a reload removes is dropped; the accounting spool does not touch it.
func TestRemovedHook(t *testing.T) {
	r, other := newReceiver(t), newReceiver(t)
	r.answer(500, 500, 500)
	n := newNode(t, r.hook("siem", "callback.failed"))
	n.m.Take(failed)
	receive(t, r.got)
	n.m.Reload("maui", []Hook{other.hook("other", "callback.failed")})
	n.await(n.nothingWaits)
	n.m.Take(failed)
	receive(t, other.got)
}

// TestNames: each event has a name that a configuration can have, and JSON of its fields.
func TestNames(t *testing.T) {
	all := events.AllNames()
	for _, row := range events.Table {
		if names := events.Names(row.Event); !slices.Contains(names, string(row.Kind)) || !slices.Contains(all,
			string(row.Kind)) {
			t.Errorf("%s has the names %q", row.Kind, names)
		}
		b, err := json.Marshal(events.Fields(row.Event))
		if err != nil || b[0] != '{' {
			t.Errorf("%s: %s, %v", row.Kind, b, err)
		}
	}
	if len(slices.Compact(slices.Clone(all))) != len(all) {
		t.Errorf("a name is there twice: %q", all)
	}
}
