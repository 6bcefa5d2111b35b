package postgres

import (
	"errors"
	"testing"

	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// TestAgreed is the rule for dials after the server has changed: none before each node that is present has told it what
// it has, or has had the time of an attempt.
func TestAgreed(t *testing.T) {
	type timelines = map[string]string
	for _, test := range []struct {
		name      string
		resumed   string // the server with which a has
		timelines timelines
		silent    bool // b
		after     int  // beats
		want      bool
	}{
		{"all have resumed", "new", timelines{"a": "new", "b": "new"}, false, 1, true},
		{"this node has not resumed", "old", timelines{"a": "old", "b": "new"}, false, 100, false},
		{"b has not resumed", "new", timelines{"a": "new", "b": "old"}, false, 25, false},
		{"b has not resumed, and its attempts are over", "new", timelines{"a": "new", "b": "old"}, false, 35, true},
		{"b has just joined", "new", timelines{"a": "new", "b": ""}, false, 1, false},
		{"b is not silent for long yet", "new", timelines{"a": "new", "b": "old"}, true, 9, false},
		{"b is silent", "new", timelines{"a": "new", "b": "old"}, true, 12, true},
		{"there is no b", "new", timelines{"a": "new"}, false, 1, true},
	} {
		n := newNode(t, &pgtest.Database{Address: "/nowhere", Name: "none"}, "a")
		for range 50 {
			n.told("old", timelines{"a": "old", "b": "old"})
		}
		n.Authority.member.resumed = test.resumed
		for range test.after {
			if test.silent {
				n.told("new", test.timelines, "b")
			} else {
				n.told("new", test.timelines)
			}
		}
		if got := n.disagreement(nil); (got == "") != test.want {
			t.Errorf("%s: %q, want that it may dial: %t", test.name, got, test.want)
		}
	}
}

// TestPeerLostTake has a standby that is promoted without the claim of a node: the holder of before it does not dial
// until that node has resumed, and then one of the two has the callback.
func TestPeerLostTake(t *testing.T) {
	s := pgtest.Start(t)
	if err := fill(t.Context(), &s.Database); err != nil {
		t.Fatal(err)
	}
	standby := s.AsyncStandby(t)
	both := func(o *Options) { o.Addresses = []string{s.Address, standby.Address} }
	a, b := newNode(t, &s.Database, "a", both), newNode(t, &s.Database, "b", both)
	joined(a, b)
	beats(1, a, b)
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	p := promiseOf("lost", "kim")
	must("promise", a.Promise(t.Context(), p))
	p.Epoch, p.Holder, p.Home = 1, "a", "a"
	must("offer", a.Offer(t.Context(), p.Row))
	within(t, "the standby has the offer", func() bool {
		return standby.SQL(t, "SELECT count(*) FROM ringback.callbacks WHERE offered") == "1"
	})
	standby.SQL(t, "ALTER SYSTEM SET primary_conninfo = ''")
	standby.SQL(t, "SELECT pg_reload_conf()")
	within(t, "the standby receives nothing", func() bool {
		return s.SQL(t, "SELECT count(*) FROM pg_stat_replication") == "0"
	})
	taken, err := b.Take(t.Context(), p.Row)
	must("claim", err)
	must("attempt", b.Attempt(t.Context(), taken.Claim(), attemptOf("lost", 1)))
	must("look", b.Look(t.Context(), taken.Claim(), 1)) // it dials now
	s.Kill()
	standby.Promote(t)
	within(t, "the nodes see the promotion", func() bool {
		beats(1, a, b)
		return a.serverSeen() == b.serverSeen() && a.serverSeen() != a.Authority.member.resumed
	})
	claim := fleet.Claim{ID: "lost", Epoch: 1}
	if err := a.Attempt(t.Context(), claim, attemptOf("lost", 1)); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("the attempt of a node that has not resumed: %v", err)
	}
	standing, err := a.Resume(t.Context(), []fleet.Known{{Row: p.Row}})
	must("resume", err)
	if len(standing) != 1 || !standing[0].Mine {
		t.Fatalf("the first node is told %+v", standing)
	}
	if err := a.Attempt(t.Context(), standing[0].Claim, attemptOf("lost", 1)); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("the attempt while the other node may dial: %v", err)
	}
	if err := b.Look(t.Context(), taken.Claim(), 1); !errors.Is(err, fleet.ErrAway) {
		t.Errorf("the last look of a node that has not resumed: %v", err)
	}
	taken.Attempts, taken.Open = 1, 1
	other, err := b.Resume(t.Context(), []fleet.Known{{Row: taken}})
	must("resume", err)
	if len(other) != 1 || other[0].Mine {
		t.Errorf("the second node is told %+v", other)
	}
	must("attempt", a.Attempt(t.Context(), standing[0].Claim, attemptOf("lost", 1)))
	must("look", a.Look(t.Context(), standing[0].Claim, 1))
}
