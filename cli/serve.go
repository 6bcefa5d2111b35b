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
		Short: "run the daemon",
		Long: `Runs the daemon until SIGTERM or Ctrl-C. It then answers no more calls; pending callbacks stay in the journal for the
next start.

SIGHUP and "ringback reload" reopen log.file and reload the configuration. If the new configuration has an error, the old
one stays in force and the log names the error. Some keys, such as state_dir and api.socket, change only with a restart;
see the tables in docs/reference/configuration.md.`,
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
