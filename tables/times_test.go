package tables

import (
	"testing"
	"time"
)

// hawaii is the time zone of these tests.
var hawaii = time.FixedZone("HST", -10*3600)

func TestClock(t *testing.T) {
	at := Place{time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)}
	for _, tt := range []struct {
		t    time.Time
		want string
	}{
		{time.Date(2026, 11, 21, 9, 0, 1, 0, hawaii), "09:00:01"},
		{time.Date(2026, 11, 21, 19, 0, 1, 0, time.UTC), "09:00:01"},
		{time.Date(2026, 11, 21, 9, 59, 59, 0, time.UTC), "Nov 20 23:59:59"}, // today in London, yesterday on Maui
		{time.Date(2026, 2, 3, 12, 0, 0, 0, hawaii), "Feb  3 12:00:00"},
		{time.Date(2025, 11, 21, 10, 4, 5, 0, hawaii), "2025-11-21 10:04"}, // the same day of another year
		{time.Date(2027, 1, 1, 0, 0, 0, 0, hawaii), "2027-01-01 00:00"},
	} {
		if got := at.Clock(tt.t); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.t, got, tt.want)
		}
	}
	if got := at.Stamp(time.Date(2026, 11, 21, 20, 4, 5, 123e6, time.UTC)); got != "Nov 21 10:04:05.123" {
		t.Errorf("stamp: %q", got)
	}
}

func TestSince(t *testing.T) {
	now := time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)
	for text, want := range map[string]string{
		"90m": "2026-11-21T08:34:05-10:00", "7d": "2026-11-14T10:04:05-10:00", "0s": "2026-11-21T10:04:05-10:00",
		"2026-11-21": "2026-11-21T00:00:00-10:00", "2026-11-21 09:30": "2026-11-21T09:30:00-10:00",
		"2026-11-20T09:30:15":  "2026-11-20T09:30:15-10:00",
		"2026-11-21T09:30:00Z": "2026-11-21T09:30:00Z", "2026-11-21T09:30:00+01:00": "2026-11-21T09:30:00+01:00",
	} {
		if got, err := (Place{now}).Since(text); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-1h", "d", "-1d", "99999999999d", "7", "2026-13-01", "10:04"} {
		if got, err := (Place{now}).Since(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzSince(f *testing.F) {
	f.Add("7d")
	f.Add("2026-11-21 10:04")
	f.Fuzz(func(t *testing.T, text string) {
		now := time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)
		if got, err := (Place{now}).Since(text); err == nil && got.IsZero() && text != "0001-01-01" {
			t.Errorf("%q: the zero time, which would ask for all", text)
		}
	})
}
