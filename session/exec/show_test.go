package exec

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// shownLines is a Shower with lines only.
type shownLines struct {
	session.Shower
	all []lines.Status
}

func (s shownLines) Lines() []lines.Status { return s.all }

// TestShowLineRemarks: the Reason column shows why a line is out of service, and notices about one in service.
func TestShowLineRemarks(t *testing.T) {
	all := []lines.Status{
		{TTY: 65, Modem: lines.InOut, State: lines.Idle},
		{TTY: 66, Modem: lines.InOut, State: lines.Idle, InBand: true,
			Notices: []string{"the modem refused AT+VCID=1", "DCD never rises"}},
		{TTY: 67, Modem: lines.InOut, State: lines.Down, Reason: "unplugged", Notices: []string{"DCD never rises"}},
	}
	var b strings.Builder
	if err := (show{from: shownLines{all: all}, now: time.Now}).lines(context.Background(), console.Args{},
		&b); err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(rows) != 4 {
		t.Fatalf("%q", rows)
	}
	for i, want := range []string{"0", "in-band; the modem refused AT+VCID=1; DCD never rises",
		"unplugged; DCD never rises"} {
		if got := strings.TrimSpace(rows[i+1]); !strings.HasSuffix(got, want) {
			t.Errorf("%q, want …%q", got, want)
		}
	}
	if strings.Contains(rows[1], "in-band") || strings.Contains(rows[3], "in-band") {
		t.Errorf("%s", b.String())
	}
}
