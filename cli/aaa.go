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
	"github.com/ringback/ringback/ppp/auth"
)

func newAAA() *cobra.Command {
	c := &cobra.Command{Use: "aaa", Short: "test the configured AAA servers without the daemon"}
	c.AddCommand(newAAATest(), newAAALoad())
	return c
}

// testFlags are the flags of `aaa test`.
type testFlags struct {
	daemonFlags
	config                              func() string
	list, service, auth, caller, called string
	number                              string
	tty                                 int
	site, explain                       bool
}

func newAAATest() *cobra.Command {
	var f testFlags
	c := &cobra.Command{
		Use:   "test USER",
		Short: "simulate a login or a dial-out and explain the decision",
		Long: `Sends the requests of a login on a line to the configured AAA servers. Prints the requests, the replies and the result:
admitted, called back (by which line, at which number), asked for a number, or rejected, and why. Nothing is dialed or
accounted.

With --explain it prints how each attribute of the reply was interpreted, its dialect, and each rule of the policy's
decision. --line uses the method lists and the rotary of that line; --caller is the calling number,
--called the number that the caller dialed.

An EXEC login sends the password. With --service ppp, --auth selects how the caller's client authenticates. The test
plays the client: it answers a random challenge with the password, and checks the proof of an MS-CHAPv2 server.
  pap         the password itself
  chap        MD5; the server needs the password in plain text
  ms-chap     MS-CHAP version 1, and
  ms-chap-v2  version 2; the server needs the password in plain text, or its NT hash
  eap         EAP-MD5, to see that the server has EAP; test other EAP methods with eapol_test or a real client
Local users need password_file for all but pap. TACACS+ has no EAP.

With --service outbound, it asks whether USER may dial out, and what AAA grants for that: numbers, scripts, the name and
the secret for the called system, which is shown as [secret]. With --site, USER is a site, about which it asks as
ringback call does, with the list and the password of dial_out; a site of the configuration has its profile there.

The password is read from the terminal, or from standard input: one line for the password and one for each answer to a
challenge. Exit status 0: the user would be admitted, called back, asked for a number, or may dial; 1: the user would be
rejected by AAA or by the policy, or no server answered.`,
		Example: `  ringback aaa test austin-01 -c ringback.yaml --explain
  ringback aaa test ppp-user -c ringback.yaml --service ppp --auth ms-chap-v2 --explain
  ringback aaa test ppp-user -c ringback.yaml --service ppp --auth eap --line 65 --caller 84001 -o json
  ringback aaa test harbor -c ringback.yaml --service outbound --site`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			cfg, problems := config.Load(f.config(), nil)
			if cfg == nil {
				printProblems(cmd.ErrOrStderr(), problems)
				return exitStatus(1)
			}
			return f.run(cmd.Context(), cfg, args[0], cmd.OutOrStdout())
		},
	}
	fl := c.Flags()
	f.config = addConfig(c)
	fl.StringVar(&f.service, "service", "exec", "service that is asked for: exec, ppp or outbound (a dial-out)")
	fl.StringVar(&f.auth, "auth", "pap", "authentication protocol of PPP: pap, chap, ms-chap, ms-chap-v2 or eap "+
		"(EAP-MD5)")
	fl.BoolVar(&f.site, "site", false, "with --service outbound: USER is a site, as for ringback call")
	fl.StringVar(&f.number, "number", "", "with --service outbound: number to dial, in the notation of callers "+
		"(default: the first that AAA fixes)")
	fl.IntVar(&f.tty, "line", 0, "called line, a TTY number (default: no line in particular)")
	fl.StringVar(&f.caller, "caller", "", "calling number")
	fl.StringVar(&f.called, "called", "", "number that the caller dialed")
	fl.StringVar(&f.list, "list", "default", "method list to use without --line")
	fl.BoolVar(&f.explain, "explain", false, "print how each attribute was interpreted, and each rule of the policy")
	fl.StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

func (f *testFlags) check() error {
	switch {
	case f.service != "exec" && f.service != "ppp" && f.service != "outbound":
		return misused("--service %s: must be exec, ppp or outbound", f.service)
	case f.service != "outbound" && (f.site || f.number != ""):
		return misused("--site and --number are of dial-outs (add --service outbound)")
	case f.method() == 0:
		return misused("--auth %s: must be pap, chap, ms-chap, ms-chap-v2 or eap", f.auth)
	case f.method() != auth.PAP && f.service != "ppp":
		return misused("--auth %s: a login that is not PPP sends a password (add --service ppp)", f.auth)
	}
	return f.daemonFlags.check()
}

// method returns the authentication protocol of --auth; 0 if there is none of that name.
func (f *testFlags) method() auth.Method {
	for m := auth.PAP; m <= auth.EAP; m++ {
		if m.String() == f.auth {
			return m
		}
	}
	return 0
}

func (f *testFlags) run(ctx context.Context, cfg *config.Config, user string, w io.Writer) error {
	ask := newAsker()
	q := explain.Question{
		User: user, Service: aaa.Service(f.service), Auth: f.method(), Line: f.tty, List: f.list,
		Caller: f.caller, Called: f.called, Site: f.site, Number: f.number,
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
