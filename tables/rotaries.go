package tables

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
)

// Rotaries prints a line for each rotary. A line that is neither idle nor out is in use.
func Rotaries(w io.Writer, v []client.Rotary) {
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

// Rotary prints the lines of a rotary, and the callbacks that wait for one.
func Rotary(w io.Writer, r client.Rotary) {
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

// Queue prints the requests that wait for a line, in order.
func Queue(w io.Writer, v []client.Queued, at Place) {
	t := console.Table{Heads: []string{"Place", "Role", "Callback", "User", "Number", "Waits for", "Since"},
		Right: []bool{true}}
	for i, q := range v {
		t.Row(i+1, q.Role, q.Callback, q.User, q.Number, waitsFor(q), at.Clock(q.Since))
	}
	t.WriteTo(w)
}

func waitsFor(q client.Queued) string {
	if q.Offered {
		q.Offered = false
		return waitsFor(q) + ", offered to all nodes"
	}
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
