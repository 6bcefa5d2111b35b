package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
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
		RunE: f.orderLine("line %d takes no more calls", func(ctx context.Context, cl *client.Client, n int) error {
			return cl.BusyOutLine(ctx, n, reason)
		}),
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
		RunE: f.orderLine("line %d takes calls", func(ctx context.Context, cl *client.Client, n int) error {
			return cl.RestoreLine(ctx, n)
		}),
	}
	f.add(c)
	return c
}

// orderLine runs a command that gives the daemon an order about line N. When it is carried out, it prints said, a
// format for N.
func (f *daemonFlags) orderLine(said string, order func(context.Context, *client.Client, int) error,
) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		n, err := lineNumber(args[0])
		if err != nil {
			return err
		}
		cl, err := f.client()
		if err != nil {
			return err
		}
		if err := order(cmd.Context(), cl, n); err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), said+"\n", n)
		return nil
	}
}
