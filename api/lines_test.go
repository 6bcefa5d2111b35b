package api

import (
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// TestLineOf: what a line waits for, and what its last failure means.
func TestLineOf(t *testing.T) {
	for state, want := range map[lines.State]string{
		lines.Down: "the port and its modem: ringback tries again by itself, and at once after `ringback clear line N`",
		lines.Quarantined: "the proof that the line is on hook: ringback tries again by itself, and at once after " +
			"`ringback clear line N`",
		lines.BusiedOut: "`ringback line restore N`",
		lines.InCall:    "the end of its call, to be busied out",
	} {
		if l := lineOf(lines.Status{State: state, Busyout: &lines.Busyout{}}); l.WaitsFor != want {
			t.Errorf("%s: %q", state, l.WaitsFor)
		}
	}
	l := lineOf(lines.Status{State: lines.Idle, Rotary: 3, Speed: 9600, Profile: "zyxel",
		Counts: lines.Counts{lines.CallsIn: 2, lines.DialBusy: 7}, CountsSince: time.Unix(1, 0),
		Failure: &lines.Failure{Kind: lines.FailNoOK, Text: "no OK to ATZ", Time: time.Unix(0, 0)}})
	if l.WaitsFor != "" || l.Answered != nil || l.Retry != nil || *l.Rotary != 3 || l.Speed != 9600 ||
		l.Profile != "zyxel" || l.Calls != 2 || l.Counters["dial_busy"] != 7 ||
		!l.CountersSince.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v", l)
	}
	if f := l.Failure; f.Kind != "no OK" || f.Text != "no OK to ATZ" || f.Cause == "" || f.Fix == "" {
		t.Errorf("%+v", f)
	}
}
