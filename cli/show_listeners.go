package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/tables"
)

func newShowListeners() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "listeners",
		Aliases: []string{"listener"},
		Short:   "show the doors for users who come over the network",
		Long: `Prints the listeners of the key "listen": what their users reach, the connections now and the most at the same time,
and how many were accepted and rejected:

  ringback show listeners
  ringback show listeners -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Listeners(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Listeners(w, v, f.wide(), tables.Here()) })
		},
	}
	f.addTable(c)
	return c
}
