package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
)

func newCheckConfig() *cobra.Command {
	var file func() string
	var f daemonFlags
	c := &cobra.Command{
		Use:   "check-config -c ringback.yaml",
		Short: "check a configuration and list all of its errors",
		Long: `Reads the configuration and all files that it names, and prints every error with file, line and key. It opens no port
and contacts no server. Exit status 0: valid, possibly with warnings; 1: there are errors.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path := file()
			cfg, problems := config.Load(path, nil)
			w := cmd.OutOrStdout()
			if problems == nil {
				problems = config.Problems{}
			}
			err := f.print(w, problems, func(w io.Writer) {
				printProblems(w, problems)
				if cfg != nil {
					fmt.Fprintf(w, "%s: valid (lines: %d, login lists: %d, AAA servers: %d, policies: %s)\n", path,
						len(cfg.Lines), len(cfg.Lists["login"]), len(cfg.RADIUS.Servers)+len(cfg.TACACS.Servers),
						groupsText(cfg.Policies.Groups()))
				}
			})
			if err == nil && cfg == nil {
				err = exitStatus(1)
			}
			return err
		},
	}
	file = addConfig(c)
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

func groupsText(groups []string) string {
	if len(groups) == 0 {
		return "the built-in one"
	}
	return "groups " + strings.Join(groups, ", ")
}

func printProblems(w io.Writer, problems config.Problems) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}
