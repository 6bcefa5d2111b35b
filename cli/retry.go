package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newRetry() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "retry ID",
		Short: "let a callback make its next attempt now, without its retry wait",
		Long: `Ends the retry wait of a pending callback, so that its next attempt begins at once. The forced wait after a hang-up,
hold-off, a time that a modem has named and the wait for a line remain, and the attempt is one of the callback's budget.
Before the dial the policy is asked again. A callback that has ended is never dialed again. The audit has the order.`,
		Example: "  ringback retry 3apm7fwc",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.RetryCallback(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "callback %s: its next attempt begins as soon as a line can dial\n", args[0])
			return nil
		},
	}
	f.add(c)
	return c
}
