package tables

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Window prints what an order has done.
func Window(w io.Writer, v client.AccessWindow, at Place) {
	switch v.State {
	case "open":
		fmt.Fprintf(w, "access window of group %s open until %s, by %s: %s\n", v.Group, at.Clock(*v.Until),
			strings.TrimSuffix(v.OpenedBy+" and "+v.ApprovedBy, " and "), console.Clean(v.Reason))
	case "waiting":
		fmt.Fprintf(w, "access window of group %s requested by %s: %s\nanother operator opens it within one hour, "+
			"with this time and reason: ringback policy approve %s --for %s --reason TEXT\n", v.Group, v.OpenedBy,
			console.Clean(v.Reason), v.Group, v.For)
	default: // another operator was quick
		fmt.Fprintf(w, "access window of group %s: %s\n", v.Group, v.State)
	}
}

// Windows prints the latest access window of each group.
func Windows(w io.Writer, v []client.AccessWindow, at Place) {
	t := console.Table{Heads: []string{"Group", "State", "Until", "For", "Opened by", "Approved by", "Reason"}}
	for _, win := range v {
		until := "-"
		switch {
		case win.Closed != nil:
			until = at.Clock(*win.Closed)
		case win.Until != nil:
			until = at.Clock(*win.Until)
		}
		t.Row(win.Group, win.State, until, win.For, win.OpenedBy, win.ApprovedBy, console.Clean(win.Reason))
	}
	t.WriteTo(w)
}
