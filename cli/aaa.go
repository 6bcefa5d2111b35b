package cli

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
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

// line is the line that is called, or, without --line, one that has the list named.
func (f *testFlags) line(cfg *config.Config) (config.Line, error) {
	if f.tty == 0 {
		kind, _ := config.KindOf(config.Authentication, aaa.Service(f.service))
		if _, ok := cfg.Lists.Find(kind.Name, f.list); !ok {
			return config.Line{}, fmt.Errorf("there is no %s list %q (aaa.lists.%s)", kind.Name, f.list, kind.Name)
		}
		return config.Line{Config: lines.Config{Rotary: lines.NoRotary}, Lists: config.ListNames{kind.Name: f.list}}, nil
	}
	for _, l := range cfg.Lines {
		if l.TTY == f.tty {
			return l, nil
		}
	}
	return config.Line{}, fmt.Errorf("--line %d: the configuration has no such line", f.tty)
}

func (f *testFlags) run(ctx context.Context, cfg *config.Config, user string, w io.Writer) error {
	line, err := f.line(cfg)
	if err != nil {
		return err
	}
	report := &testReport{User: user, Service: aaa.Service(f.service), Line: line.TTY, Caller: f.caller, Packets: []methods.Packet{}}
	var mu sync.Mutex
	m, err := methods.New(cfg, methods.Options{Trace: func(p methods.Packet) {
		mu.Lock()
		defer mu.Unlock()
		report.Packets = append(report.Packets, p)
	}, Silent: func(method, _, reason string) {
		mu.Lock()
		defer mu.Unlock()
		report.Silent = append(report.Silent, silence{method, reason})
	}})
	if err != nil {
		return err
	}
	defer m.Close()
	login, err := m.Login(line)
	if err != nil {
		return err
	}
	res, err := f.login(ctx, login, user, line)
	if err != nil {
		return err
	}
	mu.Lock()
	defer mu.Unlock()
	report.fill(cfg, line, res)
	if err := f.print(w, report, func(w io.Writer) { report.text(w, f.explain) }); err != nil {
		return err
	}
	if report.Verdict == wouldRefuse {
		return exitStatus(1)
	}
	return nil
}

// login goes through the conversation, asking the operator what a caller would be asked.
func (f *testFlags) login(ctx context.Context, login aaa.Login, user string, line config.Line) (aaa.Result, error) {
	ask := newAsker()
	password, err := ask.ask(ctx, "Password: ", false)
	if err != nil {
		return aaa.Result{}, err
	}
	r := aaa.Request{Service: aaa.Service(f.service), User: user, Password: aaa.Secret(password), TTY: line.TTY, Caller: f.caller, Explain: true}
	if f.auth == "chap" {
		r.CHAP, r.Password = chap(password), ""
	}
	conv, res := login.Start(ctx, r)
	for res.Kind == aaa.Prompt {
		answer, err := ask.ask(ctx, console.CleanText(res.Message), res.Echo)
		if err != nil {
			return aaa.Result{}, err
		}
		res = conv.Answer(ctx, aaa.Secret(answer))
	}
	return res, nil
}

// chap is what a peer that knows the password answers to a challenge (RFC 1994 §4.1).
func chap(password string) *aaa.CHAP {
	c := &aaa.CHAP{ID: 1, Challenge: make([]byte, 16)}
	rand.Read(c.Challenge)
	sum := md5.Sum(append(append([]byte{c.ID}, password...), c.Challenge...))
	c.Response = sum[:]
	return c
}
