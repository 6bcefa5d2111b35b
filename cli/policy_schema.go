package cli

import (
	"github.com/spf13/cobra"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/schema"
)

// schemas are the tables for which `policy schema` prints a JSON Schema.
var schemas = map[string]struct {
	title string
	keys  func() []schema.Key
}{
	"policy": {"ringback: a policy file, GROUP.yaml", policies.Keys},
	"tests":  {"ringback: tests of a policy file, GROUP.test.yaml", policytest.Keys},
}

func newPolicySchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [policy|tests]",
		Short: "print the JSON Schema of policy files for editors",
		Long: `Prints a JSON Schema (draft 2020-12) of policy files, or of the files with their tests (GROUP.test.yaml).
With it an editor completes keys and values, shows their meaning and marks errors while a file is written. With
yaml-language-server (VS Code, Emacs, Vim), save it and begin the files with:

  # yaml-language-server: $schema=ringback-policy.schema.json

The schema rejects no valid file. It cannot express all rules: those between keys and between files, ranges of
durations, duplicate keys. ringback policy check knows all of them.`,
		Example: "  ringback policy schema > ringback-policy.schema.json\n  ringback policy schema tests",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			kind := append(args, "policy")[0]
			s, ok := schemas[kind]
			if !ok {
				return misused("%q: must be policy or tests", kind)
			}
			text, err := schema.JSON(s.title, s.keys())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
