// Package tables prints what the admin API says of a running daemon, as text of 80 columns for people; with wide,
// tables have all their columns, however long. It is the output of the commands, wherever they are typed. What callers,
// modems and AAA servers have sent is printed without control characters.
package tables

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Place is the time and time zone of the output: times are printed in local time, without the date if they are
// of today.
type Place struct {
	Now time.Time // now, in the local time zone
}

// Here is now, in the time zone of this process.
func Here() Place { return Place{time.Now()} }

// Clock formats a time: of today "10:04:05", of this year "Nov 21 10:04:05", otherwise "2025-11-21 10:04".
func (p Place) Clock(t time.Time) string {
	t = t.In(p.Now.Location())
	switch {
	case t.Year() != p.Now.Year():
		return t.Format("2006-01-02 15:04")
	case t.YearDay() != p.Now.YearDay():
		return t.Format("Jan _2 15:04:05")
	}
	return t.Format(time.TimeOnly)
}

// Stamp formats a time like IOS's `service timestamps debug datetime msec`.
func (p Place) Stamp(t time.Time) string {
	return t.In(p.Now.Location()).Format("Jan _2 15:04:05.000")
}

// Since parses a point in time: a time (local unless it has an offset), or how long ago.
func (p Place) Since(text string) (time.Time, error) {
	if d, err := ago(text); err == nil && d >= 0 {
		return p.Now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime,
		"2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, p.Now.Location()); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%q: give a time as 2026-11-21, "2026-11-21 10:04" or RFC 3339, or how long ago as `+
		"90m, 36h or 7d", text)
}

// ago parses a duration, which may be in days.
func ago(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}
