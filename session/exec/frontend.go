// Package exec is the front end for EXEC sessions: the prompts for the login and the callback number, the command line
// of an admitted caller, and the connection to a host with Telnet or TCP-clear.
package exec

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
	"github.com/ringback/ringback/tty"
)

// Config is the configuration of the EXEC. The zero value is usable.
type Config struct {
	Hostname string // shown in the prompt; "" means "ringback"
	Prompts  Prompts
	Banner   string // shown once before the first login prompt; "" for none

	// IdleTimeout is the idle timeout if AAA sets none; 0 means 10 min, as IOS's exec-timeout, negative none.
	IdleTimeout time.Duration

	// Notice tells a user that the session is recorded, as its first line; nil means the text of the dictionary, ""
	// none. It is not shown if AAA connects the user to a host with TCP-Clear: that may be a program.
	Notice *string

	// Texts is the dictionary of what callers read; nil means the shipped one.
	Texts *texts.Dictionary

	Hosts Hosts // host connections

	// Client returns a client of the daemon, for the commands of a user; the audit shall know them by name. It may
	// change something if the user is privileged. nil: there is no daemon, and no such command.
	Client func(user, name string, privileged bool) *client.Client
	// Chat runs a chat script that talks to a caller on their own line (lines.Chat.Own), as start-chat does. It blocks
	// until the script has ended. nil: not available.
	Chat func(ctx context.Context, c lines.Chat) (lines.Chatted, error)
}

// Prompts are prompts that take precedence over those of the dictionary, in all languages. "" means the dictionary's.
type Prompts struct {
	Username   string // texts.PromptUsername
	Password   string // texts.PromptPassword
	Dialstring string // texts.PromptDialstring
}

func (c Config) withDefaults() Config {
	c.Hostname = cmp.Or(c.Hostname, "ringback")
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 10 * time.Minute
	}
	return c
}

// FrontEnd serves the EXEC on all calls of a configuration.
type FrontEnd struct {
	cfg     Config
	service aaa.Service
	then    Then // what an admitted user gets; nil: the EXEC
}

// New returns a FrontEnd.
func New(c Config) *FrontEnd { return &FrontEnd{cfg: c.withDefaults(), service: aaa.EXEC} }

// Service implements session.FrontEnd.
func (f *FrontEnd) Service() aaa.Service { return f.service }

// dialogue returns the dialogue with the caller of a session.
func (f *FrontEnd) dialogue(s *session.Session) *dialogue {
	d := &dialogue{Session: s, cfg: f.cfg, then: f.then, term: console.NewTerminal(s.Line())}
	d.term.Texts = texts.Printer{Dictionary: f.cfg.Texts, Readable: d.term.Shows}
	d.address()
	return d
}

// Serve implements session.FrontEnd: it sends the banner, logs the user in and continues as the Broker decides.
func (f *FrontEnd) Serve(ctx context.Context, s *session.Session) session.Ending {
	d := f.dialogue(s)
	if _, network := tty.IsVTY(s.Call().TTY); !network { // there all octets have eight bits
		d.term.Parity = console.UnknownParity
	}
	d.term.OnParity = func(p console.Parity) { s.Debugf("terminal: 7 bits, %v", p) }
	first := "\n"
	if banner := console.CleanText(f.cfg.Banner); banner != "" {
		first += banner + "\n\n"
	}
	grant, ok := s.Unverified()
	if !ok {
		_ = d.term.Later(first) // with the prompt
		return d.logins(ctx)
	}
	d.say(first)
	if e, over := d.settle(ctx, grant); over {
		return e
	}
	return session.Ending{Cause: aaa.CauseNASRequest, Reason: "refused: " + s.LastFailure()}
}

// dialogue is the EXEC on one call. It belongs to the call's goroutine.
type dialogue struct {
	*session.Session
	cfg    Config
	term   *console.Terminal
	blanks int // empty answers at prompts

	then    Then   // what an admitted user gets; nil: the EXEC
	command string // run in place of the command line; "" for none
}

// say writes to the caller. It ignores errors: the next read returns an error if the caller has gone.
func (s *dialogue) say(text string) { _, _ = s.term.Write([]byte(text)) }

// address speaks to the caller as the session says from now on.
func (s *dialogue) address() {
	l := s.Locale()
	s.term.Charset, s.term.Texts.Language = l.Charset, l.Language
}

// text returns a text in the caller's language.
func (s *dialogue) text(k texts.Key, args ...any) string {
	if s.term == nil { // an autocmd that is checked: nobody reads it
		return k.English(args...)
	}
	return s.term.Texts.Text(k, args...)
}

// tell writes a text, and the empty row that IOS has before the next prompt.
func (s *dialogue) tell(k texts.Key) { s.say(s.text(k) + "\n\n") }

// promptFor returns the operator's own prompt, or else that of the dictionary.
func (s *dialogue) promptFor(own string, k texts.Key) string {
	if own != "" {
		return own
	}
	return s.text(k)
}

// notice returns what tells the user that the session is recorded; "" for none.
func (s *dialogue) notice() string {
	if s.cfg.Notice != nil {
		return console.CleanText(*s.cfg.Notice)
	}
	return s.text(texts.RecordingNotice)
}

// lastWordsTime limits the write of the last text when the session is ended from outside: the caller may have stopped
// the output.
const lastWordsTime = 2 * time.Second

// interruptedBy returns the Ending for an error of the terminal, and tells the caller why, if still connected.
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
		s.say("\n" + s.complaint(texts.EndIdle) + "\n")
		return session.Ending{Cause: aaa.CauseIdleTimeout, Reason: err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded): // output is blocked: another write would block again
		return session.Ending{Cause: aaa.CauseIdleTimeout, Reason: err.Error()}
	}
	e := session.Interrupted(ctx, err)
	if text := s.lastWords(e, err); text != "" {
		s.say("\n" + text + "\n")
	}
	return e
}

// lastWords returns the text for the caller for an ending caused by err.
func (s *dialogue) lastWords(e session.Ending, err error) string {
	var end session.End
	switch {
	case e.Cause == aaa.CauseLostCarrier:
		return ""
	case errors.As(err, &end):
		return console.Clean(s.text(end.Text))
	case errors.Is(err, session.ErrLoginTimeout):
		return s.complaint(texts.EndLogin)
	case errors.Is(err, session.ErrSessionTimeout):
		return s.complaint(texts.EndSession)
	}
	return s.complaint(texts.EndCleared)
}
