package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
)

// privileged is the level that sees numbers whole; unprivileged is where `disable` leads, and above it the prompt ends in #, as in IOS.
const (
	privileged   = 15
	unprivileged = 1
)

// textUnauthorized is IOS's for a command that AAA does not allow, or that nobody could be asked about.
const textUnauthorized = "Command authorization failed.\n"

// admitted begins what AAA granted to an admitted caller, a host or the EXEC, and runs it until it ends.
func (s *session) admitted(ctx context.Context, res aaa.Result) ending {
	s.open.admitted = true
	auth := res.Auth
	if text := display(cmp.Or(auth.ReplyMessage, res.Message)); text != "" {
		s.say(text + "\n")
	}
	if auth.SessionTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, auth.SessionTimeout, errSessionTimeout)
		defer cancel()
	}
	s.term.Idle = max(s.cfg.IdleTimeout, 0)
	if auth.IdleTimeout > 0 {
		s.term.Idle = auth.IdleTimeout
	}
	if auth.ACL != "" {
		s.debugf("exec: access class %s is told, not enforced", auth.ACL)
	}
	if auth.Host != nil {
		return s.hosted(ctx, auth)
	}
	x := &exec{session: s, res: res, level: min(max(auth.PrivLevel, 0), privileged)}
	return x.run(ctx)
}

// exec is the EXEC of an admitted caller.
type exec struct {
	*session
	res    aaa.Result // what AAA granted
	level  int        // privilege level, 0–15
	denied int        // wrong passwords for `enable`
	auto   bool       // the autocmd is at work
	joined *ending    // how the autocmd's connection to a host ended; nil it made none
}

// run carries out the autocmd, if there is one, and then what is typed.
func (x *exec) run(ctx context.Context) ending {
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
	for {
		switch err := x.commands().Step(ctx, x.term, x.prompt()); {
		case errors.Is(err, console.ErrExit):
			return ending{cause: aaa.CauseUserRequest, reason: "the caller left"}
		case err != nil:
			return x.interruptedBy(ctx, err)
		}
	}
}

func (x *exec) autocmdEnded() ending {
	if x.joined != nil {
		return *x.joined
	}
	return ending{cause: aaa.CauseUserRequest, reason: "the autocmd has ended"}
}

func (x *exec) prompt() string {
	if x.level > unprivileged {
		return x.cfg.Hostname + "#"
	}
	return x.cfg.Hostname + ">"
}

const helpText = `Type ? for the commands, or after a word for what may follow it.
A word may be shortened as long as no other begins alike: sh li is show line.
Tab completes a word, Ctrl-P and Ctrl-N walk through the lines typed before.
`

// commands are what the EXEC offers at the present privilege level.
func (x *exec) commands() *console.Tree {
	leave := func(context.Context, console.Args, io.Writer) error { return console.ErrExit }
	show := show{from: x.shower, whole: x.level >= privileged, now: time.Now}
	level := func(help string, run func(context.Context, console.Args, io.Writer) error) []console.Node {
		return []console.Node{{Word: "level", Kind: console.Number, Max: privileged, Help: help, Run: run}}
	}
	return &console.Tree{Before: x.before, Commands: []console.Node{
		x.connectNode("connect"),
		{Word: "disable", Help: "Turn off privileges", Run: x.disable, Next: level("Privilege level to go to", x.disable)},
		{Word: "enable", Help: "Turn on privileges", Run: x.enable, Next: level("Privilege level to go to", x.enable)},
		{Word: "exit", Help: "Leave the EXEC", Run: leave},
		{Word: "help", Help: "How to get help", Run: func(_ context.Context, _ console.Args, w io.Writer) error {
			_, err := io.WriteString(w, helpText)
			return err
		}},
		{Word: "logout", Help: "Leave the EXEC", Run: leave},
		{Word: "quit", Help: "Leave the EXEC", Run: leave},
		{Word: "show", Help: "Show what is going on", Next: []console.Node{
			{Word: "callback", Help: "Callbacks that are promised or done", Run: show.callbacks},
			{Word: "line", Help: "Lines and their state", Run: show.lines, Next: []console.Node{
				{Word: "tty", Kind: console.Number, Max: maxTTY, Help: "One line by its number", Run: show.lines},
			}},
			{Word: "privilege", Help: "The present privilege level", Run: x.showPrivilege},
			{Word: "users", Help: "Who is on which line", Run: show.users},
		}},
		x.connectNode("telnet"),
	}}
}

// maxTTY is the highest line number that `show line` takes.
const maxTTY = 99999

// harmless are the commands that nobody is asked about: whoever wants fewer rights, or to go, may.
var harmless = []string{"disable", "exit", "logout", "quit"}

// before asks AAA whether a command may be run, and reports it where it may.
func (x *exec) before(ctx context.Context, words []string) (refusal string) {
	if !slices.Contains(harmless, words[0]) && !x.allowed(ctx, words) {
		return textUnauthorized
	}
	r := x.open.report
	r.Kind, r.Time, r.Command, r.PrivLevel = Command, time.Now(), strings.Join(words, " "), x.level
	x.tell(context.WithoutCancel(ctx), r)
	return ""
}

func (x *exec) allowed(ctx context.Context, words []string) bool {
	r := x.request(x.res.Identity.User, "")
	r.Entry = "" // the entry that authenticated need not be one that authorizes
	res := x.login.Command(ctx, aaa.Question{
		Request: r, Identity: x.res.Identity, Granted: x.res.Auth, PrivLevel: x.level, Command: words,
	})
	switch {
	case ctx.Err() != nil: // whatever the answer is, it came too late
		return false
	case res.Kind == aaa.Granted && res.Auth.Refuse == "":
		return true
	}
	x.debugf("command: %v: %q is not allowed: %v: %s", x.res.Identity, strings.Join(words, " "), res.Kind, x.scrub(cmp.Or(res.Auth.Refuse, res.Reason)))
	return false
}

// Unservable says why an EXEC login that AAA granted would be refused by sessions of this Config; "" where it would not.
func Unservable(cfg Config, auth aaa.Authorization) string {
	return (&session{cfg: cfg.withDefaults()}).unservable(auth)
}

// unservable says why a grant cannot be honoured here; "" where it can. What AAA granted is never left out silently: a caller who
// was to be locked into an autocmd or on a host must not find himself at an EXEC.
func (s *session) unservable(auth aaa.Authorization) string {
	switch {
	case auth.Refuse != "":
		return auth.Refuse
	case auth.Autocmd != "" && auth.Host != nil:
		return "both a host and an autocmd: one session is one of them"
	case auth.Host != nil:
		return s.unjoinable(*auth.Host)
	case auth.Autocmd != "":
		m, err := (&exec{session: s}).commands().Lookup(auth.Autocmd)
		if err != nil {
			return fmt.Sprintf("autocmd %q: %s", auth.Autocmd, strings.TrimPrefix(err.Error(), "% "))
		}
		if m == nil {
			return fmt.Sprintf("autocmd %q: it is blank", auth.Autocmd)
		}
		if host := m.Args["host"]; host != "" {
			if why := s.cfg.Hosts.unreachable(host, m.Args); why != "" {
				return fmt.Sprintf("autocmd %q: %s", auth.Autocmd, why)
			}
		}
	}
	return ""
}
