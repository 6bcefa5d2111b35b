package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/console"
)

func newStartChat() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "start-chat REGEXP N",
		Short: "run a chat script on the modem of line N",
		Long: `Runs the first chat script whose name matches REGEXP on the modem of line N of a running daemon, and prints the
dialogue. The line must not be in use; it takes no calls until the script has ended and the line is proven on hook, and
its reset script runs afterwards. The script has one minute. The audit has the operator and the script.

Unlike IOS's "start-chat", it cannot dial, and there is no dialer string: a dial needs a policy that permits it and a
record that counts it, and only callbacks have these. A script that sends \T or a dial command is rejected.

In the EXEC, at privilege level 15, "start-chat REGEXP" talks to the caller on the own line, and "start-chat REGEXP N" to
the modem of line N.`,
		Example: "  ringback start-chat ^setup$ 65",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := lineNumber(args[1])
			if err != nil {
				return err
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			run, err := cl.StartChat(cmd.Context(), n, args[0])
			if err != nil {
				return err
			}
			err = f.print(cmd.OutOrStdout(), run, func(w io.Writer) {
				for _, line := range run.Transcript {
					fmt.Fprintln(w, console.Clean(line))
				}
				if run.Error == "" {
					fmt.Fprintf(w, "chat script %s succeeded on line %d\n", run.Script, n)
				}
			})
			if err == nil && run.Error != "" {
				err = errors.New(console.Clean(run.Error))
			}
			return err
		},
	}
	f.addOutput(c)
	return c
}
