package cli

import (
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowAAA() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "aaa",
		Short: "show the AAA servers: state, last answer, why one was silent",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.AAAServers(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.AAAServers(w, v, f.wide(), tables.Here()) })
		},
	}
	f.addTable(c)
	return c
}
