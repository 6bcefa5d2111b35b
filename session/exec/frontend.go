// Package exec is the EXEC as a front end of sessions: the prompts of the login and of the number to be called back at,
// the command line of an admitted caller, and the connection to a host by Telnet or TCP-clear in place of it.
package exec

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
)

// Config is how the EXEC looks and what it offers. The zero value works.
type Config struct {
	Hostname string // shown in the prompt; "" is "ringback"
	Prompts  Prompts
	Banner   string // shown once before the first login prompt; "" none

	// IdleTimeout is the longest silence of the caller where AAA gave none; 0 is 10 min, as IOS's exec-timeout,
	// negative none.
	IdleTimeout time.Duration

	Hosts Hosts // to which hosts sessions may be joined, and how
}

// Prompts are the texts at which the caller types. "" stands for the default.
type Prompts struct {
	Username   string // "Username: "
	Password   string // "Password: "
	Dialstring string // "Callback Dialstring: "
}

func (c Config) withDefaults() Config {
	text := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	text(&c.Hostname, "ringback")
	text(&c.Prompts.Username, "Username: ")
	text(&c.Prompts.Password, "Password: ")
	text(&c.Prompts.Dialstring, "Callback Dialstring: ")
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 10 * time.Minute
	}
	return c
}

// FrontEnd is the EXEC of all calls of a configuration.
type FrontEnd struct{ cfg Config }

// New returns the front end.
func New(c Config) *FrontEnd { return &FrontEnd{c.withDefaults()} }

// Service implements session.FrontEnd.
func (f *FrontEnd) Service() aaa.Service { return aaa.EXEC }

// Serve implements session.FrontEnd: it greets the caller, has them log in, and goes on as the Broker decides.
func (f *FrontEnd) Serve(ctx context.Context, s *session.Session) session.Ending {
	d := &dialogue{Session: s, cfg: f.cfg, term: console.NewTerminal(s.Line())}
	d.term.Parity = console.UnknownParity
	d.term.OnParity = func(p console.Parity) { s.Debugf("terminal: 7 bits, %v", p) }
	d.say("\n")
	if banner := console.CleanText(f.cfg.Banner); banner != "" {
		d.say(banner + "\n\n")
	}
	grant, ok := s.Unverified()
	if !ok {
		return d.logins(ctx)
	}
	if e, over := d.settle(ctx, grant); over {
		return e
	}
	return session.Ending{Cause: aaa.CauseNASRequest, Reason: "refused: " + s.LastFailure()}
}

// dialogue is the EXEC with one caller. The call's goroutine owns it.
type dialogue struct {
	*session.Session
	cfg    Config
	term   *console.Terminal
	blanks int // prompts left empty
}

// say writes to the caller. An error is left to the next read: a caller who is gone is noticed there.
func (s *dialogue) say(text string) { _, _ = s.term.Write([]byte(text)) }

// lastWordsTime is how long the last words may take to be handed over where the session is ended from outside: the
// caller may be taking nothing.
const lastWordsTime = 2 * time.Second

// interruptedBy makes an ending of an error of the terminal, and tells the caller why where they may still hear it.
func (s *dialogue) interruptedBy(ctx context.Context, err error) session.Ending {
	if errors.Is(err, session.ErrTaken) {
		return session.Ending{}
	}
	s.term.WriteTimeout = lastWordsTime
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	switch {
	case errors.Is(err, console.ErrIdle):
		s.say("\n% Idle timeout\n")
		return session.Ending{Cause: aaa.CauseIdleTimeout, Reason: err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded): // they take nothing: telling them why would only block again
		return session.Ending{Cause: aaa.CauseIdleTimeout, Reason: err.Error()}
	}
	e := session.Interrupted(ctx, err)
	if text := lastWords(e, err); text != "" {
		s.say("\n" + text + "\n")
	}
	return e
}

// lastWords are what a caller reads of an ending that err brought.
func lastWords(e session.Ending, err error) string {
	var end session.End
	switch {
	case e.Cause == aaa.CauseLostCarrier:
		return ""
	case errors.As(err, &end):
		return console.Clean(end.Text)
	case errors.Is(err, session.ErrLoginTimeout):
		return "% Login timed out"
	case errors.Is(err, session.ErrSessionTimeout):
		return "% Session timeout"
	}
	return "% Line cleared"
}
