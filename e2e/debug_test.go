package e2e

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// mistyped logs in at the second try, and hangs up.
const mistyped = `A wrong password, and the right one.

-- at kihei-03 --
type atdt 55555
see Username:
type paia-04
see Password:
type not-hookipa
see Username:
type paia-04
see Password:
type hookipa-4
see maui-nas-04>
type exit
see NO CARRIER
-- callback --
none
`

// TestDebugConditions: a user is called back, and another one logs in. A listener to one of them hears all of it,
// from the name to the hang-up and on both legs, and nothing of the other.
func TestDebugConditions(t *testing.T) {
	t.Parallel()
	for _, kind := range []lab.AAA{lab.ByRADIUS, lab.ByTACACS} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := startTown(t, lab.Options{AAA: kind, Edit: shortWait})
			back := listenTo(t, l, client.DebugCondition{User: "austin-01"})
			other := listenTo(t, l, client.DebugCondition{User: "paia-04"})
			nobody := listenTo(t, l, client.DebugCondition{User: "AUSTIN-01"}, client.DebugCondition{Line: 99})
			play(t, l, shipped(t, "no-verify"))
			play(t, l, parse(t, mistyped))
			request, reject, stop := "Access-Request", "Access-Reject", "Acct-Status-Type = Stop"
			if kind == lab.ByTACACS {
				request, reject, stop = "Authentication START", "Authentication REPLY FAIL", "flags = STOP"
			}
			const proof = `-> "ATS2?\r"` // the line is on hook
			for _, text := range []string{request, "login: austin-01 by", "user austin-01: call_back",
				"Callback process initiated, user: austin-01", "requests a line of", "Callback forced wait",
				`-> "ATDT 84001\r"`, `<- "CONNECT"`, "is not verified again", "Callback completed", stop, proof} {
				back.hears(t, text)
			}
			for _, text := range []string{request, reject, "login: try 1 of 3 failed", "login: paia-04 by", stop,
				proof} {
				other.hears(t, text)
			}
			for h, name := range map[*heard]string{back: "austin-01", other: "paia-04"} {
				if err := h.end(); err != nil {
					t.Error(err)
				}
				wrong := map[string]string{"austin-01": "paia-04", "paia-04": "austin-01"}[name]
				for line := range strings.Lines(h.soFar()) {
					if strings.Contains(line, wrong) || strings.Contains(line, "RING") {
						t.Errorf("%s: %s", name, line)
					}
				}
				for user := range h.of { // a name that nobody has proven is not shown
					if user != name && !strings.HasPrefix(user, "unknown:") || !h.of[name] {
						t.Errorf("%s: an event of %q", name, user)
					}
				}
			}
			if err := nobody.end(); err != nil || nobody.soFar() != "" {
				t.Errorf("%v: %s", err, nobody.soFar())
			}
		})
	}
}
