package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/tables"
)

func newShowUsage() *cobra.Command {
	var f daemonFlags
	var last time.Duration
	by := "hour"
	c := &cobra.Command{
		Use:   "usage",
		Short: "show how many calls there were in each hour or day",
		Long: `Prints a line for each hour or day: the calls that came in and their minutes, the attempts of callbacks and how many of
them reached no modem, the outgoing calls that were connected, their minutes and what they have cost. A call belongs to
the hour in which it ended, by the clock and the time zone of the daemon. A call that a crash interrupted has no
minutes.

The cost is counted as the ceilings do, from the dial on, with the tariff of that time; ` + "`ringback report costs`" + ` has it
by user and group. The daemon keeps 400 days, from the first start of a version that has this command.`,
		Example: "  ringback show usage\n  ringback show usage --by day --last 168h -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if by != "hour" && by != "day" {
				return misused("--by %s: must be hour or day", by)
			}
			if last < 0 {
				return misused("--last must not be negative")
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			var from, to time.Time
			if last > 0 {
				to = time.Now()
				from = to.Add(-last)
			}
			v, err := cl.Usage(cmd.Context(), from, to, by)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Usage(w, v) })
		},
	}
	f.addOutput(c)
	c.Flags().StringVar(&by, "by", by, "hour or day")
	c.Flags().DurationVar(&last, "last", 0, "how far back, at most 768h by hour, 9600h by day (default 24h, or 744h)")
	return c
}
