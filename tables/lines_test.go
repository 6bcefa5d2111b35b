package tables

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
)

// TestLineTableNotices: a line without modem signals is marked, and its notices are printed beside the reason.
func TestLineTableNotices(t *testing.T) {
	all := []client.Line{
		{TTY: 65, State: "idle", Signals: "DTR DSR"},
		{TTY: 66, State: "idle", InBand: true, Notices: []string{"the modem refused AT+VCID=1", "DCD never rises"}},
		{TTY: 67, State: "down", Reason: "unplugged", Notices: []string{"DCD never rises"}},
	}
	var narrow, wide strings.Builder
	Lines(&narrow, all, false)
	Lines(&wide, all, true)
	for _, text := range []string{"the modem refused AT+VCID=1; DCD never rises", "unplugged; DCD never rises"} {
		if !strings.Contains(narrow.String(), text) || !strings.Contains(wide.String(), text) {
			t.Errorf("no %q in\n%s%s", text, narrow.String(), wide.String())
		}
	}
	if row := strings.Split(wide.String(), "\n")[2]; !strings.Contains(row, "in-band") ||
		strings.Count(wide.String(), "in-band") != 1 {
		t.Errorf("%s", wide.String())
	}
}
