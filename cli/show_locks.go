package cli

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShowLoginLocks() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "login-locks",
		Aliases: []string{"login-lock"},
		Short:   "show names, calling numbers and lines whose logins are locked or delayed",
		Long: `Prints what failed logins have locked or delayed. "Of" is what the failures were counted for; see "Guessing" in docs/reference/exec.md:

  ringback show login-locks
  ringback clear login-lock austin-01`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.LoginLocks(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { lockTable(w, v) })
		},
	}
	f.addOutput(c)
	return c
}

func lockTable(w io.Writer, v []client.LoginLock) {
	t := console.Table{Heads: []string{"Of", "Prompt", "User", "Number", "Tty", "Failures", "Locked until", "Delay"}}
	for _, l := range v {
		prompt, until := "login", "-"
		if l.Enable {
			prompt = "enable"
		}
		if l.Until != nil {
			until = l.Until.Local().Format(time.DateTime)
		}
		t.Row(l.Of, prompt, l.User, l.Number, ttyText(l.TTY), strconv.Itoa(l.Failures), until,
			fmt.Sprintf("%gs", l.Delay))
	}
	t.WriteTo(w)
}
