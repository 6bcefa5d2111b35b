package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newShowNodes() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "nodes",
		Short: "show the nodes of the fleet: state, version, claims, last heartbeat, what differs",
		Long: `Shows the nodes of the fleet that the daemon is in. * is the node that is asked. Claims are the pending callbacks that a
node holds; what differs from the node that is asked is named: the version, or what must be alike (entries, numbers,
policies). While PostgreSQL cannot be reached, the nodes are as they were last read, and the first line says why.`,
		Example: "  ringback show nodes\n  ringback show nodes --watch\n  ringback show nodes -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			state, err := cl.Fleet(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				tables.Nodes(w, state, v, f.wide(), tables.Here())
			})
		},
	}
	f.addTable(c)
	return c
}

// staleAbove prints above a table, or for programs on standard error, that only what the node knows is shown.
func (f *daemonFlags) staleAbove(cmd *cobra.Command, cl *client.Client) error {
	v, err := cl.Fleet(cmd.Context())
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if f.machine() {
		w = cmd.ErrOrStderr()
	}
	tables.Stale(w, v, tables.Here())
	return nil
}

// nodeResult prints what became of an order at a node; the exit status is 1 if it was not carried out.
func (f *daemonFlags) nodeResult(cmd *cobra.Command, r client.NodeResult, err error) error {
	if err != nil {
		return err
	}
	err = f.print(cmd.OutOrStdout(), r, func(w io.Writer) {
		fmt.Fprintf(w, "node %s: %s\n", r.Node, tables.ResultText(r))
	})
	if err == nil && (r.Waiting || r.Error != "") {
		err = exitStatus(1)
	}
	return err
}
