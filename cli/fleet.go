package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func newFleet() *cobra.Command {
	c := &cobra.Command{
		Use:   "fleet",
		Short: "prepare and repair a fleet: several nodes over one PostgreSQL",
		Long: `Several nodes that share a PostgreSQL are a fleet: one pending callback of a user, common ceilings, rotaries whose lines
dial for all. See docs/how-to/fleet.md. "ringback show nodes" shows the nodes.`,
	}
	c.AddCommand(newFleetCheck(), newFleetMigrate(), newFleetRemove())
	return c
}

func newFleetRemove() *cobra.Command {
	var f daemonFlags
	var yes bool
	c := &cobra.Command{
		Use:   "remove NODE",
		Short: "vouch that a node is off: others take what it has waiting",
		Long: `Removes a node from the fleet. Its attempts that have no end are ended as failed at once, and what it has waiting is taken
by others. Without this command, a node that is lost keeps an open attempt for about eight minutes, and its name for ever.

The operator vouches that the node is off. A node that is up is not removed: stop it first; one that was switched off is
silent after fleet.takeover. If it still runs, cut off, a call that it is dialing now may ring its user, and leg two is not
admitted. A node that is started again later is a member again. Ask another node, not the one that is removed.`,
		Example: "  ringback fleet remove lyon-3\n  ringback fleet remove lyon-3 --yes",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if !yes && !confirmed(cmd, fmt.Sprintf("Is node %s off? Type its name to remove it: ", args[0]), args[0]) {
				return fmt.Errorf("node %s was not removed", args[0])
			}
			if err := cl.RemoveNode(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "node %s is removed\n", args[0])
			return nil
		},
	}
	f.add(c)
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// confirmed asks on standard error, and reports whether the answer is the one that agrees.
func confirmed(cmd *cobra.Command, question, agrees string) bool {
	fmt.Fprint(cmd.ErrOrStderr(), question)
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil {
		fmt.Fprintln(cmd.ErrOrStderr())
	}
	return strings.TrimSpace(line) == agrees
}
