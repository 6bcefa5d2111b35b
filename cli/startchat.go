package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

func newStartChat() *cobra.Command {
	var f daemonFlags
	var number string
	c := &cobra.Command{
		Use:   "start-chat REGEXP N",
		Short: "run a chat script on the modem of line N",
		Long: `Runs the first chat script whose name matches REGEXP on the modem of line N of a running daemon, and prints the
dialogue. The line must not be in use; it takes no calls until the script has ended and the line is proven on hook, and
its reset script runs afterwards. The script has one minute. The audit has the operator and the script.

Without --number it dials nothing, and a script that sends \T or a dial command is rejected. With --number, the script
dials the number, as with IOS's dialer string, and the call is hung up when the script has ended. The configuration must
name a policy that permits the number (start_chat: {policy: GROUP}). The dial is recorded before it is made, and counts
in the ceilings of that group and of the site; a lockdown forbids it, and ends one in progress.

In the EXEC, at privilege level 15, "start-chat REGEXP" talks to the caller on the own line, "start-chat REGEXP N" to the
modem of line N, and "start-chat REGEXP N NUMBER" dials.`,
		Example: "  ringback start-chat ^setup$ 65\n  ringback start-chat ^dial$ 65 --number 84001",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := lineNumber(args[1])
			if err != nil {
				return err
			}
			if args[0] == "" {
				return misused("REGEXP is empty: it must match the name of a chat script, such as ^setup$")
			}
			if cmd.Flags().Changed("number") && strings.TrimSpace(number) == "" {
				return errors.New("start-chat: --number is empty (leave it out for a script that does not dial)")
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			run, err := cl.StartChat(cmd.Context(), n, args[0], number)
			if err != nil {
				return err
			}
			var failed error
			err = f.print(cmd.OutOrStdout(), run, func(w io.Writer) { failed = tables.ChatRun(w, run) })
			if err == nil && run.Error != "" {
				failed = errors.New(console.Clean(run.Error))
			}
			if err != nil {
				return err
			}
			return failed
		},
	}
	f.addOutput(c)
	c.Flags().StringVar(&number, "number", "", "number that the script dials, in any notation of the number plan")
	return c
}
