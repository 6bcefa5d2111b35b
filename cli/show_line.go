package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
)

func newShowLine() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "line [N]",
		Aliases: []string{"lines"},
		Short:   "show the lines and their state; with N, the details of line N",
		Long: `Shows the lines and their state in the columns of IOS; with N, the details of line N: what it runs with, its
counters, also those before a restart (ringback clear counters), its last failure with the likely cause and its fix.
Values of more than 80 columns go on in the next row; with -o wide they do not.
The mark before the number: * the line is in use, I it is idle and takes calls, none it is out of service.
Tx/Rx is the speed of the port in bit/s; - is the setting of its server. Uses counts the calls in both directions.`,
		Example: "  ringback show line -o wide\n  ringback show line 65",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return showLines(cmd, &f)
			}
			return showLine(cmd, &f, args[0])
		},
	}
	f.addTable(c)
	return c
}

func showLine(cmd *cobra.Command, f *daemonFlags, text string) error {
	n, err := lineNumber(text)
	if err != nil {
		return err
	}
	cl, err := f.client()
	if err != nil {
		return err
	}
	all, err := cl.Lines(cmd.Context())
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.TTY == n {
			return f.print(cmd.OutOrStdout(), l, func(w io.Writer) { tables.Line(w, l, f.wide(), tables.Here()) })
		}
	}
	return fmt.Errorf("there is no line %d: `ringback show line` lists them", n)
}

// lineNumber parses the line number given to a command.
func lineNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, misused("%q: a line is a TTY number, as `ringback show line` prints them", text)
	}
	return n, nil
}

func showLines(cmd *cobra.Command, f *daemonFlags) error {
	cl, err := f.client()
	if err != nil {
		return err
	}
	v, err := cl.Lines(cmd.Context())
	if err != nil {
		return err
	}
	if !f.machine() {
		if err := lockdownAbove(cmd.Context(), cmd.OutOrStdout(), cl); err != nil {
			return err
		}
	}
	return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Lines(w, v, f.wide()) })
}
