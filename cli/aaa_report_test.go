package cli

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/explain"
)

// The wait is printed with its parts: lines with the same forced wait are grouped, the delay that AAA
// requests, and the policy's.
func TestReportTextOfWait(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		wait explain.Wait
		want string
	}{
		{explain.Wait{Least: "5s", Most: "5s", Lines: []explain.LineWait{{TTY: 1, ForcedWait: "5s"},
			{TTY: 2, ForcedWait: "5s"}}},
			"wait between hang-up and dial: 5s\n  forced_wait of tty 1 to 2: 5s\n"},
		{explain.Wait{Least: "7s", Most: "1m0s", AAA: "7s", Lines: []explain.LineWait{{TTY: 1, ForcedWait: "5s"},
			{TTY: 2, ForcedWait: "1m0s"}}},
			"wait between hang-up and dial: 7s to 1m0s\n  forced_wait of tty 1: 5s\n  forced_wait of tty 2: 1m0s\n  " +
				"delay requested by AAA: 7s\n"},
		{explain.Wait{Least: "30s", Most: "30s", Policy: "30s"},
			"wait between hang-up and dial: 30s\n  wait of the group's policy: 30s\n"},
	} {
		r := &explain.Report{User: "kim", Result: "granted", Authorization: &aaa.Authorization{}, Wait: &tt.wait,
			Outcome: "called back"}
		var b strings.Builder
		reportText(&b, r, true)
		if !strings.Contains(b.String(), tt.want) {
			t.Errorf("no %q in\n%s", tt.want, b.String())
		}
		b.Reset()
		if reportText(&b, r, false); strings.Contains(b.String(), "forced_wait") {
			t.Errorf("not asked for:\n%s", b.String())
		}
	}
}
