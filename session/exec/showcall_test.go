package exec

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
)

// TestShowCall: the calls that are up, with masked numbers; the history for privileged users only.
func TestShowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		d := atDesk(t, &authority{enable: password("open sesame")}, aaa.Authorization{}, settings{})
		d.sees()
		start := fakeShower{now}.Calls()[0].Start.Local().Format("Jan _2 15:04:05")
		s := d.enters("show call active")
		for _, want := range []string{
			"Tty  Dir  User       Number  Service  Start               Time\n",
			" 65  in   austin-01  ***01   exec     " + start + "  0:01:05\n" +
				"     33600 bit/s, 12 octets in, 345 out, callback cb1\n",
			" 66  out  -          ***02   -        ", "1:00:00\n     0 octets in, 0 out\n"} {
			if !strings.Contains(s, want) {
				t.Errorf("no %q in\n%s", want, s)
			}
		}
		if s := d.enters("show call history"); !strings.Contains(s, "% Invalid input") {
			t.Errorf("history at level 1: %q", s)
		}
		d.enters("enable", "open sesame")
		if s := d.enters("sh call act"); !strings.Contains(s, "  84001 ") {
			t.Errorf("at level 15: %s", s)
		}
		if s := d.enters("show call history"); !strings.Contains(s, " 65  in   austin-01  84001 ") ||
			!strings.Contains(s, "  0:59:00\n") ||
			!strings.Contains(s, "     0 octets in, 0 out: lost carrier[2J, 20 asked\n") {
			t.Errorf("history: %q", s)
		}
		if s := d.enters("show call history last 7"); !strings.Contains(s, "7 asked") {
			t.Errorf("history of 7: %q", s)
		}
		if s := d.enters("show call history last 500"); !strings.Contains(s, "% the journal is closed\n") {
			t.Errorf("an error: %q", s)
		}
		for _, line := range []string{"show call history last 501", "show call history last 0"} {
			if s := d.enters(line); !strings.Contains(s, "% Invalid input") {
				t.Errorf("%s: %q", line, s)
			}
			d.types("\x15")
		}
		d.hangsUp()
	})
}
