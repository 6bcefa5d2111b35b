package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/schema"
)

func newReload() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "reload",
		Short: "reload the configuration of a running daemon",
		Long: `Tells the daemon to reload its configuration, as SIGHUP does, and prints what has changed, when that takes effect, and
which keys need a restart. The daemon also opens log.file again. If the configuration has errors, they are printed and the
one before it stays in force. Calls go on in both cases.

A file that has just changed may not be complete: the daemon reads the files again until none of them has changed for a
second, for at most 10 seconds. A configuration without lines is not applied.

Changes are found in the configuration file and the policies. The other files that the configuration
names, such as secrets, are read again and not compared.

  ringback reload
  ringback reload -o json

Exit status 0: applied; 1: not applied, or no daemon answers.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Reload(cmd.Context())
			if err != nil {
				return err
			}
			if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) { reloadText(w, v) }); err != nil {
				return err
			}
			if !v.Applied {
				return exitStatus(1)
			}
			return nil
		},
	}
	f.addOutput(c)
	return c
}

func reloadText(w io.Writer, v client.Reload) {
	for _, p := range v.Problems {
		fmt.Fprintln(w, console.Clean(p.Text))
	}
	if v.Log != "" {
		fmt.Fprintf(w, "log file not reopened: %s\n", console.Clean(v.Log))
	}
	if !v.Applied {
		why := ""
		if v.Error != "" {
			why = console.Clean(v.Error) + "; "
		}
		fmt.Fprintf(w, "%s: NOT reloaded: %sthe configuration before it stays in force\n", v.File, why)
		return
	}
	fmt.Fprintf(w, "%s: reloaded\n", v.File)
	before := len(v.Changed) + len(v.Groups)
	for _, k := range v.Changed {
		fmt.Fprintf(w, "  changed: %s (%s)\n", k.Key, strings.Join(k.Effect, ", "))
	}
	for _, g := range v.Groups {
		fmt.Fprintf(w, "  changed: policy of group %s (new calls)\n", console.Clean(g))
	}
	for _, l := range []struct {
		what string
		ttys []int
	}{{"added", v.Lines.Added}, {"removed", v.Lines.Removed}, {"changed", v.Lines.Changed},
		{"waiting for the end of a call", v.Lines.Waiting}} {
		if before += len(l.ttys); len(l.ttys) > 0 {
			fmt.Fprintf(w, "  lines %s: %s\n", l.what, schema.FormatTTYs(l.ttys))
		}
	}
	if before == 0 {
		fmt.Fprintln(w, "  nothing has changed")
	}
	for _, id := range v.Unverifiable {
		fmt.Fprintf(w, "  callback %s: its AAA method is gone; the user will be rejected at the login on leg two\n", id)
	}
	for _, key := range v.Restart {
		fmt.Fprintf(w, "  needs a restart: %s\n", key)
	}
}
