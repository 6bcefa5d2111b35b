package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
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
left out. -o wide also says why each one waits and until when.
--since accepts a time (2026-11-21, "2026-11-21 10:04", RFC 3339) or how long ago (90m, 36h, 7d).`,
		Example: "  ringback show callbacks --all --since 7d --limit 0",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addTable(c)
	c.Flags().BoolVar(&f.query.All, "all", false, "the ended ones too")
	c.Flags().IntVar(&f.query.Limit, "limit", 100, "show at most this many, the newest (0 = all)")
	c.Flags().StringVar(&f.since, "since", "", "only callbacks created at this time or later: a time, or how long ago")
	return c
}

func (f *callbackFlags) run(cmd *cobra.Command) error {
	at := here()
	if f.query.Limit < 0 {
		return misused("--limit %d: must be 0 (all) or greater", f.query.Limit)
	}
	if f.since != "" {
		var err error
		if f.query.Since, err = at.since(f.since); err != nil {
			return err
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
	if f.output == "json" && older > 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), olderText(older))
	}
	if f.output != "json" {
		if err := lockdownAbove(cmd.Context(), cmd.OutOrStdout(), cl); err != nil {
			return err
		}
	}
	return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
		callbackTable(w, v, f.wide(), at)
		if older > 0 {
			fmt.Fprintln(w, olderText(older))
		}
	})
}

func olderText(n int) string {
	return "… " + numbered(n, "older one", "older ones") + ": --limit N (0 = all) or --since TIME"
}

func callbackTable(w io.Writer, v []client.Callback, wide bool, at place) {
	t := console.Table{Heads: []string{"ID", "Phase", "User", "Dialstring", "Tty", "Attempts", "Created"}}
	if wide {
		t.Heads = []string{"ID", "Phase", "User", "Dialstring", "Verify", "Called", "Tty", "Attempts", "Created",
			"Ended", "Cause", "Waits"}
	}
	for _, b := range v {
		attempts := fmt.Sprintf("%d/%d", b.Attempts, b.Max)
		if !wide {
			t.Row(b.ID, b.Phase, b.User, b.Number, ttyText(b.TTY), attempts, at.clock(b.Created))
			t.Note(b.Cause)
			continue
		}
		ended := "-"
		if b.Ended != nil {
			ended = at.clock(*b.Ended)
		}
		t.Row(b.ID, b.Phase, b.User, dialstrings(b), verify(b.NoVerify), b.Called, ttyText(b.TTY), attempts,
			at.clock(b.Created), ended, b.Cause, waitText(b, at))
	}
	t.WriteTo(w)
}

// waitText says until when a callback waits, and why; "" if it does not.
func waitText(b client.Callback, at place) string {
	switch {
	case b.WaitsFor == "":
		return ""
	case b.WaitsUntil == nil:
		return "until " + b.WaitsFor
	}
	return "until " + at.clock(*b.WaitsUntil) + ": " + b.WaitsFor
}

// dialstrings returns the current number of a callback and, if it has several, all of them in their order.
func dialstrings(b client.Callback) string {
	if len(b.Numbers) == 0 {
		return b.Number
	}
	return b.Number + " of " + strings.Join(b.Numbers, ", ")
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
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { callbackText(w, v, trace, here()) })
		},
	}
	f.addOutput(c)
	c.Flags().BoolVar(&trace, "trace", false, "show the decision, the history and the modem's transcript")
	return c
}

func callbackText(w io.Writer, v client.CallbackDetail, trace bool, at place) {
	fmt.Fprintf(w, "callback %s: %s", v.ID, v.Phase)
	if v.Cause != "" {
		fmt.Fprintf(w, " (%s)", v.Cause)
	}
	fmt.Fprintf(w, "\n  user %s by %s, dialstring %s, %s\n", v.User, v.Entry, dialstrings(v.Callback),
		verify(v.NoVerify))
	fmt.Fprintf(w, "  called tty %d", v.Called)
	if v.Caller != "" {
		fmt.Fprintf(w, " from %s", v.Caller)
	}
	fmt.Fprintf(w, ", calls back on tty %s, attempts %d of %d\n", ttyText(v.TTY), v.Attempts, v.Max)
	fmt.Fprintf(w, "  created %s", at.clock(v.Created))
	if v.Ended != nil {
		fmt.Fprintf(w, ", ended %s", at.clock(*v.Ended))
	}
	fmt.Fprintln(w)
	if text := waitText(v.Callback, at); text != "" {
		fmt.Fprintf(w, "  waits %s\n", text)
	}
	if !trace {
		return
	}
	fmt.Fprintf(w, "\nAuthorization\n  %s\n\nDecision of group %s (%.12s)\n", indented(v.Authorization), v.Policy,
		v.PolicyDigest)
	for _, s := range v.Decision {
		text := s.Result
		if s.At != "" {
			text += "  (" + s.At + ")"
		}
		fmt.Fprintf(w, "  %s\n", told(s.Rule, s.Input, text))
	}
	fmt.Fprintln(w, "\nHistory")
	for _, h := range v.History {
		fmt.Fprintf(w, "  %s  %s\n", at.stamp(h.Time), told(h.Event, h.Phase, h.Text))
	}
	for _, a := range v.Dials {
		fmt.Fprintf(w, "\nAttempt %d on tty %d by script %s", a.N, a.TTY, a.Script)
		if len(v.Numbers) > 0 {
			fmt.Fprintf(w, " to %s", a.Number)
		}
		fmt.Fprintf(w, ": %s", a.Outcome)
		if a.Detail != "" {
			fmt.Fprintf(w, " (%s)", a.Detail)
		}
		fmt.Fprintln(w)
		for _, l := range a.Transcript {
			fmt.Fprintf(w, "  %s\n", l)
		}
	}
}

// told formats a line of a trace: `name [of]: text`.
func told(name, of, text string) string {
	if of != "" {
		name += " [" + of + "]"
	}
	if text != "" {
		name += ": " + text
	}
	return name
}

// indented formats JSON with indentation; "none" if there is none.
func indented(j json.RawMessage) string {
	var b bytes.Buffer
	if len(j) == 0 || json.Indent(&b, j, "  ", "  ") != nil {
		return "none"
	}
	return b.String()
}
