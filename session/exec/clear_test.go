package exec

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// TestClearCounters: at level 15 only, of one line or all, with the user's name; AAA is asked as about each command.
func TestClearCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newDaemon()
		authz := &authority{fakeLogin: fakeLogin{"u": {password: "pw", auth: aaa.Authorization{PrivLevel: 14}}},
			enable: password("open sesame")}
		d := &desk{authz: authz, person: dialIn(t, scene{login: authz, daemon: c,
			broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})}
		d.types("u\r")
		d.sees()
		d.types("pw\r")
		d.waits(100 * time.Millisecond)
		d.sees()
		if s := d.enters("clear counters"); !strings.Contains(s, "% Invalid input") {
			t.Errorf("at level 14: %q", s)
		}
		d.enters("enable", "open sesame")
		for _, tt := range [][2]string{
			{"clear counters", "Counters of 2 lines cleared\n"},
			{"cl cou 65", "Counters of line 65 cleared\n"},
			{"clear counters line 66", "Counters of line 66 cleared\n"},
			{"clear counters 7", "% there is no line 7\n"},
			{"clear", "% Incomplete command"},
		} {
			if s := d.enters(tt[0]); !strings.Contains(s, tt[1]) {
				t.Errorf("%s: %q", tt[0], s)
			}
		}
		want := "u on tty 65 (privileged true): DELETE /v1/lines/counters\n" +
			"u on tty 65 (privileged true): DELETE /v1/lines/65/counters\n" +
			"u on tty 65 (privileged true): DELETE /v1/lines/66/counters\n" +
			"u on tty 65 (privileged true): DELETE /v1/lines/7/counters"
		if got := c.orders(); got != want {
			t.Errorf("ordered\n%s\nwant\n%s", got, want)
		}
		if s := authz.commands(); !strings.Contains(s, "15 clear|counters|line|66") || strings.Contains(s, "14 clear") {
			t.Errorf("asked about %s", s)
		}
		d.hangsUp()
	})
}
