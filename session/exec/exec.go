package exec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/commands"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// privileged is the level of operators. unprivileged is the default level of `disable`; above it, the prompt ends in #,
// as in IOS.
const (
	privileged   = commands.Privileged
	unprivileged = 1
)

// admitted runs the session granted by AAA, a host connection or the EXEC, until it ends.
func (s *dialogue) admitted(res aaa.Result) session.Ending {
	ctx, release := s.Admit()
	defer release()
	res.Auth = s.Granted()
	s.cfg.Hosts.Within = s.Terms().Hosts
	auth := res.Auth
	if r := s.Recorder(); r != nil {
		s.term.Shown = r.Output
		program := auth.Host != nil && auth.Host.Service == aaa.TCPClear
		if text := s.notice(); text != "" && !program {
			s.say(text + "\n")
		}
	}
	if text := display(cmp.Or(auth.ReplyMessage, res.Message)); text != "" && s.command == "" {
		s.say(text + "\n")
	}
	if s.then != nil {
		return s.then(ctx, s.Session, res)
	}
	s.term.Idle = max(s.cfg.IdleTimeout, 0)
	if auth.IdleTimeout > 0 {
		s.term.Idle = auth.IdleTimeout
	}
	if auth.ACL != "" {
		s.Debugf("exec: access class %s is reported, not enforced", auth.ACL)
	}
	if auth.Host != nil {
		return s.hosted(ctx, auth)
	}
	x := &exec{dialogue: s, res: res, level: min(max(auth.PrivLevel, 0), privileged), ppp: s.Serving(aaa.PPP)}
	defer x.close()
	return x.run(ctx)
}

// exec is the EXEC session of an admitted caller.
type exec struct {
	*dialogue
	res aaa.Result // granted by AAA

	level  int              // privilege level, 0–15
	denied int              // wrong `enable` passwords
	auto   bool             // an autocmd is running
	joined *session.Ending  // how the autocmd's host connection ended, or why there is no PPP; nil if neither
	ppp    session.FrontEnd // nil: the line does not serve PPP
	asks   asks
}

// run executes the autocmd, or else the commands typed.
func (x *exec) run(ctx context.Context) session.Ending {
	if line := x.res.Auth.Autocmd; line != "" {
		x.auto = true
		err := x.commands().Execute(ctx, x.term, line)
		x.auto = false
		switch {
		case err != nil && !errors.Is(err, console.ErrExit):
			return x.interruptedBy(ctx, err)
		case err != nil || !x.res.Auth.NoHangup:
			return x.autocmdEnded()
		}
	}
	if x.command != "" {
		return x.runOne(ctx)
	}
	x.asks.base = ctx
	for {
		switch err := x.commands().Step(ctx, x.term, x.prompt()); {
		case errors.Is(err, console.ErrExit):
			return session.Ending{Cause: aaa.CauseUserRequest, Reason: "caller logged out"}
		case err != nil:
			return x.interruptedBy(ctx, err)
		}
	}
}

func (x *exec) autocmdEnded() session.Ending {
	if x.joined != nil {
		return *x.joined
	}
	return session.Ending{Cause: aaa.CauseUserRequest, Reason: "autocmd ended"}
}

func (x *exec) prompt() string {
	if x.level > unprivileged {
		return x.cfg.Hostname + "#"
	}
	return x.cfg.Hostname + ">"
}

