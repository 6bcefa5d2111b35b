// Command ringback answers modems, asks AAA who is calling, hangs up and calls back. A file a command; `ringback --help` teaches them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
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
	out := &output{w: os.Stdout}
	root := newRoot()
	root.SetOut(out)
	root.SetErr(os.Stderr)
	root.SetArgs(args)
	err := unknownCommand(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	var status exitStatus
	if failed := out.failed(); failed != nil && (err == nil || errors.As(err, &status) || errors.Is(err, failed)) {
		err = fmt.Errorf("write to standard output: %w", failed)
	}
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

// unknownCommand refuses `ringback show nosuch`, for which cobra would print the help of `ringback show` and be content.
func unknownCommand(root *cobra.Command, args []string) error {
	c, rest, err := root.Find(args)
	if err != nil || c.Runnable() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return nil // cobra's own to judge
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	return fmt.Errorf("unknown command %q for %q: there are %s", rest[0], c.CommandPath(), strings.Join(names, ", "))
}

// exitStatus is an error that was already told; only the exit status is left to give.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "ringback",
		Short: "answers modems, asks AAA who is calling, hangs up and calls back",
		Long: `ringback answers your modems, asks your RADIUS or TACACS+ servers who is calling, hangs up, and calls the user back:
at the number that AAA fixed, or at one that the caller types and must log in from again.

Try it at home, without modem, server or configuration:

  ringback lab            a town on this machine: telephone exchange, modems, RADIUS server, and the daemon

Run it:

  ringback check-config -c ringback.yaml      all mistakes of a configuration at once
  ringback serve -c ringback.yaml             the daemon
  ringback show lines                         what a running daemon does
  ringback debug callback chat                what it does, as it does it`,
		Version:       versionText(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate(versionLine())
	root.AddCommand(newServe(), newCheckConfig(), newShow(), newDebug(), newClear(), newCancel(), newVersion(), newAAA(), newLab())
	return root
}
