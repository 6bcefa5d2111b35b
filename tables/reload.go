package tables

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/schema"
)

// Reload prints what a reload has changed, or why it was not applied.
func Reload(w io.Writer, v client.Reload) {
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
	changes(w, v)
}

// ConfigDiff prints what a reload would change.
func ConfigDiff(w io.Writer, v client.Reload) {
	for _, p := range v.Problems {
		fmt.Fprintln(w, console.Clean(p.Text))
	}
	if !v.Applied {
		fmt.Fprintf(w, "%s: a reload would NOT be applied\n", v.File)
		return
	}
	fmt.Fprintf(w, "%s: a reload would be applied\n", v.File)
	changes(w, v)
}

// Config prints the values of a configuration.
func Config(w io.Writer, v client.Config) {
	fmt.Fprintf(w, "# %s, digest %s\n", console.Clean(v.File), v.Digest)
	for _, s := range v.Settings {
		note := ""
		if !s.Set {
			note = "  # default"
		}
		fmt.Fprintf(w, "%s: %s%s\n", s.Key, console.Clean(s.Value), note)
	}
}

func changes(w io.Writer, v client.Reload) {
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
		fmt.Fprintf(w, "  needs a restart: %s (until then, the value of the last start stays in force)\n", key)
	}
}
