package cli

import (
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

// TestEventLine: what a caller has sent cannot act on the terminal, or look like another field.
func TestEventLine(t *testing.T) {
	at := time.Date(2026, 11, 29, 10, 4, 5, 123e6, time.UTC)
	for want, e := range map[string]client.Event{
		`Nov 29 10:04:05.123 callback.ended cause="busy" user="kim\x1b[2J\" cause=\"ok"`: {Kind: "callback.ended",
			Fields: map[string]any{"user": "kim\x1b[2J\" cause=\"ok", "cause": "busy"}},
		`Nov 29 10:04:05.123 line.state tty=65 state="dialing" owner="abc"`: {Kind: "line.state", TTY: 65,
			Line: &client.Line{State: "dialing", Owner: "abc"}},
		`Nov 29 10:04:05.123 line.removed tty=65`: {Kind: "line.removed", TTY: 65},
		`Nov 29 10:04:05.123 health`:              {Kind: "health", Health: &client.Health{}},
		`Nov 29 10:04:05.123 health problem="the disk is full"`: {Kind: "health",
			Health: &client.Health{Problems: []string{"the disk is full"}}},
	} {
		e.Time = at
		if got := eventLine(e, tables.Place{Now: at}); got != want {
			t.Errorf("%s\nmust be\n%s", got, want)
		}
	}
}
