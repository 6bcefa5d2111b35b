package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show",
		Short: "show the state of a running daemon: lines, modems, rotaries, users, calls, callbacks, ceilings, PPP, " +
			"login locks, access windows, AAA servers, health",
	}
	c.AddCommand(newShowLine(), newShowModem(), newShowRotary(), newShowQueue(),
		newShowUsers(), newShowCall(), newShowCallbacks(), newShowCallback(),
		newShowCeilings(), newShowPPP(), newShowLoginLocks(), newShowWindows(), newShowAAA(), newShowHealth())
	return c
}

func newShowUsers() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "users",
		Short:   "show the users on the lines",
		Example: "  ringback show users -o wide",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Users(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { userTable(w, v, f.wide(), here()) })
		},
	}
	f.addTable(c)
	return c
}

func userTable(w io.Writer, v []client.User, wide bool, at place) {
	t := console.Table{Heads: []string{"Tty", "User", "Service", "Leg", "Since", "Caller"}}
	if wide {
		t.Heads = append(t.Heads, "Connect", "Profile", "Call")
	}
	for _, u := range v {
		profile := u.Profile
		if u.Overflow {
			profile += " overflow"
		}
		t.Row(u.TTY, u.User, u.Service, u.Leg, at.clock(u.Start), u.Caller, u.Connect, profile, u.Call)
	}
	t.WriteTo(w)
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

func numbered(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", more)
}
