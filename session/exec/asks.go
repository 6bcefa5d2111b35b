package exec

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/commands"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// asks is how a user's commands ask the daemon.
type asks struct {
	base    context.Context         // of the session
	clients map[bool]*client.Client // by whether the user was privileged
	monitor *commands.Monitor       // nil: the user was not privileged yet
}

// name identifies the user in the audit.
func (x *exec) name() string {
	return fmt.Sprintf("%s on tty %d", x.res.Identity.User, x.Request("", "").TTY)
}

// user is the user of the commands, at the current privilege level.
func (x *exec) user() commands.User {
	u := commands.User{Level: x.level}
	if x.asks.base == nil { // an autocmd that is checked, or runs: it has no terminal to set
		if x.Session == nil {
			return u
		}
	} else {
		u.Terminal = x.term
	}
	u.TTY = x.Request("", "").TTY
	if x.cfg.Chat != nil {
		u.ChatHere = x.chatHere
	}
	if u.Client = x.client(); u.Client == nil || u.Terminal == nil || x.level < privileged {
		return u
	}
	if x.asks.monitor == nil {
		x.asks.monitor = commands.NewMonitor(x.asks.base, u.Client, false, x.term.Notify)
	}
	u.Monitor = x.asks.monitor
	return u
}

// client returns the client of the current privilege level; nil: there is no daemon.
func (x *exec) client() *client.Client {
	if x.cfg.Client == nil {
		return nil
	}
	whole := x.level >= privileged
	if x.asks.clients[whole] == nil {
		if x.asks.clients == nil {
			x.asks.clients = map[bool]*client.Client{}
		}
		x.asks.clients[whole] = x.cfg.Client(x.res.Identity.User, x.name(), whole)
	}
	return x.asks.clients[whole]
}

// close ends what the commands have begun.
func (x *exec) close() {
	x.undebug()
	for _, c := range x.asks.clients {
		c.CloseIdle()
	}
}

// undebug ends the debug output, which is for privileged users.
func (x *exec) undebug() {
	if x.asks.monitor != nil {
		x.asks.monitor.Close()
	}
}

// ownLine is the caller's side of the call, as a script sees it.
type ownLine struct {
	console.Stream
	*session.Line
}

func (o ownLine) Read(p []byte) (int, error)  { return o.Stream.Read(p) }
func (o ownLine) Write(p []byte) (int, error) { return o.Stream.Write(p) }

// chatHere runs a script on the caller's own line: it talks to the caller.
func (x *exec) chatHere(ctx context.Context, regexp string, w io.Writer) error {
	raw, release := x.term.Raw(ctx)
	out, err := x.cfg.Chat(ctx, lines.Chat{Pattern: regexp, TTY: x.Request("", "").TTY, By: x.name(),
		User: x.res.Identity.User, Own: ownLine{raw, x.Line()}})
	release()
	switch {
	case err != nil && ctx.Err() != nil:
		return console.Fatal{Err: context.Cause(ctx)}
	case err != nil:
		return err
	}
	_, err = io.WriteString(w, x.text(texts.EXECChat, out.Script)+"\n")
	return err
}
