package api

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// TestSteps: hours and days without gaps, also on the days on which the clock is changed (Europe/Berlin, 2026: forward
// on March 29 at 02:00, back on October 25 at 03:00).
func TestSteps(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	at := func(text string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	hour := func(text string, incoming int64) journal.Usage {
		return journal.Usage{Begin: at(text), Incoming: incoming, IncomingTime: time.Minute, Money: 1_500_000}
	}
	for _, c := range []struct {
		name     string
		hours    []journal.Usage
		from, to time.Time
		step     string
		want     []string // beginning, incoming calls, money
	}{
		{"nothing is recorded", nil, time.Time{}, at("2026-03-29 12:00"), StepHour, nil},
		{"one hour", []journal.Usage{hour("2026-03-01 10:00", 3)}, at("2026-03-01 10:00"), at("2026-03-01 10:01"),
			StepHour, []string{"03-01 10:00 CET 3 1.50"}},
		{"an hour without calls", []journal.Usage{hour("2026-03-01 10:00", 3), hour("2026-03-01 12:00", 4)},
			at("2026-03-01 10:00"), at("2026-03-01 12:30"), StepHour,
			[]string{"03-01 10:00 CET 3 1.50", "03-01 11:00 CET 0 0.00", "03-01 12:00 CET 4 1.50"}},
		{"the hour that is left out", []journal.Usage{hour("2026-03-29 01:00", 1), hour("2026-03-29 03:00", 2)},
			at("2026-03-29 01:00"), at("2026-03-29 03:59"), StepHour,
			[]string{"03-29 01:00 CET 1 1.50", "03-29 03:00 CEST 2 1.50"}},
		{"the hour that is repeated", []journal.Usage{hour("2026-10-25 01:00", 1),
			{Begin: at("2026-10-25 01:00").Add(time.Hour), Incoming: 2},
			{Begin: at("2026-10-25 01:00").Add(2 * time.Hour), Incoming: 3}}, at("2026-10-25 01:00"),
			at("2026-10-25 03:01"), StepHour,
			[]string{"10-25 01:00 CEST 1 1.50", "10-25 02:00 CEST 2 0.00", "10-25 02:00 CET 3 0.00",
				"10-25 03:00 CET 0 0.00"}},
		{"a day of 23 hours", []journal.Usage{hour("2026-03-29 00:00", 1), hour("2026-03-29 23:00", 2),
			hour("2026-03-30 00:00", 4)}, at("2026-03-29 05:00"), at("2026-03-30 01:00"), StepDay,
			[]string{"03-29 00:00 CET 3 3.00", "03-30 00:00 CEST 4 1.50"}},
		{"a day of 25 hours", []journal.Usage{hour("2026-10-25 00:00", 1), hour("2026-10-25 23:00", 2),
			hour("2026-10-26 00:00", 4)}, at("2026-10-25 05:00"), at("2026-10-26 01:00"), StepDay,
			[]string{"10-25 00:00 CEST 3 3.00", "10-26 00:00 CET 4 1.50"}},
	} {
		var got []string
		for _, s := range steps(c.hours, c.from, c.to, c.step, berlin) {
			got = append(got, fmt.Sprintf("%s %d %s", s.Begin.Format("01-02 15:04 MST"), s.Incoming, s.Money))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
