package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

// callbackFlags are the flags of `show callbacks`.
type callbackFlags struct {
	daemonFlags
	query client.CallbackQuery
	since string
}

func newShowCallbacks() *cobra.Command {
	var f callbackFlags
	c := &cobra.Command{
		Use:   "callbacks",
		Short: "show the pending callbacks; with --all the ended ones too",
		Long: `Shows the pending callbacks, newest first; with --all the ended ones too. A last line reports how many older ones --limit
left out. -o wide also says why each one waits and until when. In a fleet these are the callbacks of all nodes, and a line
is NODE/TTY; while PostgreSQL cannot be reached, they are those that this node knows, and the first line says so.
--since accepts a time (2026-11-21, "2026-11-21 10:04", RFC 3339) or how long ago (90m, 36h, 7d).`,
		Example: "  ringback show callbacks --all --since 7d --limit 0\n  ringback show callbacks --node lyon-1",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addSelection(c)
	c.Flags().BoolVar(&f.query.All, "all", false, "the ended ones too")
	return c
}

func newShowHistory() *cobra.Command {
	f := callbackFlags{query: client.CallbackQuery{All: true}}
	c := &cobra.Command{
		Use:   "history",
		Short: "show the ended and the pending callbacks, as callbacks --all",
		Long: `Shows the ended and the pending callbacks, newest first: the same as "show callbacks --all". In a fleet these are the
callbacks of all nodes, and a line is NODE/TTY. --since accepts a time or how long ago, as in show callbacks.`,
		Example: "  ringback show history --node lyon-1 --since 7d\n  ringback show history --limit 0 -o json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addSelection(c)
	return c
}

// addSelection adds the flags that select callbacks.
func (f *callbackFlags) addSelection(c *cobra.Command) {
	f.addTable(c)
	c.Flags().IntVar(&f.query.Limit, "limit", 100, "show at most this many, the newest (0 = all)")
	c.Flags().StringVar(&f.query.User, "user", "", "only callbacks of this user")
	c.Flags().StringVar(&f.query.Node, "node", "", "of a fleet: only callbacks that this node promised or holds")
	c.Flags().StringVar(&f.since, "since", "", "only callbacks created at this time or later: a time, or how long ago")
}

func (f *callbackFlags) run(cmd *cobra.Command) error {
	at := tables.Here()
	if f.query.Limit < 0 {
		return misused("--limit %d: must be 0 (all) or greater", f.query.Limit)
	}
	if f.since != "" {
		var err error
		if f.query.Since, err = at.Since(f.since); err != nil {
			return misused("--since %w", err)
		}
	}
	cl, err := f.client()
	if err != nil {
		return err
	}
	v, older, err := cl.FindCallbacks(cmd.Context(), f.query)
	if err != nil {
		return err
	}
	if f.machine() && older != 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), tables.Older(older))
	}
	if !f.machine() {
		if err := lockdownAbove(cmd.Context(), cmd.OutOrStdout(), cl); err != nil {
			return err
		}
	}
	if err := f.staleAbove(cmd, cl); err != nil {
		return err
	}
	return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
		tables.Callbacks(w, v, f.wide(), at)
		if older != 0 {
			fmt.Fprintln(w, tables.Older(older))
		}
	})
}

func newShowCallback() *cobra.Command {
	var f daemonFlags
	var trace bool
	c := &cobra.Command{
		Use:   "callback ID",
		Short: "show one callback; with --trace the decision, the history and each attempt's transcript",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Callback(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Callback(w, v, trace, tables.Here()) })
		},
	}
	f.addOutput(c)
	c.Flags().BoolVar(&trace, "trace", false, "show the decision, the history and the modem's transcript")
	return c
}
