package e2e

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// The modem of each family takes a login, shows the caller, and calls back. A third of the families in each town.
func TestModemFamilies(t *testing.T) {
	t.Parallel()
	const towns = 3
	all, err := lab.ReadModems(lab.AllModems)
	if err != nil {
		t.Fatal(err)
	}
	per := (len(all) + towns - 1) / towns
	for i := range towns {
		modems := all[i*per : min((i+1)*per, len(all))]
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			l := startSite(t, lab.Options{Lines: modems, Edit: shortWait})
			eventually(t, "all lines are in service", func() bool {
				all, err := l.Client().Lines(t.Context())
				return err == nil && !slices.ContainsFunc(all, func(v client.Line) bool { return v.State == "down" })
			})
			scenarios, err := lab.LineScenarios(modems)
			if err != nil || len(scenarios) != len(modems) {
				t.Fatalf("%d scenarios for %d modems: %v", len(scenarios), len(modems), err)
			}
			for _, s := range scenarios {
				t.Run(s.Name, func(t *testing.T) { play(t, l, s) })
			}
			if d := lineDials(l); len(d) != len(modems) {
				t.Errorf("%d dial commands, must be one for each line: %+v", len(d), d)
			}
		})
	}
}
