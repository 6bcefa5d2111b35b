package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

func newPolicyShow() *cobra.Command {
	var file func() string
	var f daemonFlags
	c := &cobra.Command{
		Use:   "show GROUP -c ringback.yaml",
		Short: "print all values of a group's policy, with the file and line of each",
		Long: `Prints the policy that applies to the users of a group: the values of its file, of the files that it extends
(extends: GROUP), and the defaults, in the order of the reference. An element of a list has a row of its own. The files
are read from policies_dir of the configuration; no daemon is asked. Exit status 1: the configuration has errors, or the
group has no file.`,
		Example: "  ringback policy show staff -c ringback.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			path := file()
			cfg, problems := config.Load(path, nil)
			if cfg == nil {
				printProblems(cmd.ErrOrStderr(), problems.Only(schema.Error))
				return exitStatus(1)
			}
			flat, ok := cfg.Policies.Flat(args[0])
			if !ok {
				return fmt.Errorf("group %q has no policy file in %s (files of %s)", args[0], cfg.PoliciesDir,
					groupsText(cfg.Policies.Groups()))
			}
			return f.print(cmd.OutOrStdout(), flat, func(w io.Writer) { settingTable(w, flat) })
		},
	}
	file = addConfig(c)
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// settingTable prints the base names of the files: all are in one directory.
func settingTable(w io.Writer, flat []policies.Setting) {
	t := console.Table{Heads: []string{"Key", "Value", "Written in"}}
	for _, s := range flat {
		where := "default"
		if s.File != "" {
			where = fmt.Sprintf("%s:%d", filepath.Base(s.File), s.Line)
		}
		t.Row(s.Key, s.Value, where)
	}
	t.WriteTo(w)
}
