package broker

import (
	"testing"
	"time"
)

// A clock that is set back by up to a day does not make the latest time an earlier one.
func TestClock(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var c clock
	for _, tt := range []struct{ now, latest string }{
		{"2026-01-05T19:00:00Z", "2026-01-05T19:00:00Z"},
		{"2026-01-05T18:00:00Z", "2026-01-05T19:00:00Z"}, // set back an hour
		{"2026-01-05T18:59:59Z", "2026-01-05T19:00:00Z"},
		{"2026-01-05T19:00:01Z", "2026-01-05T19:00:01Z"},
		{"2026-01-04T19:00:01Z", "2026-01-05T19:00:01Z"}, // a day
		{"2026-01-04T19:00:00Z", "2026-01-04T19:00:00Z"}, // it was wrong
		{"2099-01-01T00:00:00Z", "2099-01-01T00:00:00Z"},
		{"2026-01-05T12:00:00Z", "2026-01-05T12:00:00Z"},
	} {
		if got := c.see(at(tt.now)); !got.Equal(at(tt.latest)) {
			t.Errorf("%s: %s, want %s", tt.now, got, tt.latest)
		}
	}
	now := time.Now() // with a monotonic reading
	if got := c.see(now); got != now.Round(0) {
		t.Errorf("%v", got)
	}
}
