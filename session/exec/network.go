package exec

import (
	"context"
	"errors"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// Then serves a user who has logged in, in place of the EXEC, and blocks until the session is over. ctx ends with the
// session, or at its time limit.
type Then func(ctx context.Context, s *session.Session, res aaa.Result) session.Ending

// Instead returns a front end for another service, with the same login. Its users get then in place of the EXEC.
func (f *FrontEnd) Instead(service aaa.Service, then Then) *FrontEnd {
	return &FrontEnd{cfg: f.cfg, service: service, then: then}
}

// Banner returns the text before the first login prompt; "" for none.
func (f *FrontEnd) Banner() string { return console.CleanText(f.cfg.Banner) }

// Texts prints the texts for a user whose protocol has its own prompts, and UTF-8.
func (f *FrontEnd) Texts(l texts.Language) texts.Printer {
	return texts.Printer{Dictionary: f.cfg.Texts, Language: l}
}

// PasswordPrompt returns the prompt for a password.
func (f *FrontEnd) PasswordPrompt(l texts.Language) string {
	if f.cfg.Prompts.Password != "" {
		return f.cfg.Prompts.Password
	}
	return f.Texts(l).Text(texts.PromptPassword)
}

// Admitted serves a user who has logged in by another protocol: Session.Settle has returned NoFailure and Admit, with
// this notice. command is run in place of the command line, unless AAA says what the user gets; "" for none. failed:
// the command was refused, or has shown an error.
func (f *FrontEnd) Admitted(s *session.Session, res aaa.Result, notice texts.Message, command string) (
	e session.Ending, failed bool) {
	d := f.dialogue(s)
	d.command, d.term.EndKey = command, true
	if text := d.term.Texts.Message(notice); text != "" && command == "" {
		d.say(text + "\n")
	}
	e = d.admitted(res)
	return e, command != "" && d.term.Failed
}

// runOne runs the command that the client named, and ends the session.
func (x *exec) runOne(ctx context.Context) session.Ending {
	x.asks.base = ctx
	if err := x.commands().Execute(ctx, x.term, x.command); err != nil && !errors.Is(err, console.ErrExit) {
		return x.interruptedBy(ctx, err)
	}
	return session.Ending{Cause: aaa.CauseUserRequest, Reason: "the client's command ended"}
}
