package tables

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/tty"
)

// Calls prints calls, those that are up or have ended.
func Calls(w io.Writer, v []client.Call, wide bool, at Place) {
	t := console.Table{Heads: []string{"Tty", "Dir", "User", "Number", "Service", "Start", "Time"},
		Right: []bool{true, false, false, false, false, false, true}}
	if wide {
		t.Right = append(t.Right, true, true, true, false, true)
		t.Heads = append(t.Heads, "Speed", "In", "Out", "Callback", "Leg", "Caller", "Called", "Connect", "Call",
			"Cause")
	}
	for _, c := range v {
		dir, number := "in", c.Caller
		if c.Direction == string(lines.Outgoing) {
			dir, number = "out", c.Called
		}
		speed := "-"
		if c.Speed > 0 {
			speed = strconv.Itoa(c.Speed)
		}
		row := []any{tty.Text(c.TTY), dir, cmp.Or(c.User, "-"), cmp.Or(number, "-"), cmp.Or(c.Service, "-"),
			at.Clock(c.Start), span(c.Seconds)}
		if wide {
			t.Row(append(row, speed, c.OctetsIn, c.OctetsOut, cmp.Or(c.Callback, "-"), ttyText(c.Leg), c.Caller,
				c.Called, c.Connect, c.ID, c.Cause)...)
			continue
		}
		t.Row(row...)
		t.Note(callNote(c))
	}
	t.WriteTo(w)
}

// callNote names the callback of a call, and why the call ended.
func callNote(c client.Call) string {
	if c.Callback == "" {
		return c.Cause
	}
	return strings.TrimSuffix("callback "+c.Callback+": "+c.Cause, ": ")
}

// CallsLeftOut says what is missing in the history.
func CallsLeftOut(w io.Writer, left client.CallsLeftOut) {
	if left.Damaged > 0 {
		fmt.Fprintf(w, "… %s not shown: ringback journal check\n", Numbered(left.Damaged, "damaged one is",
			"damaged ones are"))
	}
	if left.Older {
		fmt.Fprintln(w, "… there are older ones: ringback show call history --last N (or --since TIME)")
	}
}
