package exec

import (
	"context"
	"io"
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
	for i, want := range []string{"idle       -", "in-band; the modem refused AT+VCID=1; DCD never rises",
		"unplugged; DCD never rises"} {
		if got := strings.TrimSpace(rows[i+1]); !strings.HasSuffix(got, want) {
			t.Errorf("%q, want …%q", got, want)
		}
	}
	if strings.Contains(rows[1], "in-band") || strings.Contains(rows[3], "in-band") {
		t.Errorf("%s", b.String())
	}
}

// TestShowPPP: sessions and pools; the addresses of others are shown to privileged users only.
func TestShowPPP(t *testing.T) {
	now := time.Now()
	type command func(context.Context, console.Args, io.Writer) error
	run := func(whole bool, args console.Args, f func(show) command) string {
		var b strings.Builder
		s := show{from: fakeShower{now}, whole: whole, now: func() time.Time { return now }}
		if err := f(s)(context.Background(), args, &b); err != nil {
			return err.Error()
		}
		return b.String()
	}
	sessions := func(s show) command { return s.ppp }
	pools := func(s show) command { return s.pools }
	const first = "Tty  User       Phase      LCP       IPCP     IPV6CP   Address       Idle\n" +
		" 65  austin-01  network    Opened    Opened   Initial  10.8.0.10  0:01:05\n"
	const second = " 66             establish  Req-Sent  Initial  Initial  -                -\n"
	if got := run(true, nil, sessions); got != first+second {
		t.Errorf("got\n%s\nwant\n%s", got, first+second)
	}
	if got := run(false, nil, sessions); strings.Contains(got, "10.8.0.10") || !strings.Contains(got, "austin-01") {
		t.Errorf("unprivileged: %s", got)
	}
	if got := run(true, console.Args{"tty": "66"}, sessions); strings.Contains(got, "austin") ||
		!strings.Contains(got, "Req-Sent") {
		t.Errorf("one: %s", got)
	}
	if got := run(true, console.Args{"tty": "67"}, sessions); got != "no session of PPP on line 67" {
		t.Error(got)
	}
	const want = "Pool    Of    Size  Used  Held  Free  Exhausted\ndialin  IPv4     4     1     2     1    1:00:00\n"
	if got := run(false, nil, pools); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
