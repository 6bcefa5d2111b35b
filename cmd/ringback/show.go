package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShow() *cobra.Command {
	c := &cobra.Command{
		Use:   "show",
		Short: "what a running daemon has: lines, users, callbacks, AAA servers, health",
	}
	c.AddCommand(newShowLines(), newShowUsers(), newShowCallbacks(), newShowCallback(), newShowAAA(), newShowHealth())
	return c
}

func newShowLines() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "lines",
		Aliases: []string{"line"},
		Short:   "the lines: port, rotary, state",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Lines(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { lineTable(w, v) })
		},
	}
	f.addOutput(c)
	return c
}

func lineTable(w io.Writer, v []client.Line) {
	t := console.Table{Heads: []string{"Tty", "Modem", "Roty", "State", "Signals", "Calls", "Dials", "Noise", "Port", "Owner", "Reason"}}
	for _, l := range v {
		rotary := "-"
		if l.Rotary != nil {
			rotary = strconv.Itoa(*l.Rotary)
		}
		t.Row(strconv.Itoa(l.TTY), l.Modem, rotary, l.State, l.Signals, fmt.Sprint(l.Calls), fmt.Sprint(l.Dials), fmt.Sprint(l.Noise), l.Port, l.Owner, l.Reason)
	}
	t.WriteTo(w)
}

func newShowUsers() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "users",
		Short: "who is on the lines",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Users(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				t := console.Table{Heads: []string{"Tty", "User", "Service", "Leg", "Since", "Caller", "Connect", "Call"}}
				for _, u := range v {
					t.Row(strconv.Itoa(u.TTY), u.User, u.Service, strconv.Itoa(u.Leg), clock(u.Start), u.Caller, u.Connect, u.Call)
				}
				t.WriteTo(w)
			})
		},
	}
	f.addOutput(c)
	return c
}

func newShowCallbacks() *cobra.Command {
	var f daemonFlags
	var all bool
	c := &cobra.Command{
		Use:   "callbacks",
		Short: "the promises to call back",
		Long:  "The pending callbacks; with --all the newest ended ones too.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Callbacks(cmd.Context(), all)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				t := console.Table{Heads: []string{"ID", "Phase", "User", "Dialstring", "Verify", "Called", "Tty", "Attempts", "Created", "Cause"}}
				for _, b := range v {
					t.Row(b.ID, b.Phase, b.User, b.Number, verify(b.NoVerify), strconv.Itoa(b.Called), ttyText(b.TTY), fmt.Sprintf("%d/%d", b.Attempts, b.Max), clock(b.Created), b.Cause)
				}
				t.WriteTo(w)
			})
		},
	}
	f.addOutput(c)
	c.Flags().BoolVar(&all, "all", false, "the ended ones too")
	return c
}

func newShowCallback() *cobra.Command {
	var f daemonFlags
	var trace bool
	c := &cobra.Command{
		Use:   "callback ID",
		Short: "one callback; with --trace the decision, the history and each attempt's transcript",
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
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { callbackText(w, v, trace) })
		},
	}
	f.addOutput(c)
	c.Flags().BoolVar(&trace, "trace", false, "why it was decided so, what happened, what the modem said")
	return c
}

func callbackText(w io.Writer, v client.CallbackDetail, trace bool) {
	fmt.Fprintf(w, "callback %s: %s", v.ID, v.Phase)
	if v.Cause != "" {
		fmt.Fprintf(w, " (%s)", v.Cause)
	}
	fmt.Fprintf(w, "\n  user %s by %s, dialstring %s, %s\n", v.User, v.Entry, v.Number, verify(v.NoVerify))
	fmt.Fprintf(w, "  called tty %d, calls back on tty %s, attempts %d of %d\n", v.Called, ttyText(v.TTY), v.Attempts, v.Max)
	fmt.Fprintf(w, "  created %s", v.Created.Local().Format(time.RFC3339))
	if v.Ended != nil {
		fmt.Fprintf(w, ", ended %s", v.Ended.Local().Format(time.RFC3339))
	}
	fmt.Fprintln(w)
	if !trace {
		return
	}
	fmt.Fprintf(w, "\nAuthorization\n  %s\n\nDecision of group %s (%.12s)\n", v.Authorization, v.Policy, v.PolicyDigest)
	steps(w, v.Decision)
	fmt.Fprintln(w, "\nHistory")
	steps(w, v.History)
	for _, a := range v.Dials {
		fmt.Fprintf(w, "\nAttempt %d on tty %d by script %s: %s", a.N, a.TTY, a.Script, a.Outcome)
		if a.Detail != "" {
			fmt.Fprintf(w, " (%s)", a.Detail)
		}
		fmt.Fprintln(w)
		for _, l := range a.Transcript {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
}

func steps(w io.Writer, v []client.Step) {
	for _, s := range v {
		fmt.Fprint(w, "  ")
		if s.Time != nil {
			fmt.Fprintf(w, "%s  ", stamp(*s.Time))
		}
		fmt.Fprint(w, s.Rule)
		if s.Input != "" {
			fmt.Fprintf(w, " [%s]", s.Input)
		}
		if s.Result != "" {
			fmt.Fprintf(w, ": %s", s.Result)
		}
		fmt.Fprintln(w)
	}
}

func verify(no bool) string {
	if no {
		return "no-verify"
	}
	return "verify"
}

func ttyText(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func clock(t time.Time) string { return t.Local().Format("15:04:05") }

// stamp is IOS's `service timestamps debug datetime msec`.
func stamp(t time.Time) string { return t.Local().Format("Jan _2 15:04:05.000") }
