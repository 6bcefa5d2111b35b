package cli

import (
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show",
		Short: "show the state of a running daemon: lines, modems, rotaries, listeners, users, calls, callbacks, " +
			"ceilings, PPP, login locks, access windows, AAA servers, health, recordings, the nodes of a fleet",
	}
	c.AddCommand(newShowLine(), newShowModem(), newShowRotary(), newShowQueue(), newShowListeners(),
		newShowUsers(), newShowCall(), newShowCallbacks(), newShowCallback(), newShowHistory(),
		newShowCeilings(), newShowUsage(), newShowPPP(), newShowLoginLocks(), newShowWindows(), newShowAAA(),
		newShowHealth(), newShowMetrics(), newShowRecordings(), newShowNodes())
	addWatch(c)
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
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Users(w, v, f.wide(), tables.Here()) })
		},
	}
	f.addTable(c)
	return c
}
