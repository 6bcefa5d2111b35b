package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// TestRecord: EXEC sessions of a group with `record` are recorded, on both legs, and no others; pending callbacks from
// before the key existed keep their digest.
func TestRecord(t *testing.T) {
	site := Site{Callback: map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}}
	for _, tt := range []struct {
		record  bool
		service aaa.Service
		leg     int
		want    bool
	}{{true, aaa.EXEC, 1, true}, {true, aaa.EXEC, 2, true}, {true, aaa.PPP, 1, false}, {false, aaa.EXEC, 1, false}} {
		set, err := New(site, Policy{Record: tt.record})
		if err != nil {
			t.Fatal(err)
		}
		kim := aaa.Identity{User: "kim", Entry: "local"}
		d, trace := set.Evaluate(Request{Identity: kim, Service: tt.service, Leg: tt.leg})
		if d.Record != tt.want || d.Outcome != Admit || strings.Contains(trace.String(), "record: true") != tt.record {
			t.Errorf("%+v: %+v\n%s", tt, d, trace)
		}
	}
	if was, is := (Policy{}).Canonical(), (Policy{Record: true}).Canonical(); strings.Contains(was, "record") ||
		!strings.Contains(is, "\nrecord: true\n") {
		t.Errorf("%q, then %q", was, is)
	}
}
