package cli

import (
	"strconv"
	"strings"
	"time"
)

// place is the time and time zone of the output: times are printed in local time, without the date if they are
// of today.
type place struct {
	now time.Time // now, in the local time zone
}

func here() place { return place{time.Now()} }

// clock formats a time: of today "10:04:05", of this year "Nov 21 10:04:05", otherwise "2025-11-21 10:04".
func (p place) clock(t time.Time) string {
	t = t.In(p.now.Location())
	switch {
	case t.Year() != p.now.Year():
		return t.Format("2006-01-02 15:04")
	case t.YearDay() != p.now.YearDay():
		return t.Format("Jan _2 15:04:05")
	}
	return t.Format(time.TimeOnly)
}

// stamp formats a time like IOS's `service timestamps debug datetime msec`.
func (p place) stamp(t time.Time) string {
	return t.In(p.now.Location()).Format("Jan _2 15:04:05.000")
}

// since parses a point in time: a time (local unless it has an offset), or how long ago.
func (p place) since(text string) (time.Time, error) {
	if d, err := ago(text); err == nil && d >= 0 {
		return p.now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
		"2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, p.now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{},
		misused(`--since %q: give a time as 2026-11-21, "2026-11-21 10:04" or RFC 3339, or how long ago as 90m, 36h or 7d`, text)
}

// ago parses a duration, which may be in days.
func ago(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