// commands returns the commands available at the current privilege level.
func (x *exec) commands() *console.Tree {
	leave := func(context.Context, console.Args, io.Writer) error { return console.ErrExit }
	level := func(run func(context.Context, console.Args, io.Writer) error) []console.Node {
		return []console.Node{{Word: "level", Kind: console.Number, Max: privileged, Help: texts.HelpLevel, Run: run}}
	}
	nodes := slices.Concat(x.user().Nodes(), []console.Node{
		x.connectNode("connect"),
		{Word: "disable", Help: texts.HelpDisable, Run: x.disable, Next: level(x.disable)},
		{Word: "enable", Help: texts.HelpEnable, Run: x.enable, Next: level(x.enable)},
		{Word: "exit", Help: texts.HelpExit, Run: leave},
		{Word: "help", Help: texts.HelpHelp, Run: func(_ context.Context, _ console.Args, w io.Writer) error {
			_, err := io.WriteString(w, x.text(texts.EXECHelp))
			return err
		}},
		{Word: "logout", Help: texts.HelpExit, Run: leave},
		{Word: "quit", Help: texts.HelpExit, Run: leave},
		x.connectNode("telnet"),
	}, x.pppNodes())
	slices.SortStableFunc(nodes, func(a, b console.Node) int { return strings.Compare(a.Word, b.Word) })
	return &console.Tree{Before: x.before, Commands: nodes}
}

// harmless are the commands without authorization: a user may always give up privileges, log out, or change the pages
// of the own terminal.
var harmless = []string{"disable", "exit", "logout", "quit", "terminal"}

// before authorizes a command with AAA, and reports it if it is allowed.
func (x *exec) before(ctx context.Context, words []string) (refusal string) {
	if !slices.Contains(harmless, words[0]) && !(x.has(words[0]) && x.allowed(ctx, words)) {
		return x.text(texts.EXECUnauthorized) + "\n" // IOS has an empty row behind it, too
	}
	x.Command(ctx, strings.Join(words, " "), x.level)
	return ""
}

// has reports whether the policy leaves the session a command.
func (x *exec) has(command string) bool {
	commands := x.Terms().Commands
	if commands == nil || slices.Contains(commands, command) {
		return true
	}
	x.Debugf("command: %v: %s is not one of the policy's exec.commands", x.res.Identity, command)
	return false
}

func (x *exec) allowed(ctx context.Context, words []string) bool {
	r := x.Request(x.res.Identity.User, "")
	r.Entry = "" // the entry that authenticated may differ from the one that authorizes
	res := x.AAA().Command(ctx, aaa.Question{
		Request: r, Identity: x.res.Identity, Granted: x.res.Auth, PrivLevel: x.level, Command: words,
	})
	switch {
	case ctx.Err() != nil: // too late for any answer
		return false
	case res.Kind == aaa.Granted && res.Auth.Refuse == "":
		return true
	}
	x.Debugf("command: %v: %q is not allowed: %v: %s", x.res.Identity, strings.Join(words, " "), res.Kind,
		x.Scrub(cmp.Or(res.Auth.Refuse, res.Reason)))
	return false
}

// Unservable implements session.FrontEnd: a user restricted to an autocmd or a host must not get an EXEC.
func (f *FrontEnd) Unservable(auth aaa.Authorization) string {
	switch {
	case auth.Refuse != "":
		return auth.Refuse
	case f.then != nil: // hosts and commands are of the EXEC
		return ""
	case auth.Autocmd != "" && auth.Host != nil:
		return "both a host and an autocmd, which exclude each other"
	case auth.Host != nil:
		return f.cfg.Hosts.unjoinable(*auth.Host)
	case auth.Autocmd != "":
		return f.unrunnable(auth.Autocmd)
	}
	return ""
}

// unrunnable returns why an autocmd cannot be run; "" if no reason is known without trying.
func (f *FrontEnd) unrunnable(autocmd string) string {
	m, err := (&exec{dialogue: &dialogue{cfg: f.cfg}}).commands().Lookup(autocmd)
	switch {
	case err != nil:
		return fmt.Sprintf("autocmd %q: %s", autocmd, strings.TrimPrefix(err.Error(), "% "))
	case m == nil:
		return fmt.Sprintf("autocmd %q: it is blank", autocmd)
	case m.Words[0] == "slip":
		return fmt.Sprintf("autocmd %q: %v", autocmd, errSLIP)
	}
	if host := m.Args["host"]; host != "" {
		if why := f.cfg.Hosts.unreachable(host, m.Args); why != "" {
			return fmt.Sprintf("autocmd %q: %s", autocmd, why)
		}
	}
	return ""
}
