package tables

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
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

// TestLineFits: all that is known of a line fits into 80 columns, with nothing left out, whatever a port, a modem, an
// operator or a failure says; with wide, each value is in one row.
func TestLineFits(t *testing.T) {
	long := "the modem answers, but not with what the profile says: is it of another family, has somebody changed it?"
	since := time.Date(2026, 11, 20, 10, 4, 5, 0, time.UTC)
	l := client.Line{TTY: 99999, State: "quarantined", Since: since, Reason: long, WaitsFor: long, Retry: &since,
		Notices: []string{long, "DCD never rises"}, Change: "removed when its calls have ended",
		Port:    "rfc2217+tls://[2001:db8:0123:4567:89ab:cdef:0123:4567]:70011?" + strings.Repeat("x", 100),
		Signals: "DTR RTS DCD DSR CTS RI", Profile: "usr-courier", Owner: "callback 3apm7fwc", Modem: "inout",
		Busyout: &client.Busyout{By: "an operator", Reason: long, Since: since}, Answered: &since,
		Connect: "CONNECT 33600/ARQ/V34/LAPM/V42BIS " + strings.Repeat("電話", 40), CountersSince: since,
		Counters: map[string]uint64{},
		Failure:  &client.LineFailure{Time: since, Text: long, Cause: long, Fix: long},
		Test: &client.ModemTest{TTY: 99999, With: 99998, Started: since, Result: "failed", By: long, Text: long,
			Connect: long, Answered: long, Octets: 4096},
	}
	for _, c := range lines.Counters() {
		l.Counters[c.String()] = 18446744073709551615
	}
	for _, wide := range []bool{false, true} {
		var out strings.Builder
		Line(&out, l, wide, Place{Now: since})
		rows := strings.Split(out.String(), "\n")
		tooWide := slices.ContainsFunc(rows, func(row string) bool { return console.Width(row) > 80 })
		if tooWide != wide {
			t.Errorf("wide %v:\n%s", wide, out.String())
		}
		text := strings.Join(strings.Fields(out.String()), "")
		for name, value := range map[string]string{"text": long, "port": l.Port, "connect": l.Connect} {
			if !strings.Contains(text, strings.Join(strings.Fields(value), "")) {
				t.Errorf("wide %v: the %s is not whole:\n%s", wide, name, out.String())
			}
		}
	}
	var out strings.Builder
	Line(&out, client.Line{TTY: 65, State: "idle", Since: since, Port: "pty:/run/ringback/tty65", CountersSince: since,
		Notices:  []string{"the modem refused AT+VCID=1: the numbers of callers are not known on this line"},
		Counters: map[string]uint64{lines.Counters()[0].String(): 1042}, Signals: "in-band"}, false, Place{Now: since})
	want := `line 65: idle since 10:04:05
  notice       the modem refused AT+VCID=1: the numbers of callers are not known
               on this line
  port         pty:/run/ringback/tty65
  Tx/Rx        -
  signals      in-band
  profile      generic
  rotary       -
counters since 10:04:05
  1042  ` + lines.Counters()[0].Doc() + "\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}
