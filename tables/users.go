package tables

import (
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tty"
)

// Users prints the users on the lines.
func Users(w io.Writer, v []client.User, wide bool, at Place) {
	t := console.Table{Heads: []string{"Tty", "User", "Service", "Leg", "Since", "Caller"}}
	if wide {
		t.Heads = append(t.Heads, "Connect", "Profile", "Call")
	}
	for _, u := range v {
		profile := u.Profile
		if u.Overflow {
			profile += " overflow"
		}
		t.Row(tty.Text(u.TTY), u.User, u.Service, u.Leg, at.Clock(u.Start), u.Caller, u.Connect, profile, u.Call)
	}
	t.WriteTo(w)
}

func ttyText(n int) string {
	if n == 0 {
		return "-"
	}
	return tty.Text(n)
}

// Numbered returns a number with its noun: "1 line", "3 lines".
func Numbered(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}

func verify(no bool) string {
	if no {
		return "no-verify"
	}
	return "verify"
}
