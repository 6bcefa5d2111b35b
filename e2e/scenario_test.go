package e2e

import (
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// The scenarios that are shipped, with the lab's unchanged files, on each kind of port and with each kind of AAA
// server.
func TestScenarios(t *testing.T) {
	t.Parallel()
	var towns []lab.Options
	for _, ports := range lab.AllPorts {
		towns = append(towns, lab.Options{Ports: ports, AAA: lab.ByRADIUS})
	}
	for _, kind := range lab.AllAAA[1:] {
		towns = append(towns, lab.Options{Ports: lab.RFC2217, AAA: kind})
	}
	for _, town := range towns {
		for name, number := range map[string]string{"no-verify": "84001", "any-number": "84001", "ppp": "84002",
			"rejected-number": ""} {
			t.Run(string(town.Ports)+"/"+string(town.AAA)+"/"+name, func(t *testing.T) {
				t.Parallel()
				l := startSite(t, town)
				r := play(t, l, shippedOn(t, town.Ports, name))
				if number == "" {
					if d := lineDials(l); len(d) != 0 || len(r.Reasons) == 0 {
						t.Errorf("dial commands of the lines: %+v; the broker said %+v", d, r.Reasons)
					}
					return
				}
				if d := lineDials(l); len(d) != 1 || d[0].Number != number {
					t.Errorf("dial commands of the lines: %+v, must be one to %s", d, number)
				}
				if wait := between(r.Callback, "HungUp", "dialing"); wait < 5*time.Second {
					t.Errorf("dialed %v after the hang-up, forced_wait is 5 s: %+v", wait, r.Callback.History)
				}
			})
		}
	}
}

// between is the time from the event to the first state after it, by the callback's trace.
func between(c *client.CallbackDetail, event, state string) time.Duration {
	var begun time.Time
	for _, s := range c.History {
		switch {
		case s.Event == event:
			begun = s.Time
		case s.Phase == state && !begun.IsZero():
			return s.Time.Sub(begun)
		}
	}
	return 0
}
