package exec

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
)

// Number of calls that `show call history` prints without a number, and at most.
const (
	historyCalls    = 20
	maxHistoryCalls = 500
)

// callNodes are the words after `show call`. The history tells when other users call, and reads the journal: it is for
// privileged users: below level 15 there is no such word.
func (s show) callNodes() []console.Node {
	nodes := []console.Node{{Word: "active", Help: "Calls that are up", Run: s.activeCalls}}
	if !s.whole {
		return nodes
	}
	return append(nodes, console.Node{Word: "history", Help: "Calls that have ended", Run: s.callHistory,
		Next: []console.Node{{Word: "last", Help: "Number of calls", Next: []console.Node{
			{Word: "number", Kind: console.Number, Min: 1, Max: maxHistoryCalls, Help: "The newest calls",
				Run: s.callHistory}}}}})
}

func (s show) activeCalls(_ context.Context, _ console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	return s.calls(s.from.Calls(), w)
}

func (s show) callHistory(ctx context.Context, args console.Args, w io.Writer) error {
	if s.from == nil {
		return errNothingToShow
	}
	n, typed := args.Int("number")
	if !typed {
		n = historyCalls
	}
	all, err := s.from.EndedCalls(ctx, n)
	if err != nil {
		return err
	}
	return s.calls(all, w)
}

func (s show) calls(all []session.CallLine, w io.Writer) error {
	t := console.Table{
		Heads: []string{"Tty", "Dir", "User", "Number", "Service", "Start", "Time"},
		Right: []bool{true, false, false, false, false, false, true},
	}
	for _, c := range all {
		dir, end := "in", c.End
		if c.Outgoing {
			dir = "out"
		}
		if end.IsZero() {
			end = s.now()
		}
		t.Row(c.TTY, dir, cmp.Or(c.User, "-"), cmp.Or(s.number(c.Number), "-"), cmp.Or(c.Service, "-"),
			c.Start.Local().Format("Jan _2 15:04:05"), lasted(end.Sub(c.Start)))
		t.Note(callNote(c))
	}
	_, err := t.WriteTo(w)
	return err
}

// callNote has what does not fit into the columns of a terminal.
func callNote(c session.CallLine) string {
	text := fmt.Sprintf("%d octets in, %d out", c.OctetsIn, c.OctetsOut)
	if c.Speed > 0 {
		text = fmt.Sprintf("%d bit/s, %s", c.Speed, text)
	}
	if c.Callback != "" {
		text += ", callback " + c.Callback
	}
	if c.Cause != "" {
		text += ": " + c.Cause
	}
	return text
}
