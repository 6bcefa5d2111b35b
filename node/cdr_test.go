package node

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/cdr"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/tariff"
)

// kept is a journal with callbacks and calls.
type kept struct {
	journal.Store
	callbacks []journal.Callback
	calls     []journal.Call
}

func (k *kept) Callbacks(_ context.Context, _ int, f journal.Filter) (all []journal.Callback, _ []journal.Damage,
	_ error) {
	for _, c := range k.callbacks {
		if !c.Created.Before(f.Since) && (!f.Ended || !c.Pending()) {
			all = append([]journal.Callback{c}, all...)
		}
	}
	return all, nil, nil
}

func (k *kept) Calls(_ context.Context, _ int, f journal.CallFilter) (all []journal.Call, _ []journal.Damage, _ error) {
	for _, c := range k.calls {
		if !c.Start.Before(f.Since) && (f.Service == "" || c.Service == f.Service) && (!f.Ended || !c.End.IsZero()) {
			all = append(all, c)
		}
	}
	return all, nil, nil
}

func (k *kept) Callback(_ context.Context, id string) (journal.Callback, []journal.Attempt, error) {
	for _, c := range k.callbacks {
		if c.ID == id {
			return c, nil, nil
		}
	}
	return journal.Callback{}, nil, journal.ErrNotFound
}

// Each callback that is over has one record: also if the process ends, also if an earlier callback is over later, also
// while the file cannot be written. If the process ends after the line and before the note, the line is there again.
func TestDetailRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "cdr.csv")
	start := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	ended := func(id string, created, over int) journal.Callback {
		return journal.Callback{ID: id, User: "kim", Number: "84010", Created: at(created), Ended: at(over),
			Outcome: "failed", Cause: "busy"}
	}
	k := &kept{callbacks: []journal.Callback{ended("before00", -10, -5)}}
	var told []string
	three := 3
	open := func() *detailRecords {
		t.Helper()
		d, err := newDetailRecords(detailRecords{CDR: config.CDR{File: file, Format: cdr.CSV}, journal: k,
			mask: newMask(&three), prices: &atomic.Pointer[tariff.Table]{}, log: zap.NewNop(),
			happened: func(e events.Event) {
				r := e.(events.CDR)
				told = append(told, cmp.Or(r.Callback, r.Call))
			}}, dir, start)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	lines := func() string {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		var ids []string
		for line := range strings.Lines(string(b)) {
			id, rest, _ := strings.Cut(line, ",")
			if id == "" { // a dial-out
				id, rest, _ = strings.Cut(rest, ",")
			}
			if ids = append(ids, id); id != "callback" && !strings.Contains(rest, ",**010,") {
				t.Errorf("%q: the number is not masked", line)
			}
		}
		return strings.Join(ids, " ")
	}
	d := open()
	want := func(what, file, events string) {
		t.Helper()
		if err := d.write(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := lines(); got != file || strings.Join(told, " ") != events {
			t.Errorf("%s: the file has %q, told %q; want %q, %q", what, got, told, file, events)
		}
	}
	want("at the start", "", "")
	k.callbacks = append(k.callbacks, ended("first000", 1, 9), ended("second00", 2, 5), ended("third000", 3, 6))
	k.callbacks[1].Ended = time.Time{}
	k.calls = []journal.Call{{ID: "c", Leg: 2, CallbackID: "third000", Start: at(4)}}
	want("one pending, one with leg two up", "callback second00", "second00")
	want("again", "callback second00", "second00")
	d = open()
	want("after a restart", "callback second00", "second00")
	k.calls[0].End = at(7)
	k.callbacks[1].Ended = at(9)
	want("both over", "callback second00 first000 third000", "second00 first000 third000")
	d = open()
	want("after another restart", "callback second00 first000 third000", "second00 first000 third000")
	if len(d.noted.Done) != 1 || !d.noted.Since.Equal(at(3)) {
		t.Errorf("the note grows: %+v", d.noted)
	}

	k.callbacks = append(k.callbacks, ended("fourth00", 3, 10)) // promised in the same moment
	if err := os.Rename(file, file+".1"); err != nil {          // logrotate
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.write(t.Context()); err == nil || !strings.Contains(err.Error(), "remove cdr.file") {
			t.Errorf("a directory for a file: %v", err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	want("the file can be written again", "callback fourth00", "second00 first000 third000 fourth00")

	note, err := os.ReadFile(filepath.Join(dir, "cdr.json"))
	if err != nil {
		t.Fatal(err)
	}
	k.callbacks = append(k.callbacks, ended("fifth000", 11, 12))
	want("one more", "callback fourth00 fifth000", "second00 first000 third000 fourth00 fifth000")
	if err := os.WriteFile(filepath.Join(dir, "cdr.json"), note, 0o600); err != nil { // the crash was before the note
		t.Fatal(err)
	}
	d = open()
	want("after a crash", "callback fourth00 fifth000 fifth000",
		"second00 first000 third000 fourth00 fifth000 fifth000")

	part, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.WriteString("sixth000,,,kim,**010,"); err != nil { // the crash was within a line
		t.Fatal(err)
	}
	if err := part.Close(); err != nil {
		t.Fatal(err)
	}
	k.callbacks = append(k.callbacks, ended("sixth000", 12, 13))
	d = open()
	want("after a crash within a line", "callback fourth00 fifth000 fifth000 sixth000 sixth000",
		"second00 first000 third000 fourth00 fifth000 fifth000 sixth000")

	// Dial-outs: one is over before a callback that was promised earlier, one is up until the next start.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	told = nil
	dialOut := func(id string, began int) journal.Call {
		return journal.Call{ID: id, Called: "84010", User: "harbor-out", Service: journal.DialOut, Start: at(began)}
	}
	k.callbacks = append(k.callbacks, ended("seventh0", 20, 30))
	k.callbacks[len(k.callbacks)-1].Ended = time.Time{}
	k.calls = append(k.calls, dialOut("out-first", 21), dialOut("out-second", 22))
	want("two are dialed", "", "")
	k.calls[1].End = at(23)
	want("one is over", "callback out-first", "out-first")
	d = open()
	want("after a restart", "callback out-first", "out-first")
	k.callbacks[len(k.callbacks)-1].Ended = at(30)
	k.calls[2].Start, k.calls[2].End = at(24), at(31) // its call came up
	want("all are over", "callback out-first seventh0 out-second", "out-first seventh0 out-second")
	d = open()
	want("after another restart", "callback out-first seventh0 out-second", "out-first seventh0 out-second")
	if len(d.noted.Done) != 1 || !d.noted.Since.Equal(at(24)) {
		t.Errorf("the note grows: %+v", d.noted)
	}

	if err := os.WriteFile(filepath.Join(dir, "cdr.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newDetailRecords(detailRecords{}, dir, start); err == nil ||
		!strings.Contains(err.Error(), "remove the file") {
		t.Errorf("a damaged note: %v", err)
	}
}
