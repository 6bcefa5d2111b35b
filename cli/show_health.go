package cli

import (
	"io"
	"time"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowHealth() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "health",
		Short: "show problems, the journal's disk, the accounting spool, lines out of service",
		Long: `Shows problems that need an operator, and the state of the journal, its disk and the accounting spool. The exit status is 1
if there is a problem.

  ringback show health
  ringback show health -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Health(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Health(w, v, time.Now()) }); err != nil {
				return err
			}
			if len(v.Problems) > 0 {
				return exitStatus(1)
			}
			return nil
		},
	}
	f.addOutput(c)
	return c
}
