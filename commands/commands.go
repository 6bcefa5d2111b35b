// Package commands has the commands of IOS's EXEC about a running daemon: show, clear, debug, and the orders of
// operators. `ringback console` and the EXEC of callers have the same ones. They ask the admin API, which decides what
// the user may do, and print package tables.
package commands

import (
	"context"
	"errors"
	"io"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
	"github.com/ringback/ringback/texts"
	ttys "github.com/ringback/ringback/tty"
)

// Privileged is the privilege level of operators: below it, numbers are masked, and nothing can be changed.
const Privileged = 15

// maxTTY is the highest line number that commands accept.
const maxTTY = ttys.Max

// User is who types the commands.
type User struct {
	// Client asks the daemon in the user's name; nil: there is no daemon to ask, and most commands are an error.
	Client *client.Client
	Level  int // privilege level, 0 to 15
	// Monitor shows debug output on the user's terminal; nil: it cannot be shown there.
	Monitor *Monitor
	// Terminal is the terminal of the user; nil: its settings cannot be changed.
	Terminal *console.Terminal
	// ChatHere runs a chat script on the user's own line, TTY: it talks to the user. nil: the user has none.
	ChatHere func(ctx context.Context, regexp string, w io.Writer) error
	TTY      int
	Here     func() tables.Place // nil: tables.Here
}

// Nodes returns the commands of the user's level, sorted.
func (u User) Nodes() []console.Node {
	nodes := []console.Node{u.showNode()}
	if u.Terminal != nil {
		nodes = append(nodes, u.terminalNode())
		if u.Level >= Privileged {
			nodes = append(nodes, u.callNode())
		}
	}
	if u.Level >= Privileged {
		nodes = append(nodes, u.orderNodes()...)
		nodes = append(nodes, u.debugNodes()...)
	}
	return sorted(nodes)
}

func (u User) here() tables.Place {
	if u.Here == nil {
		return tables.Here()
	}
	return u.Here()
}

var errNoDaemon = errors.New("not available here")

// run is a command.
type run = func(ctx context.Context, args console.Args, w io.Writer) error

// asking returns a command that asks the daemon, unless there is none.
func (u User) asking(f run) run {
	if u.Client == nil {
		return func(context.Context, console.Args, io.Writer) error { return errNoDaemon }
	}
	return f
}

// printing returns a command that prints what the daemon answers.
func printing[T any](u User, ask func(ctx context.Context) (T, error), print func(w io.Writer, v T)) run {
	return u.asking(func(ctx context.Context, _ console.Args, w io.Writer) error {
		v, err := ask(ctx)
		if err == nil {
			print(w, v)
		}
		return err
	})
}

// tty is the argument of a line's number.
func tty(help texts.Key, run run, next ...console.Node) console.Node {
	return console.Node{Word: "tty", Kind: console.Number, Max: maxTTY, Help: help, Run: run, Next: next}
}

// rest is an argument that ends the line, such as a reason.
func rest(name string, help texts.Key, run run) console.Node {
	return console.Node{Word: name, Kind: console.Rest, Help: help, Run: run}
}
