package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

// Limits of --watch.
const (
	usualWatch = "2s"
	leastWatch = 500 * time.Millisecond
)

// addWatch adds --watch to all commands below c that print something.
func addWatch(c *cobra.Command) {
	for _, sub := range c.Commands() {
		addWatch(sub)
	}
	run := c.RunE
	if run == nil {
		return
	}
	var every time.Duration
	c.Flags().DurationVar(&every, "watch", 0,
		"print it again at this interval until Ctrl-C ("+usualWatch+" if none is given)")
	c.Flags().Lookup("watch").NoOptDefVal = usualWatch
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case !cmd.Flags().Changed("watch"):
			return run(cmd, args)
		case every < leastWatch:
			return misused("--watch %v: must be %v or more", every, leastWatch)
		}
		return watch(cmd, every, func() error { return run(cmd, args) })
	}
}

// watch runs a command again and again until Ctrl-C. On a terminal, each output takes the place of the one before. An
// error is printed like output, because the daemon may come back; wrong use ends it.
func watch(cmd *cobra.Command, every time.Duration, run func() error) error {
	w := cmd.OutOrStdout()
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		var out bytes.Buffer
		cmd.SetOut(&out)
		err := run()
		cmd.SetOut(nil)
		var status exitStatus
		switch {
		case errors.As(err, &misuse{}):
			return err
		case err != nil && cmd.Context().Err() == nil && !errors.As(err, &status):
			fmt.Fprintln(&out, console.Clean(err.Error()))
		}
		if _, err := io.WriteString(w, page(cmd, every, out.String())); err != nil {
			return err
		}
		select {
		case <-again.C:
		case <-cmd.Context().Done():
			return nil
		}
	}
}

// page is an output of watch: on a terminal, a screen with a heading.
func page(cmd *cobra.Command, every time.Duration, out string) string {
	_, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil {
		return out
	}
	heading := fmt.Sprintf("%s  every %v: %s\n\n", tables.Here().Clock(time.Now()), every, cmd.CommandPath())
	lines := strings.SplitAfter(heading+out, "\n")
	return "\x1b[H\x1b[2J" + strings.Join(lines[:min(len(lines), max(rows-1, 3))], "")
}
