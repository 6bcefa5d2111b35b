package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
)

func newDebug() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "debug TOPIC…",
		Short: "stream live debug events of a running daemon",
		Long: `Shows events of the topics until Ctrl-C, with time stamps to the millisecond as IOS has them. The topics:

  callback   callback events
  chat       chat script activity
  modem      modem control and process activation
  aaa        AAA requests and replies
  all        all four topics

A line on standard error reports when the stream has started: events after that are not missed.`,
		Example:   "  ringback debug callback chat",
		ValidArgs: append([]string{"all"}, client.Topics...),
		Args:      debugTopics,
		RunE: func(cmd *cobra.Command, topics []string) error {
			if slices.Contains(topics, "all") {
				topics = client.Topics
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			listening := func() {
				fmt.Fprintf(cmd.ErrOrStderr(), "debugging %s; Ctrl-C ends\n", strings.Join(topics, " "))
			}
			return cl.Debug(ctx, topics, listening, func(e client.DebugEvent) {
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), debugLine(e, here())); err != nil {
					cancel()
				}
			})
		},
	}
	f.add(c)
	return c
}

// debugTopics requires one topic or more.
func debugTopics(c *cobra.Command, args []string) error {
	for _, a := range args {
		if !slices.Contains(c.ValidArgs, a) {
			return fmt.Errorf("unknown topic %q; valid topics: %s", a, strings.Join(c.ValidArgs, ", "))
		}
	}
	if len(args) == 0 {
		return fmt.Errorf("no topic given; valid topics: %s", strings.Join(c.ValidArgs, ", "))
	}
	return nil
}

// debugLine formats one event as IOS does: `*Nov 21 10:04:05.123: TTY65 …`.
func debugLine(e client.DebugEvent, at place) string {
	tty := ""
	if e.TTY != 0 {
		tty = fmt.Sprintf("TTY%d ", e.TTY)
	}
	return fmt.Sprintf("*%s: %s%s", at.stamp(e.Time), tty, e.Text)
}
