package commands

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
)

// maxLength is the longest page of a terminal, as in IOS.
const maxLength = 512

// minLength is the shortest page: one of one or two rows would show nothing besides --More--.
const minLength = 3

// terminalNode changes the user's own terminal.
func (u User) terminalNode() console.Node {
	length := func(_ context.Context, args console.Args, _ io.Writer) error {
		rows, _ := args.Int("rows")
		if rows > 0 && rows < minLength {
			return fmt.Errorf("a page has at least %d rows; terminal length 0: no pages", minLength)
		}
		u.Terminal.Length = rows
		return nil
	}
	all := func(_ context.Context, _ console.Args, _ io.Writer) error {
		u.Terminal.Length = 0
		return nil
	}
	nodes := []console.Node{
		{Word: "length", Help: "Rows of a page", Next: []console.Node{
			{Word: "rows", Kind: console.Number, Max: maxLength, Help: "Rows; 0: no pages", Run: length}}},
		{Word: "no", Help: "Negate a setting", Next: append([]console.Node{
			{Word: "length", Help: "No pages", Run: all}}, u.monitorNodes(false)...)},
	}
	return console.Node{Word: "terminal", Help: "Set the properties of this terminal",
		Next: sorted(append(nodes, u.monitorNodes(true)...))}
}

// monitorNodes are `terminal monitor` and `terminal no monitor`.
func (u User) monitorNodes(on bool) []console.Node {
	if u.Monitor == nil || u.Level < Privileged {
		return nil
	}
	return []console.Node{{Word: "monitor", Help: "Show the debug output here",
		Run: func(context.Context, console.Args, io.Writer) error {
			u.Monitor.Show(on)
			return nil
		}}}
}
