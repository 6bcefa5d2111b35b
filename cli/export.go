package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
	exportios "github.com/ringback/ringback/exporter/ios"
	"github.com/ringback/ringback/schema"
)

func newExport() *cobra.Command {
	c := &cobra.Command{Use: "export", Short: "print the configuration as another product would"}
	c.AddCommand(newExportIOS())
	return c
}

func newExportIOS() *cobra.Command {
	var file string
	var o exportios.Options
	c := &cobra.Command{
		Use:   "ios",
		Short: "print the configuration as a Cisco access server would have it",
		Long: `Prints the configuration file as the running configuration of IOS: users with their callbacks, chat scripts, lines,
interfaces and pools of PPP, RADIUS and TACACS+ servers, groups and method lists. Each key that IOS cannot say is a comment
with the reason, and so is each policy file. "ringback import ios" reads the text again: what both can say is the same.

Without --secrets there are no passwords, keys and hashes, nor chat scripts that send anything but modem commands: a comment
says so. The text with --secrets has passwords in the clear.`,
		Example: "  ringback export ios -c ringback.yaml\n" +
			"  ringback export ios -c ringback.yaml --secrets > router.cfg",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, problems := config.Load(file, nil)
			if cfg == nil {
				printProblems(cmd.ErrOrStderr(), problems)
				return exitStatus(1)
			}
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			v, _ := schema.Parse(file, data, config.Keys()) // Load has reported its problems
			_, err = fmt.Fprint(cmd.OutOrStdout(), exportios.Export(v, cfg, o))
			return err
		},
	}
	c.Flags().StringVarP(&file, "config", "c", usualConfig, "the configuration file")
	c.Flags().BoolVar(&o.Secrets, "secrets", false, "print passwords, keys, hashes and all chat scripts")
	return c
}
