package cli

import (
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
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
			if err := f.print(cmd.OutOrStdout(), t, func(w io.Writer) { tables.ModemTest(w, t) }); err != nil {
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
