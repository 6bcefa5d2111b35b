package cli

import (
	"fmt"
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowModem() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "modem [N]",
		Short:   "show the modems: profile, caller ID, how the state is proven; with N, all settings of line N's modem",
		Example: "  ringback show modem\n  ringback show modem 65",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := -1
			if len(args) == 1 {
				var err error
				if n, err = lineNumber(args[0]); err != nil {
					return err
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Modems(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Modems(w, v) })
			}
			for _, m := range v {
				if m.TTY == n {
					return f.print(cmd.OutOrStdout(), m, func(w io.Writer) { tables.Modem(w, m) })
				}
			}
			return fmt.Errorf("there is no line %d: `ringback show line` lists them", n)
		},
	}
	f.addOutput(c)
	return c
}
