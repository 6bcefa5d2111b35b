package postgres

import (
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// told lets a node that is not connected see nodes as a beat would have read them.
func (n *node) told(server string, timelines map[string]string, silent ...string) {
	n.now += n.interval()
	r := reading{server: server, rows: map[string]memberRow{}}
	for name, timeline := range timelines {
		row := memberRow{sight: sight{"i", int64(n.now), stateUp, n.interval()}, timeline: timeline}
		if slices.Contains(silent, name) {
			row.beat = 1
		}
		r.rows[name] = row
	}
	beat := int64(n.now)
	r.beat = &beat
	n.answered(r)
}

// TestMayTakeFrom is the rule after the server has changed: nobody takes from a node that has not told it what it has.
func TestMayTakeFrom(t *testing.T) {
	type timelines = map[string]string
	for _, test := range []struct {
		name      string
		timelines timelines
		silent    bool // b
		after     int  // beats
		want      bool
	}{
		{"all have resumed", timelines{"a": "new", "b": "new"}, false, 1, true},
		{"all have resumed, and b is silent", timelines{"a": "new", "b": "new"}, true, 11, true},
		{"this node has not resumed", timelines{"a": "old", "b": "new"}, false, 100, false},
		{"nobody has resumed", timelines{"a": "old", "b": "old"}, true, 100, false},
		{"b has not resumed", timelines{"a": "new", "b": "old"}, false, 100, false},
		{"b has never resumed", timelines{"a": "new", "b": ""}, false, 100, false},
		{"b is silent, and its attempts may not be over", timelines{"a": "new", "b": "old"}, true, 25, false},
		{"b is silent, and its attempts are over", timelines{"a": "new", "b": "old"}, true, 35, true},
		{"there is no b", timelines{"a": "new"}, true, 100, false},
	} {
		n := newNode(t, &pgtest.Database{Address: "/nowhere", Name: "none"}, "a")
		for range 50 { // b is silent for longer than it needs to be, before the server changes
			n.told("old", timelines{"a": "old", "b": "old"}, "b")
		}
		n.received()
		for range test.after {
			if test.silent {
				n.told("new", test.timelines, "b")
			} else {
				n.told("new", test.timelines)
			}
		}
		if got := n.mayTakeFrom("b"); got != test.want {
			t.Errorf("%s: may be taken from %t, want %t", test.name, got, test.want)
		}
		if n.mayTakeFrom("a") {
			t.Errorf("%s: a node takes from itself", test.name)
		}
		if got := n.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Back}) {
			t.Errorf("%s: changes %v, want back", test.name, got)
		}
	}
}

// TestPeerTimeline has a server that is promoted: its nodes must resume.
func TestPeerTimeline(t *testing.T) {
	s := pgtest.Start(t)
	if err := fill(t.Context(), &s.Database); err != nil {
		t.Fatal(err)
	}
	standby := s.Standby(t)
	before := newNode(t, &s.Database, "a")
	beats(1, before)
	s.Kill()
	standby.Promote(t)
	after := newNode(t, &standby.Database, "a")
	after.Authority.member.server = before.Authority.member.server
	after.Authority.member.connected = true
	beats(5, after)
	after.member(true, "")
	if got := after.kinds(); !slices.Equal(got, []fleet.Kind{fleet.Back}) {
		t.Errorf("changes %v, want back", got)
	}
	if was, is := before.Authority.member.server, after.Authority.member.server; was == is || len(was) < 10 {
		t.Errorf("server %q before the promotion and %q after it", was, is)
	}
}

// TestRunName has names that are none.
func TestRunName(t *testing.T) {
	for _, name := range []string{"Lyon", "lyon_1", "-lyon", "lyon-", "lyon.example.net", "lyön",
		"a123456789012345678901234567890123456789012345678901234567890123"} {
		n := newNode(t, &pgtest.Database{Address: "/nowhere", Name: "none"}, name)
		if err := n.Run(t.Context()); err == nil {
			t.Errorf("%q is accepted as the name of a node", name)
		}
	}
	long := "a12345678901234567890123456789012345678901234567890123456789012"
	for _, name := range []string{"a", "lyon-1", "1", long} {
		if !validName(name) {
			t.Errorf("%q is no name of a node", name)
		}
	}
}

// TestInterval has the bounds of the time between two beats.
func TestInterval(t *testing.T) {
	for takeover, want := range map[time.Duration]time.Duration{time.Second: 200 * time.Millisecond,
		15 * time.Second: 1500 * time.Millisecond, time.Hour: 2 * time.Second} {
		a := &Authority{opt: Options{Takeover: takeover}}
		if got := a.interval(); got != want {
			t.Errorf("takeover %v: a beat each %v, want %v", takeover, got, want)
		}
	}
}

// TestPeerChangeWhileResuming has a server that changes while a node resumes: it has not resumed with the new one.
func TestPeerChangeWhileResuming(t *testing.T) {
	d := table.Shared(t)
	a, b := newNode(t, d, "a"), newNode(t, d, "b")
	joined(a, b)
	beats(1, a)
	if !a.mayTakeFrom("b") {
		t.Fatal("nothing may be taken from a node that has resumed")
	}
	d.SQL(t, "UPDATE ringback.nodes SET timeline = ''")
	beats(1, a)
	if a.mayTakeFrom("b") {
		t.Error("it may be taken from a node that has not resumed")
	}
	b.Authority.member.server = "another server, that has answered before"
	if _, err := b.Resume(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Resume(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	beats(1, a)
	if a.mayTakeFrom("b") {
		t.Error("it may be taken from a node that has resumed with another server")
	}
	beats(1, b) // b sees the change and is told to resume
	if got := b.kinds(); !slices.Contains(got, fleet.Back) {
		t.Errorf("changes %v, want back", got)
	}
	if _, err := b.Resume(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	beats(1, a)
	if !a.mayTakeFrom("b") {
		t.Error("nothing may be taken from a node that has resumed at last")
	}
}
