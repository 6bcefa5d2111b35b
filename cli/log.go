package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
)

func newLog() *cobra.Command {
	c := &cobra.Command{Use: "log", Short: "show or change what a running daemon logs"}
	c.AddCommand(newLogLevel())
	return c
}

// logLevels are the arguments of `log level`.
var logLevels = []string{"debug", "info", "warn", "error", "default"}

func newLogLevel() *cobra.Command {
	var f daemonFlags
	var length time.Duration
	c := &cobra.Command{
		Use:   "level [debug|info|warn|error|default]",
		Short: "show or set the level of the log of a running daemon",
		Long: `Sets the minimum level of the records in the log, at once and for --for; without it until the next start. "default" is
the level of the configuration (log.level). Without an argument, shows the level. The records for a syslog server keep
the level of log.syslog.level. The audit records the order.

  ringback log level debug --for 10m
  ringback log level default
  ringback log level`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: slices.Clone(logLevels),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && !slices.Contains(logLevels, args[0]) {
				return misused("%q is not one of %s", args[0], strings.Join(logLevels, ", "))
			}
			timed := cmd.Flags().Changed("for")
			if timed && (len(args) == 0 || args[0] == "default") {
				return misused("--for: name the level that is to be in force (example: debug --for 10m)")
			}
			if timed && length <= 0 {
				return misused("--for: %v is not a duration (example: 10m)", length)
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			var v client.LogLevel
			if len(args) == 0 {
				v, err = cl.LogLevel(cmd.Context())
			} else {
				v, err = cl.SetLogLevel(cmd.Context(), args[0], length)
			}
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { fmt.Fprintln(w, logLevelText(v)) })
		},
	}
	f.addOutput(c)
	c.Flags().DurationVar(&length, "for", 0, "how long, for example 10m, at most 168h (default until the next start)")
	return c
}

// logLevelText is "debug until 18:39:24, then info".
func logLevelText(v client.LogLevel) string {
	var b strings.Builder
	b.WriteString(v.Level)
	switch {
	case v.Until != nil:
		fmt.Fprintf(&b, " until %s, then %s", v.Until.Local().Format(time.DateTime), v.Configured)
	case v.Level != v.Configured:
		fmt.Fprintf(&b, " until the next start, then %s", v.Configured)
	}
	return b.String()
}
