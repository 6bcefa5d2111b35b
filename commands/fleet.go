package commands

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
	"github.com/ringback/ringback/texts"
)

// maxDrain is the longest time of a drain, in minutes: 31 days, as in the API.
const maxDrain = 31 * 24 * 60

// fleetShown is `show nodes`.
func (u User) fleetShown() console.Node {
	return console.Node{Word: "nodes", Help: texts.HelpNodes,
		Run: u.asking(func(ctx context.Context, _ console.Args, w io.Writer) error {
			v, err := u.Client.Nodes(ctx)
			if err != nil {
				return err
			}
			state, err := u.Client.Fleet(ctx)
			if err == nil {
				tables.Nodes(w, state, v, false, u.here())
			}
			return err
		})}
}

// stale prints above a table that only what this node knows is shown. Why is for operators.
func (u User) stale(ctx context.Context, w io.Writer) error {
	v, err := u.Client.Fleet(ctx)
	if err != nil {
		return err
	}
	if u.Level < Privileged {
		v.Reason = ""
	}
	tables.Stale(w, v, u.here())
	return nil
}

// drainNodes are `drain` and `undrain`, of the daemon that is asked or of a node of its fleet.
func (u User) drainNodes() []console.Node {
	drain, undrain := u.asking(u.drain), u.asking(u.undrain)
	length := console.Node{Word: "for", Help: texts.HelpDrainFor, Next: []console.Node{
		{Word: "minutes", Kind: console.Number, Min: 1, Max: maxDrain, Help: texts.HelpDrainMinutes, Run: drain}}}
	return []console.Node{
		{Word: "drain", Help: texts.HelpDrain, Run: drain, Next: []console.Node{length,
			{Word: "node", Kind: console.Word, Help: texts.HelpNodeName, Run: drain, Next: []console.Node{length}}}},
		{Word: "undrain", Help: texts.HelpUndrain, Run: undrain, Next: []console.Node{
			{Word: "node", Kind: console.Word, Help: texts.HelpNodeName, Run: undrain}}},
	}
}

func (u User) drain(ctx context.Context, args console.Args, w io.Writer) error {
	minutes, _ := args.Int("minutes")
	length := time.Duration(minutes) * time.Minute
	if node, given := args["node"]; given {
		r, err := u.Client.DrainNode(ctx, node, "", length)
		return nodeResult(w, r, err)
	}
	v, err := u.Client.Drain(ctx, "", length)
	if err == nil {
		tables.Drain(w, v, u.here())
	}
	return err
}

func (u User) undrain(ctx context.Context, args console.Args, w io.Writer) error {
	if node, given := args["node"]; given {
		r, err := u.Client.UndrainNode(ctx, node)
		return nodeResult(w, r, err)
	}
	err := u.Client.Undrain(ctx)
	if err == nil {
		_, err = fmt.Fprintln(w, "The lines take calls again")
	}
	return err
}

// nodeResult prints what became of an order at a node.
func nodeResult(w io.Writer, r client.NodeResult, err error) error {
	if err == nil {
		_, err = fmt.Fprintf(w, "Node %s: %s\n", r.Node, console.Clean(tables.ResultText(r)))
	}
	return err
}
