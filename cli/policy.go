package cli

import (
	"github.com/spf13/cobra"
)

func newPolicy() *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "write, check and try policy files",
		Long: `AAA says which users may be called back. The policy files say on what terms: policies.d has one file per group of users,
GROUP.yaml, and nothing that AAA sends widens them. Most commands read the files; they need no daemon and change
nothing that runs. A daemon applies changed files at "ringback reload".

  ringback policy check policies.d            list all errors of the files, with line and column
  ringback policy show staff -c ringback.yaml print all values of a group's policy, and where each is written
  ringback policy test policies.d             run the tests that stand next to the files
  ringback policy explain --user kim          explain what they decide about a request
  ringback policy fmt -w policies.d           write the files in the canonical style
  ringback policy simulate --journal --with D replay the past against changed files
  ringback policy schema                      print a JSON Schema of the files, for editors

Three commands give orders to a running daemon, for groups whose file has access: {window: required}:

  ringback policy open vendor --for 4h --reason "ticket 4711"
  ringback policy approve vendor --for 4h --reason "ticket 4711"
  ringback policy close vendor

docs/how-to/policies.md has the steps, docs/reference/configuration.md all keys.`,
	}
	c.AddCommand(newPolicyCheck(), newPolicyShow(), newPolicyTest(), newPolicyExplain(),
		newPolicyFmt(), newPolicySchema(), newPolicySimulate(), newPolicyOpen(), newPolicyApprove(), newPolicyClose())
	return c
}
