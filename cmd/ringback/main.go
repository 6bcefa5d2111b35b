// Command ringback answers modems, asks AAA who is calling, hangs up and calls back. A file a command; `ringback --help` teaches them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set by the linker for a release; else the build's own information is shown.
var version = ""

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main for the tests' sake: it returns the exit status.
func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	default:
		fmt.Fprintf(os.Stderr, "ringback: %v\n", err)
		return 1
	}
}

// exitStatus is an error that was already told; only the exit status is left to give.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ringback",
		Short: "answers modems, asks AAA who is calling, hangs up and calls back",
		Long: `ringback answers your modems, asks your RADIUS server who is calling, hangs up, and calls the user back:
at the number that AAA fixed, or at one that the caller types and must log in from again.

Try it at home, without modem, server or configuration:

  ringback lab            a town on this machine: telephone exchange, modems, RADIUS server, and the daemon

Run it:

  ringback check-config -c ringback.yaml      all mistakes of a configuration at once
  ringback serve -c ringback.yaml             the daemon
  ringback show lines                         what a running daemon does
  ringback debug callback chat                what it does, as it does it`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServe(), newCheckConfig(), newShow(), newDebug(), newClear(), newCancel(), newVersion(), newAAA(), newLab())
	return root
}
