package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

func newEvents() *cobra.Command {
	var f daemonFlags
	var q client.EventQuery
	c := &cobra.Command{
		Use:   "events [KIND…]",
		Short: "stream the events of a running daemon",
		Long: `Shows events as they happen, until Ctrl-C: changes of lines (line.state), calls, logins, callbacks, orders, and changes
of the health. A KIND selects those of the reference of events, such as callback.ended, or all with its first word, such
as callback; audit selects what the audit records. Without KIND, all are shown.

With -o json, each line is one event. If events come faster than they are printed, the oldest are lost: a line on standard
error says so.

  ringback events callback call
  ringback events audit -o json
  ringback events line.state --line 65`,
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			q.Kinds = args
			return showEvents(cmd, cl, q, &f)
		},
	}
	f.addOutput(c)
	c.Flags().IntVar(&q.TTY, "line", 0, "only events of this TTY (0 = all)")
	c.Flags().Uint64Var(&q.After, "after", 0, "first the events after the one with this id, as far as they are kept")
	return c
}

func showEvents(cmd *cobra.Command, cl *client.Client, q client.EventQuery, f *daemonFlags) error {
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	listening := func(uint64) { fmt.Fprintln(cmd.ErrOrStderr(), "streaming events; Ctrl-C ends") }
	for {
		err := cl.Events(ctx, q, listening, func(e client.Event) {
			if f.printEach(cmd.OutOrStdout(), e, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, eventLine(e, tables.Here()))
				return err
			}) != nil {
				cancel()
			}
		})
		if !errors.Is(err, client.ErrLagging) {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "events were missed")
		q.After, listening = 0, nil
	}
}

// eventLine is an event in one line: its time, kind and fields.
func eventLine(e client.Event, at tables.Place) string {
	parts := []string{at.Stamp(e.Time), e.Kind}
	add := func(name string, v any) { parts = append(parts, fmt.Sprintf("%s=%q", name, fmt.Sprint(v))) }
	switch {
	case e.Line != nil:
		parts = append(parts, fmt.Sprintf("tty=%d", e.TTY))
		add("state", e.Line.State)
		if e.Line.Reason != "" {
			add("reason", e.Line.Reason)
		}
		if e.Line.Owner != "" {
			add("owner", e.Line.Owner)
		}
	case e.Health != nil:
		for _, p := range e.Health.Problems {
			add("problem", p)
		}
	case e.Fields == nil && e.TTY != 0:
		parts = append(parts, fmt.Sprintf("tty=%d", e.TTY))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		add(name, e.Fields[name])
	}
	return console.Clean(strings.Join(parts, " "))
}
