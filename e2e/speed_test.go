package e2e

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// A reload makes the speed of the lines follow the callers. The lab's modems name no speed of the port, so a caller
// presses RETURN before the prompt; then the login and the callback go on as usual. The called user reads the prompt
// without it.
func TestSpeedOfCallers(t *testing.T) {
	t.Parallel()
	l := startTown(t, lab.Options{})
	change(t, l, "ringback.yaml", `", modem: inout`, `?speed=19200", speed: auto, modem: inout`,
		"autoselect: [ppp, during_login], ppp_profile: default,", "")
	reload(t, l, "lines reloaded")
	caller := strings.Replace(typedNumber, "see CONNECT\n", "see CONNECT\npause 3s\ntype \n", 1)
	play(t, l, parse(t, caller))
}
