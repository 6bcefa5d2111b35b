package commands

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
	"github.com/ringback/ringback/texts"
)

// Number of calls, and of callbacks, that the history prints without a number, and at most.
const (
	history    = 20
	maxHistory = 500
)

// last is `last N` after a command of the history.
func last(run run) console.Node {
	return console.Node{Word: "last", Help: texts.HelpLast, Next: []console.Node{
		{Word: "count", Kind: console.Number, Min: 1, Max: maxHistory, Help: texts.HelpCount, Run: run}}}
}

func count(args console.Args) int {
	if n, typed := args.Int("count"); typed {
		return n
	}
	return history
}

// callNodes are `show call`. The history tells when other users call, and reads the journal: it is for operators.
func (u User) callNodes() []console.Node {
	active := u.asking(func(ctx context.Context, _ console.Args, w io.Writer) error {
		v, err := u.Client.ActiveCalls(ctx, client.CallQuery{})
		if err == nil {
			tables.Calls(w, u.maskedCalls(v), false, u.here())
		}
		return err
	})
	nodes := []console.Node{{Word: "active", Help: texts.HelpCallsActive, Run: active}}
	if u.Level >= Privileged {
		ended := u.callHistory()
		nodes = append(nodes, console.Node{Word: "history", Help: texts.HelpCallsHistory, Run: ended,
			Next: []console.Node{last(ended)}})
	}
	return []console.Node{{Word: "call", Help: texts.HelpCalls, Next: nodes}}
}

func (u User) callHistory() run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		v, left, err := u.Client.CallHistory(ctx, client.CallQuery{Last: count(args)})
		if err == nil {
			tables.Calls(w, v, false, u.here())
			tables.CallsLeftOut(w, left)
		}
		return err
	})
}

func (u User) maskedCalls(v []client.Call) []client.Call {
	for i := range v {
		v[i].Caller, v[i].Called, v[i].Connect = u.number(v[i].Caller), u.number(v[i].Called), u.connect(v[i].Connect)
	}
	return v
}

// callbackNodes follow `show callback`.
func (u User) callbackNodes() []console.Node {
	if u.Level < Privileged {
		return nil
	}
	all := u.callbacks(true)
	return []console.Node{
		{Word: "all", Help: texts.HelpAllCallbacks, Run: all, Next: []console.Node{last(all)}},
		{Word: "id", Kind: console.Word, Help: texts.HelpCallbackID, Run: u.callback(false),
			Next: []console.Node{{Word: "trace", Help: texts.HelpCallbackTrace, Run: u.callback(true)}}},
	}
}

// historyNode is `show history`, of all nodes of a fleet or of one: `show callback all` by another name.
func (u User) historyNode() console.Node {
	all := u.callbacks(true)
	return console.Node{Word: "history", Help: texts.HelpAllCallbacks, Run: all, Next: []console.Node{last(all),
		{Word: "node", Help: texts.HelpNodeName, Next: []console.Node{
			{Word: "node", Kind: console.Word, Help: texts.HelpNodeName, Run: all, Next: []console.Node{last(all)}}}}}}
}

func (u User) callbacks(all bool) run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		q := client.CallbackQuery{All: all, Node: args["node"]}
		if all {
			q.Limit = count(args)
		}
		v, older, err := u.Client.FindCallbacks(ctx, q)
		if err != nil {
			return err
		}
		for i := range v {
			v[i].Number, v[i].Caller = u.number(v[i].Number), u.number(v[i].Caller)
			for j := range v[i].Numbers {
				v[i].Numbers[j] = u.number(v[i].Numbers[j])
			}
		}
		if err := u.stale(ctx, w); err != nil {
			return err
		}
		tables.Callbacks(w, v, false, u.here())
		if older != 0 {
			fmt.Fprintln(w, tables.Older(older))
		}
		return nil
	})
}

func (u User) callback(trace bool) run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		v, err := u.Client.Callback(ctx, args["id"])
		if err == nil {
			tables.Callback(w, v, trace, u.here())
		}
		return err
	})
}

// rotaryNodes are `show rotary` and `show queue`.
func (u User) rotaryNodes() []console.Node {
	one := u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		all, err := u.Client.Rotaries(ctx)
		if err != nil {
			return err
		}
		n, _ := args.Int("rotary")
		i := slices.IndexFunc(all, func(r client.Rotary) bool { return r.Rotary == n })
		if i < 0 {
			return fmt.Errorf("no line is in rotary %d", n)
		}
		tables.Rotary(w, all[i])
		return nil
	})
	return []console.Node{
		{Word: "rotary", Help: texts.HelpRotaries, Run: printing(u, u.Client.Rotaries, tables.Rotaries),
			Next: []console.Node{{Word: "rotary", Kind: console.Number, Max: 100, Help: texts.HelpRotary, Run: one}}},
		{Word: "queue", Help: texts.HelpQueue, Run: printing(u, u.Client.Queue,
			func(w io.Writer, v []client.Queued) {
				for i := range v {
					v[i].Number = u.number(v[i].Number)
				}
				tables.Queue(w, v, u.here())
			})},
	}
}

// pppNodes are `show ppp`. Addresses, and the packets of others, are for operators.
func (u User) pppNodes() []console.Node {
	nodes := []console.Node{{Word: "pools", Help: texts.HelpPools, Run: printing(u, u.Client.PPPPools,
		func(w io.Writer, v client.PPPPools) {
			if u.Level < Privileged {
				v.Outside = nil
				for i := range v.Pools {
					v.Pools[i].Holders = nil
				}
			}
			tables.Pools(w, v, u.here())
		})}}
	if u.Level >= Privileged {
		nodes = append(nodes, tty(texts.HelpLineNumber, u.pppSession()))
	}
	sessions := printing(u, u.Client.PPPSessions, func(w io.Writer, v []client.PPPSession) {
		for i := range v {
			if u.Level < Privileged {
				v[i].Address = ""
			}
		}
		tables.PPP(w, v, false, u.here())
	})
	return []console.Node{{Word: "ppp", Help: texts.HelpPPPSessions, Run: sessions, Next: nodes}}
}

func (u User) pppSession() run {
	return u.asking(func(ctx context.Context, args console.Args, w io.Writer) error {
		all, err := u.Client.PPPSessions(ctx)
		if err != nil {
			return err
		}
		n, _ := args.Int("tty")
		i := slices.IndexFunc(all, func(s client.PPPSession) bool { return s.TTY == n })
		if i < 0 {
			return fmt.Errorf("no session of PPP on line %d", n)
		}
		tables.PPPSession(w, all[i], u.here())
		return nil
	})
}
