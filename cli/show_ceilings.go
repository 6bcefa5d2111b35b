package cli

import (
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowCeilings() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "ceilings",
		Short: "show what callbacks have used and reserved of their ceilings",
		Long: `Prints a line for each period of the site's ceilings, and of each user, number, group and line that is limited by its
policy file: what was used in the present hour, day and month, + what callbacks that are pending or connected have
reserved, / the limit if it is known (those of users, numbers and lines depend on the group of the next caller).

Minutes are rounded up. A promise reserves the longest time that its callback may take. In a fleet these are the sums of
all nodes; while PostgreSQL cannot be reached, they are those of this node, and the first line says so.`,
		Example: "  ringback show ceilings\n  ringback show ceilings -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Ceilings(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.staleAbove(cmd, cl); err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Ceilings(w, v) })
		},
	}
	f.addOutput(c)
	return c
}
