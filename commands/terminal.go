package commands

import (
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/texts"
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
		{Word: "length", Help: texts.HelpPageRows, Next: []console.Node{
			{Word: "rows", Kind: console.Number, Max: maxLength, Help: texts.HelpRows, Run: length}}},
		{Word: "no", Help: texts.HelpNoSetting, Next: append([]console.Node{
			{Word: "length", Help: texts.HelpNoPages, Run: all}}, u.monitorNodes(false)...)},
	}
	return console.Node{Word: "terminal", Help: texts.HelpTerminal,
		Next: sorted(append(nodes, u.monitorNodes(true)...))}
}

// monitorNodes are `terminal monitor` and `terminal no monitor`.
func (u User) monitorNodes(on bool) []console.Node {
	if u.Monitor == nil || u.Level < Privileged {
		return nil
	}
	return []console.Node{{Word: "monitor", Help: texts.HelpMonitor,
		Run: func(context.Context, console.Args, io.Writer) error {
			u.Monitor.Show(on)
			return nil
		}}}
}
