package cli

import (
	"context"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newReload() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "reload",
		Short: "reload the configuration of a running daemon",
		Long: `Tells the daemon to reload its configuration, as SIGHUP does, and prints what has changed, when that takes effect, and
which keys need a restart. The daemon also opens log.file again. If the configuration has errors, they are printed and the
one before it stays in force. Calls go on in both cases.

A file that has just changed may not be complete: the daemon reads the files again until none of them has changed for a
second, for at most 10 seconds. A configuration without lines is not applied.

Changes are found in the configuration file and the policies. The other files that the configuration
names, such as secrets, are read again and not compared.

  ringback reload
  ringback reload -o json

Exit status 0: applied; 1: not applied, or no daemon answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			return f.printReload(cmd, cl.Reload, tables.Reload)
		},
	}
	f.addOutput(c)
	return c
}

// printReload prints a reload, or what one would do; the exit status is 1 if it is not applied.
func (f *daemonFlags) printReload(cmd *cobra.Command, ask func(context.Context) (client.Reload, error),
	table func(io.Writer, client.Reload)) error {
	v, err := ask(cmd.Context())
	if err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) { table(w, v) }); err != nil {
		return err
	}
	if !v.Applied {
		return exitStatus(1)
	}
	return nil
}
