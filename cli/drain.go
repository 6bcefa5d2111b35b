package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newDrain() *cobra.Command {
	var f daemonFlags
	var reason string
	var show, wait bool
	c := &cobra.Command{
		Use:   "drain",
		Short: "let all lines finish their calls, and then take no more",
		Long: `Lets all lines finish their calls and attempts, and then take no more, for example before a restart. No callback is
promised. Pending callbacks stay pending: they are dialed after "ringback undrain", or by the next start, if their
lifetime has not ended. A restart ends the order; to take single lines out of service for longer, see "ringback line
busyout". With --wait, returns when no call and no attempt is in progress.

  ringback drain --reason "new kernel" --wait && systemctl restart ringback
  ringback drain --show
  ringback undrain`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if show && (wait || reason != "") {
				return misused("--show gives no order: it cannot be combined with --reason and --wait")
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := client.Drain{}, error(nil)
			if show {
				v, err = cl.DrainState(cmd.Context())
			} else {
				v, err = cl.Drain(cmd.Context(), reason)
			}
			if err == nil && wait {
				v, err = drained(cmd.Context(), cl, v)
			}
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Drain(w, v, tables.Here()) })
		},
	}
	f.addOutput(c)
	c.Flags().StringVar(&reason, "reason", "", "why: one line of up to 200 characters, for operators and the audit")
	c.Flags().BoolVar(&wait, "wait", false, "return when no call and no attempt is in progress")
	c.Flags().BoolVar(&show, "show", false, "show the state, and give no order")
	return c
}

// drainPoll is the interval at which drain --wait asks.
const drainPoll = time.Second

// drained waits until nothing is in progress. It fails if another operator ends the order.
func drained(ctx context.Context, cl *client.Client, v client.Drain) (client.Drain, error) {
	for v.Calls+v.Dials > 0 {
		select {
		case <-time.After(drainPoll):
		case <-ctx.Done():
			return v, fmt.Errorf("still drained, with %d calls and %d attempts in progress (ringback undrain)", v.Calls,
				v.Dials)
		}
		var err error
		if v, err = cl.DrainState(ctx); err != nil {
			return v, err
		}
		if !v.Active {
			return v, fmt.Errorf("another operator has ended the drain")
		}
	}
	return v, nil
}

func newUndrain() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "undrain",
		Short:   "let the lines take calls and callbacks again",
		Example: "  ringback undrain",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.Undrain(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the lines take calls again")
			return nil
		},
	}
	f.add(c)
	return c
}
