package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

// callFlags are the flags of `show call`.
type callFlags struct {
	daemonFlags
	query client.CallQuery
	since string
}

func newShowCall() *cobra.Command {
	c := &cobra.Command{
		Use:   "call",
		Short: "show the calls of the lines: those that are up, or those that have ended",
	}
	c.AddCommand(newShowCallActive(), newShowCallHistory())
	return c
}

func (f *callFlags) addFilter(c *cobra.Command) {
	f.addTable(c)
	c.Flags().IntVar(&f.query.Line, "line", 0, "only calls of this TTY")
	c.Flags().StringVar(&f.query.User, "user", "", "only calls of this user")
}

func newShowCallActive() *cobra.Command {
	var f callFlags
	c := &cobra.Command{
		Use:   "active",
		Short: "show the calls that are up",
		Long: `Shows the calls that are up, oldest first: line, direction, user, number of the other side, front end (exec or ppp),
start, duration, and the callback that the call has led to or that has led to it; with -o wide also the speed of the
CONNECT line in bit/s, the octets so far, the leg, both numbers and the whole CONNECT line.`,
		Example: "  ringback show call active -o wide",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.ready()
			if err != nil {
				return err
			}
			v, err := cl.ActiveCalls(cmd.Context(), f.query)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Calls(w, v, f.wide(), tables.Here()) })
		},
	}
	f.addFilter(c)
	return c
}

func newShowCallHistory() *cobra.Command {
	var f callFlags
	c := &cobra.Command{
		Use:   "history",
		Short: "show the calls that have ended, with their causes",
		Long: `Shows the calls that have ended, newest first, with the columns of "show call active" and the cause of the end. They
are those of the journal (journal.keep), also of earlier processes. A dial that did not connect is no call: it is an
attempt of its callback ("ringback show callback ID").
--since accepts a time (2026-11-21, "2026-11-21 10:04", RFC 3339) or how long ago (90m, 36h, 7d). --line, --user and
--since look at the newest 100,000 calls.`,
		Example: "  ringback show call history --last 100 --line 65 --since 7d",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.history(cmd) },
	}
	f.addFilter(c)
	c.Flags().IntVar(&f.query.Last, "last", 20, fmt.Sprintf("show at most this many, the newest (1 to %d)",
		client.MaxCalls))
	c.Flags().StringVar(&f.since, "since", "", "only calls that began at this time or later: a time, or how long ago")
	return c
}

// ready checks the flags, and returns the client.
func (f *callFlags) ready() (*client.Client, error) {
	if f.query.Line < 0 {
		return nil, misused("--line %d: a line is a TTY number, as `ringback show line` prints them", f.query.Line)
	}
	return f.client()
}

// ended is ready for a command with --last and --since.
func (f *callFlags) ended(at tables.Place) (*client.Client, error) {
	if f.query.Last < 1 || f.query.Last > client.MaxCalls {
		return nil, misused("--last %d: must be 1 to %d", f.query.Last, client.MaxCalls)
	}
	if f.since != "" {
		var err error
		if f.query.Since, err = at.Since(f.since); err != nil {
			return nil, misused("--since %w", err)
		}
	}
	return f.ready()
}

func (f *callFlags) history(cmd *cobra.Command) error {
	at := tables.Here()
	cl, err := f.ended(at)
	if err != nil {
		return err
	}
	v, left, err := cl.CallHistory(cmd.Context(), f.query)
	if err != nil {
		return err
	}
	if f.machine() {
		tables.CallsLeftOut(cmd.ErrOrStderr(), left)
	}
	return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
		tables.Calls(w, v, f.wide(), at)
		tables.CallsLeftOut(w, left)
	})
}
