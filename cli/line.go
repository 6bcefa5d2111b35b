package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newLine() *cobra.Command {
	c := &cobra.Command{Use: "line", Short: "take a line of a running daemon out of use, or back into use"}
	c.AddCommand(newLineBusyout(), newLineRestore())
	return c
}

func newLineBusyout() *cobra.Command {
	var f daemonFlags
	var reason string
	c := &cobra.Command{
		Use:   "busyout N",
		Short: "let line N finish its call, and then take no more",
		Long: `Like IOS's "modem busyout": the line finishes its call or callback, and then answers no call and dials no callback, until
"ringback line restore N"; also after a restart or a reload. Its modem is watched as before. Calls to it ring
unanswered, so take it out of the hunt group of the telephone network if there is one.

  ringback line busyout 65 --reason "modem to be replaced"`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := lineNumber(args[0])
			if err != nil {
				return err
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.BusyOutLine(cmd.Context(), n, reason); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "line %d takes no more calls\n", n)
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&reason, "reason", "", "why: one line of up to 200 characters, for operators and the audit")
	return c
}

func newLineRestore() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "restore N",
		Short:   "let line N, which is busied out, take calls again",
		Example: "  ringback line restore 65",
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
			if err := cl.RestoreLine(cmd.Context(), n); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "line %d takes calls\n", n)
			return nil
		},
	}
	f.add(c)
	return c
}
