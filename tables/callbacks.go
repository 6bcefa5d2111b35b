package tables

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Callbacks prints callbacks, one per row.
func Callbacks(w io.Writer, v []client.Callback, wide bool, at Place) {
	t := console.Table{Heads: []string{"ID", "Phase", "User", "Dialstring", "Tty", "Attempts", "Created"}}
	if wide {
		t.Heads = []string{"ID", "Phase", "User", "Dialstring", "Verify", "Called", "Tty", "Attempts", "Created",
			"Ended", "Cause", "Waits"}
	}
	for _, b := range v {
		attempts := fmt.Sprintf("%d/%d", b.Attempts, b.Max)
		if !wide {
			t.Row(b.ID, b.Phase, b.User, b.Number, lineOf(b.Node, b.TTY), attempts, at.Clock(b.Created))
			t.Note(b.Cause)
			continue
		}
		ended := "-"
		if b.Ended != nil {
			ended = at.Clock(*b.Ended)
		}
		t.Row(b.ID, b.Phase, b.User, dialstrings(b), verify(b.NoVerify), lineOf(b.Home, b.Called),
			lineOf(b.Node, b.TTY), attempts,
			at.Clock(b.Created), ended, b.Cause, waitText(b, at))
	}
	t.WriteTo(w)
}

// lineOf names a line, of a node if there is a fleet: lyon-1/66.
func lineOf(node string, tty int) string {
	if node == "" {
		return ttyText(tty)
	}
	return node + "/" + ttyText(tty)
}

// waitText says until when a callback waits, and why; "" if it does not.
func waitText(b client.Callback, at Place) string {
	switch {
	case b.WaitsFor == "":
		return ""
	case b.WaitsUntil == nil:
		return "until " + b.WaitsFor
	}
	return "until " + at.Clock(*b.WaitsUntil) + ": " + b.WaitsFor
}

// dialstrings returns the current number of a callback and, if it has several, all of them in their order.
func dialstrings(b client.Callback) string {
	if len(b.Numbers) == 0 {
		return b.Number
	}
	return b.Number + " of " + strings.Join(b.Numbers, ", ")
}

// Callback prints one callback; with trace, also its authorization, decision, history and transcripts.
func Callback(w io.Writer, v client.CallbackDetail, trace bool, at Place) {
	fmt.Fprintf(w, "callback %s: %s", v.ID, v.Phase)
	if v.Cause != "" {
		fmt.Fprintf(w, " (%s)", v.Cause)
	}
	fmt.Fprintf(w, "\n  user %s by %s, dialstring %s, %s\n", v.User, v.Entry, dialstrings(v.Callback),
		verify(v.NoVerify))
	fmt.Fprintf(w, "  called tty %s", lineOf(v.Home, v.Called))
	if v.Caller != "" {
		fmt.Fprintf(w, " from %s", v.Caller)
	}
	fmt.Fprintf(w, ", calls back on tty %s, attempts %d of %d\n", lineOf(v.Node, v.TTY), v.Attempts, v.Max)
	fmt.Fprintf(w, "  created %s", at.Clock(v.Created))
	if v.Ended != nil {
		fmt.Fprintf(w, ", ended %s", at.Clock(*v.Ended))
	}
	fmt.Fprintln(w)
	if text := waitText(v.Callback, at); text != "" {
		fmt.Fprintf(w, "  waits %s\n", text)
	}
	if v.Offered {
		fmt.Fprintln(w, "  any node of the fleet with a free line may take it")
	}
	if v.Stale != "" {
		fmt.Fprintf(w, "  STALE: only what this node knows: %s\n", v.Stale)
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
		node := ""
		if h.Node != "" {
			node = h.Node + "  "
		}
		fmt.Fprintf(w, "  %s  %s%s\n", at.Stamp(h.Time), node, told(h.Event, h.Phase, h.Text))
	}
	for _, a := range v.Dials {
		fmt.Fprintf(w, "\nAttempt %d on tty %s by script %s", a.N, lineOf(a.Node, a.TTY), a.Script)
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

// Older says how many older callbacks a limit left out; -1: it is not known how many.
func Older(n int) string {
	if n < 0 {
		return "… and older ones: --limit N (0 = all) or --since TIME"
	}
	return "… " + Numbered(n, "older one", "older ones") + ": --limit N (0 = all) or --since TIME"
}
