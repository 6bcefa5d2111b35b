package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newPage() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "page",
		Short: "print a link that opens the operator's page of a running daemon",
		Long: `Prints an address of the operator's page (console.listen of the configuration) that logs you in, once and within 15
minutes, with the role that you have here. Give it to nobody: it is a password. The audit has each link.`,
		Example: "  ringback page\n  xdg-open \"$(ringback page)\"",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.PageLink(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { fmt.Fprintln(w, v.URL) })
		},
	}
	f.addOutput(c)
	return c
}
