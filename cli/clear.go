package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newClear() *cobra.Command {
	var f daemonFlags
	line := &cobra.Command{
		Use:   "line N",
		Short: "hang up the call on line N",
		Args:  cobra.ExactArgs(1),
		RunE: f.orderLine("line %d cleared", func(ctx context.Context, cl *client.Client, n int) error {
			return cl.ClearLine(ctx, n)
		}),
	}
	f.add(line)
	c := &cobra.Command{Use: "clear", Short: "reset a line, counters or login locks of a running daemon"}
	c.AddCommand(line, newClearVTY(), newClearCounters(), newClearLoginLock())
	return c
}

func newClearVTY() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "vty N",
		Short: "end the session on vty N",
		Long: `Ends the session of a user who came over the network, as IOS's "clear line vty N"; "ringback show users" lists them:

  ringback clear vty 0`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[0], 10, 16)
			if err != nil {
				return fmt.Errorf("%q is not the number of a vty: 0, 1, …", args[0])
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.ClearVTY(cmd.Context(), int(n)); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "vty %d cleared\n", n)
			return nil
		},
	}
	f.add(c)
	return c
}

func newClearCounters() *cobra.Command {
	var f daemonFlags
	one := f.orderLine("counters of line %d cleared", func(ctx context.Context, cl *client.Client, n int) error {
		return cl.ClearCounters(ctx, n)
	})
	c := &cobra.Command{
		Use:   "counters [N]",
		Short: "set the counters of line N, or of all lines, to zero",
		Long: `Sets the counters of line N to zero; without N, those of all lines. "ringback show line N" says since when a line
counts. The last failure of a line stays, with its time. The counters belong to the line's number and survive restarts
and reloads: clear them when another modem gets the number, or when the number is no longer in the configuration.`,
		Example: "  ringback clear counters 65",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				return one(cmd, args)
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			n, err := cl.ClearAllCounters(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "counters of %s cleared\n", tables.Numbered(n, "line", "lines"))
			return nil
		},
	}
	f.add(c)
	return c
}

func newClearLoginLock() *cobra.Command {
	var f daemonFlags
	var all bool
	c := &cobra.Command{
		Use:   "login-lock [NAME|NUMBER]",
		Short: "clear the failed logins of a name or a calling number",
		Long: `Clears the failed logins of a name or a calling number (with --all, of all of them). This ends their locks and
delays:

  ringback clear login-lock austin-01
  ringback clear login-lock 84002
  ringback clear login-lock --all`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || (len(args) == 1 && args[0] != "") == all {
				return errors.New("give one user name or calling number, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			of := ""
			if !all {
				of = args[0]
			}
			n, err := cl.ClearLoginLocks(cmd.Context(), of)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "login locks cleared: %d\n", n)
			return nil
		},
	}
	f.add(c)
	c.Flags().BoolVar(&all, "all", false, "all names, numbers and lines")
	return c
}

func newCancel() *cobra.Command {
	var f daemonFlags
	cb := &cobra.Command{
		Use:   "callback ID",
		Short: "cancel a pending callback by its ID",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.CancelCallback(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "callback %s cancelled\n", args[0])
			return nil
		},
	}
	f.add(cb)
	c := &cobra.Command{Use: "cancel", Short: "cancel a pending callback"}
	c.AddCommand(cb)
	return c
}
