package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

const policiesDir = "/etc/ringback/policies.d"

func newPolicyCheck() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "check [DIR|FILE...]",
		Short: "check policy files and list all of their errors",
		Long: `Reads one directory of policy files (default: ` + policiesDir + `), or single files, and prints every error with file,
line, column and key, and how to fix it. What depends on ringback.yaml, such as reauthorize with RADIUS or classes without
numbers.country, is checked by ringback check-config.

Exit status 0: valid, possibly with warnings; 1: there are errors.`,
		Example: "  ringback policy check policies.d\n  ringback policy check policies.d/staff.yaml -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			set, problems, err := checkPolicies(args)
			if err != nil {
				return err
			}
			err = f.print(cmd.OutOrStdout(), problems, func(w io.Writer) {
				printProblems(w, problems)
				if set != nil {
					fmt.Fprintf(w, "valid (policies: %s)\n", groupsText(set.Groups()))
				}
			})
			if err == nil && set == nil {
				err = exitStatus(1)
			}
			return err
		},
	}
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// checkPolicies loads a directory, or files; the problems are not nil. Unlike the daemon, it does not accept a missing
// directory: the name is more likely a mistake.
func checkPolicies(paths []string) (*policies.Set, schema.Problems, error) {
	if len(paths) == 0 {
		paths = []string{policiesDir}
	}
	st, err := os.Stat(paths[0])
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("%q: %w (give the directory of the policy files, or files)", paths[0],
			errors.Unwrap(err))
	case st.IsDir() && len(paths) > 1:
		return nil, nil, misused("%s is a directory: give one directory, or files", paths[0])
	case !st.IsDir():
		set, problems := policies.LoadFiles(policies.SiteOfFiles(), paths...)
		return set, append(schema.Problems{}, problems...), nil
	}
	set, problems := policies.LoadDir(paths[0], policies.SiteOfFiles())
	problems = append(schema.Problems{}, problems...)
	if set == nil {
		return nil, problems, nil
	}
	for _, w := range set.Warnings() {
		problems = append(problems, schema.Problem{File: filepath.Clean(paths[0]), Msg: w, Severity: schema.Warning})
	}
	return set, problems, nil
}
