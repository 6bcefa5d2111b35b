package cli

import (
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowLoginLocks() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "login-locks",
		Aliases: []string{"login-lock"},
		Short:   "show names, calling numbers and lines whose logins are locked or delayed",
		Long: `Prints what failed logins have locked or delayed. "Of" is what the failures were counted for; see "Guessing" in docs/reference/exec.md:

  ringback show login-locks
  ringback clear login-lock austin-01`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.LoginLocks(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.LoginLocks(w, v) })
		},
	}
	f.addOutput(c)
	return c
}
