package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/tables"
)

func newShowRotary() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "rotary [N]",
		Short:   "show the rotaries: hunt, lines, and the callbacks that wait for one; with N, its lines",
		Example: "  ringback show rotary\n  ringback show rotary 1 -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := lines.NoRotary
			if len(args) == 1 {
				var err error
				if n, err = strconv.Atoi(args[0]); err != nil || n < 0 {
					return misused("%q: a rotary is a number, as `ringback show rotary` prints them", args[0])
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Rotaries(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Rotaries(w, v) })
			}
			for _, r := range v {
				if r.Rotary == n {
					return f.print(cmd.OutOrStdout(), r, func(w io.Writer) { tables.Rotary(w, r) })
				}
			}
			return fmt.Errorf("no line is in rotary %d: `ringback show rotary` lists the rotaries", n)
		},
	}
	f.addOutput(c)
	return c
}

func newShowQueue() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "queue",
		Short: "show the callbacks and users that wait for a line, in the order in which they get one",
		Long: `Shows the callbacks and users that wait for a line of this node, in the order in which they get one. In a fleet a callback
that is offered waits for a line of any node; those that no line of this node may dial come last. Those of other nodes are
in their queues: "show callbacks" has all.`,
		Example: "  ringback show queue\n  ringback show queue -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Queue(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Queue(w, v, tables.Here()) })
		},
	}
	f.addOutput(c)
	return c
}
