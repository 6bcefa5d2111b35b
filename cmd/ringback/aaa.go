package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/policies"
)

func newAAA() *cobra.Command {
	c := &cobra.Command{Use: "aaa", Short: "ask the configured AAA servers, without the daemon"}
	c.AddCommand(newAAATest())
	return c
}

func newAAATest() *cobra.Command {
	var path, list string
	var f daemonFlags
	c := &cobra.Command{
		Use:   "test USER",
		Short: "log a user in as a caller would be, and explain what would become of him",
		Long: `Asks the servers of a configuration as a login on a line would, prints what was sent, what came, and what the policy decides of it.
Nobody is dialled. The password is asked for on a terminal and read from standard input else, a line each for it and for the answers to challenges.
Exit status 0: granted; 1: refused, or nobody answered.`,
		Example: "  ringback aaa test austin-01 -c ringback.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			cfg, problems := config.Load(path, nil)
			if cfg == nil {
				printProblems(cmd.ErrOrStderr(), problems)
				return exitStatus(1)
			}
			return aaaTest(cmd.Context(), cfg, list, args[0], &f, cmd.OutOrStdout())
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file")
	c.Flags().StringVar(&list, "list", "default", "the login method list")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// aaaReport is what `aaa test` prints.
type aaaReport struct {
	User          string             `json:"user"`
	Result        string             `json:"result"` // granted, refused, silent
	Reason        string             `json:"reason,omitempty"`
	Message       string             `json:"message,omitempty"` // what the server would have the caller told
	Entry         string             `json:"entry,omitempty"`
	Server        string             `json:"server,omitempty"`
	Authorization *aaa.Authorization `json:"authorization,omitempty"`
	Decision      *policies.Decision `json:"decision,omitempty"`
	Trace         policies.Trace     `json:"trace,omitempty"`
	Packets       []radius.Event     `json:"packets"`
	Silent        []silence          `json:"silent,omitempty"` // methods that gave no answer
}

// silence is why a method gave no answer.
type silence struct {
	Method string `json:"method"`
	Reason string `json:"reason"`
}

func aaaTest(ctx context.Context, cfg *config.Config, listName, user string, f *daemonFlags, w io.Writer) error {
	report := aaaReport{User: user, Packets: []radius.Event{}}
	var mu sync.Mutex
	var client *radius.Client
	if len(cfg.RADIUS.Servers) > 0 {
		rc := cfg.RADIUS
		rc.Trace = func(e radius.Event) {
			mu.Lock()
			defer mu.Unlock()
			report.Packets = append(report.Packets, e)
		}
		var err error
		if client, err = radius.New(rc); err != nil {
			return err
		}
		defer client.Close()
	}
	logins, err := loginLists(cfg, client, func(method, _, reason string) {
		report.Silent = append(report.Silent, silence{method, reason})
	})
	if err != nil {
		return err
	}
	login, ok := logins[listName]
	if !ok {
		return fmt.Errorf("there is no login list %q (aaa.lists.login)", listName)
	}
	ask := newAsker()
	password, err := ask("Password: ", false)
	if err != nil {
		return err
	}
	conv, res := login.Start(ctx, aaa.Request{Service: aaa.EXEC, User: user, Password: aaa.Secret(password)})
	for res.Kind == aaa.Prompt {
		answer, err := ask(console.CleanText(res.Message), res.Echo)
		if err != nil {
			return err
		}
		res = conv.Answer(ctx, aaa.Secret(answer))
	}
	report.fill(cfg, res)
	mu.Lock()
	defer mu.Unlock()
	if err := f.print(w, report, report.text); err != nil {
		return err
	}
	if res.Kind != aaa.Granted {
		return exitStatus(1)
	}
	return nil
}

func (r *aaaReport) fill(cfg *config.Config, res aaa.Result) {
	r.Result, r.Reason, r.Message, r.Server = res.Kind.String(), res.Reason, res.Message, res.Server
	if res.Kind != aaa.Granted {
		return
	}
	r.Entry, r.Authorization = res.Identity.Entry, &res.Auth
	d, t := cfg.Policies.Evaluate(policies.Request{
		Identity: res.Identity, Auth: res.Auth, Service: aaa.EXEC, Leg: 1, Enabled: cfg.Exec.Callback, Places: cfg.Places, Plan: cfg.Plan,
	})
	r.Decision, r.Trace = &d, t
}

func (r *aaaReport) text(w io.Writer) {
	for _, e := range r.Packets {
		arrow := "<-"
		if e.Sent {
			arrow = "->"
		}
		fmt.Fprintf(w, "%s %s: %s\n", arrow, e.Server, e.What)
		for _, l := range e.Lines {
			fmt.Fprintf(w, "     %s\n", l)
		}
	}
	for _, s := range r.Silent {
		if r.Result == aaa.Silent.String() {
			break // the result says it all
		}
		fmt.Fprintf(w, "\nmethod %s is silent: %s\n", s.Method, s.Reason)
	}
	fmt.Fprintf(w, "\nuser %s: %s", r.User, r.Result)
	if r.Server != "" {
		fmt.Fprintf(w, " by %s", r.Server)
	}
	if r.Reason != "" {
		fmt.Fprintf(w, ": %s", r.Reason)
	}
	fmt.Fprintln(w)
	if r.Authorization != nil {
		data, _ := json.MarshalIndent(r.Authorization, "  ", "  ")
		fmt.Fprintf(w, "\nauthorization\n  %s\n", data)
	}
	if r.Decision != nil {
		fmt.Fprintf(w, "\ndecision of group %s: %s: %s\n", r.Decision.Group, r.Decision.Outcome, r.Decision.Reason)
		if r.Decision.Hint != "" {
			fmt.Fprintf(w, "  hint: %s\n", r.Decision.Hint)
		}
		fmt.Fprintf(w, "%s", r.Trace)
	}
}

// newAsker asks on the terminal, without echo where it must, or reads lines of standard input.
func newAsker() func(prompt string, echo bool) (string, error) {
	in := bufio.NewReader(os.Stdin)
	fd := int(os.Stdin.Fd())
	return func(prompt string, echo bool) (string, error) {
		if term.IsTerminal(fd) {
			fmt.Fprint(os.Stderr, prompt)
			if !echo {
				b, err := term.ReadPassword(fd)
				fmt.Fprintln(os.Stderr)
				return string(b), err
			}
		}
		line, err := in.ReadString('\n')
		if err != nil && (line == "" || !errors.Is(err, io.EOF)) {
			return "", fmt.Errorf("read the answer to %q from standard input: %w", prompt, err)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
}
