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
	var length time.Duration
	var show, wait bool
	c := &cobra.Command{
		Use:   "drain [NODE]",
		Short: "let all lines finish their calls, and then take no more",
		Long: `Lets all lines finish their calls and attempts, and then take no more, for example before a restart. No callback is
promised. Pending callbacks stay pending: they are dialed after "ringback undrain", or by the next start, if their
lifetime has not ended. A restart ends the order; to take single lines out of service for longer, see "ringback line
busyout". With --wait, returns when no call and no attempt is in progress. With --for, the order ends by itself.

In a fleet, what waits and any node may dial is offered to the other nodes. With NODE, the order is for that node; it
carries it out when it is back if it does not answer now, and the exit status is 1 then.

  ringback drain --reason "new kernel" --wait && systemctl restart ringback
  ringback drain --show
  ringback drain lyon-2 --for 10m
  ringback undrain`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if show && (wait || reason != "" || length != 0) {
				return misused("--show gives no order: it cannot be combined with --reason, --for and --wait")
			}
			if len(args) > 0 && (show || wait) {
				return misused("--show and --wait are about the node that is asked: give them there, without NODE")
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				r, err := cl.DrainNode(cmd.Context(), args[0], reason, length)
				return f.nodeResult(cmd, r, err)
			}
			v, err := client.Drain{}, error(nil)
			if show {
				v, err = cl.DrainState(cmd.Context())
			} else {
				v, err = cl.Drain(cmd.Context(), reason, length)
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
	c.Flags().DurationVar(&length, "for", 0, "how long, as 10m (0 = until undrain or a restart)")
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
		Use:     "undrain [NODE]",
		Short:   "let the lines take calls and callbacks again; with NODE, those of another node of the fleet",
		Example: "  ringback undrain\n  ringback undrain lyon-2",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if len(args) > 0 {
				r, err := cl.UndrainNode(cmd.Context(), args[0])
				return f.nodeResult(cmd, r, err)
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
