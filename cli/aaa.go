package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/explain"
)

func newAAA() *cobra.Command {
	c := &cobra.Command{Use: "aaa", Short: "ask the configured AAA servers, without the daemon"}
	c.AddCommand(newAAATest(), newAAALoad())
	return c
}

// testFlags are what `aaa test` is told.
type testFlags struct {
	daemonFlags
	path, list, service, auth, caller string
	tty                               int
	explain                           bool
}

func newAAATest() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test USER",
		Short: "log a user in as a caller would be, and explain what would become of him",
		Long: `Asks the servers of a configuration as a login on a line would, prints what was sent and what came, and what would happen: admitted, called back
by which line at which number, asked for a number, or refused, and why. Nobody is dialled, nothing is accounted.

With --explain each attribute of the reply is told with the dialect that it belongs to and what it was taken for, and the policy's decision rule by
rule. --line takes the method lists and the rotary of that line, --caller is the number that rings.

The password is asked for on a terminal and read from standard input else, a line each for it and for the answers to the server's questions.
Exit status 0: he would be admitted, called back, or asked for a number; 1: he would be refused, by AAA or by the policy, or nobody answered.`,
		Example: `  ringback aaa test austin-01 -c ringback.yaml --explain
  ringback aaa test ppp-user -c ringback.yaml --service ppp --auth chap --line 65 --caller 84001 -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			cfg, problems := config.Load(f.path, nil)
			if cfg == nil {
				printProblems(cmd.ErrOrStderr(), problems)
				return exitStatus(1)
			}
			return f.run(cmd.Context(), cfg, args[0], cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	fl.StringVarP(&f.path, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file")
	fl.StringVar(&f.service, "service", "exec", "what the caller begins: exec or ppp")
	fl.StringVar(&f.auth, "auth", "pap", "how the password is proven: pap or chap")
	fl.IntVar(&f.tty, "line", 0, "the line that is called, a TTY number (default: none in particular)")
	fl.StringVar(&f.caller, "caller", "", "the number that rings")
	fl.StringVar(&f.list, "list", "default", "the method list, where no --line is given")
	fl.BoolVar(&f.explain, "explain", false, "tell what each attribute was taken for, and the policy's rules one by one")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

func (f *testFlags) check() error {
	switch {
	case f.service != "exec" && f.service != "ppp":
		return fmt.Errorf("--service %s: there are exec and ppp", f.service)
	case f.auth != "pap" && f.auth != "chap":
		return fmt.Errorf("--auth %s: there are pap and chap", f.auth)
	}
	return f.daemonFlags.check()
}

func (f *testFlags) run(ctx context.Context, cfg *config.Config, user string, w io.Writer) error {
	ask := newAsker()
	q := explain.Question{
		User: user, Service: aaa.Service(f.service), CHAP: f.auth == "chap", Line: f.tty, List: f.list, Caller: f.caller,
		Password: func(ctx context.Context) (string, error) { return ask.ask(ctx, "Password: ", false) },
		Answer: func(ctx context.Context, prompt string, echo bool) (string, error) {
			return ask.ask(ctx, console.CleanText(prompt), echo)
		},
	}
	report, err := explain.Login(ctx, cfg, q)
	if errors.Is(err, explain.ErrNoLine) {
		return fmt.Errorf("--line %d: %w", f.tty, err)
	}
	if err != nil {
		return err
	}
	if err := f.print(w, report, func(w io.Writer) { reportText(w, report, f.explain) }); err != nil {
		return err
	}
	if report.Verdict == explain.Refuse {
		return exitStatus(1)
	}
	return nil
}
