package cli

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newPolicyOpen() *cobra.Command {
	var f daemonFlags
	var length time.Duration
	var reason string
	c := &cobra.Command{
		Use:   "open GROUP --for TIME --reason TEXT",
		Short: "open an access window: let the users of a group in for a limited time",
		Long: `The users of a group whose policy file has access: {window: required} come in only while a window is open. It closes by
itself when its time is over. With approvals: 2 the window opens when another operator, a different user of the admin
socket, approves it within one hour. An open window is replaced by a new one, except with approvals: 2. The daemon
records each order in its audit. See docs/how-to/policies.md.`,
		Example: `  ringback policy open vendor --for 4h --reason "ticket 4711"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("for") || !cmd.Flags().Changed("reason") {
				return misused(`--for and --reason are required (example: --for 4h --reason "ticket 7")`)
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.OpenAccess(cmd.Context(), args[0], length, reason)
			if err != nil {
				return err
			}
			win := windowOf(v, args[0])
			return f.print(cmd.OutOrStdout(), win, func(w io.Writer) { tables.Window(w, win, tables.Here()) })
		},
	}
	f.addOutput(c)
	c.Flags().DurationVar(&length, "for", 0, "how long it is open, such as 4h or 90m (required)")
	c.Flags().StringVar(&reason, "reason", "",
		"why: one line of up to 200 characters, for operators and the audit (required)")
	return c
}

func newPolicyApprove() *cobra.Command {
	var f daemonFlags
	var length time.Duration
	var reason string
	c := &cobra.Command{
		Use:   "approve GROUP --for TIME --reason TEXT",
		Short: "open the access window that another operator has asked for",
		Long: `Opens the window of a group whose policy file has access: {approvals: 2}. Its time begins now. The operators must be
different users of the admin socket. ringback show windows prints what waits for an approval; --for and --reason repeat its
time and its reason, so that nobody approves a request that was replaced meanwhile.`,
		Example: `  ringback policy approve vendor --for 4h --reason "ticket 4711"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("for") || !cmd.Flags().Changed("reason") {
				return misused("--for and --reason are required: the time that was asked for and " +
					"the reason (ringback show windows)")
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.ApproveAccess(cmd.Context(), args[0], length, reason)
			if err != nil {
				return err
			}
			win := windowOf(v, args[0])
			return f.print(cmd.OutOrStdout(), win, func(w io.Writer) { tables.Window(w, win, tables.Here()) })
		},
	}
	f.addOutput(c)
	c.Flags().DurationVar(&length, "for", 0, "the time that was asked for, such as 4h (required)")
	c.Flags().StringVar(&reason, "reason", "", "the reason that was given (required)")
	return c
}

func newPolicyClose() *cobra.Command {
	var f daemonFlags
	var reason string
	c := &cobra.Command{
		Use:   "close GROUP",
		Short: "close an access window at once, or take back the request for one",
		Long: `Nobody of the group comes in afterwards, and nothing is dialed for it; with access: {sessions: end}, which is the default,
its sessions end. The exit status is 1 if the end could not be written to the disk: a restart would open the window
again; the daemon keeps trying.`,
		Example: `  ringback policy close vendor --reason "work is done"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.CloseAccess(cmd.Context(), args[0], reason); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "access window of group %s closed\n", args[0])
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&reason, "reason", "", "why: one line of up to 200 characters, for the audit")
	return c
}

func newShowWindows() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "windows",
		Short:   "show the latest access window of each policy group",
		Example: "  ringback show windows",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.AccessWindows(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Windows(w, v, tables.Here()) })
		},
	}
	f.addOutput(c)
	return c
}

// windowOf returns the window of a group, which an order was given for.
func windowOf(all []client.AccessWindow, group string) (v client.AccessWindow) {
	if i := slices.IndexFunc(all, func(w client.AccessWindow) bool { return w.Group == group }); i >= 0 {
		v = all[i]
	}
	return v
}
