// Package cli is the command line. Each command has a file; it reads flags, calls one package and prints the
// result.
package cli

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

// Run runs the command named by args on the process's standard streams and returns the exit status: 1 for a failure,
// usageStatus for a mistake on the command line. It prints errors. SIGINT and SIGTERM end the command. version is the
// release, "" for a build without one.
func Run(version string, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	out, errs := &output{w: os.Stdout}, &output{w: os.Stderr}
	root := newRoot(versionText(version))
	root.SetOut(out)
	root.SetErr(errs)
	if len(args) == 1 && (args[0] == "--version" || args[0] == "-v") {
		args = []string{"version"}
	}
	root.SetArgs(args)
	err := unknownCommand(root, args)
	if err == nil {
		err = root.ExecuteContext(ctx)
	}
	var status exitStatus
	if failed := out.failed(); failed != nil && (err == nil || errors.As(err, &status) || errors.Is(err, failed)) {
		err = fmt.Errorf("write to standard output: %w", failed)
	}
	var usage usageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage):
		fmt.Fprintf(errs, "ringback: %v\nusage: %s\n", err, usage.line())
		return usageStatus
	default:
		fmt.Fprintf(errs, "ringback: %v\n", err)
		return 1
	}
}

// unknownCommand rejects commands such as `ringback show nosuch`, for which cobra would print the help of
// `ringback show` without an error, and `ringback nosuch`.
func unknownCommand(root *cobra.Command, args []string) error {
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		return nil // a shell asks; cobra adds the command when it runs
	}
	c, rest, err := root.Find(args)
	if err != nil {
		return usageError{root, err}
	}
	if c.Runnable() || len(rest) == 0 || strings.HasPrefix(rest[0], "-") {
		return nil // cobra, or the command, checks these
	}
	if c.Name() == "cancel" && len(rest) == 1 {
		return usageError{c, fmt.Errorf("unknown command %q; a callback is cancelled by: ringback cancel callback %s",
			rest[0], rest[0])}
	}
	var names []string
	for _, sub := range c.Commands() {
		names = append(names, sub.Name())
	}
	return usageError{c, fmt.Errorf("unknown command %q; valid commands: %s", rest[0],
		strings.Join(names, ", "))}
}

// New returns the command tree of a binary of the version, for the programs that print its documentation.
func New(version string) *cobra.Command { return newRoot(version) }

// exitStatus is an error that was printed already; only the exit status remains.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func newRoot(version string) *cobra.Command {
	root := &cobra.Command{
		Use:   "ringback",
		Short: "callback broker for modems: authenticates callers with AAA, hangs up, and calls back",
		Long: `ringback answers modems, authenticates callers via RADIUS or TACACS+, hangs up, and calls the user back at the number
that AAA supplies, or at a number that the caller types and then logs in from again.

Try it without modem, server or configuration:

  ringback lab            a simulated telephone network, modems, RADIUS server and daemon on this machine

Run it:

  ringback check-config -c ringback.yaml      list all errors of a configuration
  ringback serve -c ringback.yaml             the daemon
  ringback show line                          the state of a running daemon
  ringback debug callback chat                stream live debug events`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	// cobra's own --version uses text/template, which looks up methods by name: the linker would keep every
	// exported method of every type, 2 MB.
	root.Flags().BoolP("version", "v", false, "version for ringback")
	root.AddCommand(newHooks())
	addRemote(root)
	root.AddCommand(newServe(version), newCheckConfig(), newDoctor(), newShow(), newDebug(), newEvents(), newConsole(),
		newClear(), newCancel(), newRetry(), newLine(), newStartChat(), newCall(),
		newLockdown(), newLog(), newReload(), newPPP(),
		newModem(), newPage(), newVersion(version), newAAA(), newPolicy(), newReport(), newJournal(), newAudit(),
		newLab(), newAPI())
	root.AddCommand(newRecording(), newTrigger(), newCallback(), newDrain(), newUndrain(), newConfig(),
		newFleet(),
		newSupportBundle(version))
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newCompletion(), newInit(), newImport(), newExport())
	completeNames(root)
	checkUsage(root)
	return root
}
