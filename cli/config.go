package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tables"
)

func newConfig() *cobra.Command {
	c := &cobra.Command{Use: "config",
		Short: "show the configuration in force, what a reload would change, and the schema of the file"}
	c.AddCommand(newConfigEffective(), newConfigDiff(), newConfigSchema())
	return c
}

func newConfigEffective() *cobra.Command {
	var f daemonFlags
	var path string
	var all bool
	c := &cobra.Command{
		Use:   "effective",
		Short: "show the values of the keys in force, without secrets",
		Long: `Shows the value of each key that the file or the environment of the running daemon sets, as it was when the daemon read
it; with --all, also the defaults of the others. Passwords, hashes, chat scripts and the templates of trunks, which may
have a PIN, are [secret]. The contents of other files that the configuration names are not shown. With -c, shows what a
file would set, without a daemon.

  ringback config effective
  ringback config effective --all -o json
  ringback config effective -c ringback.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v, err := effectiveOf(cmd, &f, path)
			if err != nil {
				return err
			}
			if !all {
				v.Settings = setOnes(v.Settings)
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Config(w, v) })
		},
	}
	f.addOutput(c)
	c.Flags().BoolVar(&all, "all", false, "also the keys that have their default")
	c.Flags().StringVarP(&path, "config", "c", "", "a file to read instead of asking the daemon")
	return c
}

// effectiveOf returns the configuration of a file, or of the daemon if the path is "".
func effectiveOf(cmd *cobra.Command, f *daemonFlags, path string) (v client.Config, err error) {
	if path == "" {
		cl, err := f.client()
		if err != nil {
			return v, err
		}
		return cl.Config(cmd.Context())
	}
	cfg, problems := config.Load(path, nil)
	if cfg == nil {
		printProblems(cmd.ErrOrStderr(), problems)
		return v, exitStatus(1)
	}
	settings, err := cfg.Effective()
	v = client.Config{File: cfg.File, Digest: cfg.Digest, Settings: []client.Setting{}}
	for _, s := range settings {
		v.Settings = append(v.Settings, client.Setting(s))
	}
	return v, err
}

// setOnes returns the settings that are not defaults.
func setOnes(all []client.Setting) []client.Setting {
	out := []client.Setting{}
	for _, s := range all {
		if s.Set {
			out = append(out, s)
		}
	}
	return out
}

func newConfigDiff() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "diff",
		Short: "show what a reload of the running daemon would change, without reloading",
		Long: `The daemon reads its configuration file and compares it with the configuration in force: the keys that differ and when
a reload applies them, the groups whose policy differs, and the keys that need a restart. It changes nothing. The values
are not shown: compare "ringback config effective" with "ringback config effective -c FILE".

  ringback config diff
  ringback config diff -o json

Exit status 0: a reload would be applied; 1: it would not, or no daemon answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			return f.printReload(cmd, cl.ConfigDiff, tables.ConfigDiff)
		},
	}
	f.addOutput(c)
	return c
}

func newConfigSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of ringback.yaml for editors",
		Long: `Prints a JSON Schema (draft 2020-12) of the configuration file; see "ringback policy schema", which has those of policy
files, for what it is good for and what it cannot express. ringback check-config knows all rules.`,
		Example: "  ringback config schema > ringback.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := schema.JSON("ringback: the configuration, ringback.yaml", config.Keys())
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
}
