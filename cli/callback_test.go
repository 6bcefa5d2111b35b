package cli

import (
	"testing"
	"time"

	"github.com/ringback/ringback/tables"
)

// TestTimeToCome: a time without a date is the next one, and a time that is over is an error.
func TestTimeToCome(t *testing.T) {
	now := time.Date(2026, 11, 29, 22, 0, 0, 0, time.FixedZone("HST", -10*3600))
	for text, want := range map[string]string{
		"22:30":                "2026-11-29T22:30:00-10:00",
		"21:59":                "2026-11-30T21:59:00-10:00",
		"22:00:00":             "2026-11-29T22:00:00-10:00",
		"2026-12-01T08:00":     "2026-12-01T08:00:00-10:00",
		"2026-12-01 08:00":     "2026-12-01T08:00:00-10:00",
		"2026-11-30T09:00:00Z": "2026-11-30T09:00:00Z",
		"2026-11-29T21:00":     "",
		"tomorrow":             "",
		"25:00":                "",
		"":                     "",
	} {
		got, err := timeToCome(text, tables.Place{Now: now})
		if (err == nil) != (want != "") || want != "" && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
