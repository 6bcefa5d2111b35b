package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/ringback/ringback/aaa/load"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newAAALoad() *cobra.Command {
	f := loadFlags{}
	c := &cobra.Command{
		Use: "load -n COUNT -p PARALLEL {--user USER --password-file FILE | --users FILE} [--server NAME | " +
			"--address HOST --secret-file FILE]",
		Short: "load-test an AAA server",
		Long: `Makes COUNT logins at an AAA server, PARALLEL at a time, and prints how many were granted, refused or unanswered, the
latency of the answers, and the CPU time of this process per login. Replies are verified as in the daemon; nothing is
dialed. With TACACS+ a login is an authentication and, if it was granted, the authorization of an EXEC.

The server is named in a configuration (-c, --server) or on the command line (--address, --secret-file, --protocol).
--users takes the users in turn from a file of "user,password" lines. Wrong passwords are allowed: a rejection counts as
an answer.

Run it only against a server that may be loaded, and with users that wrong passwords do not lock out. Ctrl-C stops it
and prints the results so far. Exit status 0: every login got an authentic answer; 1: one or more did not, or the run
was interrupted.`,
		Example: `  ringback aaa load -n 20000 -p 128 --user austin-01 --password-file austin-01.password -c ringback.yaml
  ringback aaa load -n 20000 -p 128 --users users.csv --address 192.0.2.1 --secret-file radius.secret
  ringback aaa load -n 5000 -p 64 --users users.csv --address 192.0.2.1 --secret-file tacacs.key --protocol tacacs -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return aaaLoad(cmd.Context(), &f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f.add(c)
	return c
}

// loadFlags are the flags of `aaa load`.
type loadFlags struct {
	daemonFlags
	loadServerFlags
	count, parallel, cpus int
	user, password, csv   string
}

func (f *loadFlags) add(c *cobra.Command) {
	fl := c.Flags()
	fl.IntVarP(&f.count, "count", "n", 1000, "number of logins")
	fl.IntVarP(&f.parallel, "parallel", "p", 16, "logins in parallel")
	fl.IntVar(&f.cpus, "cpus", 1, "CPUs to use (0 = all)")
	fl.StringVar(&f.user, "user", "", "user name to log in with")
	fl.StringVar(&f.password, "password-file", "", "file that contains only the password of --user")
	fl.StringVar(&f.csv, "users", "", "file of users to take in turn, a line each: user,password")
	f.loadServerFlags.add(fl)
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
}

func (f *loadFlags) check() error {
	one, many := f.user != "" || f.password != "", f.csv != ""
	switch {
	case f.count < 1:
		return misused("-n %d: must be 1 or greater", f.count)
	case f.parallel < 1:
		return misused("-p %d: must be 1 or greater", f.parallel)
	case f.cpus < 0:
		return misused("--cpus %d: must be 0 (all) or greater", f.cpus)
	case one == many:
		return misused("no user given: use --user with --password-file, or --users")
	case one && (f.user == "" || f.password == ""):
		return misused("--user and --password-file must be given together")
	}
	return errors.Join(f.daemonFlags.check(), f.loadServerFlags.check())
}

func aaaLoad(ctx context.Context, f *loadFlags, stdout, stderr io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	users, err := f.logins(ctx)
	if err != nil {
		return err
	}
	target, err := f.target(ctx, stderr)
	if err != nil {
		return err
	}
	defer target.Close()
	if f.cpus > 0 { // with one CPU, threads wake each other less, and a server on this machine can use the others
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(f.cpus))
	}
	l := load.New(target, users, f.count, min(f.parallel, f.count))
	stop := func() {}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		stop = drawProgress(octets(stderr), l, 200*time.Millisecond)
	}
	l.Run(ctx)
	stop()
	report := l.Report()
	if err := f.print(stdout, report, func(w io.Writer) { loadText(w, report) }); err != nil {
		return err
	}
	if report.Answers.Lost() > 0 || report.Done < report.Logins {
		return exitStatus(1)
	}
	return nil
}

// drawProgress draws l's progress until the returned function is called, which waits for the last drawing and
// erases it.
func drawProgress(w io.Writer, l *load.Load, every time.Duration) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			fmt.Fprint(w, "\r\x1b[K", loadProgress(l.Progress(time.Now())))
			select {
			case <-tick.C:
			case <-done:
				fmt.Fprint(w, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
