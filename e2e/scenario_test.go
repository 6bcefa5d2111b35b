package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
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
				if wait := waited(r.Callback, "HungUp", lineDials(l)); wait < 5*time.Second {
					t.Errorf("dialed %v after the hang-up, forced_wait is 5 s: %+v", wait, r.Callback.History)
				}
			})
		}
	}
}

// waited is the time from an event of a callback to the last of the dials. It looks at the dial, not at the trace: the
// time of an entry is when the broker took the event, which on a busy machine may be later than the one it counts from.
func waited(c *client.CallbackDetail, event string, dials []exchange.Dial) time.Duration {
	i := slices.IndexFunc(c.History, func(h client.Happening) bool { return h.Event == event })
	if i < 0 || len(dials) == 0 {
		return 0
	}
	return dials[len(dials)-1].Time.Sub(c.History[i].Time)
}
