package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/node"
)

func newServe(version string) *cobra.Command {
	var path string
	c := &cobra.Command{
		Use:   "serve -c ringback.yaml",
		Short: "the daemon: answers, decides, calls back",
		Long: `Runs the daemon on a configuration until SIGTERM or Ctrl-C: then no call is answered any more, and promises stay in the journal for the next start.
SIGHUP opens log.file anew and reads the configuration again: it is taken whole, or, where it has a mistake, the old one stays and the log says why. Ports and modems,
state_dir and api.socket change with a restart only (docs/reference/configuration.md has a table of what a reload does).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := node.Run(cmd.Context(), node.Options{File: path, Version: version, Stderr: cmd.ErrOrStderr()})
			var bad *node.ConfigError
			if errors.As(err, &bad) {
				printProblems(cmd.ErrOrStderr(), bad.Problems)
				return exitStatus(1)
			}
			return err
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file")
	return c
}
