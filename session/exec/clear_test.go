package exec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// clearing is a Shower that records what is cleared.
type clearing struct {
	fakeShower
	orders []string
}

func (c *clearing) ClearCounters(by string, ttys ...int) (int, error) {
	c.orders = append(c.orders, fmt.Sprint(by, " ", ttys))
	if slices.Contains(ttys, 7) {
		return 0, fmt.Errorf("there is no line 7")
	}
	return 2, nil
}

// TestClearCounters: at level 15 only, of one line or all, with the user's name; AAA is asked as about each command.
func TestClearCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &clearing{fakeShower: fakeShower{time.Now()}}
		authz := &authority{fakeLogin: fakeLogin{"u": {password: "pw", auth: aaa.Authorization{PrivLevel: 14}}},
			enable: password("open sesame")}
		d := &desk{authz: authz, person: dialIn(t, scene{login: authz, shower: c,
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
		want := "u on tty 65 []\nu on tty 65 [65]\nu on tty 65 [66]\nu on tty 65 [7]"
		if got := strings.Join(c.orders, "\n"); got != want {
			t.Errorf("ordered\n%s\nwant\n%s", got, want)
		}
		if s := authz.commands(); !strings.Contains(s, "15 clear|counters|line|66") || strings.Contains(s, "14 clear") {
			t.Errorf("asked about %s", s)
		}
		d.hangsUp()
	})
}
