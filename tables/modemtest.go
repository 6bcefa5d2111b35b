package tables

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// ModemTest prints the result of a test.
func ModemTest(w io.Writer, t client.ModemTest) {
	fmt.Fprintf(w, "modem test %s: tty %d called tty %d at %s: %s\n", t.ID, t.TTY, t.With, t.Number, t.Result)
	for _, line := range testLines(t) {
		fmt.Fprintln(w, "  "+console.Clean(line))
	}
}

// testLines are the details of a test.
func testLines(t client.ModemTest) (all []string) {
	if t.Text != "" {
		all = append(all, t.Text)
	}
	if len(t.Blamed) > 0 {
		all = append(all, "possible cause: tty "+strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Blamed), " ", ", "),
			"[]"))
	}
	if t.Connect != "" {
		all = append(all, fmt.Sprintf("connected in %s: %q", shortTime(t.Dial), t.Connect))
	}
	if t.Connect != "" && t.Answered != "" {
		all[len(all)-1] += fmt.Sprintf(" and %q", t.Answered)
	}
	if t.Octets > 0 {
		all = append(all, fmt.Sprintf("%d octets each way, in %s and %s", t.Octets, shortTime(t.There),
			shortTime(t.Back)))
	}
	if t.Down > 0 {
		all = append(all, "both lines on hook after "+shortTime(t.Down))
	}
	return all
}

// shortTime is a measured number of seconds as text.
func shortTime(seconds float64) string {
	if seconds < 0.001 {
		return "less than 1 ms"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
}
