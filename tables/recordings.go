package tables

import (
	"cmp"
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tty"
)

// Recordings prints the recordings of sessions.
func Recordings(w io.Writer, v []client.Recording, wide bool, at Place) {
	t := console.Table{Heads: []string{"ID", "Tty", "User", "Start", "Time", "Octets", "State"},
		Right: []bool{false, true, false, false, true, true, false}}
	if wide {
		t.Right = append(t.Right, true, true)
		t.Heads = append(t.Heads, "Lost", "Leg", "Group", "Call", "Callback")
	}
	for _, r := range v {
		row := []any{r.ID, tty.Text(r.TTY), r.User, at.Clock(r.Start), span(r.Seconds), r.Octets, r.State()}
		if wide {
			row = append(row, r.Lost, r.Leg, cmp.Or(r.Group, "-"), r.Call, cmp.Or(r.Callback, "-"))
		}
		t.Row(row...)
	}
	t.WriteTo(w)
}

// RecordingsLeftOut says that there are more than the limit.
func RecordingsLeftOut(w io.Writer, older bool) {
	if older {
		fmt.Fprintln(w, "… there are older ones: ringback show recordings --last N (or --since TIME)")
	}
}
