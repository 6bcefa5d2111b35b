package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// TestRawAccess: AAA and the group must both permit the modem itself; number lists say nothing about it.
func TestRawAccess(t *testing.T) {
	day := Hours{Zone: time.UTC}
	day.Weekdays[time.Monday] = []Window{{From: 8 * 60, To: 18 * 60}}
	set, err := New(Site{}, Policy{Group: "operators", Users: []string{"kim"}, RawAccess: true, Hours: day},
		Policy{Group: "dialers", Users: []string{"ann"}, DialOut: DialOuts{Allow: []string{"*"}}},
		Policy{Group: "default"})
	if err != nil {
		t.Fatal(err)
	}
	granted := aaa.Authorization{DialOut: &aaa.DialOut{}}
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		user    string
		auth    aaa.Authorization
		raw     bool
		at      time.Time
		outcome Outcome
		reason  string
	}{
		{"kim", granted, true, noon, RawAccess, "may have the modem itself"},
		{"kim", granted, true, noon.Add(12 * time.Hour), Refuse, ""},
		{"kim", aaa.Authorization{}, true, noon, Refuse, "AAA does not say that the user may dial out"},
		{"ann", granted, true, noon, Refuse, "group dialers permits no raw access"},
		{"kim", granted, false, noon, AskNumber, "may have the modem itself"}, // admitted, and then asks
		{"tom", granted, true, noon, Refuse, "group default permits no raw access"},
	} {
		d, trace := set.Evaluate(Request{Identity: aaa.Identity{Entry: "local", User: tt.user}, Auth: tt.auth,
			Service: aaa.Outbound, Raw: tt.raw, Time: tt.at})
		if d.Outcome != tt.outcome || !strings.Contains(d.Reason, tt.reason) || !d.Number.IsZero() {
			t.Errorf("%s: %+v\n%v", tt.user, d, trace)
		}
	}
	if w := strings.Join(set.Warnings(), "\n"); !strings.Contains(w, "group operators has raw_access") ||
		strings.Contains(w, "dialers") {
		t.Error(w)
	}
}
