package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newModemTest() *cobra.Command {
	var f daemonFlags
	var with int
	var number string
	c := &cobra.Command{
		Use:   "test LINE",
		Short: "let one line of a running daemon call another to test both modems",
		Long: `Like IOS's "test modem back-to-back": LINE dials the number of another line, which answers. The test checks
that the two are the ends of one call, sends every octet both ways, sends +++ with silence around it (which must
stay data), and hangs up; both lines must prove that they are on hook. It takes about half a minute. Both lines
take no other calls meanwhile.

The key modem_test of the configuration names the lines that may be tested; without it no test is made. Each dial is
recorded before it is made and counts towards modem_test.max_per_day. A line in use is not tested, and none during a
lockdown. If somebody else calls the line during the test, it is inconclusive. "ringback show line N" has the result
of the last test. Exit status 1: the test did not pass.`,
		Example: "  ringback modem test 65\n  ringback modem test 65 --with 66 -o json",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := lineNumber(args[0])
			if err != nil {
				return err
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			t, err := cl.TestModem(cmd.Context(), n, with, number)
			if err != nil {
				return err
			}
			if err := f.print(cmd.OutOrStdout(), t, func(w io.Writer) { testText(w, t) }); err != nil {
				return err
			}
			if t.Result != "passed" {
				return exitStatus(1)
			}
			return nil
		},
	}
	f.addOutput(c)
	c.Flags().IntVar(&with, "with", 0, "the line to call (default: the next one that may be tested)")
	c.Flags().StringVar(&number, "number", "",
		"the number to dial, one of modem_test.numbers (default: the number of the called line)")
	return c
}

// testText prints the result of a test.
func testText(w io.Writer, t client.ModemTest) {
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
