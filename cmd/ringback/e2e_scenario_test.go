package main

import (
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// The two scenarios of document 5732, by the lab's files as they are, on each kind of port.
func TestScenarios(t *testing.T) {
	for _, ports := range lab.AllPorts {
		for _, name := range []string{"no-verify", "any-number"} {
			t.Run(string(ports)+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := startTown(t, lab.Options{Ports: ports})
				r := play(t, l, shipped(t, name))
				if d := lineDials(l); len(d) != 1 || d[0].Number != "84001" {
					t.Errorf("dial commands of the lines: %+v, must be one to 84001", d)
				}
				if wait := waited(r.Callback); wait < 5*time.Second {
					t.Errorf("dialled %v after the hang-up, forced_wait is 5 s: %+v", wait, r.Callback.History)
				}
			})
		}
	}
}

// waited is the time from the hang-up to the dial, by the trace.
func waited(c *client.CallbackDetail) time.Duration {
	var hungUp, dial time.Time
	for _, s := range c.History {
		switch {
		case s.Rule == "HungUp":
			hungUp = *s.Time
		case s.Input == "dialing":
			dial = *s.Time
		}
	}
	return dial.Sub(hungUp)
}
