package tables

import (
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Listeners prints the doors for users who come over the network.
func Listeners(w io.Writer, v []client.Listener, wide bool, at Place) {
	t := console.Table{Heads: []string{"Address", "Protocol", "To", "Sessions", "Accepted", "Rejected"},
		Right: []bool{false, false, false, true, true, true}}
	if wide {
		t.Heads = append(t.Heads, "Since", "State")
	}
	for _, l := range v {
		protocol := l.Protocol
		if l.TLS && protocol != "ssh" {
			protocol += " over TLS"
		}
		row := []any{l.Address, protocol, l.To, fmt.Sprintf("%d/%d", l.Sessions, l.MaxSessions), l.Accepted, l.Rejected}
		state := "listening"
		if l.Error != "" {
			state = console.Clean(l.Error)
		}
		if wide {
			row = append(row, at.Clock(l.Since), state)
		}
		t.Row(row...)
		if l.Error != "" && !wide {
			t.Note(state)
		}
	}
	t.WriteTo(w)
}
