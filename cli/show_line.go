package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
)

func newShowLines() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "lines",
		Short:   "show the lines and their state",
		Example: "  ringback show lines -o wide",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return showLines(cmd, &f) },
	}
	f.addTable(c)
	return c
}

func newShowLine() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "line [N]",
		Short:   "show details of line N; without N, the table of `show lines`",
		Example: "  ringback show line 65",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return showLines(cmd, &f)
			}
			n, err := lineNumber(args[0])
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
					return f.print(cmd.OutOrStdout(), l, func(w io.Writer) { lineText(w, l, here()) })
				}
			}
			return fmt.Errorf("there is no line %d: `ringback show lines` lists them", n)
		},
	}
	f.addTable(c)
	return c
}

// lineNumber parses the line number given to a command.
func lineNumber(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, misused("%q: a line is a TTY number, as `ringback show lines` prints them", text)
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
	if f.output != "json" {
		if err := lockdownAbove(cmd.Context(), cmd.OutOrStdout(), cl); err != nil {
			return err
		}
	}
	return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { lineTable(w, v, f.wide()) })
}

func lineTable(w io.Writer, v []client.Line, wide bool) {
	t := console.Table{Heads: []string{"Tty", "Modem", "Roty", "State", "Calls", "Dials", "Port"}}
	if wide {
		t.Heads = []string{"Tty", "Modem", "Roty", "State", "Signals", "Calls", "Dials", "Noise", "Port", "Owner",
			"Reason"}
	}
	for _, l := range v {
		remarks := append(busyText(l), l.Notices...)
		if l.Change != "" {
			remarks = append(remarks, l.Change)
		}
		if l.Reason != "" {
			remarks = append([]string{l.Reason}, remarks...)
		}
		if wide {
			signals := l.Signals
			if l.InBand {
				signals = "in-band"
			}
			t.Row(l.TTY, l.Modem, rotaryText(l.Rotary), l.State, signals, l.Calls, l.Dials, l.Noise, l.Port, l.Owner,
				strings.Join(remarks, "; "))
			continue
		}
		port, _, _ := strings.Cut(l.Port, "?")
		if l.InBand {
			port += " in-band"
		}
		t.Row(l.TTY, l.Modem, rotaryText(l.Rotary), l.State, l.Calls, l.Dials, port)
		t.Note(strings.Join(remarks, "; "))
	}
	t.WriteTo(w)
}

func lineText(w io.Writer, l client.Line, at place) {
	fmt.Fprintf(w, "line %d: %s since %s\n", l.TTY, l.State, at.clock(l.Since))
	field := func(name string, value any) {
		if text := console.Clean(fmt.Sprint(value)); text != "" {
			fmt.Fprintf(w, "  %-8s %s\n", name, text)
		}
	}
	field("reason", l.Reason)
	for _, text := range busyText(l) {
		field("busyout", text)
	}
	for _, n := range l.Notices {
		field("notice", n)
	}
	field("reload", l.Change)
	field("port", l.Port)
	field("modem", l.Modem)
	field("rotary", rotaryText(l.Rotary))
	signals := l.Signals
	if l.InBand {
		signals = "in-band: this kind of port has none"
	}
	field("signals", signals)
	field("owner", l.Owner)
	field("calls", fmt.Sprintf("%d answered", l.Calls))
	field("dials", l.Dials)
	field("noise", numbered(int(l.Noise), "line of garbage", "lines of garbage"))
}

// busyText says that a line takes no more calls, unless its state says so.
func busyText(l client.Line) []string {
	if l.Busyout == nil || l.State == string(lines.BusiedOut) {
		return nil
	}
	text := "takes no more calls, by " + l.Busyout.By
	if l.Busyout.Reason != "" {
		text += ": " + l.Busyout.Reason
	}
	return []string{text}
}

func rotaryText(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}
