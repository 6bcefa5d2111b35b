package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageStatus is the exit status of a command with wrong arguments or flags.
const usageStatus = 2

// usageError is a mistake on the command line of a command.
type usageError struct {
	cmd *cobra.Command
	err error
}

func (e usageError) Error() string {
	path := strings.TrimPrefix(e.cmd.CommandPath(), e.cmd.Root().Name()+" ")
	return strings.TrimPrefix(path+": ", e.cmd.Root().Name()+": ") + e.err.Error()
}

// line is the usage of the command.
func (e usageError) line() string {
	if line := e.cmd.UseLine(); e.cmd.Runnable() {
		return line
	}
	return e.cmd.CommandPath() + " COMMAND"
}

func (e usageError) Unwrap() error { return e.err }

// misuse is a mistake on the command line that a command finds itself: a flag that is required, a value that is wrong.
// checkUsage makes it a usageError.
type misuse struct{ error }

func (m misuse) Unwrap() error { return m.error }

func misused(format string, args ...any) error { return misuse{fmt.Errorf(format, args...)} }

// checkUsage makes the mistakes on the command lines of all commands a usageError, in our words.
func checkUsage(root *cobra.Command) {
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{cmd, flagError(err)} })
	var all func(*cobra.Command)
	all = func(c *cobra.Command) {
		if check := c.Args; check != nil {
			c.Args = func(cmd *cobra.Command, args []string) error {
				if err := check(cmd, args); err != nil {
					return usageError{cmd, argsError(args, err)}
				}
				return nil
			}
		}
		if run := c.RunE; run != nil {
			c.RunE = func(cmd *cobra.Command, args []string) error {
				err := run(cmd, args)
				if _, ok := errors.AsType[misuse](err); ok {
					return usageError{cmd, err}
				}
				return err
			}
		}
		for _, sub := range c.Commands() {
			all(sub)
		}
	}
	all(root)
}

// argsError says which arguments were given, if cobra's message is about their number.
func argsError(args []string, err error) error {
	for _, of := range []string{"accepts ", "requires ", "unknown command "} {
		if strings.HasPrefix(err.Error(), of) {
			if len(args) == 0 {
				return errors.New("an argument is missing")
			}
			return fmt.Errorf("wrong number of arguments: %q", args)
		}
	}
	return err
}

// flagError says what a flag's value must be.
func flagError(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	must := map[string]string{
		"duration": "a duration, with units: 90m, 4h or 1h30m (h, m and s are possible; a day is 24h)",
		"int":      "a whole number",
		"bool":     "true or false",
		"float64":  "a number",
	}[invalid.GetFlag().Value.Type()]
	if must == "" {
		return err
	}
	return fmt.Errorf("--%s %q: must be %s", invalid.GetFlag().Name, invalid.GetValue(), must)
}
