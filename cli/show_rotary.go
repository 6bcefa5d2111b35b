package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
)

func newShowRotary() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "rotary [N]",
		Short:   "show the rotaries: hunt, lines, and the callbacks that wait for one; with N, its lines",
		Example: "  ringback show rotary\n  ringback show rotary 1 -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := lines.NoRotary
			if len(args) == 1 {
				var err error
				if n, err = strconv.Atoi(args[0]); err != nil || n < 0 {
					return misused("%q: a rotary is a number, as `ringback show rotary` prints them", args[0])
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Rotaries(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { rotaryTable(w, v) })
			}
			for _, r := range v {
				if r.Rotary == n {
					return f.print(cmd.OutOrStdout(), r, func(w io.Writer) { rotaryDetails(w, r) })
				}
			}
			return fmt.Errorf("no line is in rotary %d: `ringback show rotary` lists the rotaries", n)
		},
	}
	f.addOutput(c)
	return c
}

// rotaryTable prints a line for each rotary. A line that is neither idle nor out is in use.
func rotaryTable(w io.Writer, v []client.Rotary) {
	t := console.Table{Heads: []string{"Roty", "Hunt", "Lines", "Idle", "In use", "Out", "Busyout", "Waiting"},
		Right: []bool{true, false, true, true, true, true, true, true}}
	for _, r := range v {
		idle, out, busy := 0, 0, 0
		for _, l := range r.Lines {
			switch lines.State(l.State) {
			case lines.Idle:
				idle++
			case lines.Down, lines.Quarantined:
				out++
			case lines.BusiedOut:
				busy++
			}
		}
		t.Row(r.Rotary, r.Hunt, len(r.Lines), idle, len(r.Lines)-idle-out-busy, out, busy, len(r.Queue))
	}
	t.WriteTo(w)
}

func rotaryDetails(w io.Writer, r client.Rotary) {
	fmt.Fprintf(w, "rotary %d: hunt %s\n", r.Rotary, r.Hunt)
	t := console.Table{Heads: []string{"Tty", "Modem", "State", "Leases"}, Right: []bool{true, false, false, true}}
	for _, l := range r.Lines {
		t.Row(l.TTY, l.Modem, l.State, l.Leases)
	}
	t.WriteTo(w)
	if len(r.Queue) > 0 {
		fmt.Fprintf(w, "waiting: %s\n", strings.Join(r.Queue, ", "))
	}
}

func newShowQueue() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "queue",
		Short:   "show the callbacks that wait for a line, in the order in which they get one",
		Example: "  ringback show queue\n  ringback show queue -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Queue(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { queueTable(w, v, here()) })
		},
	}
	f.addOutput(c)
	return c
}

func queueTable(w io.Writer, v []client.Queued, at place) {
	t := console.Table{Heads: []string{"Place", "Callback", "User", "Number", "Waits for", "Since"},
		Right: []bool{true}}
	for i, q := range v {
		t.Row(i+1, q.Callback, q.User, q.Number, waitsFor(q), at.clock(q.Since))
	}
	t.WriteTo(w)
}

func waitsFor(q client.Queued) string {
	switch {
	case q.Probed != 0:
		return fmt.Sprintf("modem of tty %d", q.Probed)
	case len(q.Lines) > 0:
		if len(q.Lines) > 4 {
			return fmt.Sprintf("one of %d lines", len(q.Lines))
		}
		return "tty " + strings.Trim(strings.ReplaceAll(fmt.Sprint(q.Lines), " ", ", "), "[]")
	case q.Rotary != nil:
		return fmt.Sprintf("rotary %d", *q.Rotary)
	}
	return fmt.Sprintf("tty %d", q.Called)
}
