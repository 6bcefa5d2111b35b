package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/broker/fleet/postgres"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/node"
)

// finding is a result of `fleet check` as JSON.
type finding struct {
	Name  string `json:"name"`
	Level string `json:"level"` // ok, warn, fail
	Text  string `json:"text"`
	Fix   string `json:"fix,omitempty"`
}

func newFleetCheck() *cobra.Command {
	var file func() string
	var f daemonFlags
	c := &cobra.Command{
		Use:   "check -c ringback.yaml",
		Short: "check the PostgreSQL of a fleet: version, durability, standbys, pooler, rights, schema",
		Long: `Connects to the servers of "fleet" in the configuration as a node does, and prints what it finds, with the fix. It changes
nothing, and works while a daemon runs. Exit status 0: a node can be a member, possibly with warnings; 1: it cannot, or
what it acknowledges may be lost.`,
		Example: "  ringback fleet check -c ringback.yaml\n  ringback fleet check -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			o, err := fleetOptions(cmd, file())
			if err != nil {
				return err
			}
			all := []finding{}
			for _, r := range postgres.Check(cmd.Context(), o) {
				all = append(all, finding{r.Name, string(r.Level), r.Text, r.Fix})
			}
			err = f.print(cmd.OutOrStdout(), all, func(w io.Writer) { printFindings(w, all) })
			failed := func(r finding) bool { return r.Level == string(postgres.Fail) }
			if err == nil && slices.ContainsFunc(all, failed) {
				err = exitStatus(1)
			}
			return err
		},
	}
	file = addConfig(c)
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table, json or yaml")
	return c
}

func printFindings(w io.Writer, all []finding) {
	t := console.Table{Heads: []string{"Check", "Result", "Found"}}
	for _, r := range all {
		t.Row(r.Name, r.Level, r.Text)
		if r.Fix != "" {
			t.Note("fix: " + r.Fix)
		}
	}
	t.WriteTo(w)
}

func newFleetMigrate() *cobra.Command {
	var file func() string
	var user, grant string
	c := &cobra.Command{
		Use:   "migrate -c ringback.yaml",
		Short: "make or update the tables of a fleet in PostgreSQL",
		Long: `Brings the tables of the schema "ringback" to the version of this program, under a lock, one step in a transaction each.
Nodes of the versions before go on. It needs the rights of the owner of the database: with --user it connects as another
user than the nodes do (with the password of the configuration), and --grant gives the nodes' user its rights. Through a
pooler the lock does not work: use an address of the server.`,
		Example: "  ringback fleet migrate -c ringback.yaml\n  ringback fleet migrate --user postgres --grant ringback",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o, err := fleetOptions(cmd, file())
			if err != nil {
				return err
			}
			if user != "" {
				o.User = user
			}
			steps := 0
			err = postgres.Migrate(cmd.Context(), o, grant, func(step string) {
				steps++
				fmt.Fprintln(cmd.OutOrStdout(), console.Clean(step))
			})
			if err == nil && steps == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "the tables are those of this version already")
			}
			return err
		},
	}
	file = addConfig(c)
	c.Flags().StringVar(&user, "user", "", "user to connect as (default: that of the configuration)")
	c.Flags().StringVar(&grant, "grant", "", "user that gets the rights of a node (default: none)")
	return c
}

// fleetOptions reads the connection settings of a configuration. Warnings go to standard error.
func fleetOptions(cmd *cobra.Command, path string) (postgres.Options, error) {
	cfg, problems := config.Load(path, nil)
	printProblems(cmd.ErrOrStderr(), problems)
	switch {
	case cfg == nil:
		return postgres.Options{}, exitStatus(1)
	case cfg.Fleet == nil:
		return postgres.Options{}, errors.New(path + ": there is no fleet (write fleet: {key_file: fleet.key, " +
			"postgres: {addresses: [db1.example.net:5432]}})")
	}
	return node.PostgresOptions(cfg.Fleet)
}
